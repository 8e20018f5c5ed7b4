"""A folder: pictures with captions beside them, or under a folder of their own.

Read downward:
    sidecars    caption files: read, written whole or not at all
    walk        the pictures of folders, in natural order
    plan        which picture, which caption file, and what is done to it; pure
    journal     what was done to files, written down before it is done
    undo        undo a run
    origin      which part of a caption is Tagger's
    job         what is to be captioned: checked, and listed without inference
    run         caption it
"""

from __future__ import annotations

from .job import FolderJob, Plan, plan_folder
from .plan import Change, Kind, Refusal, Task
from .run import Outcome, Run, Summary, caption_folder
from .sidecars import read_caption
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
