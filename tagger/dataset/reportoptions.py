"""What is asked of the page that `tagger dataset report` writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..options import check, option

NAME = "report.html"


@dataclass(frozen=True)
class ReportOptions:
    """Which DATASET is looked at, and what the page shows of it."""

    dataset: Path = option(help="The DATASET.", metavar="DATASET")
    out: Path | None = option(
        None, help=f"The page to write; {NAME} in the DATASET if not given.", metavar="FILE.html"
    )
    floor: int = option(
        20, help="A tag with fewer pictures than this in a split has too little data.", ge=1
    )
    pictures: int = option(24, help="Pictures of a grid; 0 shows none.", ge=0, le=200)
    tags: int = option(6, help="Tags that have a grid of their own.", ge=0, le=50)
    seed: int = option(0, help="Another seed draws other pictures and tags.", ge=0)

    def __post_init__(self) -> None:
        check(self)
