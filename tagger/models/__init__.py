"""Models as values and as files: what is known of them, where they lie, how they arrive.

Read downward:
    labelcategories, labeltables, labeljson, labeltext, labelweights
                one kind of label file each
    labelfiles  a label file of any known kind -> LabelSet
    boundary    a path inside a model's folder, and no other
    hashes      SHA-256 of files, remembered
    contract    how a weights file is fed and read, held against tensor shapes
    calibrations, stages
                thresholds and preprocessing that come as files beside the weights
    spec        File, ModelSpec, Model
    schema      the keys of `tagger.json`
    manifest    `tagger.json`, the description that lies in a model's folder
    catalog     the published models, one line each
    table       the catalogue as words
    default     the name of the model that is taken where none is named
    hub         Hugging Face's variables and cache
    places      folders of models besides our own: a WebUI's, TAGGER_MODELS
    onnxheader  inputs and outputs of an ONNX file, without a library
    tensorsheader  the header of a safetensors file, without a library
    files       a published model's files on disk
    userspecs   a user's `models.json`
    layouts     what a folder without a `tagger.json` is
    local       a folder of somebody's model: what it is, or why it can't be used
    row         one line of the list of models
    registry    a name or a path -> Model
    relating    what is known of how its tags relate, where that is asked for
    transfer    one file from the hub: resumed, checked
    download    a model's files from the hub, whole or not at all
Only `transfer` and `download` touch a network; nothing here opens weights.
"""
