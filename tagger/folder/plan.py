"""Which picture, which caption file, and what is done to it. Pure: looks at no disk.

A caption is somebody's work: whatever changes one is a Change first, and two pictures never share
a file in silence.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..caption import Caption, CaptionFormat
from ..errors import UsageError
from ..merge import merge
from ..settings import Folder
from .sameness import Same, repeated

Kind = Literal["new", "skip", "overwrite", "update", "append", "prepend", "same"]

_LONGEST_NAME = 255  # bytes of a name on ext4, APFS, NTFS (there: UTF-16 units) and most others


@dataclass(frozen=True)
class Task:
    """A picture, the caption file that belongs to it, and what is meant to be done with that."""

    picture: Path
    caption: Path
    kind: Kind


@dataclass(frozen=True)
class Refusal:
    """A picture that can have no caption, and a sentence's tail that says why and what to do."""

    picture: Path
    reason: str


@dataclass(frozen=True)
class Change:
    """What becomes of one caption file.

    before: its text, None if there is no file. after: its text then. kind: `skip` and `same`
    change nothing. reason: why a caption that could have been changed was not.
    """

    path: Path
    caption: Path
    before: str | None
    after: str
    kind: Kind
    reason: str = ""

    @property
    def writes(self) -> bool:
        """Whether the file will be another."""
        return self.kind not in ("skip", "same")


@dataclass(frozen=True)
class Ours:
    """What Tagger did to a caption that nobody edited since.

    base: the text that it added to, None where all of it is Tagger's. kind: how it did.
    """

    base: str | None = None
    kind: Kind = "new"


EDITED = "the caption was edited since, or Tagger did not write it: left as it is"


def mirrors(roots: Sequence[Path], out: Path, same: Same = str) -> Mapping[Path, Path]:
    """For each root the folder under `out` that its sub-folders are mirrored in.

    That is `out`, and where there are several roots a folder of each one's name in it. Raises
    UsageError for two roots of one name, as `same` has them.
    """
    if len(roots) < 2:
        return dict.fromkeys(roots, out)
    names: dict[str, Path] = {}
    for root in roots:
        other = names.setdefault(same(_name(root)), root)
        if other != root:
            raise UsageError(
                f"{root}: expected folders of different names under {out}, got {other} "
                f"too: caption them one by one"
            )
    return {root: out / _name(root) for root in roots}


def _name(root: Path) -> str:
    return Path(os.path.abspath(root)).name  # noqa: PTH100 - `resolve` would look at the disk


@dataclass(frozen=True)
class Target:
    """A folder that captions go to.

    captioned: the names of the caption files there that hold a text, as `same` has them. same:
    what two names of one file have in common there.
    """

    folder: Path
    captioned: Set[str] = frozenset()
    same: Same = str


def assign(
    pictures: Iterable[Path], names: Collection[str], target: Target, folder: Folder
) -> Iterator[Task | Refusal]:
    """Give each picture of one folder its caption file, by its name in the folder `target`.

    Of pictures that would share a file the first has it, the others are refused; so is a name
    longer than file systems take.
    """
    same = target.same
    shared = repeated(names, same)
    taken: dict[str, Path] = {}
    for picture, name in zip(pictures, names, strict=True):
        known = same(name)
        other = taken.setdefault(known, picture) if known in shared else picture
        reason = _too_long(name) or ("" if other is picture else _taken(other, name))
        if reason:
            yield Refusal(picture, reason)
        else:
            kind: Kind = folder.on_existing if known in target.captioned else "new"
            yield Task(picture, target.folder / name, kind)


def _too_long(name: str) -> str:
    if len(name) < _LONGEST_NAME // 4:  # no letter takes more than four bytes
        return ""
    parts = name.split("/")
    units = (lambda text: text.encode("utf-16-le")[::2]) if os.name == "nt" else os.fsencode
    length = max(len(units(part)) for part in parts)
    if length <= _LONGEST_NAME:
        return ""
    return f"its caption's name would take {length} bytes of {_LONGEST_NAME}: shorten the name"


def _taken(other: Path, name: str) -> str:
    return (
        f"{other.name} has the caption file {name} too: rename one of them, or name captions "
        f"[name].[extension].[output_extension]"
    )


def leaves(target: Path, name: str) -> bool:
    """Whether a caption of that name would lie outside the folder `target`, links followed."""
    home = os.path.realpath(target)
    real = os.path.realpath(os.path.dirname(os.path.join(target, name)))  # noqa: PTH118, PTH120
    unsafe = any(part in ("", ".", "..") for part in name.split("/"))
    return unsafe or (real != home and not real.startswith(os.path.join(home, "")))  # noqa: PTH118


@dataclass(frozen=True)
class Existing:
    """What a caption file holds now: its text, None if there is no file, and what of it is ours."""

    text: str | None = None
    ours: Ours | None = None


def decide(
    task: Task, there: Existing, caption: Caption, folder: Folder, form: CaptionFormat
) -> Change:
    """Turn a task, what is there now and the new caption into a Change.

    What Tagger added before, and nobody edited since, is taken back first: so a repeat changes
    nothing. `there` may be newer than the task.
    """
    end = "\n" if folder.newline else ""
    written = caption.text + end if caption.text else ""
    before, ours, how = there.text, there.ours, folder.on_existing
    if before is None or not before.strip():
        return Change(task.picture, task.caption, before, written, "new")
    if how == "skip":
        return Change(task.picture, task.caption, before, before, "skip")
    if how == "update" and ours is None:
        return Change(task.picture, task.caption, before, before, "skip", EDITED)
    base = ours.base if ours else before
    if how == "overwrite" or base is None:
        kind: Kind = "same" if before == written else how
        return Change(task.picture, task.caption, before, written, kind)
    added = ours.kind if ours and how == "update" else how
    merged = merge(base, caption, "prepend" if added == "prepend" else "append", form)
    if merged.reason:
        why = f"the caption has {merged.reason}: left as it is"
        return Change(task.picture, task.caption, before, before, "skip", why)
    kind = "same" if merged.text == before else how
    return Change(task.picture, task.caption, before, merged.text, kind)
