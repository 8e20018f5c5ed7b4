"""The scores that a store keeps of pictures, asked for by path; nothing is inferred."""

from __future__ import annotations

from pathlib import Path

from ..models.spec import Model, digest
from ..scores import Scores
from ..store import Key, Store
from .matching import ScoresOf


def kept_scores(store: Store, model: Model) -> ScoresOf:
    """What a model was found to say of a picture, None where it was not asked yet.

    Scores below `scores.FLOOR` were not kept and stand as 0. The answer raises ImageError for a
    picture that can't be read, and StoreError for a store that can't.
    """
    identity, preprocessing = model.identity(), digest(model.contract.preprocess)

    def scores_of(picture: Path) -> Scores | None:
        found = store.get(Key(store.content(picture), identity, preprocessing))
        return None if found is None else Scores.from_sparse(found, model.labels, model.name)

    return scores_of
