"""One head: which labels it has, what it is made of, its loss and that loss's weight."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from ...errors import OptionError
from ...options import check, option
from .losses import LOSSES, OVER_LABELS

KINDS = ("linear", "concat", "leaky", "ml_decoder", "ifa", "ordinal")
"""linear: of the pooled features, with a hidden layer where asked for. concat: of maximum and mean
over the picture, with two dropouts (RF5). leaky: as the anime-art-tagger has it. ml_decoder:
queries that look at the picture. ifa: of every block's class vector (Animesion). ordinal: ratings
in order."""


@dataclass(frozen=True)
class HeadOptions:
    """One head of a network."""

    kind: str = option("linear", help="What it is made of.", choices=KINDS)
    labels: tuple[str, ...] = option((), help="The categories whose labels it has.")
    tags: tuple[str, ...] = option((), help="Its labels by name; they need not be there.")
    hidden: int = option(0, help="Width of a hidden layer; 0 for none, or the kind's own.", ge=0)
    dropout: float = option(0.0, help="Dropout before the last layer.", ge=0, le=0.9)
    loss: str = option("", help="Its loss; without one, the training's.", choices=("", *LOSSES))
    weight: float = option(1.0, help="What its loss is multiplied by.", ge=0)
    groups: int = option(100, help="ml_decoder: queries, each for an equal share of labels.", ge=1)
    width: int = option(768, help="ml_decoder: features of a query.", ge=8)

    def __post_init__(self) -> None:
        check(self)
        if self.kind == "ordinal" and self.loss:
            raise OptionError(f"loss: expected none for an ordinal head, got {self.loss}")
        if self.kind == "ml_decoder" and self.width % 8:
            raise OptionError(f"width: expected a multiple of 8, got {self.width}")

    def exclusive(self, loss: str) -> bool:
        """Whether its labels exclude each other, under the training's loss where it has none."""
        return (self.loss or loss) == OVER_LABELS[0]


def read_heads(text: str) -> dict[str, HeadOptions]:
    """Heads by name from JSON: `{"character": {"labels": ["character"], "hidden": 128}}`.

    Raises OptionError, naming head and setting, for what is none.
    """
    try:
        found: Any = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OptionError(f"heads: expected JSON, settings by head, got {text!r:.60}")
    return {name: _head(name, own) for name, own in cast("dict[str, Any]", found).items()}


def _head(name: str, own: Any) -> HeadOptions:
    known = [each.name for each in fields(HeadOptions)]
    if not name.isidentifier() or not isinstance(own, Mapping):
        raise OptionError(
            f"heads: expected a head's name (letters, digits, _) and its settings, got {name!r:.40}"
        )
    settings: dict[str, Any] = {
        str(k): tuple(cast("list[Any]", v)) if isinstance(v, list) else v for k, v in own.items()
    }
    for each in settings.keys() - set(known):
        near = difflib.get_close_matches(each, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise OptionError(f"heads: {name}: expected a setting of a head, got {each!r}: {hint}")
    try:
        head = HeadOptions(**settings)
    except OptionError as error:
        raise OptionError(f"heads: {name}: {error}") from error
    if not head.labels and not head.tags:
        raise OptionError(f"heads: {name}: expected labels or tags, got neither")
    return head
