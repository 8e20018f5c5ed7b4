"""Writes drawn posts as a Danbooru2021-shaped dump, and the drawn pictures of `examples/`.

OUT/images/{id % 1000:04d}/{id}.png
OUT/metadata/posts.json, tags.json, tag_implications.json, tag_aliases.json   JSON lines
OUT/metadata/truth.json    every true tag of each post, and those its post lacks
OUT/metadata/dump.json     options and content hash; written last: without it, half-written
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL import __version__ as pillow_version

from ..errors import UsageError
from ..options import to_dict
from .figure import draw
from .posts import (
    DumpOptions,
    Post,
    draw_post,
    post_row,
    relation_rows,
    tag_rows,
    truth_row,
)  # fmt: skip
from .truth import ALIASES, IMPLICATIONS

__all__ = ["DumpOptions", "DumpSummary", "content_hash", "draw_dump"]

Progress = Callable[[int, int], None]
_OF_THE_ENCODER = ("md5", "file_size")  # differ between PNG encoders for the same pixels


@dataclass(frozen=True)
class DumpSummary:
    """What was written: where, how much, and its hash."""

    folder: Path
    posts: int
    tags_left_out: int
    content_hash: str


@dataclass(frozen=True)
class _Written:
    md5: str
    file_size: int
    pixels: str


def draw_dump(
    out: Path, options: DumpOptions | None = None, progress: Progress | None = None
) -> DumpSummary:
    """Draw a dump into an empty or new folder; `progress` is told (done, all).

    Raises UsageError if `out` is a file or holds anything.
    """
    options = options or DumpOptions()
    _refuse_taken(out)
    posts = [draw_post(options, k) for k in range(options.count)]
    written = _write_pictures(out, options, posts, progress)
    parents = {p.parent_id for p in posts}
    rows = [
        post_row(p, options.size, w.md5, w.file_size, p.id in parents)
        for p, w in zip(posts, written, strict=True)
    ]
    metadata = out / "metadata"
    metadata.mkdir(parents=True)
    _write_rows(metadata / "posts.json", rows)
    _write_rows(metadata / "tags.json", tag_rows(posts))
    pairs = [(child, parent) for child, row in IMPLICATIONS.items() for parent in row]
    _write_rows(metadata / "tag_implications.json", relation_rows(pairs))
    _write_rows(metadata / "tag_aliases.json", relation_rows(ALIASES.items()))
    _write_rows(metadata / "truth.json", (truth_row(p) for p in posts))
    whole = _combine(metadata, {p.id: w.pixels for p, w in zip(posts, written, strict=True)})
    about = {"schema": 1, "options": to_dict(options), "pillow": pillow_version,
             "content_hash": whole}  # fmt: skip
    _write_text(metadata / "dump.json", json.dumps(about, indent=1) + "\n")
    return DumpSummary(out, len(posts), sum(len(p.left_out) for p in posts), whole)


def picture_path(post_id: int) -> Path:
    """Where a post's picture lies in a dump."""
    return Path("images") / f"{post_id % 1000:04d}" / f"{post_id}.png"


def content_hash(folder: Path) -> str:
    """Hash a dump's metadata and decoded pixels, whatever encoder wrote its files.

    The same seed and options give the same hash under one release of Pillow; between releases
    a few edge pixels in ten thousand differ, because its polygons do.
    """
    metadata = folder / "metadata"
    ids = [json.loads(line)["id"] for line in _lines(metadata / "posts.json")]
    return _combine(metadata, {k: _file_pixels(folder / picture_path(k)) for k in ids})


def _refuse_taken(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: expected a new or an empty folder, got a file: name another one")
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(
            f"{out}: expected a new or an empty folder, got one with files in it: name another one"
        )


def _write_pictures(
    out: Path, options: DumpOptions, posts: list[Post], progress: Progress | None
) -> list[_Written]:
    for post_id in {p.id % 1000 for p in posts}:
        (out / picture_path(post_id)).parent.mkdir(parents=True)
    done: list[_Written] = []
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
    try:
        for written in pool.map(lambda p: _write_picture(out, options.size, p), posts):
            done.append(written)
            if progress is not None:
                progress(len(done), len(posts))
    finally:
        pool.shutdown(cancel_futures=True)  # after an interruption, draw no further
    return done


def _write_picture(out: Path, size: int, post: Post) -> _Written:
    picture = draw(post.scene, size)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)  # speed: dumps are drawn, used and thrown away
    data = buffer.getvalue()
    (out / picture_path(post.id)).write_bytes(data)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return _Written(md5, len(data), _pixels(picture))


def _pixels(picture: Image.Image) -> str:
    text = f"{picture.mode} {picture.width} {picture.height} ".encode()
    return hashlib.blake2b(text + picture.tobytes(), digest_size=16).hexdigest()


def _file_pixels(path: Path) -> str:
    with Image.open(path) as picture:
        return _pixels(picture)


def _combine(metadata: Path, pixels: Mapping[int, str]) -> str:
    whole = hashlib.blake2b(digest_size=16)
    for path in sorted(metadata.glob("*.json")):
        if path.name == "dump.json":
            continue
        whole.update(path.name.encode())
        for line in _lines(path):
            row = {k: v for k, v in json.loads(line).items() if k not in _OF_THE_ENCODER}
            whole.update(json.dumps(row, sort_keys=True).encode())
    for key in sorted(pixels):
        whole.update(f"{key} {pixels[key]}".encode())
    return whole.hexdigest()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    _write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
