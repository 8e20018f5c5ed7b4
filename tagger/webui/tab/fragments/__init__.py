"""The tab's HTML: values in, Markup out. Pure; everything is built by `markup.el`.

Read downward:
    common      numbers, notes, thumbnails, tags as a diff
    picture     chips in groups, the line under a caption, thresholds
    folder      the preview of a run, its progress, what became of it
    captions    the table of tags, its plot, the grid, the editor's head, a batch edit's diff
    models      the list of models, the line at the top
"""
