"""Sources at an address, `https://`, `s3://`, `hf://` ...: brought whole, then read like any other.

Not streamed: a reader looks at a file two to four times, DuckDB would install an extension for it,
and a connection that breaks would take the build with it. What was brought is kept in Tagger's home
and brought again only when the address says that it has changed; a part is gone on with. Pictures
are no matter of addresses: a training reads them again and again.

    cache/sources/KEY/NAME           the file or folder, under its name at the address
    cache/sources/KEY/address.json   the address, and what it said of each file that was brought
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from .. import home
from ..errors import DatasetError, DownloadError
from .polite import PassingError
from .remotefiles import RemoteFile, files_at, is_name
from .stores import patiently, shown, store_of

PIECE = 8 << 20
"""Bytes that are asked for at once."""
NOTE = "address.json"
Sleep = Callable[[float], None]
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Remote:
    """A source at an address: its files, and the file or folder that they become here."""

    address: str
    files: tuple[RemoteFile, ...]
    local: Path

    @property
    def missing(self) -> tuple[RemoteFile, ...]:
        """The files that are not here, or have changed at the address."""
        noted = _notes(self.local)["files"]
        return tuple(
            file
            for file in self.files
            if not file.stamp
            or noted.get(str(file.place)) != dict(file.stamp)
            or not self.path_of(file).is_file()
        )

    def path_of(self, file: RemoteFile) -> Path:
        """Where a file of the source lies once it was brought."""
        return self.local.parent / file.place


def origin(source: Path) -> str | None:
    """The address that a source on the disk was brought from, as it is shown; None of others."""
    return _notes(source)["address"] if (source.parent / NOTE).is_file() else None


def look(address: str, sleep: Sleep = time.sleep) -> Remote | Path:
    """What is at an address; a path where it is one of this machine (`file://`).

    A folder is looked into as one on the disk is: files of metadata, some folders deep, not among
    the pictures. An http address of a folder ends with a slash, and its server lists it.

    Raises:
        DatasetError: nothing there, no metadata, or no package for the protocol.
        DownloadError: it can't be reached.
    """
    parts = urlsplit(address)
    if parts.scheme in ("file", "local"):
        return Path(url2pathname(parts.path))
    if parts.path.endswith("/") and parts.query:
        raise DatasetError(f"{shown(address)}: expected a file's name before `?`, got a folder's")
    store, path = store_of(address)
    name = PurePosixPath(unquote(parts.path)).name or parts.netloc.rpartition("@")[2]
    if not is_name(name) or name == NOTE:
        raise DatasetError(f"{shown(address)}: expected an address that ends with a file's name")
    files = patiently(lambda: files_at(store, path, name), address, sleep)
    if not files:
        raise DatasetError(
            f"{shown(address)}: expected files of metadata there, such as posts.json.gz, got none"
        )
    return Remote(address, files, home.part("cache") / "sources" / _key(address) / name)


def bring(remote: Remote, tell: Tell = lambda done, total: None, sleep: Sleep = time.sleep) -> Path:
    """Bring what is missing of a source; gives the file or folder that it is then.

    Raises:
        DownloadError: the address can't be reached, or refuses; what came stays.
        DatasetError: the disk has no room.
    """
    missing = remote.missing
    total = sum(file.size or 0 for file in missing)
    _check_room(remote, total)
    store, _ = store_of(remote.address)
    done = 0
    for file in missing:
        before = done
        done += _bring(store, remote, file, lambda came, at=before: tell(at + came, total), sleep)
    if remote.local.is_dir():
        _drop_others(remote)
    return remote.local


def _bring(
    store: Any, remote: Remote, file: RemoteFile, tell: Callable[[int], None], sleep: Sleep
) -> int:
    """Bring one file, whole or not at all under its own name; gives its bytes."""
    target = remote.path_of(file)
    part = target.with_name(f"{target.name}.part")
    home.make(target.parent)
    if not file.stamp or _notes(remote.local)["parts"].get(str(file.place)) != dict(file.stamp):
        part.unlink(missing_ok=True)
    _note(remote, file, "parts")
    pour = lambda: _pour(store, file, part, tell)  # noqa: E731
    patiently(pour, remote.address, sleep, lambda: _length(part))
    size = _length(part)
    if file.size not in (None, size):
        part.unlink()
        raise DownloadError(
            f"{shown(remote.address)}: expected {file.size:,} bytes of {file.place.name}, got "
            f"{size:,}: run it again"
        )
    part.replace(target)
    _note(remote, file, "files")
    return size


def _pour(store: Any, file: RemoteFile, part: Path, tell: Callable[[int], None]) -> None:
    """Append to the part what is missing of it; all of it where only that can be had."""
    if file.size is not None:
        with suppress(ValueError):  # how fsspec says that a server knows no ranges
            asked = store.open(file.path, "rb", block_size=PIECE, cache_type="none")
            return _append(asked, file, part, tell)
    part.unlink(missing_ok=True)
    return _append(store.open(file.path, "rb", block_size=0), file, part, tell)


def _append(opened: Any, file: RemoteFile, part: Path, tell: Callable[[int], None]) -> None:
    with opened, part.open("ab") as out:
        came = out.tell()
        if came:
            opened.seek(came)
        while file.size is None or came < file.size:
            piece = opened.read(PIECE if file.size is None else min(PIECE, file.size - came))
            if not piece:
                break
            _keep(out, piece, part)
            came += len(piece)
            tell(came)
    if file.size is not None and came < file.size:
        raise PassingError(f"expected {file.size:,} bytes of {file.place.name}, got {came:,}")


def _keep(out: BinaryIO, piece: bytes, part: Path) -> None:
    """Write to our own disk, whose faults no other try would mend."""
    try:
        out.write(piece)
        out.flush()
    except OSError as error:
        raise DownloadError(f"{part}: can't be written: {error.strerror}") from error


def _key(address: str) -> str:
    """A folder's name for an address; the account is no part of it, the rest can't be read back."""
    parts = urlsplit(address)
    plain = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"
    return hashlib.blake2b(plain.encode(), digest_size=16).hexdigest()


def _notes(local: Path) -> dict[str, Any]:
    """What is written down beside what was brought."""
    found: Any = None
    with suppress(OSError, ValueError):
        found = json.loads((local.parent / NOTE).read_text(encoding="utf-8"))
    known = found if isinstance(found, dict) else {}
    return {"address": known.get("address")} | {
        each: own if isinstance(own := known.get(each), dict) else {} for each in ("files", "parts")
    }


def _note(remote: Remote, file: RemoteFile, what: str) -> None:
    """Write down what is said of a file that was brought, or of a part that is begun."""
    notes: dict[str, Any] = _notes(remote.local) | {"address": shown(remote.address)}
    for each in ("files", "parts"):
        notes[each].pop(str(file.place), None)
    notes[what][str(file.place)] = dict(file.stamp)
    path = remote.local.parent / NOTE
    part = path.with_name(f"{NOTE}.part")
    text = json.dumps(notes, indent=2, ensure_ascii=False)
    part.write_text(text + "\n", encoding="utf-8", newline="\n")
    part.replace(path)


def _drop_others(remote: Remote) -> None:
    """Remove what the address no longer has, since it would be read."""
    own = {remote.path_of(file) for file in remote.files}
    for path in remote.local.rglob("*"):
        if path.is_file() and path not in own:
            path.unlink()


def _check_room(remote: Remote, needed: int) -> None:
    folder = home.make(remote.local.parent)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"{shown(remote.address)}: expected {needed:,} bytes free in {folder}, got {free:,}: "
            "set TAGGER_HOME to a folder on a larger disk"
        )


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
