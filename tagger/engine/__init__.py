"""Loaded models. The only room that makes Scores.

Read downward:
    tagger      Tagger = Model + Backend
    keep        Keep: how long loaded models stay
    taggers     Taggers: the loaded ones, each loaded once
    explaining  why a tag: heat over the picture
"""

from __future__ import annotations

from .keep import Keep
from .tagger import Tagger
from .taggers import Taggers

__all__ = ["Keep", "Tagger", "Taggers"]
