"""Sets of characters' pictures, a class each: DAF:re, moeImouto, cartoonFace.

    train.csv, val.csv, test.csv   class and place of a picture, without a header
    train_tags.csv, ...            with tags (DAF:re): id, dir, class_id, tags_cat0, ...
    classid_classname.csv          the classes' names
    faces.tsv                      before DAF:re was built: place, class, box and confidence

Lists lie in the folder itself (moeImouto) or in its `labels` (DAF:re).

The test part is what nothing is chosen on, so it is our validation, and theirs our calibration;
moeImouto has none, so the builder takes it out of the training part.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..errors import DatasetError
from .files import Metadata
from .posts import Reading, insert

if TYPE_CHECKING:
    import duckdb

PARTS = {"train": "train", "val": "calibration", "test": "validation"}
SUREST = 0.85
"""The least confidence of a face, and the fewest pictures of a class, that DAF:re takes."""
FEWEST = 20
SHARES = (("train", 0.7), ("calibration", 0.8), ("validation", 1.0))
"""Of each class by order, as DAF:re deals them out: up to here train, then up to there ..."""
_CATEGORIES = {"tags_cat0": "general", "tags_cat3": "copyright", "tags_cat4": "character"}
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


@dataclass(frozen=True)
class _Picture:
    place: str
    split: str
    tags: tuple[tuple[str, str], ...]  # name, category


def recognises(source: Path, files: Sequence[Metadata]) -> bool:
    """Whether the folder has lists of classes with their names, or faces.tsv."""
    return source.is_dir() and (_names_file(source) is not None or (source / "faces.tsv").is_file())


def read(
    connection: duckdb.DuckDBPyConnection, source: Path, files: Sequence[Metadata], number: int
) -> Reading:
    """Append a set's pictures as posts, and its classes as characters."""
    unreadable: list[tuple[int, str, int]] = []
    try:
        found = list(_pictures(source, unreadable, number))
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(
            f"{source}: expected lists of classes and pictures, got {error}"
        ) from error
    if not found:
        raise DatasetError(f"{source}: expected train.csv or faces.tsv with pictures, got none")
    rows = (_row(picture, number) for picture in found)
    insert(connection, "posts", (*_COLUMNS, "tags"), rows)
    counts = Counter(tag for picture in found for tag in picture.tags)
    listed = ((number, name, kind, count) for (name, kind), count in sorted(counts.items()))
    insert(connection, "tags", ("source", "name", "category", "count"), listed)
    insert(connection, "unreadable", ("source", "file", "line"), unreadable)
    return Reading("characters", len(found), len(unreadable))


_COLUMNS = ("source", "id", "extension", "deleted", "banned", "pending", "flagged", "path", "split")


def post_number(place: str) -> int:
    """The number of a picture without a post: that of its name, else one made of its place.

    The made ones are the first 62 bits of BLAKE2b, with the 63rd set, so that no post has them.
    """
    stem = PurePosixPath(place).stem
    if stem.isascii() and stem.isdigit() and len(stem) < 18:
        return int(stem)
    digest = hashlib.blake2b(place.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2 | 1 << 62


def _row(picture: _Picture, number: int) -> tuple[object, ...]:
    extension = PurePosixPath(picture.place).suffix[1:].lower() or None
    states = (False, False, False, False)
    tags = sorted({name for name, _ in picture.tags})
    return (number, post_number(picture.place), extension, *states, picture.place, picture.split,
            tags)  # fmt: skip


def _pictures(
    source: Path, unreadable: list[tuple[int, str, int]], number: int
) -> Iterator[_Picture]:
    names = _class_names(source)
    faces = source / "faces.tsv"
    folder = _lists(source)
    if folder is None:
        yield from _from_faces(faces, names) if faces.is_file() else ()
        return
    for part, split in PARTS.items():
        tagged, plain = folder / f"{part}_tags.csv", folder / f"{part}.csv"
        with_tags = _tags_by_place(tagged) if tagged.is_file() else {}
        for line, row in enumerate(_rows(plain), 1) if plain.is_file() else ():
            if len(row) < 2 or not _is_place(row[1]):
                unreadable.append((number, plain.name, line))
                continue
            name = names.get(row[0].strip(), f"class_{row[0].strip()}")
            own = with_tags.get(row[1], ())
            yield _Picture(row[1], split, tuple(dict.fromkeys([(name, "character"), *own])))


def _lists(source: Path) -> Path | None:
    """The folder that has lists of pictures; an empty `labels` hides none beside it."""
    for folder in (source / "labels", source):
        if any((folder / f"{part}.csv").is_file() for part in PARTS):
            return folder
    return None


def _is_place(text: str) -> bool:
    place = PurePosixPath(text)
    return bool(text) and not place.is_absolute() and ".." not in place.parts and "\\" not in text


def _tags_by_place(path: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    """The lists are Python's text of lists; only the quoted names are taken out of them."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["dir"]: tuple(
                (re.sub(r"\s+", "_", name), kind)
                for column, kind in _CATEGORIES.items()
                for name in (
                    left or right for left, right in _QUOTED.findall(row.get(column) or "")
                )
                if name.strip()
            )
            for row in csv.DictReader(file)
            if row.get("dir")
        }


def _from_faces(path: Path, names: dict[str, str]) -> Iterator[_Picture]:
    """As DAF:re was built: sure faces, classes with enough of them, dealt out by order."""
    places: dict[str, list[str]] = defaultdict(list)
    for row in _rows(path, "\t"):
        if len(row) >= 3 and _is_place(row[0]) and _confidence(row[2]) >= SUREST:
            places[row[1].strip()].append(row[0])
    for number, own in sorted(places.items()):
        if len(own) < FEWEST:
            continue
        for at, place in enumerate(own):
            split = next(name for name, end in SHARES if at < end * len(own))
            yield _Picture(place, split, ((names.get(number, f"class_{number}"), "character"),))


def _confidence(box: str) -> float:
    try:
        return float(box.rsplit(",", 1)[-1])
    except ValueError:
        return 0.0


def _class_names(source: Path) -> dict[str, str]:
    path = _names_file(source)
    rows = _rows(path) if path else ()
    return {row[0].strip(): "_".join(row[1].split()) for row in rows if len(row) >= 2}


def _names_file(source: Path) -> Path | None:
    places = (source / "classid_classname.csv", source / "labels" / "classid_classname.csv")
    return next((path for path in places if path.is_file()), None)


def _rows(path: Path, delimiter: str = ",") -> Iterator[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.reader(file, delimiter=delimiter)
