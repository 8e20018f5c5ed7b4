"""One file from the hub: described, resumed where an earlier try stopped, checked."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from ..errors import DownloadError
from . import hashes, hub
from .spec import File
from .web import PassingError, open_url

T = TypeVar("T")

TRIES = 5
"""Tries in a row that bring nothing new before a transfer is given up."""
PAUSE_S = 1.0
"""Seconds before the second try; doubled for each further one."""
_PIECE = 1 << 20


@dataclass(frozen=True)
class Remote:
    """A file as the hub describes it.

    `etag` is the SHA-256 of a large file or the git SHA-1 of a small one, in hex; a mirror may
    say something of its own.
    """

    url: str
    commit: str
    size: int
    etag: str


def describe(repo: str, revision: str, file: File) -> Remote:
    """Ask the hub for a file's commit, size and hash.

    Raises:
        DownloadError: refused, unreachable, or of another size than is known.
    """
    address = _address(repo, revision, file.path)
    with _patiently(lambda: open_url(address, "HEAD"), tries=2) as answer:
        headers = answer.headers
    size = headers.get("X-Linked-Size") or headers.get("Content-Length") or ""
    etag = headers.get("X-Linked-Etag") or headers.get("ETag") or ""
    commit = headers.get("X-Repo-Commit") or revision
    if not size.isdigit():
        raise DownloadError(f"expected the size of the file from the hub, got {size or 'nothing'}")
    if file.size not in (None, int(size)):
        raise DownloadError(
            f"expected a file of {file.size:,} bytes, the hub has one of {int(size):,}: it was "
            f"replaced, or HF_ENDPOINT names a wrong mirror"
        )
    # by commit from here on, so that the files of one model belong together
    pinned = _address(repo, commit, file.path)
    return Remote(pinned, commit, int(size), etag.removeprefix("W/").strip('"').lower())


def fetch(remote: Remote, file: File, target: Path, progress: Callable[[int], None]) -> str:
    """Bring one file to `target`, whole and checked, or not at all; give its SHA-256.

    What an earlier try brought of the same content is gone on from. `progress` is given the bytes
    that are here.

    Raises:
        DownloadError: it did not arrive whole; the part stays for the next try, unless it is wrong.
        OSError: it can't be written.
    """
    part = partial(remote, target)
    part.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():  # whole, of a download that was stopped later on: checked once more
        target.replace(part)
    _patiently(lambda: _pour(remote, part, progress), lambda: _length(part))
    digest = hashes.compute(part)
    _check(remote, file, part, digest)
    part.replace(target)
    return digest


def partial(remote: Remote, target: Path) -> Path:
    """Where the part of a file waits; another content of the same name waits elsewhere."""
    mark = re.sub(r"[^0-9a-z]", "", remote.etag)[:16] or "unmarked"
    return target.with_name(f"{target.name}.{mark}.part")


def _address(repo: str, revision: str, path: str) -> str:
    return f"{hub.endpoint()}/{repo}/resolve/{quote(revision, safe='')}/{quote(path)}"


def _patiently(
    action: Callable[[], T], here: Callable[[], int] = lambda: 0, tries: int | None = None
) -> T:
    """Try again after passing errors, as long as more arrives or tries are left."""
    failed, before = 0, here()
    while True:
        try:
            return action()
        except PassingError as error:
            failed = 1 if here() > before else failed + 1
            before = here()
            if failed >= (tries or TRIES):
                raise DownloadError(str(error)) from error
            time.sleep(PAUSE_S * 2 ** (failed - 1) if error.wait is None else error.wait)


def _pour(remote: Remote, part: Path, progress: Callable[[int], None]) -> None:
    """Append to the part what is missing of it."""
    here = _length(part)
    if here > remote.size:
        here = 0
    if here == remote.size and part.exists():
        progress(here)
        return
    try:
        answer = open_url(remote.url, headers={"Range": f"bytes={here}-"} if here else {})
    except PassingError as error:
        if error.anew:
            part.unlink()
        raise
    with answer:
        if here and not _continues(answer, here):
            here = 0
        with part.open("ab" if here else "wb") as file:
            progress(here)
            while here <= remote.size and (piece := _read(answer)):
                here += len(piece)
                file.write(piece)
                progress(min(here, remote.size))
    _ended(remote, part, here)


def _ended(remote: Remote, part: Path, here: int) -> None:
    if here > remote.size:
        part.unlink()
        raise DownloadError(
            f"expected {remote.size:,} bytes as the hub said, got more: try again, or another "
            f"HF_ENDPOINT"
        )
    if here < remote.size:
        raise PassingError(
            f"expected {remote.size:,} bytes, got {here:,} before the connection broke: run it "
            f"again, it goes on from there"
        )


def _continues(answer: HTTPResponse, here: int) -> bool:
    """Whether the answer is the rest of the file, not the whole of it again."""
    return answer.status == 206 and answer.headers.get("Content-Range", "").startswith(
        f"bytes {here}-"
    )


def _read(answer: HTTPResponse) -> bytes:
    try:
        return answer.read(_PIECE)
    except (OSError, HTTPException) as error:
        raise PassingError(
            f"the connection broke ({error!r}): run it again, it goes on from there"
        ) from error


def _check(remote: Remote, file: File, part: Path, digest: str) -> None:
    """Compare with the SHA-256 that is known or told, of a small file with git's SHA-1."""
    wanted, found = (file.sha256 or "").lower(), digest
    if not wanted and _is_hex(remote.etag, 64):
        wanted = remote.etag
    if not wanted and _is_hex(remote.etag, 40):
        wanted, found = remote.etag, _git_sha1(part)
    if wanted and found != wanted:
        part.unlink()
        raise DownloadError(
            f"expected content with the hash {wanted[:12]}..., got {found[:12]}...: it was "
            f"changed on the way, so try again, or another HF_ENDPOINT"
        )


def _git_sha1(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _is_hex(text: str, digits: int) -> bool:
    return re.fullmatch(rf"[0-9a-f]{{{digits}}}", text) is not None


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
