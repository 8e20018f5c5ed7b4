"""What is to be captioned and where the captions go: checked, then listed, nothing written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..errors import CaptionError, UsageError
from ..images import EXTENSIONS
from ..paths import cause_of
from ..settings import Folder
from .confines import check_within, is_within
from .inputs import Sieve
from .naming import Naming, PlainNames
from .plan import Refusal, Target, Task, assign, leaves, mirrors
from .sameness import sameness
from .sidecars import captions_in, has_text
from .walk import Listing, Walk, walk


@dataclass(frozen=True)
class FolderJob:
    """Folders, or single pictures, and where their captions go.

    include, exclude: patterns of the pictures that are meant, as `inputs.Sieve` reads them. argv:
    the arguments that asked for it, as the list of runs shows them. within: folders that nothing
    is read or written outside of, wherever tokens and links lead; None is everywhere.
    """

    roots: tuple[Path, ...]
    folder: Folder = field(default_factory=Folder)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    within: tuple[Path, ...] | None = None


class Plan:
    """The tasks of a job, in natural order, folder by folder; nothing is written.

    Iterate once; `walk` counts meanwhile.
    """

    def __init__(self, job: FolderJob) -> None:
        _check(job)
        self.job = job
        self._sieve = Sieve(job.include, job.exclude)
        self._naming = Naming(job.folder.name, job.folder.extension)
        self._index = self._meant = 0
        self.walk: Walk = walk(job.roots, job.folder.recursive)
        folders = _folders(job.roots)
        out = job.folder.out
        found = mirrors(list(folders.values()), out, sameness(out)) if out else {}
        self._mirrors = {real: found.get(folder) for real, folder in folders.items()}

    def __iter__(self) -> Iterator[Task | Refusal]:
        for listing in self.walk.listings():
            yield from map(self._confined, self.assigned(listing))
        if not self.walk.pictures:
            raise UsageError(_no_pictures(self.job, self.walk))
        if not self._meant:
            raise UsageError(
                f"expected pictures that --include-path and --exclude-path leave, got none of "
                f"{self.walk.pictures:,}: their patterns are for paths below the folder named"
            )

    def tally(self) -> Counter[str]:
        """How many pictures of each kind, and `refused`; iterates to the end."""
        return Counter("refused" if isinstance(t, Refusal) else t.kind for t in self)

    def assigned(self, listing: Listing) -> Iterator[Task | Refusal]:
        """The tasks of one folder."""
        place, folder = self.target(listing), self.job.folder
        names = self._sifted(listing)
        self._meant += len(names)
        same = sameness(place)
        if self._naming.is_plain:
            captions: Collection[str] = PlainNames(self._naming, names)
            captioned = captions_in(place, folder.extension, same)
        else:
            named, refused = self._named(listing.folder, names, place)
            yield from refused
            names, captions = [name for name, _ in named], [caption for _, caption in named]
            captioned = {same(each) for each in captions if has_text(place / each)}
        pictures = (listing.folder / name for name in names)
        yield from assign(pictures, captions, Target(place, captioned, same), folder)

    def _sifted(self, listing: Listing) -> Sequence[str]:
        """The names of the pictures that are meant."""
        if self._sieve.passes_all:
            return listing.names
        below = PurePosixPath(listing.folder.relative_to(listing.root).as_posix())
        return [name for name in listing.names if self._sieve(below / name)]

    def _confined(self, task: Task | Refusal) -> Task | Refusal:
        """The task, or a refusal where it would lead out of the folders that are open."""
        if self.job.within is None or isinstance(task, Refusal):
            return task
        for path in (task.picture, task.caption):
            if not is_within(path, self.job.within):
                what = "the picture" if path == task.picture else "its caption"
                return Refusal(task.picture, f"{what} lies outside the folders that are open here")
        return task

    def _named(
        self, folder: Path, names: Iterable[str], target: Path
    ) -> tuple[list[tuple[str, str]], list[Refusal]]:
        """Pictures' names and those of their captions by the template, and who can have none."""
        named: list[tuple[str, str]] = []
        refused: list[Refusal] = []
        for each in names:
            self._index += 1
            try:
                name = self._naming.name(folder / each, self._index)
            except CaptionError as error:
                refused.append(Refusal(folder / each, str(error)))
                continue
            if leaves(target, name):
                reason = f"its caption {name} would lie outside {target}"
                refused.append(Refusal(folder / each, reason))
            else:
                named.append((each, name))
        return named, refused

    def target(self, listing: Listing) -> Path:
        """Where one folder's captions go."""
        mirror = self._mirrors[os.path.realpath(listing.root)]
        return mirror / listing.folder.relative_to(listing.root) if mirror else listing.folder


def plan_folder(job: FolderJob) -> Plan:
    """List what would be done, without inference: iterate over the Plan.

    Raises UsageError at once for folders that are not there or can't be written to, and at the
    end of the iteration where there was no picture.
    """
    return Plan(job)


def _folders(roots: Iterable[Path]) -> dict[str, Path]:
    """The folders that the roots are or lie in, each once, by where they really are."""
    folders: dict[str, Path] = {}
    for root in roots:
        folder = root if root.is_dir() else root.parent
        folders.setdefault(os.path.realpath(folder), folder)
    return folders


def _check(job: FolderJob) -> None:
    if not job.roots:
        raise UsageError("expected a folder of pictures, got none: name one")
    out = job.folder.out
    if job.within is not None:
        check_within([*job.roots, *([out] if out else [])], job.within)
    try:
        _check_places(job.roots, out)
    except OSError as error:
        raise UsageError(
            f"{error.filename}: expected a path that can be looked at, got: {cause_of(error)}"
        ) from error


def _check_places(roots: Sequence[Path], out: Path | None) -> None:
    for root in roots:
        _check_root(root)
    for place in _folders(roots).values() if out is None else [_there(out)]:
        if not place.is_dir():
            raise UsageError(
                f"{place}: expected a folder for the captions, got a file: name another"
            )
        if not os.access(place, os.W_OK | os.X_OK):
            raise UsageError(
                f"{place}: expected a folder that can be written to, got no permission: name "
                f"another for the captions"
            )


def _there(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there: it will have to be made in that."""
    absolute = Path(os.path.abspath(folder))  # noqa: PTH100 - `resolve` follows links
    return next((each for each in (folder, *absolute.parents) if each.exists()), folder)


def _check_root(root: Path) -> None:
    if root.is_dir():
        return
    if not root.exists():
        raise UsageError(f"{root}: expected a folder of pictures, got nothing of that name")
    if root.suffix.lower() not in EXTENSIONS:
        known = " ".join(sorted(EXTENSIONS))
        raise UsageError(f"{root}: expected a folder or a picture ({known}), got another file")


def _no_pictures(job: FolderJob, found: Walk) -> str:
    where = ", ".join(str(root) for root in job.roots)
    if found.unreadable:
        path, cause = found.unreadable[0]
        return f"{where}: expected pictures, got none: {path} can't be listed, {cause}"
    others = ", ".join(
        f"{n} {kind or 'without extension'}" for kind, n in found.ignored.most_common(5)
    )
    below = "" if job.folder.recursive else " (sub-folders were left out)"
    got = f"only other files ({others})" if others else "none"
    return f"{where}: expected pictures, got {got}{below}: name a folder that holds some"
