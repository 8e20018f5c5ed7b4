"""Boorus: what a site or a dump says of its posts, read into one posts table.

    posts        the documented tables that every reader fills
    ratings      what the letter s means, by scheme and date
    fields       a booru's fields as the columns of the posts table
    files        the files of a source, known by looking in
    remote       sources at an address, brought here through fsspec
    staging      such files as a table that DuckDB reads; what can't be read, named
    nothings     which of their records are no posts
    labellists   categories, aliases and implications
    jsonposts    posts as JSON: dumps and pages
    tables       posts as CSV or parquet: e621's exports and others
    databases    posts in SQLite: DeepDanbooru's, danbooru2023's
    characters   a class to each picture: DAF:re, moeImouto, cartoonFace
    captioned    pictures with captions beside them
    sizes        how many posts the files hold, guessed
    formats      which of them a source is
    remotefiles  what lies at an address
    stores       what fsspec reads, and what goes wrong there
    sites        the sites' addresses and rules
    polite       one request at a time, no faster than agreed
    fetch        posts of a site, into SQLite
    download     the pictures of posts

Readers stream through DuckDB and drop nothing: a post without an id, deleted or broken is a row
too, and the dataset decides. Pictures are not looked at here.
"""
