"""`tagger train DATASET --out RUN`: the same as `python -m tagger.train`."""

from __future__ import annotations

from ..train.__main__ import run

__all__ = ["run"]
