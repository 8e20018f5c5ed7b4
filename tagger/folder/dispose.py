"""Move pictures out of a folder, with what belongs to them; into a kept place to delete them."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CaptionError, UsageError
from ..home import part
from .captions import Captions
from .companions import Beside, companions
from .editing import Rules, selected
from .journal import Recorder
from .plan import mirrors


@dataclass(frozen=True)
class Move:
    """A file, and where it goes."""

    path: Path
    target: Path


def kept_place() -> Path:
    """A new folder in our home, for what is deleted; not made yet."""
    day = datetime.datetime.now().strftime("%Y-%m-%d")
    return part("runs") / "deleted" / f"{day}-{secrets.token_hex(4)}"


def plan_moves(captions: Captions, rules: Rules, into: Path) -> list[Move]:
    """The pictures that are meant, in the same sub-folders of `into`, each with its companions.

    A caption, or another companion, that a picture shares with one that stays, stays too; what
    lies in `into` already, where that is a part of the folder, is passed over. Raises UsageError
    if it is the folder.
    """
    roots = mirrors(captions.roots, into)
    there = into.resolve()
    within = any(there.is_relative_to(root.resolve()) for root in captions.roots)
    if any(there == root.resolve() for root in captions.roots):
        raise UsageError(f"{into}: expected another folder than the pictures', got the same")
    moves: list[Move] = []
    listed, beside = Path(), Beside()
    for captioned in captions:
        target = roots[captioned.root] / captioned.caption.parent.relative_to(captioned.root)
        if within and captioned.caption.parent.resolve().is_relative_to(there):
            continue
        meant = selected(captioned, rules)
        going = [p for p, goes in zip(captioned.pictures, meant, strict=True) if goes]
        if not going:
            continue
        if captioned.caption.parent != listed:
            listed = captioned.caption.parent
            beside = companions(listed, captions.folder.extension)
        names = [picture.name for picture in going]
        names += [going[0].stem] if all(meant) else []
        going += [path for name in names for path in beside.get(name, ())]
        moves += [Move(path, target / path.name) for path in going]
    return moves


def apply_moves(moves: Sequence[Move], recorder: Recorder) -> Iterator[tuple[Path, str]]:
    """Move the files, each through the journal; gives each with why it failed, or nothing.

    Raises:
        StoreError: a move can't be recorded, so it was not done.
    """
    for move in moves:
        try:
            recorder.move(move.path, move.target)
        except CaptionError as error:
            yield move.path, str(error)
        else:
            yield move.path, ""
