"""Which pictures are seen, in what order, and how they come from the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...errors import OptionError
from ...options import check, option


@dataclass(frozen=True)
class DataOptions:
    """Which pictures are seen, in what order, and how they come."""

    shards: Path | None = option(
        None,
        help="Read the pictures from these WebDataset shards of the DATASET, as `tagger dataset "
        "shards` writes them, not from its sources' folders.",
    )
    moved: tuple[str, ...] = option(
        (), help="Where a source's pictures lie now, as SOURCE=FOLDER.", metavar="NAME=DIR"
    )
    cache: Literal["auto", "on", "off"] = option(
        "auto",
        help="Decode every picture once and keep the pixels in a file under TAGGER_HOME: auto does "
        "where it takes less than half of the free disk.",
    )
    workers: int = option(0, help="Threads that decode pictures; 0: one for a core.", ge=0)
    sampling: Literal["plain", "rare", "tags"] = option(
        "plain",
        help="plain: every picture once an epoch. rare: pictures with rare tags several times "
        "(IRFS). tags: a tag drawn at random, then a picture that has it.",
    )
    rare: float = option(
        0.01, help="For --sampling rare: share of pictures below which a tag is rare.", ge=0, le=1
    )
    rare_most: float = option(
        8.0, help="For --sampling rare: how often a picture comes in an epoch at most.", ge=1
    )
    limit: int = option(0, help="Take only so many training pictures; 0: all.", ge=0)
    overfit: int = option(
        0, help="Train and judge on these first pictures alone, to see that it can learn.", ge=0
    )

    def __post_init__(self) -> None:
        check(self)
        self.roots()

    def roots(self) -> dict[str, Path]:
        """Where sources lie now, by their names. Raises OptionError for what says no such thing."""
        pairs = [each.partition("=") for each in self.moved]
        for (name, _, folder), given in zip(pairs, self.moved, strict=True):
            if not (name and folder):
                raise OptionError(f"moved: expected SOURCE=FOLDER, got {given!r}")
        return {name: Path(folder) for name, _, folder in pairs}
