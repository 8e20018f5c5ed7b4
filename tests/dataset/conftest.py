"""Small dumps written on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

WriteDump = Callable[..., Path]


def _lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _relations(pairs: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"antecedent_name": before, "consequent_name": after, "status": "active"}
        for before, after in pairs.items()
    ]


@pytest.fixture
def write_dump(tmp_path: Path) -> WriteDump:
    """Write a dump: posts as dicts, or ids with their tags; tags with their category number."""

    def write(
        name: str,
        posts: Sequence[Mapping[str, Any]] | Mapping[int, str],
        tags: Mapping[str, int],
        aliases: Mapping[str, str] | None = None,
        implications: Mapping[str, str] | None = None,
    ) -> Path:
        folder = tmp_path / name
        if isinstance(posts, Mapping):
            posts = [{"id": post, "tag_string": names} for post, names in posts.items()]
        rows = [{"rating": "g", "file_ext": "png", **post} for post in posts]
        _lines(folder / "metadata" / "posts.json", rows)
        listed = [{"name": tag, "category": kind, "post_count": 0} for tag, kind in tags.items()]
        _lines(folder / "metadata" / "tags.json", listed)
        _lines(folder / "metadata" / "tag_aliases.json", _relations(aliases or {}))
        _lines(folder / "metadata" / "tag_implications.json", _relations(implications or {}))
        for row in rows:
            if row.get("id") is not None:
                path = folder / "images" / f"{row['id'] % 1000:04d}" / f"{row['id']}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (3, 2)).save(path)
        return folder

    return write
