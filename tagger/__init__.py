"""Tagger: captions for anime and furry art, and the training that makes the taggers.

Read the package downward. A room imports only rooms above it; `tests/test_layers.py` holds the
table below to the code.

The words
    label       a model's output slot
    tag         a word in a caption
    vocabulary  the labels a training chose
    scores      a model's probabilities for one picture
    selection   which scores become tags
    caption     the text
    folder      pictures with captions beside them
    dataset     what a training reads: parquet index, vocabulary, splits
    booru       a site and its dumps
    recipe      one author's way to build and train, as YAML
    preset      a user's saved settings
    relations   aliases, implications, series
    ModelSpec   what is known of a model; Model: one found on this machine, not loaded;
                Tagger: loaded
    model card  the README of a model, as on Hugging Face

The map, top to bottom
    [floor] values: stdlib, numpy, Pillow
        errors          what can go wrong, in sentences
        kinds           what kind of value a setting takes
        options         a setting: default, sentence and range, written once
        groups          many settings in groups, every name flat
        bytecount       a number of bytes as people read it
        spelling        when two tags are equal; patterns over tags
        csvrows         a label file's records, each wrong field named by its row
        labels          Category, Label, LabelSet; WD's selected_tags.csv
        relations       aliases, implications, series
        counts          tag frequency, co-occurrence, PPMI
        pixels          a picture of any mode as 8-bit RGB
        resample        Pillow's resize exactly, by the fastest library present
        framing         a flat picture gets a model's shape
        patches         a picture of any shape as whole patches
        preprocess      Preprocess; fit a picture, normalise a batch
        scores          Scores: rounding, sparse form, union of models
        mcut            the threshold in the widest gap between scores
        selection       Selection, Thresholds, Tag: what is asked, and the result
        thresholds      which scores become tags
        wording         one tag's text: what it may hold, its weight, its tokens
        caption         CaptionFormat; write and parse captions
        merge           new tags added to an old caption
        settings        Settings, Folder, Runtime
        captioner       the one road from scores to tags
        dialects        interrogate requests and answers, flat and nested
    [edge] disk, network, device
        argv            settings from a command line, through tyro
        extras          the command that installs what is missing
        paths           a path as the system opens it
        home            where our own things lie
        relationfiles   relations from the sites' exports, models and our home
        images          open one picture or say why not; content hash
        store           scores kept by content, model and preprocessing
        client          the HTTP client
        models          specs, catalogue, label files, files, registry
        backends        ONNX Runtime and torch behind one protocol
    [use] no host, no page
        engine          Tagger = Model + Backend; Taggers: loaded once
        pipeline        pictures in, Scores out
        folder          walk, sidecars, plan, run
        report          results to look at: charts, pages
        embeddings      pictures as vectors: alike ones, groups
    [programs] with libraries of their own
        recipes         one author's way to build and train, read from YAML
        booru           dumps -> posts
        dataset         posts -> DATASET
        evaluate        how good a tagger is, and who is better
        export          torch -> ONNX, the universal model folder
        train           `python -m tagger.train`
        demo            the drawn booru and the bundled model
    [webui] inside a WebUI, and a server of its own
        webui           jobs, routes, the tab; every call of a host's modules
    [cli] all, by name, lazily
        cli             a module for each verb
        __main__        the `tagger` command
"""

__version__ = "0.1.0"
