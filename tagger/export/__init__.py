"""Export: a trained network becomes a folder that Tagger and WD-compatible tools load.

rows        the labels of a universal folder, in the order of its outputs
graph       torch -> ONNX under the WD contract
check       that a graph says what its network says
card        the model card
folders     the universal folder, whole or not at all

And, of a finished model, without torch:

source      what is exported: a model, the one way to run it that is made over, its labels
baking      thresholds baked into scores
edit        an ONNX graph fed and read in another way
layouts     the folders of other tools
imgutils    the files of imgutils' own
readme      the README of such a folder
compare     that a folder says what its source says
trace       (with torch) the graph of a model that has safetensors alone

jsonfile    a JSON file as people read it
"""
