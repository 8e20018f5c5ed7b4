"""What lies at an address: a file, or the files of metadata in a folder there.

A folder is looked into as one on the disk is: some folders deep, not among the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from .files import DEPTH, holds_pictures, may_be_metadata
from .stores import is_http

_STAMPS = (
    "ETag", "etag", "Last-Modified", "LastModified", "last_modified", "mtime", "updated",
    "created", "generation", "blob_id",
)  # fmt: skip
"""What a store says of a file that changes when the file does, by the stores' own names."""


@dataclass(frozen=True)
class RemoteFile:
    """A file at an address: its place from the source's name on, what the store calls it, its size.

    size: bytes, None where nobody says. stamp: what changes when the file does; empty where nothing
    is said, and then it is brought anew each time.
    """

    place: PurePosixPath
    path: str
    size: int | None
    stamp: Mapping[str, str]


def files_at(store: Any, path: str, name: str) -> tuple[RemoteFile, ...]:
    """The file at a store's path, or those of metadata below it, by their places.

    `name` is what the source is called here.
    """
    if not path.endswith("/") and (is_http(store) or not store.isdir(path)):
        return (_described(store, path, PurePosixPath(name)),)
    return tuple(sorted(_walk(store, path, PurePosixPath(name)), key=lambda file: file.place))


def _walk(store: Any, path: str, place: PurePosixPath) -> Iterator[RemoteFile]:
    """The files below a folder that may be of metadata, as `files` would look at them."""
    for entry in store.ls(path, detail=True):
        if not (own := _name_in(path, str(entry["name"]))):
            continue
        if entry["type"] != "directory":
            if may_be_metadata(Path(own)):
                yield _described(store, entry["name"], place / own)
        elif len(place.parts) <= DEPTH and not holds_pictures(place / own):
            yield from _walk(store, entry["name"], place / own)


def _name_in(folder: str, entry: str) -> str:
    """The name of what lies in a folder; empty for anything else that a page links to."""
    above, _, name = entry.rstrip("/").rpartition("/")
    name = unquote(name)
    return name if above.strip("/") == folder.strip("/") and is_name(name) else ""


def is_name(name: str) -> bool:
    """Whether a file may be called so here, on any machine."""
    return name not in ("", ".", "..") and not re.search(r'[\\/:?*"<>|\x00-\x1f]', name)


def _described(store: Any, path: str, place: PurePosixPath) -> RemoteFile:
    info = store.info(path)
    stamp = {name: str(info[name]) for name in _STAMPS if info.get(name) is not None}
    if stamp and info.get("size") is not None:
        stamp["size"] = str(info["size"])
    return RemoteFile(place, path, info.get("size"), stamp)
