"""The edits of captions as arguments, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..caption import CaptionFormat
from ..errors import OptionError, UsageError
from ..folder.corpus import ByFrequency, Common, CorpusEdit, Rare, Traits
from ..folder.edit import Edit
from ..folder.edits import Add, Dedupe, KeepFirst, PruneImplied, Remove, Replace, Sort, Trigger
from ..folder.preview import SAMPLES
from ..folder.search import Search
from ..models.spec import Model
from ..options import option
from ..relationfiles import home_relations, join
from ..relations import Relations
from .flags import borrowed
from .selecting import SelectFlags


@dataclass(frozen=True)
class EditFlags(SelectFlags):
    """Edit the captions of a folder. What would be done is shown first; `tagger undo` undoes it.

    The edits are done in the order in which they stand here.
    """

    search: tuple[str, ...] = option(
        (),
        help="Put B for A wherever A stands in a caption, letter for letter; /a regex/ if "
        "written between slashes.",
        metavar="A=B",
    )
    replace: tuple[str, ...] = option(
        (), help="Write B for the tag A (a name, a wildcard with *, or /a regex/).", metavar="A=B"
    )
    remove: tuple[str, ...] = option(
        (), help="Take out a tag: a name, a wildcard with *, or /a regex/.", metavar="TAG"
    )
    dedupe: bool = option(False, help="Take out what is there twice, in any spelling.")
    prune_implied: bool = option(
        False,
        help="Take out what another tag implies, by what --model brings and what "
        "`tagger relations update` has read.",
    )
    prune_traits: tuple[str, ...] = option(
        (),
        help="Take out a character's hair, eyes, body and clothes beside the character's tag, "
        "counted over the captions.",
        metavar="CHARACTER",
    )
    traits_in: float = option(
        50.0,
        help="A trait stands in so many percent of a character's captions or more.",
        ge=0,
        le=100,
    )
    drop_rarer: int | None = option(
        None, help="Take out tags of fewer than N of the captions.", ge=1, metavar="N"
    )
    drop_commoner: float | None = option(
        None, help="Take out tags of more than so many percent.", ge=0, le=100, metavar="PERCENT"
    )
    add: tuple[str, ...] = option(
        (), help="Put a tag at the end, where it is missing.", metavar="TAG"
    )
    add_front: tuple[str, ...] = option((), help="Put a tag at the front.", metavar="TAG")
    sort: Literal["no", "alphabetical", "frequency", "template"] = option(
        "no", help="Put the tags in order; frequency is counted over the captions."
    )
    template: tuple[str, ...] = borrowed(CaptionFormat, "template", ())
    trigger: str = option("", help="Put a word first, from wherever it stands.", metavar="WORD")
    keep_first: int | None = option(
        None, help="Keep the first K tags, drop the others.", ge=1, metavar="K"
    )
    move: Path | None = option(
        None, help="Move the pictures that --where means, with their captions.", metavar="DIR"
    )
    delete: bool = option(
        False, help="Delete the pictures that --where means, into a place of ours until undone."
    )
    show: int = option(SAMPLES, help="So many captions before and after.", ge=0)
    dry_run: bool = option(False, help="Show what would be done, and do nothing.")
    yes: bool = option(False, help="Do it without asking.")


def edits_of(
    flags: EditFlags, model: Model | None, kinds: Mapping[str, str]
) -> Iterator[Edit | CorpusEdit]:
    """The edits that are asked for, in the order of the flags.

    model: the one whose relations are known, too. kinds: the tags' categories.
    """
    yield from (Search(*_pair("--search", word)) for word in flags.search)
    yield from (Replace(*_pair("--replace", word)) for word in flags.replace)
    if flags.remove:
        yield Remove(flags.remove)
    if flags.dedupe:
        yield Dedupe()
    if flags.prune_implied:
        yield PruneImplied(_relations(model))
    yield from (Traits(character, flags.traits_in) for character in flags.prune_traits)
    if flags.drop_rarer is not None:
        yield Rare(flags.drop_rarer)
    if flags.drop_commoner is not None:
        yield Common(flags.drop_commoner)
    if flags.add:
        yield Add(flags.add)
    if flags.add_front:
        yield Add(flags.add_front, "front")
    yield from _ordering(flags, kinds)


def _ordering(flags: EditFlags, kinds: Mapping[str, str]) -> Iterator[Edit | CorpusEdit]:
    if flags.sort == "frequency":
        yield ByFrequency()
    elif flags.sort == "alphabetical":
        yield Sort()
    elif flags.sort == "template" or flags.template:
        yield Sort("template", flags.template or CaptionFormat().template, kinds)
    if flags.trigger:
        yield Trigger(flags.trigger)
    if flags.keep_first is not None:
        yield KeepFirst(flags.keep_first)


def check(flags: EditFlags, edits: list[Edit | CorpusEdit]) -> None:
    """Raise OptionError where nothing, or two things that exclude one another, are asked for."""
    moving = [name for name, on in (("--move", flags.move), ("--delete", flags.delete)) if on]
    if len(moving) > 1 or (moving and edits):
        raise OptionError(f"{moving[0]}: expected nothing beside it, got more: do it in two steps")
    if moving and not flags.where:
        raise OptionError(f"{moving[0]}: expected --where with it, got none: say which pictures")
    if not moving and not edits:
        raise OptionError("expected an edit, got none: such as --remove TAG; --help lists them")


def _pair(flag: str, word: str) -> tuple[str, str]:
    """`A=B`, split at the last `=` as elsewhere: a tag may hold one, as `=_=` does."""
    old, found, new = word.rpartition("=")
    if not found or not old:
        raise OptionError(f"{flag}: expected A=B, got {word!r}: A= alone drops it")
    return old, new


def _relations(model: Model | None) -> Relations:
    relations = join([*([model.relations] if model else []), home_relations()])
    if not relations.implications:
        raise UsageError(
            "--prune-implied: expected implications, got none: `tagger relations update` reads "
            "them from a booru's exports"
        )
    return relations
