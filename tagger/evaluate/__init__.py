"""Evaluation: how good a tagger's scores are, how sure that is, and where to cut them.

    predictions   scores beside the truth, and where the truth is known
    confusion     right and wrong answers at thresholds, counted
    metrics       rates, average precision, top-1
    intervals     how far a figure would move with other pictures
    calibration   thresholds fitted on one split and judged on another

Pure numpy on arrays; knows no model, no file and no training.
"""
