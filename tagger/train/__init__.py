"""Training: `python -m tagger.train DATASET --out RUN`, from scratch to a universal model folder.

config      every setting of a training
data        the pictures, fitted and pooled once, kept as a memory-mapped file
targets     the network's labels in order; what is true and known of a picture
augment     what is done to a batch of pictures
model       the network, its head's first bias, its moving average
losses      the loss
checkpoint  a training's whole state in one file
progress    progress.jsonl, metrics.csv, the line on the terminal
loop        the training itself
report      figures and thresholds of a trained network
"""
