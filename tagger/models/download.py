"""A model's files from the hub, whole or not at all.

They gather in a hidden folder beside the model's and move when all have arrived and been checked,
so a model's folder never holds half of one. Parallel askers share one download.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..bytecount import readable
from ..errors import DownloadError
from ..home import make, part
from . import hashes, hub
from .contract import Contract
from .files import complete, fault
from .lock import held
from .spec import File, ModelSpec
from .transfer import Remote, describe, fetch, partial
from .web import AbsentError

Progress = Callable[[int, int], None]
"""Bytes here, bytes in all; may raise to stop, and the next download goes on from there."""

SPARE = 64 << 20
"""Bytes that a download leaves free on the disk."""
TIMEOUT_S = 3600.0
"""Seconds that an asker waits for another's download of the same model."""


@dataclass(frozen=True)
class _Item:
    """One file on its way: where it comes from and where it waits."""

    file: File
    remote: Remote
    staged: Path

    @property
    def here(self) -> int:
        waiting = partial(self.remote, self.staged)
        return max((p.stat().st_size for p in (waiting, self.staged) if p.exists()), default=0)


def download(
    spec: ModelSpec,
    progress: Progress | None = None,
    into: Path | None = None,
    contract: Contract | None = None,
) -> Path:
    """Bring a published model to its folder and give that back.

    Fetched are the labels and the files of one way to run it, the preferred one unless another
    is named; what is there already stays. `into` is the model's folder, by default in our home.

    Raises:
        DownloadError: not published, offline, refused, no space, or not whole; nothing in use.
        UsageError: our home can't be written.
    """
    folder = into or part("models") / spec.name
    contract = contract or spec.contract
    if contract in complete(spec, folder):
        return folder
    make(folder.parent)
    with _told(spec.name), held(folder.parent / f".{folder.name}.lock", TIMEOUT_S):
        if contract not in complete(spec, folder):  # another asker may have brought it
            _bring(spec, contract, folder, progress or (lambda done, total: None))
    return folder


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Name the model, or the file of it, in every failure."""
    try:
        yield
    except TimeoutError:
        raise DownloadError(
            f"{name}: expected to download, got another download of it that has not ended for "
            f"{TIMEOUT_S / 60:.0f} minutes: wait for it, or stop it"
        ) from None
    except DownloadError as error:
        raise type(error)(f"{name}: {error}") from error
    except OSError as error:
        raise DownloadError(f"{name}: can't be written: {error.strerror or error}") from error


def _bring(spec: ModelSpec, contract: Contract, folder: Path, progress: Progress) -> None:
    items = _ask(spec, contract, folder)
    _make_room(items, _stage(folder))
    total, done = sum(item.remote.size for item in items), 0
    digests: list[str] = []
    for item in items:
        with _told(item.file.path):
            told = functools.partial(_sum, progress, done, total)
            digests.append(fetch(item.remote, item.file, item.staged, told))
        done += item.remote.size
    for item, digest in zip(items, digests, strict=True):
        target = folder / item.file.path
        _settle(item.staged, target)
        hashes.remember(target, digest)
    shutil.rmtree(_stage(folder), ignore_errors=True)


def _sum(progress: Progress, before: int, total: int, here: int) -> None:
    progress(before + here, total)


def _settle(staged: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():  # of the right name and wrong content: somebody may miss it
        target.replace(target.with_name(f"{target.name}.replaced"))
    staged.replace(target)


def _ask(spec: ModelSpec, contract: Contract, folder: Path) -> list[_Item]:
    """What the hub has of the files that are missing, all of one commit."""
    if spec.repo is None:
        raise DownloadError("it is not published: copy its folder into `models` of Tagger's home")
    if hub.offline():
        raise DownloadError("HF_HUB_OFFLINE forbids the network: unset it to download")
    items: list[_Item] = []
    revision = spec.revision
    # the labels first: should it be refused, then before the large file
    names = (*spec.needs(contract), *spec.optional)
    for name in sorted(names, key=lambda name: name != spec.labels):
        file = spec.file(name)
        if not fault(folder, file):
            continue
        try:
            with _told(name):
                remote = describe(spec.repo, revision, file)
        except AbsentError:
            if name in spec.optional:
                continue
            raise
        revision = remote.commit
        items.append(_Item(file, remote, _stage(folder) / name))
    return items


def _stage(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.partial")


def _make_room(items: list[_Item], stage: Path) -> None:
    make(stage)
    needed = sum(item.remote.size - item.here for item in items) + SPARE
    free = shutil.disk_usage(stage).free
    if free < needed:
        raise DownloadError(
            f"expected {readable(needed)} free at {stage.parent}, got {readable(free)}: "
            f"free some, or set TAGGER_HOME to another disk"
        )
