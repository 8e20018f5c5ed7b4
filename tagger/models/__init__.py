"""Models as values and as files: what is known of them, where they lie, how they arrive.

Read downward:
    labelfiles  a label file of any known kind -> LabelSet
    hashes      SHA-256 of files, remembered
    contract    how a weights file is fed and read, held against tensor shapes
    spec        File, ModelSpec, Model
    manifest    `tagger.json`, the description that lies in a model's folder
    catalog     the published models, one line each
    files       a model's files found on disk, whole or not at all
    download    a model's files from the Hugging Face hub, whole or not at all
    registry    a name or a path -> Model
Nothing here opens a network: that is `backends`.
"""
