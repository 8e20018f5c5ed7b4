"""Evaluation: how good a tagger's scores are, how sure that is, and where to cut them.

    predictions   scores beside the truth, and where the truth is known
    confusion     right and wrong answers at thresholds, counted
    metrics       rates, average precision, top-1
    histograms    how scores lie, for streams of any length
    intervals     how far a figure would move with other pictures
    calibration   thresholds fitted on one split and judged on another

Pure numpy on arrays so far; below that it knows models, files and servers, and no training.

    truth         what is true of pictures, out of a DATASET or posts
    answers       what one contestant said, kept
    grid          figures as a table of text
    alignment     everybody's tags under the same names
    showdown      the showdown's score
    distance      the score by the distance of tags
    contestants   models, captions, files of scores, servers, the control
    evaluation    `tagger evaluate`
    comparison    `tagger compare`
    difference    `tagger diff`
"""
