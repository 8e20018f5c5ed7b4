"""Datasets: posts and pictures become what a training reads.

tags        what the sources' tag names mean, and which tags each source can label
filters     which posts are left out, and why
pictures    which pictures are there, and their size
vocabulary  which tags become labels
splits      train, calibration and validation, without a leak between them
index       DATASET, schema 1: written whole, read back
build       the one road from dumps to a DATASET
"""
