"""Datasets: posts and pictures become what a training reads.

    tags        what the sources' tag names mean, and which tags each source can label
    filters     which posts are left out, and why
    places      where the pictures of posts lie
    pictures    which of them can be read, and their size
    groups      which posts belong together
    rows        the tables between posts and index, in DuckDB
    pseudo      what a post says beside its tags, as tags
    ragged      a list of numbers for each row, flat
    tagging     which canonical tags each row has
    vocabulary  which tags become labels
    splits      train, calibration and validation, without a leak between them
    content     the content hash
    index       DATASET, schema 1: written and read back
    assemble    the index's last columns
    buildoptions  what is asked for
    estimate    what a build will need, before it begins
    before      what earlier builds did of it already
    reading     posts as they were read, kept for the next build
    account     what dataset.json records of a build
    whole       a folder that appears whole or not at all
    doubts      where tags contradict their relations, or what their company tells
    clusters    labels that keep the same company
    overview    what can be known of a DATASET before training
    overviewcharts  the same as charts
    album       the pictures that a page shows
    reportoptions  what is asked of the page
    overviewpage  the overview as a page
    offsets     where each picture lies in shards
    shards      a DATASET as WebDataset tars, written and read
    build       the one road from metadata to a DATASET

Pictures stay where they are: an index has their paths.
"""
