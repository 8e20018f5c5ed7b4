"""The scores of one picture as JSON, in a file beside its caption."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..errors import CaptionError
from ..scores import FLOOR, RATING, Scores, number
from .journal import FileChange, Journal
from .wholefile import see

KIND = "scores"
"""How the journal calls such a file."""


def scores_json(scores: Scores) -> bytes:
    """`model`, `rating` and `tags`: names as the model has them, the highest first, from 0.01."""
    ratings = set(scores.labels.of(RATING).tolist())
    found: dict[str, dict[str, float]] = {"rating": {}, "tags": {}}
    for index in np.argsort(-scores.values, kind="stable").tolist():
        value, name = number(float(scores.values[index])), scores.labels[index].name
        if name and (index in ratings or value >= FLOOR):
            found["rating" if index in ratings else "tags"][name] = value
    text = json.dumps({"model": scores.model, **found}, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "replace")


def scores_change(caption: Path, scores: Scores, journal: Journal) -> FileChange | None:
    """The scores beside a caption, where that file is new or as Tagger wrote it; None: no change.

    Raises:
        CaptionError: somebody else's file is there.
        StoreError: the journal can't be read.
    """
    path = caption.with_suffix(".json")
    seen, after = see(path), scores_json(scores)
    before = seen.data
    if before == after:
        return None
    written = None if before is None else journal.wrote(path, before)
    if before is not None and (written is None or written.kind != KIND):
        raise CaptionError(f"{path}: expected none or our own scores, got another file: move it")
    return FileChange(path, before, after, KIND, seen.stamp)
