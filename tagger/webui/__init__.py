"""Tagger inside a WebUI, and as a server of its own: jobs, routes, pages.

Read downward:
    preferences what a WebUI's user sets once
    host        what is asked of a WebUI; StandAlone, where there is none
    job         one thing that goes on in the background: progress, cancelling
    jobs        the jobs of a process
    kept        what a process keeps on disk
    finding     the models that are listed
    asked       one picture that somebody waits for
    scoring     pictures to scores: kept ones, else through the one queue
    feeding     a long run's pictures: few at a time, none while the WebUI generates
    runs        captioning a folder and undoing it, as jobs
    preview     what captioning a folder would do
    processes   programs that go on without us
    following   a training's files, read as they grow
    interpreter the Python that trains: one of its own
    training    trainings, each a program of its own
    inturn      a backend that takes the WebUI's lock for each batch
    shelf       the models of a process: listed, fetched, loaded, freed
    app         App: one object a process, all that the page and the routes know
    reasons     why a tag: asked in the background, watched, stopped
    compat      every difference between the gradios of the hosts
    tab         the tab: five pages, their HTML, what their listeners do
    page        the tab on a page of our own
    api         the routes
    server      a server of our own
    memory      room on the device, by the host's own means
    flags       what a WebUI's flags say of who may come in
    sdwebui     the WebUIs as hosts
    extension   what a WebUI calls of us
gradio and fastapi are imported here alone; the host's modules in `sdwebui` and `memory` alone.
"""
