"""Training: `python -m tagger.train DATASET --out RUN`, to a universal model folder.

config      every setting of a training
arguments   its command line, recipes and YAML

data        pictures as the network sees them, prepared once or decoded each time
targets     the network's labels in order; what is true and known of a picture
flips       which tags change places in a mirror
sampling    the order of an epoch
loader      batches made ready while others are learned
material    all of that for one training

augment     what is done to a batch of pictures
mixup       two pictures in one
model       the network, its head's first bias
losses      the loss
whole       network and loss as one module
average     the moving average of the weights
optim       the optimizer
schedule    the learning rate
devices     processor, card, or several of them
learner     what changes while it runs, and one step
checkpoint  a training's whole state in one file

judge       what an epoch's network is worth
samples     a sheet of pictures with their tags
progress    progress.jsonl, metrics.csv, the line on the terminal
tracking    TensorBoard, wandb, trackio
stopping    SIGTERM and Ctrl-C
underway    a training under way
epoch       one epoch
loop        the training itself
report      figures and thresholds of a trained network
halving     what float16 weights change
"""
