"""Boorus: what a site or a dump says of its posts, read into one posts table.

    posts       the documented table that every reader fills
    danbooru    dumps of the Danbooru2021 layout

Readers stream through DuckDB and drop nothing: a post without an id, deleted or broken is a row
too, and the dataset decides. Pictures are not looked at here.
"""
