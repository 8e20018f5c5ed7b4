"""The scores that a store keeps of pictures, asked for by path; nothing is inferred."""

from __future__ import annotations

from pathlib import Path

from ..models.spec import Model, digest
from ..scores import Scores
from ..store import Key, Store
from .matching import ScoresOf
from .memory import imported


def kept_scores(store: Store, model: Model) -> ScoresOf:
    """What a model was found to say of a picture, however it was run; None where it was not asked.

    Scores below `scores.FLOOR` were not kept and stand as 0. The answer raises ImageError for a
    picture that can't be read, and StoreError for a store that can't.
    """
    ways = [(model.identity(each), digest(each.preprocess)) for each in model.contracts]
    ways.append(imported(model))

    def scores_of(picture: Path) -> Scores | None:
        content = store.content(picture)
        found = (store.get(Key(content, *way)) for way in ways)
        sparse = next((one for one in found if one is not None), None)
        return sparse and Scores.from_sparse(sparse, model.labels, model.name)

    return scores_of
