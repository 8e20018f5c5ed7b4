"""Labels: a model's output slots, in order, and the `selected_tags.csv` that lists them.

Category numbers are the model's own: what a number means is said by a scheme, a tuple of
Category, and never assumed. Knows no scores and no thresholds but those a label file carries.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .csvrows import Table, quoted, read_table, read_text
from .errors import LabelFileError, OptionError
from .spelling import key


@dataclass(frozen=True)
class Category:
    """A kind of label: the number in the label file, and its name."""

    id: int
    name: str


DANBOORU = (
    Category(0, "general"),
    Category(1, "artist"),
    Category(3, "copyright"),
    Category(4, "character"),
    Category(5, "meta"),
    Category(9, "rating"),  # WD's number; on Danbooru a rating is no tag
)
E621 = (
    Category(0, "general"),
    Category(1, "artist"),
    Category(3, "copyright"),
    Category(4, "character"),
    Category(5, "species"),
    Category(7, "meta"),
    Category(8, "lore"),
    Category(9, "rating"),  # as in DANBOORU
)
UNNAMED = Category(-1, "unnamed")
"""The category of a slot without a name: an output that never becomes a tag."""


def category(scheme: tuple[Category, ...], id_or_name: int | str) -> Category:
    """Find a category of a scheme by number or name.

    A number that the scheme lacks is kept as `category N`, since models bring categories of
    their own; a name that it lacks raises OptionError.
    """
    for one in scheme:
        if id_or_name in (one.id, one.name):
            return one
    if isinstance(id_or_name, int):
        return Category(id_or_name, f"category {id_or_name}")
    known = ", ".join(one.name for one in scheme)
    raise OptionError(f"expected a category out of {known}, got {id_or_name!r}")


def scheme_of(names: Iterable[str]) -> tuple[Category, ...]:
    """The scheme that has categories of these names: Danbooru's where it has all, else e621's.

    A name that neither has raises OptionError.
    """
    own = tuple(names)
    if all(any(one.name == name for one in DANBOORU) for name in own):
        return DANBOORU
    for name in own:
        category(E621, name)
    return E621


def numbered(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Labels of one site or several, each category under one number and each number with one.

    Danbooru's numbers or e621's where they have all of these categories; else a category keeps
    the number that it first comes with, or takes a free one where another has that.
    """
    own = tuple(labels)
    kinds = dict.fromkeys(label.category for label in own if label.name)
    try:
        found = {kind.name: kind for kind in scheme_of(kind.name for kind in kinds)}
    except OptionError:  # neither site has all of them
        found = _apart(kinds)
    return tuple(
        replace(label, category=found[label.category.name]) if label.name else label
        for label in own
    )


def _apart(kinds: Iterable[Category]) -> dict[str, Category]:
    found: dict[str, Category] = {}
    for kind in kinds:
        if kind.name not in found:
            taken = {each.id for each in found.values()}
            free = kind.id if kind.id not in taken else max(*taken, 9) + 1
            found[kind.name] = Category(free, kind.name)
    return found


@dataclass(frozen=True)
class Label:
    """One output slot of a model."""

    name: str
    """As the model's author spells it; empty for a slot that never becomes a tag."""
    category: Category
    count: int = 0
    """Training pictures that had it; 0 where the file does not say."""
    tag_id: int | None = None
    """The site's number of the tag."""
    threshold: float | None = None
    """The author's threshold for this label, 0 to 1."""
    series: tuple[str, ...] = ()
    """For a character: the copyrights it belongs to."""


_UNNAMED = Label("", UNNAMED)


@dataclass(frozen=True, eq=False)
class LabelSet:
    """A model's labels; the position is the index of the model's output."""

    labels: tuple[Label, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __getitem__(self, index: int) -> Label:
        return self.labels[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelSet) and self.labels == other.labels

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.labels)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names, as the model's author spells them."""
        return tuple(label.name for label in self.labels)

    @cached_property
    def categories(self) -> tuple[Category, ...]:
        """The categories present, in order of first appearance."""
        # most labels share theirs: to hash each would take longest of all at a start
        shared = {id(label.category): label.category for label in self.labels if label.name}
        return tuple(dict.fromkeys(shared.values()))

    @property
    def numbering(self) -> tuple[Category, ...]:
        """What the categories' numbers mean: Danbooru's scheme or e621's, else its own."""
        own = self.categories
        return next((each for each in (DANBOORU, E621) if {*own} <= {*each}), own)

    @cached_property
    def thresholds(self) -> NDArray[np.float32]:
        """The labels' own thresholds, float32[n], 0 to 1, NaN where a label has none."""
        own = [math.nan if label.threshold is None else label.threshold for label in self.labels]
        return _frozen(np.array(own, np.float32))

    def of(self, name: str) -> NDArray[np.intp]:
        """Return the indices, ascending, of the labels of the category called so."""
        return self._by_category.get(name, _NO_INDICES)

    def find(self, tag: str) -> int | None:
        """Return the index of the first label that is this tag, whatever the spelling."""
        return self._by_key.get(key(tag))

    @cached_property
    def _by_key(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for index, name in enumerate(self.names):
            if name:
                found.setdefault(key(name), index)
        return found

    @cached_property
    def _by_category(self) -> Mapping[str, NDArray[np.intp]]:
        found = defaultdict[str, list[int]](list)
        for index, label in enumerate(self.labels):
            found[label.category.name].append(index)
        return {name: _frozen(np.array(indices, np.intp)) for name, indices in found.items()}


def read_selected_tags(path: str | Path, scheme: tuple[Category, ...] = DANBOORU) -> LabelSet:
    """Read a label file in the form of WD's `selected_tags.csv`.

    Only the columns `name` and `category` are needed; `count`, `tag_id`, `best_threshold` and
    `ips` (a JSON list of a character's copyrights) are read where present, others ignored, in any
    order. Rows of empty fields at the end are ignored; one in the middle is an unnamed slot.

    Raises LabelFileError, naming file, row (the header is row 1) and expectation.
    """
    return parse_selected_tags(read_text(Path(path)), scheme, str(path))


def parse_selected_tags(
    text: str, scheme: tuple[Category, ...] = DANBOORU, where: str = "selected_tags.csv"
) -> LabelSet:
    """Read the text of a label file, as `read_selected_tags` does; `where` is named in errors."""
    table = read_table(text, where, needed=("name", "category"))
    if not table:
        raise LabelFileError(f"{where}: expected labels under the header, got none")
    return LabelSet(tuple(labels_of(table, scheme)))


def write_selected_tags(labels: LabelSet, path: str | Path) -> None:
    """Write a label file exactly in WD's form: four columns, LF, quotes only where needed."""
    Path(path).write_text(format_selected_tags(labels), encoding="utf-8", newline="\n")


def format_selected_tags(labels: LabelSet) -> str:
    """Return the text of a label file in WD's form; a label without tag_id gets its index."""
    lines = ["tag_id,name,category,count"]
    for index, label in enumerate(labels):
        tag_id = index if label.tag_id is None else label.tag_id
        # an unnamed slot keeps its numbers, or it would be lost at the end of the file
        number = label.category.id if label.name else 0
        lines.append(f"{tag_id},{quoted(label.name)},{number},{label.count}")
    return "\n".join(lines) + "\n"


def labels_of(table: Table, scheme: tuple[Category, ...]) -> list[Label]:
    """The records of `selected_tags.csv` as labels; raises LabelFileError, naming the row."""
    named = table.under("name")  # whatever else an unnamed slot has
    names, numbers = named.texts("name"), named.integers("category")
    kinds = {number: category(scheme, number) for number in {*numbers} if number is not None}
    for row, (name, number) in enumerate(zip(names, numbers, strict=True)):
        if name and number is None:
            raise table.error(row, "a number for category", "nothing")
    columns = (
        named.integers("count"),
        named.integers("tag_id"),
        named.fractions("best_threshold"),
        named.names("ips"),
    )
    return [
        Label(name, kinds[number], count or 0, tag_id, threshold, series) if name else _UNNAMED
        for name, number, count, tag_id, threshold, series in zip(
            names, numbers, *columns, strict=True
        )
    ]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


_NO_INDICES = _frozen(np.zeros(0, np.intp))
