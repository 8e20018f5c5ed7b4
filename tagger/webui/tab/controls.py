"""The controls of the fold `Caption options`: which setting each shows, its label, its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ...thresholds import UNASKED

Kind = Literal["words", "pairs", "limits", "text", "choice", "number", "check", "categories"]

CATEGORIES = (
    "general", "character", "copyright", "artist", "species", "lore", "meta", "rating",
)  # fmt: skip
"""Categories to choose from; those that a model lacks are passed over."""
WRITTEN = tuple(name for name in CATEGORIES if name not in UNASKED)


@dataclass(frozen=True)
class Control:
    """A setting's place in Settings, its label, how it is shown."""

    place: str
    label: str
    kind: Kind
    placeholder: str = ""
    names: Mapping[Any, str] = field(default_factory=dict[Any, str], hash=False)

    @property
    def id(self) -> str:
        """Stable, for the page's elem_id and for style sheets."""
        return "tagger_" + self.place.replace(".", "_")


TAGS = (
    Control("format.prefix", "Additional tags (split by comma)", "words", "my_trigger"),
    Control("selection.exclude", "Exclude tags (split by comma)", "words", "solo, *_background"),
)
MORE_TAGS = (
    Control("selection.keep", "Keep tags", "words", "glasses, *_eyes"),
    Control("selection.only", "Only these tags", "words", "1girl, *_hair"),
    Control("format.replace", "Replace tags", "pairs", "grey hair = silver hair"),
    Control("format.suffix", "Additional tags at the end", "words", "[name]"),
    Control("selection.tag_thresholds", "Thresholds of tags", "limits", "smile = 0.5"),
)
WAYS = (
    Control(
        "selection.method",
        "Take",
        "choice",
        names={"fixed": "by threshold", "mcut": "by the widest gap", "topk": "the highest"},
    ),
    Control("selection.top_k", "How many highest", "number"),
    Control(
        "format.order",
        "Order",
        "choice",
        names={
            "score": "score",
            "alphabetical": "alphabet",
            "model": "the model's",
            "template": "template",
        },
    ),
    Control("format.template", "Template", "words"),
    Control("format.separator", "Separator", "text"),
    Control("format.head", "Head separator after", "number", "none"),
    Control("format.head_separator", "Head separator", "text"),
    Control("format.max", "At most", "number", "all"),
    Control(
        "implied",
        "Implied tags",
        "choice",
        names={
            "off": "as scored",
            "inherit": "inherit scores",
            "constrain": "constrain scores",
            "remove": "left out",
            "constrain-remove": "constrained, left out",
        },
    ),
)
CHECKS = (
    Control("format.spaces", "Spaces for underscores", "check"),
    Control("format.escape", "Escape brackets", "check"),
    Control("format.weights", "Scores as weights", "check"),
    Control("format.trailing_separator", "Separator at the end", "check"),
    Control("series", "Add the series", "check"),
)
KINDS = (Control("selection.categories", "Categories", "categories"),)
CONTROLS = (*TAGS, *MORE_TAGS, *WAYS, *CHECKS, *KINDS)
