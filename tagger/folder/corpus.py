"""Edits that look at a whole folder: counted over its captions, they become edits of one.

What is counted are the captions that are selected, as the edits before have left them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import OptionError
from ..spelling import key
from .edits import Drop, Rank
from .words import Words

SHOWN = 12
"""Tags that a line of the preview names."""

# The last word of a tag that says what a character looks like or wears; a trainer wants these
# left out, so that they are learned with the character's own tag.
_TRAIT_WORDS = """
hair eyes ears tail horns wings fur skin scales mane beak antlers fangs freckles mole muzzle bangs
braid braids twintails ponytail bun buns bob ahoge drills sidelocks hairband hairclip
heterochromia pupils eyelashes eyebrows eyepatch glasses halo scar tattoo beard mustache dress
shirt skirt shorts pants jeans jacket coat hoodie sweater cardigan vest kimono uniform serafuku
armor cape cloak robe apron leotard bodysuit suit blouse bra thighhighs kneehighs socks stockings
pantyhose leggings boots shoes sneakers sandals heels footwear gloves sleeves hat cap beret hood
helmet crown tiara headband headphones headwear bow bowtie necktie ribbon ornament choker collar
scarf necklace earrings bracelet belt buttons legwear bandana
"""
# Words that make a tag of such an ending an action or a state of the picture instead.
_PASSING_WORDS = """
adjusting another's closed empty floating grabbing half-closed holding own no open opened playing
pulling rolling tying torn unworn untied wet wind removed rubbing covering covered dripping
shading
"""
_TRAITS = frozenset(_TRAIT_WORDS.split())
_PASSING = frozenset(_PASSING_WORDS.split())


@dataclass(frozen=True)
class Rare:
    """Tags of fewer than so many captions go."""

    least: int

    def __post_init__(self) -> None:
        if self.least < 1:
            raise OptionError(f"drop rarer: expected 1 or more, got {self.least}")

    def resolve(self, captions: Iterable[Words]) -> Drop:
        """The edit that does it."""
        counts, _ = count_captions(captions)
        rare = [name for name, count in counts.items() if count < self.least]
        return Drop(frozenset(rare), f"{_named(rare)} in fewer than {self.least} captions")


@dataclass(frozen=True)
class Common:
    """Tags of more than so many percent of the captions go."""

    percent: float

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise OptionError(f"drop commoner: expected 0 to 100 percent, got {self.percent}")

    def resolve(self, captions: Iterable[Words]) -> Drop:
        """The edit that does it."""
        counts, total = count_captions(captions)
        common = [name for name, count in counts.items() if count * 100 > self.percent * total]
        return Drop(frozenset(common), f"{_named(common)} in more than {self.percent:g} %")


@dataclass(frozen=True)
class ByFrequency:
    """The tags of most captions come first."""

    def resolve(self, captions: Iterable[Words]) -> Rank:
        """The edit that does it; of equally frequent ones the alphabet decides."""
        counts, _ = count_captions(captions)
        order = sorted(counts, key=lambda name: (-counts[name], name))
        return Rank({name: rank for rank, name in enumerate(order)})


@dataclass(frozen=True)
class Traits:
    """What a character looks like and wears goes, beside the character's own tag.

    A trait is a tag that ends in a word for hair, eyes, body or clothes, and stands in at least
    `percent` of the captions that have the character.
    """

    character: str
    percent: float = 50.0

    def __post_init__(self) -> None:
        if not key(self.character):
            raise OptionError("prune traits: expected a character's tag, got nothing")
        if not 0 < self.percent <= 100:
            raise OptionError(f"traits in: expected 0 to 100 percent, got {self.percent}")

    def resolve(self, captions: Iterable[Words]) -> Drop:
        """The edit that does it. OptionError if no caption has the character."""
        name = key(self.character)
        with_it = (words for words in captions if any(word.key == name for word in words))
        counts, total = count_captions(with_it)
        if not total:
            raise OptionError(
                f"prune traits: expected captions with {self.character!r}, got none: "
                f"`tagger stats` lists the tags of a folder"
            )
        traits = [
            tag
            for tag, count in counts.items()
            if tag != name and is_trait(tag) and count * 100 >= self.percent * total
        ]
        said = f"{_named(traits)} beside {self.character}, {self.percent:g} % or more of {total:,}"
        return Drop(frozenset(traits), said, beside=name)


CorpusEdit = Rare | Common | ByFrequency | Traits


def is_trait(name: str) -> bool:
    """Guess from its words whether a tag says what somebody looks like or wears."""
    words = name.split("_")
    return words[-1] in _TRAITS and _PASSING.isdisjoint(words)


def count_captions(captions: Iterable[Words]) -> tuple[Counter[str], int]:
    """In how many captions each tag stands, and how many captions there are."""
    counts: Counter[str] = Counter()
    total = 0
    for words in captions:
        counts.update({word.key for word in words})
        total += 1
    return counts, total


def _named(names: list[str]) -> str:
    """`drop 14 tags (a, b, ...)`."""
    shown = ", ".join(sorted(names)[:SHOWN]).replace("_", " ")
    more = ", ..." if len(names) > SHOWN else ""
    some = f" ({shown}{more})" if names else ""
    return f"drop {len(names):,} {'tag' if len(names) == 1 else 'tags'}{some}"
