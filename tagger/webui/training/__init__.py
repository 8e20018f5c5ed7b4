"""Trainings from the page: each a program of its own, in a folder of our home.

Nothing of a training is imported here. It is told by its arguments and by the file `stop`, and
heard through the files of its run, so that it goes on whatever becomes of this process.

Read downward:
    request     what is asked of a training: a form's fields as arguments
    run         one training: its folder, and how it stands
    program     `python -m tagger.train`: its command, and what it says of its arguments
    trainings   all of them: begun, watched, stopped, gone on with
"""
