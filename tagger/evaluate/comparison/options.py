"""What is asked of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...options import check, option
from ...settings import Precision
from ..alignment import Implications
from ..truth import TruthOptions


@dataclass(frozen=True)
class CompareOptions(TruthOptions):
    """Who is compared, on what, and by which rules."""

    contestant: tuple[str, ...] = option(
        (),
        help="A model by name or folder, a folder of captions or scores, a Parquet of scores, or "
        "http://HOST:PORT#MODEL; NAME=... gives it a name. captions:, scores: and model: say what "
        "a folder is taken for.",
        metavar="[NAME=]CONTESTANT",
    )
    tags: Literal["common", "own"] = option(
        "common", help="Judge by the tags that all contestants know, or each by its own."
    )
    support: int = option(
        16, help="Pictures that a tag must be true of to count in the means over tags.", ge=1
    )
    category: tuple[str, ...] = option(
        (), help="Judge these categories alone; without it all that a picture can show."
    )
    implications: Implications = option(
        "both", help="Who is completed by what tags imply: both sides, or the truth alone."
    )
    ratings: Literal["auto", "three", "off"] = option(
        "auto",
        help="Ratings as tags, where all give one; three: general and sensitive are one.",
    )
    threshold: float = option(0.35, help="The threshold that all share.", ge=0, le=1)
    missing: float = option(
        0.05,
        help="Share of the pictures that a contestant may leave unanswered; the others are judged "
        "without these pictures too.",
        ge=0,
        le=1,
    )
    warm_up: int = option(3, help="Pictures asked about before the time is taken.", ge=0)
    timed: int = option(
        20, help="Pictures asked about one by one, timed; 0: no time is taken.", ge=0
    )
    timeout: float = option(120.0, help="Seconds that a server has for an answer.", ge=0.1)
    auth: str = option(
        "", help="For all servers; also by TAGGER_AUTH in the environment.", metavar="USER:PASS"
    )
    work: Path | None = option(
        None, help="Folder in which answers are kept; without it in Tagger's home."
    )
    fresh: bool = option(False, help="Ask anew what was answered before.")
    draws: int = option(2000, help="How often the pictures are drawn again.", ge=100)
    recipe: Literal["none", "furry"] = option(
        "none", help="furry: tables by head, and the list of models, as furry-image-model has them."
    )
    pictures: int = option(60, help="Pictures on the page.", ge=0, le=2000)
    device: str = option(
        "auto", help="auto, cpu, a kind such as cuda, or one device such as cuda:1."
    )
    precision: Precision = option("auto", help="Of the numbers inside a model.")

    def __post_init__(self) -> None:
        check(self)
