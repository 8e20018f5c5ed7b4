"""The network: its architecture, where its weights come from, its heads, what stays frozen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import OptionError
from ...options import check, option
from ...preprocess import WD, Preprocess
from .heads import KINDS, HeadOptions, read_heads

SIZE = 448
"""Pixels of a side of what every picture is fitted to: WD's, which other tools hard-code."""
POOLS = (1, 2, 4, 7, 8, 14, 16)
"""The divisors of 448 that leave a picture to see."""
ARCHITECTURE, POOL = "resnet18", 4
"""What is built where neither is said, here or by --from."""
PARTS = {
    "full_tokenizer": ("patches", "positions", "class"),
    "patchprojection": ("patches",),
    "posembeddings": ("positions",),
    "clstoken": ("class",),
    "patchandposembeddings": ("patches", "positions"),
    "patchandclstoken": ("patches", "class"),
    "posembeddingsandclstoken": ("positions", "class"),
}
"""Animesion's partial loads by its names: which of a transformer's first tensors are taken."""
TRANSFERS = ("all", "backbone", *PARTS)


@dataclass(frozen=True)
class NetworkOptions:
    """What is trained."""

    architecture: str | None = option(
        None,
        help="The network's architecture, by timm's name; without it that of --from, or resnet18.",
    )
    model_args: str = option(
        "{}",
        help="Settings of the architecture, for timm to build it with, as JSON.",
        metavar="JSON",
    )
    pool: int | None = option(
        None,
        help="The network sees the picture of 448 pixels averaged down by this: 4 leaves 112. "
        "Without it that of --from, or 4.",
        choices=POOLS,
    )
    from_: str = option(
        "",
        help="Begin with these weights: a tagger's name or folder, with its architecture; a file; "
        "a run; or `timm` for those that timm publishes of the architecture.",
    )
    add_tags: bool = option(
        False,
        help="Keep every tag of the tagger that --from names, as it is, and add the DATASET's.",
    )
    transfer: str = option(
        "all",
        help="What is taken --from: all (the network, and the rows of tags that both know), "
        "backbone, or a part of a transformer's first layer.",
        choices=TRANSFERS,
    )
    head: str = option("linear", help="What makes scores out of features.", choices=KINDS)
    head_hidden: int = option(
        0, help="Width of a hidden layer in each head; 0 for none, or as the kind has it.", ge=0
    )
    head_per: Literal["all", "category", "dataset"] = option(
        "all", help="One head for all labels, one a category, or those that the DATASET names."
    )
    heads: str = option(
        "{}",
        help="Heads by name, each with any of kind, labels (categories), tags, hidden, dropout, "
        "loss, weight; other labels go to the heads above.",
        metavar="JSON",
    )
    train_heads: tuple[str, ...] = option((), help="Train this head and nothing else.")
    freeze: float | None = option(
        None,
        help="Share of the layers, from the picture on, that begin frozen. Without it none; with "
        "--add-tags all, and the old tags.",
        ge=0,
        le=1,
    )
    release_from: float = option(
        1.0, help="Share of the training after which frozen layers are released.", ge=0, le=1
    )
    release_until: float = option(
        1.0,
        help="Share of the training when the last is: the ones near the head go first.",
        ge=0,
        le=1,
    )
    norm: Literal["own", "group", "frozen", "sync"] = option(
        "own",
        help="Normalisation: the architecture's; group, or frozen statistics, which depend on no "
        "batch; or sync, over all cards.",
    )

    def __post_init__(self) -> None:
        check(self)
        arguments(self.model_args)
        read_heads(self.heads)
        if self.add_tags and not self.from_:
            raise OptionError("add_tags: expected --from with the tagger to add to, got none")
        if self.add_tags and self.transfer != "all":
            raise OptionError(
                f"add_tags: expected --transfer all, got {self.transfer}: old tags need the whole "
                f"network"
            )
        if self.release_until < self.release_from:
            raise OptionError(
                f"release_until: expected a share from release_from, {self.release_from:g}, on, "
                f"got {self.release_until:g}"
            )

    @property
    def preprocess(self) -> Preprocess:
        """What `fit` makes of a picture before it is averaged down by the pool."""
        return WD

    @property
    def built(self) -> str:
        """The architecture that is built, by timm's name."""
        return self.architecture or ARCHITECTURE

    @property
    def block(self) -> int:
        """Pixels of a side that are averaged into one."""
        return self.pool or POOL

    @property
    def side(self) -> int:
        """Pixels of a side of what the network sees."""
        return SIZE // self.block

    @property
    def frozen_share(self) -> float:
        """Share of the trunk's layers that begin frozen."""
        return float(self.add_tags) if self.freeze is None else self.freeze

    @property
    def named_heads(self) -> dict[str, HeadOptions]:
        """The heads that were named, by name."""
        return read_heads(self.heads)

    @property
    def default_head(self) -> HeadOptions:
        """The head of labels that no named one takes."""
        return HeadOptions(kind=self.head, hidden=self.head_hidden)


def arguments(text: str, name: str = "model_args") -> dict[str, Any]:
    """Names and values from JSON. Raises OptionError, naming the setting, for what is no object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OptionError(f'{name}: expected JSON such as {{"stem_width": 32}}, got {text!r:.60}')
    return found
