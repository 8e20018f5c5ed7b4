"""Embeddings: pictures as vectors, of which like ones lie near each other.

Read downward:
    vectors     Vectors: pictures and their vectors; parquet
    embed       pictures -> Vectors
    nearest     the pictures most like one
    clusters    a map of two axes, and groups
    page        groups and their pictures as a page
"""
