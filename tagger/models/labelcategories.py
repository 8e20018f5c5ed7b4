"""A label's category from what a file says of it: a name, or a prefix of the tag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import LabelFileError
from ..labels import UNNAMED, Category, Label, LabelSet

# Kinds of labels that are no booru's, with the numbers deepghs gives them where it does.
OTHERS = (
    Category(5, "species"),
    Category(8, "lore"),
    Category(9, "rating"),
    Category(10, "year"),
    Category(-2, "quality"),
    Category(-2, "model"),
)
_SYNONYMS = {"style": "artist", "series": "copyright", "copyrights": "copyright"}
_RATING = "rating:"  # DeepDanbooru's and OppaiOracle's ratings are tags that begin so
_PLACEHOLDERS = ("<PAD>", "<UNK>")  # OppaiOracle's first two outputs


def named(scheme: Sequence[Category], name: str) -> Category:
    """The category of this name in any case of letters; a new one where nobody knows it."""
    plain = name.strip().lower()
    plain = _SYNONYMS.get(plain, plain)
    known = (one for one in (*scheme, *OTHERS) if one.name == plain)
    return next(known, Category(-2, plain))


def is_special(name: str) -> bool:
    """Whether a label of this name may be of another category than the file says."""
    return not name or name in _PLACEHOLDERS or name.startswith(_RATING)


def label(name: str, category: Category) -> Label:
    """A label; a placeholder becomes an unnamed slot, `rating:safe` a rating."""
    if not name or name in _PLACEHOLDERS:
        return Label("", UNNAMED)
    if category.name == "general" and name.startswith(_RATING):
        category = named((), "rating")
    return Label(name, category)


def ordered(indexed: Iterable[tuple[int, Label]], where: str) -> LabelSet:
    """Labels by the index that the file gives each of them.

    Raises:
        LabelFileError: the indices are not 0, 1, 2 ... with each once.
    """
    rows = sorted(indexed, key=lambda row: row[0])
    found = [index for index, _ in rows]
    if not rows:
        raise LabelFileError(f"{where}: expected labels, got none")
    if found != list(range(len(rows))):
        wrong = next(at for at, index in enumerate(found) if at != index)
        raise LabelFileError(
            f"{where}: expected each index from 0 to {len(rows) - 1} once, got {found[wrong]} in "
            f"the place of {wrong}"
        )
    return LabelSet(tuple(one for _, one in rows))
