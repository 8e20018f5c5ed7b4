"""Loaded models. The only room that makes Scores.

Read downward:
    tagger      Tagger = Model + Backend
    taggers     Taggers: the loaded ones, each loaded once; Keep, how long they stay
"""

from __future__ import annotations

from .tagger import Tagger
from .taggers import Keep, Taggers

__all__ = ["Keep", "Tagger", "Taggers"]
