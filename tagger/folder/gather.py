"""Gather a folder's captions, as they stand beside its pictures, in one file; undoable."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from PIL import Image

from ..errors import CaptionError
from ..paths import cause_of, openable
from .job import FolderJob, Plan
from .metadata import Row, check_name, merge
from .plan import Task
from .recorder import Recorder
from .sidecars import read_caption
from .strays import sweep
from .wholefile import digest_of, replacing

log = logging.getLogger(__name__)


def gather(job: FolderJob, file: Path, recorder: Recorder, *, full_paths: bool = False) -> int:
    """Write the captions of a job's pictures to a file, and say how many there were.

    Pictures without a caption are left out; what the file holds of others stays. Paths are
    relative to the file's folder where the pictures lie in it, else or by `full_paths` absolute.
    However many pictures there are, one of them is in memory.

    Raises:
        UsageError: the file's ending is not known, or it holds something else.
        CaptionError: it can't be read or written.
        StoreError: the journal can't be written.
    """
    check_name(file)
    rows = _rows(job, file, full_paths=full_paths)
    sweep(file.parent)
    before = digest_of(file)
    try:
        openable(file.parent).mkdir(parents=True, exist_ok=True)
        with replacing(file) as place:
            count = _merge(file, rows, place)
            if digest_of(place) == before:
                place.unlink()
            else:
                recorder.record(file, before, place, "gather")
    except OSError as error:
        raise CaptionError(f"{file}: can't be written: {cause_of(error)}") from error
    except UnicodeDecodeError as error:
        raise CaptionError(f"{file}: expected UTF-8, got another encoding") from error
    return count


def _merge(file: Path, rows: Iterable[Row], place: Path) -> int:
    """Write what a file is to hold to another place; says how many rows are new or renewed."""
    with ExitStack() as stack:
        old = None
        with suppress(FileNotFoundError):
            opened = openable(file).open(encoding="utf-8-sig", newline="")
            old = stack.enter_context(opened)
        into = place.open("w", encoding="utf-8", errors="surrogatepass", newline="")
        return merge(file, old, rows, stack.enter_context(into))


def _rows(job: FolderJob, file: Path, *, full_paths: bool) -> Iterator[Row]:
    home = Path(os.path.abspath(file.parent))  # noqa: PTH100 - links stay as they are named
    for task in Plan(job):
        if not isinstance(task, Task):
            continue
        try:
            text = read_caption(task.caption, encoding=job.folder.encoding)
        except CaptionError as error:
            log.warning("%s", error)
            continue
        if text is not None and text.strip():
            key = path_key(task.picture, home, full=full_paths)
            yield Row(key, text.strip(), _size(task.picture))


def path_key(picture: Path, home: Path, *, full: bool = False) -> str:
    """How a file in the folder `home` names a picture: from there where it lies in it, else whole.

    `/` stands between folders; `full` asks for the whole path in any case.
    """
    whole = Path(os.path.abspath(picture))  # noqa: PTH100 - links stay as they are named
    inside = not full and whole.is_relative_to(home)
    return (whole.relative_to(home) if inside else whole).as_posix()


def _size(picture: Path) -> tuple[int, int] | None:
    """Width and height as the file states them; None for what can't be read."""
    try:
        with Image.open(openable(picture)) as image:
            return image.size
    except Exception:  # whatever a broken picture makes of a decoder
        return None
