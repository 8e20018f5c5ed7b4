"""Files, folders and zips given to the page: laid out in a folder of ours, captions sent back.

Nothing of what is uploaded is trusted: names stay inside the folder, archives stay in bounds.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from ...errors import UsageError
from ...images import EXTENSIONS

MOST_FILES = 100_000
MOST_BYTES = 16 << 30
"""Of one upload, unpacked."""
MOST_RATIO = 50
"""Times a zip may grow: pictures hardly shrink, and so a zip of them hardly grows."""
FREE_BYTES = 64 << 20
"""So much it may grow in any case: a few text files shrink well."""
KEPT_S = 24 * 3600
_PREFIX = "tagger-upload-"


def stage(files: Sequence[tuple[Path, str]], paths: str, captions: str) -> Path:
    """Lay out uploaded files in a new folder: pictures, and captions that end in `captions`.

    files: where each lies, and its name. paths: their places as JSON, as our script posts them;
    names alone count where these do not fit. Zips are unpacked.

    Raises:
        UsageError: no pictures, a name that leads out of the folder, a zip out of bounds.
    """
    if not files:
        raise UsageError("expected pictures, a folder or a zip, got nothing: drop some")
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    pictures = folder / "pictures"
    pictures.mkdir()
    kinds = {*EXTENSIONS, captions.lower()}
    try:
        for (source, name), place in zip(files, _places(files, paths), strict=True):
            if name.lower().endswith(".zip"):
                _unpack(source, pictures, kinds)
            elif Path(name).suffix.lower() in kinds:
                _copy(source, _free(_inside(pictures, place)))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return pictures


def pack(pictures: Path, captions: str) -> Path:
    """A zip of the captions beside uploaded pictures, under the same names."""
    path = pictures.parent / "captions.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(pictures.rglob(f"*{captions}")):
            archive.write(file, file.relative_to(pictures).as_posix())
    return path


def _places(files: Sequence[tuple[Path, str]], paths: str) -> list[str]:
    """Where each file was, below what was dropped; one that does not fit counts for none."""
    names = [name for _, name in files]
    try:
        told = json.loads(paths or "[]")
    except ValueError:
        return names
    fits = isinstance(told, list) and len(told) == len(names)
    if not fits or not all(isinstance(place, str) for place in told):
        return names
    same = all(
        _plain(PurePosixPath(place).name) == _plain(name)
        for place, name in zip(told, names, strict=True)
    )
    return told if same else names


def _plain(name: str) -> str:
    """What gradio leaves of a file's name, so that two can be compared."""
    return "".join(char for char in name if char.isalnum()).lower()


def _inside(folder: Path, place: str) -> Path:
    plain = PurePosixPath(place.replace("\\", "/"))
    parts = [part for part in plain.parts if part != "."]
    odd = PureWindowsPath(place).drive or "\0" in place or plain.is_absolute()
    if odd or not parts or ".." in parts or len(place) > 1000:
        raise UsageError(f"expected a file inside what was dropped, got {place[:100]!r}")
    return folder.joinpath(*parts)


def _free(path: Path) -> Path:
    if path.exists():
        raise UsageError(f"expected files of different names, got {path.name} twice")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


# ---------------------------------------------------------------- zips


def _unpack(source: Path, folder: Path, kinds: Iterable[str]) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            wanted = [one for one in _members(archive) if _kind(one) in kinds]
            left = min(MOST_BYTES, MOST_RATIO * source.stat().st_size + FREE_BYTES)
            for one in wanted:
                left -= _extract(archive, one, _free(_inside(folder, one.filename)), left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise UsageError(f"expected a zip of pictures, got a damaged one: {error}") from error


def _kind(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename.lower()).suffix


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of an archive, none of which is a link, locked, or a system's own."""
    members = [one for one in archive.infolist() if not one.is_dir()]
    if len(members) > MOST_FILES:
        raise UsageError(f"expected at most {MOST_FILES:,} files in a zip, got {len(members):,}")
    for one in members:
        if stat.S_ISLNK(one.external_attr >> 16):
            raise UsageError(f"expected files in the zip, got a link: {one.filename[:100]!r}")
        if one.flag_bits & 1:
            raise UsageError("expected a zip without a password, got one with")
    return [one for one in members if not one.filename.startswith("__MACOSX/")]


def _extract(archive: zipfile.ZipFile, one: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Write one file, as long as there are bytes left: what the archive says of sizes may lie."""
    written = 0
    with archive.open(one) as packed, target.open("xb") as file:
        while block := packed.read(1 << 20):
            written += len(block)
            if written > left:
                raise UsageError(
                    f"expected a zip that unpacks to less, got more than {MOST_RATIO} times its "
                    f"size: give the pictures in a folder"
                )
            file.write(block)
    return written


# ---------------------------------------------------------------- cleaning up


def _sweep() -> None:
    """Remove uploads of yesterday and before."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            old = time.time() - folder.stat().st_mtime > KEPT_S
        except OSError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)


_ours: list[Path] = []


def remember(pictures: Path) -> None:
    """Remove an upload when the process ends."""
    if not _ours:
        atexit.register(_forget)
    _ours.append(pictures.parent)


def _forget() -> None:
    for folder in _ours:
        shutil.rmtree(folder, ignore_errors=True)
