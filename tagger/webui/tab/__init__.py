"""The Tagger tab: one flow for people who caption for a living, in any gradio from 3.41.

Read downward:
    markup      values to HTML: the one place that escapes
    fragments   the tab's HTML, pure
    presets     a person's saved settings
    shared      what all pages share, and how it is read
    form        the caption options: settings to controls and back
    options     their fold on the page, with the presets
    letters     what our script says to Python
    turns       which of a page's changes is the newest
    typed       boxes that are filled anew on a page that is opened anew
    parts       components that look alike on every page
    later       what listeners do, imported when the first of them is called
    acts        what the listeners of each page do, under the page's name
    view        one picture: scores to what is shown; tokens: how many CLIP reads
    thumbnails  small copies of pictures
    uploads     files, folders and zips given to the page
    picture, question, sending
                the page Picture; why a tag; a caption sent to the host's prompts
    folder, destination, running
                the page Folder; where captions go; the runs it shows
    captions, layout, desk, drafts, gallery, editing, batch
                the page Captions; its components; what of a folder is looked at; what is typed
                and not saved; how that is drawn; how it is edited, and many at once
    models      the page Models, and the line at the top
    training    the page Training
    tab         all of it put together

`tab.build` makes the page. The look is `style.css`, the script `javascript/`: both at the top of
the extension's folder, where hosts find them.
"""
