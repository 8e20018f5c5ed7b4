"""Two folders of captions of the same pictures, tag by tag; no truth is needed.

folders   the captions of both, by place
changes   what is added and removed, by picture and by tag
page      the same as a page
"""

from __future__ import annotations

from .changes import Changed, Difference
from .folders import DiffOptions, diff

__all__ = ["Changed", "DiffOptions", "Difference", "diff"]
