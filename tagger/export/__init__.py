"""Export: a trained network becomes a folder that Tagger and WD-compatible tools load.

rows        the labels of a universal folder, in the order of its outputs
graph       torch -> ONNX under the WD contract
check       that a graph says what its network says
card        the model card
folders     the universal folder, whole or not at all
"""
