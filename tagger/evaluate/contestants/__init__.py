"""Contestants: whoever says tags of pictures, each asked in its own way.

contestant  About, Contestant: what all have in common
control     who answers the truth itself
models      a model of this machine, through the engine
captions    a folder of captions
scorefiles  scores that were kept: JSON beside pictures, or one Parquet
server      a tagger behind HTTP
deadline    a call that may take so long and no longer
naming      a word of the command line -> a contestant
"""

from __future__ import annotations

from .contestant import About, Contestant
from .control import Control
from .naming import find_contestants

__all__ = ["About", "Contestant", "Control", "find_contestants"]
