"""What `tagger dataset build` is asked for: the settings of its steps, flat, as in a recipe."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..booru import formats
from ..errors import OptionError
from ..labels import scheme_of
from ..options import option
from .filters import Filters
from .pictures import PictureOptions
from .pseudo import Pseudo
from .splits import SplitOptions
from .vocabulary import VocabularyOptions


@dataclass(frozen=True, kw_only=True)
class BuildOptions(Filters, VocabularyOptions, SplitOptions, PictureOptions):
    """What `tagger dataset build` does: the settings of its steps, flat, as a recipe has them."""

    sources: tuple[Path, ...] = option(
        help="Folders or files of metadata, of any format that docs/datasets.md lists.",
        metavar="SOURCE",
    )
    out: Path = option(help="Folder to make; it must be new or empty.")
    images: tuple[Path, ...] = option(
        (),
        help="Folders of pictures: one for each source, or one for all; without it the source "
        "itself.",
        metavar="DIR",
    )
    format: str = option(
        "auto",
        help="What the sources are: json, table, database, characters or captions; auto looks.",
    )
    closed_categories: tuple[str, ...] = option(
        ("character", "copyright"),
        help="Categories in which each source names all it shows, so that a tag only another "
        "source has is absent; in the other categories it is unknown, and masked.",
    )
    min_labels: int = option(
        0, help="Labels that a picture has at least, counted once they are chosen.", ge=0
    )
    max_picture_labels: int = option(
        0, help="Labels that a picture has at most, counted likewise; 0 is no limit.", ge=0
    )
    pseudo_tags: tuple[Pseudo, ...] = option(
        (), help="What a post says beside its tags, as labels: rating, age_rating, meta_score."
    )
    memory: str = option(
        "",
        help="Memory that DuckDB takes at most, such as 8GB; the rest goes to the disk. 4GB if "
        "nothing is said.",
    )

    def __post_init__(self) -> None:
        for part in (Filters, VocabularyOptions, SplitOptions, PictureOptions):
            part.__post_init__(self)
        if not self.sources:
            raise OptionError("sources: expected at least one source of posts, got none")
        if len(self.images) not in (0, 1, len(self.sources)):
            raise OptionError(
                f"images: expected one folder, or one for each of {len(self.sources)} sources, "
                f"got {len(self.images)}"
            )
        if self.memory and not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", self.memory, re.IGNORECASE):
            raise OptionError(f"memory: expected a size such as 8GB, got {self.memory!r}")
        formats.check_format(self.format)
        scheme_of(self.closed_categories)

    @property
    def picture_folders(self) -> tuple[Path, ...]:
        """For each source the folder that its pictures' paths count from."""
        if self.images:
            return self.images * (len(self.sources) if len(self.images) == 1 else 1)
        return tuple(own if own.is_dir() else own.parent for own in self.sources)
