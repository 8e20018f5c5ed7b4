"""The network: its architecture, and how many pixels it sees."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ...errors import OptionError
from ...options import check, option
from ...preprocess import WD, Preprocess

SIZE = 448
"""Pixels of a side of what every picture is fitted to: WD's, which other tools hard-code."""
POOLS = (1, 2, 4, 7, 8, 14, 16)
"""The divisors of 448 that leave a picture to see."""


@dataclass(frozen=True)
class NetworkOptions:
    """What is trained."""

    architecture: str = option("resnet18", help="The network's architecture, by timm's name.")
    model_args: str = option(
        "{}",
        help="Settings of the architecture, for timm to build it with, as JSON.",
        metavar="JSON",
    )
    pool: int = option(
        4,
        help="The network sees the picture of 448 pixels averaged down by this: 4 leaves 112.",
        choices=POOLS,
    )

    def __post_init__(self) -> None:
        check(self)
        arguments(self.model_args)

    @property
    def preprocess(self) -> Preprocess:
        """What `fit` makes of a picture before it is averaged down by the pool."""
        return WD

    @property
    def side(self) -> int:
        """Pixels of a side of what the network sees."""
        return SIZE // self.pool


def arguments(text: str, name: str = "model_args") -> dict[str, Any]:
    """Names and values from JSON. Raises OptionError, naming the setting, for what is no object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OptionError(f'{name}: expected JSON such as {{"stem_width": 32}}, got {text!r:.60}')
    return found
