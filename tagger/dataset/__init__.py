"""Datasets: posts and pictures become what a training reads.

    tags        what the sources' tag names mean, and which tags each source can label
    filters     which posts are left out, and why
    pictures    which pictures are there, and their size
    rows        the tables between posts and index, in DuckDB
    vocabulary  which tags become labels
    splits      train, calibration and validation, without a leak between them
    ragged      a list of numbers for each row, flat
    index       DATASET, schema 1: written and read back
    assemble    the index's last columns
    whole       a folder that appears whole or not at all
    build       the one road from dumps to a DATASET

Pictures stay where they are: an index has their paths.
"""
