"""A folder: pictures with captions beside them, or under a folder of their own.

Read downward:
    strays      temporary files: named, and swept where their runs are dead
    wholefile   one file: read within bounds, replaced whole or not at all, moved
    sidecars    caption files: their bytes as text and back
    sameness    when two names are one file
    walk        the pictures of folders, in natural order
    plan        which picture, which caption file, and what is done to it; pure
    recorder    changes to files: written down first, then done
    forgetting  how long runs can be undone
    journal     the runs that changed files, and what they changed
    undo        undo a run
    origin      which part of a caption is Tagger's
    inputs      folders and pictures, as a person names them
    naming      the names of caption files
    confines    which folders a server may touch
    job         what is to be captioned: checked, and listed without inference
    memory      the kept scores of a model's pictures
    recall      kept scores first, the model for the rest
    foreign     scores that tools left beside pictures; dbjson: in picobyte's db.json
    imports     such scores taken up among the kept ones
    noted       paths with reasons, few of them in memory
    summary     what became of the pictures
    scorefiles  the scores of one picture beside its caption
    writer      what is written for one picture
    run         caption it
    scoretable  the scores of many pictures as Parquet, written and read
    scoregather a folder's scores in such a table
    records     records by name, more than memory holds
    metadata    captions of many pictures in one file, as trainers read them
    gather      a folder's captions in such a file
    words       the tags of a caption as they stand there
    readings    what captions said, kept while their files stay
    captions    the captions that are there, with their pictures
    captiontags such tags as scores, beside a model's
    query       which captions are meant: querywords, queryreader, matching; kept: by scores
    edit        one caption edited: edits of its tags, search in its text
    corpus      edits that count over all captions first
    editing     a folder edited: planned, applied; preview: shown
    companions  the files that belong to a picture by their names
    dispose     pictures moved or deleted with what belongs to them
    stats       how often each tag, with which others
    duplicates  pictures that are there twice
"""

from __future__ import annotations

from .job import FolderJob, Plan, plan_folder
from .plan import Change, Kind, Refusal, Task
from .run import Outcome, Run, caption_folder
from .sidecars import read_caption
from .summary import Summary
from .walk import Found, Walk, natural_key, walk

__all__ = [
    "Change",
    "FolderJob",
    "Found",
    "Kind",
    "Outcome",
    "Plan",
    "Refusal",
    "Run",
    "Summary",
    "Task",
    "Walk",
    "caption_folder",
    "natural_key",
    "plan_folder",
    "read_caption",
    "walk",
]
