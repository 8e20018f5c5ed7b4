"""What `tagger evaluate` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...errors import UsageError
from ...options import check, option

_OWN = ("dataset.json", "vocabulary.csv", "relations.json", "index.parquet")
Split = Literal["train", "calibration", "validation"]


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Judge a tagger on pictures whose tags are known: how good, how sure, at which thresholds."""

    model: str = option(
        help="A model by name or folder, or a Parquet file of its scores.", metavar="MODEL"
    )
    dataset: Path = option(
        help="The DATASET folder, as `tagger dataset build` makes it.", metavar="DATASET"
    )
    split: Split = option("validation", help="The pictures that it is judged on.")
    fit_on: Split = option("calibration", help="The pictures that thresholds are fitted on.")
    allow_overlap: bool = option(
        False, help="Judge although pictures are in both, or thresholds are fitted where they are "
        "judged; the report then says so first."
    )  # fmt: skip
    limit: int = option(0, help="At most so many pictures of each split; 0 for all.", ge=0)
    threshold: float | None = option(
        None, help="Judge at this one threshold, too.", ge=0, le=1, metavar="N"
    )
    support: int = option(
        10,
        help="Tags with fewer pictures say little of themselves: no mean over tags and no list of "
        "the best and the worst has them.",
        ge=1,
    )
    exact: bool = option(
        False,
        help="Keep every score, in a file if need be, for exact average precision. Where they are "
        "few this is done anyway.",
    )
    draws: int = option(1000, help="Draws of the bootstrap for intervals.", ge=100)
    safe_threshold: float = option(
        1 / 3, help="Scalar of the rating below which a picture is safe.", ge=0, le=1
    )
    explicit_threshold: float = option(
        2 / 3, help="Scalar of the rating from which on a picture is explicit.", ge=0, le=1
    )
    examples: int = option(
        24, help="Mistakes that are shown with their picture, of each kind.", ge=0, le=500
    )
    json: Path | None = option(None, help="Write all figures as JSON.", metavar="FILE.json")
    csv: Path | None = option(None, help="Write the figures of each tag.", metavar="FILE.csv")
    classes: Path | None = option(
        None, help="Write the accuracy of each character.", metavar="FILE.csv"
    )
    html: Path | None = option(None, help="Write a page to look at.", metavar="FILE.html")
    save_scores: Path | None = option(
        None,
        help="Keep every score as a table, which MODEL may be the next time.",
        metavar="FILE.parquet",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.safe_threshold > self.explicit_threshold:
            raise UsageError(
                f"expected --safe-threshold at or below --explicit-threshold, got "
                f"{self.safe_threshold:g} and {self.explicit_threshold:g}"
            )
        self._check_files()

    def _check_files(self) -> None:
        """Refuse names that are of another kind, the dataset's own, or given twice."""
        taken = {(self.dataset / name).absolute() for name in _OWN}
        for flag, path, endings in (
            ("json", self.json, (".json",)),
            ("csv", self.csv, (".csv",)),
            ("classes", self.classes, (".csv",)),
            ("html", self.html, (".html", ".htm")),
            ("save-scores", self.save_scores, (".parquet",)),
        ):
            if path is None:
                continue
            if path.suffix.lower() not in endings:
                raise UsageError(f"--{flag}: expected a name that ends in {endings[0]}, got {path}")
            if path.absolute() in taken:
                raise UsageError(
                    f"--{flag}: expected a file of its own, got {path}, which is the dataset's or "
                    "another flag's"
                )
            taken.add(path.absolute())
