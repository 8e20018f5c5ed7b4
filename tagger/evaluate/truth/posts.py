"""Truth out of posts: what `tagger dataset fetch` brought, or any metadata that can be read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...booru import formats, posts
from ...counts import count
from ...errors import UsageError
from ...folder.walk import walk
from ...relationfiles import home_relations, join
from ...relations import Relations
from .known import RATINGS, PartName, Picture, Truth

_POSTS = """
SELECT id, md5, path, rating, parent, tags FROM posts
WHERE NOT deleted AND NOT banned QUALIFY row_number() OVER (PARTITION BY id ORDER BY md5) = 1
ORDER BY id
"""


def read_posts(source: Path, images: Path | None, share: float) -> Truth:
    """Read posts; of the groups of pictures that `share` is for calibration.

    Pictures are found in the folder by the post's number, its md5, or the place it says. Without
    `images` the source itself is looked through, if it is a folder.

    Raises DatasetError if the posts can't be read.
    """
    folder = images or (source if source.is_dir() else None)
    if folder is None or not folder.is_dir():
        raise UsageError(
            f"--images: expected the folder of the posts' pictures, got {folder or 'none'}"
        )
    with posts.connect() as connection:
        posts.create(connection)
        reading = formats.read_source(connection, source, 0)
        relations = join([_relations(connection), home_relations()])
        kinds = _kinds(connection, relations)
        rows = connection.execute(_POSTS).fetchall()
    closed = [frozenset(relations.closure(row[-1])) for row in rows]
    names = {tag: at for at, tag in enumerate(sorted(frozenset().union(*closed)))}
    left_out: Counter[str] = Counter()
    return Truth(
        name=source.name,
        pictures=tuple(_pictures(rows, closed, folder, share, left_out)),
        kinds=kinds,
        vocabulary=None,
        relations=relations,
        names=tuple(names),
        company=count(([names[tag] for tag in own] for own in closed), len(names)),
        left_out=left_out,
        about=f"{reading.posts:,} posts, {reading.format}",
    )


def _pictures(
    rows: list[tuple],
    closed: list[frozenset[str]],
    folder: Path,
    share: float,
    left_out: Counter[str],
) -> Iterator[Picture]:
    found = _files(folder)
    for (number, md5, place, rating, parent, _), tags in zip(rows, closed, strict=True):
        stems = filter(None, (place and Path(place).stem, str(number), md5))
        path = next((found[stem] for stem in stems if stem in found), None)
        if path is None:
            left_out["posts without a picture"] += 1
            continue
        group = int(parent or number)
        yield Picture(
            name=path.relative_to(folder).as_posix(),
            path=path,
            tags=tags,
            rating=RATINGS.get(rating or "", ""),
            group=group,
            part=_part(group, share),
        )


def _files(folder: Path) -> Mapping[str, Path]:
    """A picture by its name without the ending; of several the first."""
    found: dict[str, Path] = {}
    for each in walk([folder]):
        stem = each.path.stem
        found.setdefault(stem.lstrip("0") or "0" if stem.isdigit() else stem, each.path)
    return found


def _part(group: int, share: float) -> PartName:
    """By the hash of the group: the same whatever else there is."""
    drawn = int.from_bytes(hashlib.blake2b(str(group).encode(), digest_size=4).digest(), "big")
    return "calibration" if drawn < share * 2**32 else "judged"


def _relations(connection: Any) -> Relations:
    pairs = [
        connection.execute(f"SELECT name, {to} FROM {table} ORDER BY ALL").fetchall()
        for table, to in (("aliases", "meaning"), ("implications", "implied"))
    ]
    if not any(pairs):
        return Relations()
    return Relations.from_rows(*pairs, dropped=[])


def _kinds(connection: Any, relations: Relations) -> Mapping[str, str]:
    rows = connection.execute("SELECT name, category FROM tags ORDER BY count").fetchall()
    return {relations.canonical(name): kind for name, kind in rows}
