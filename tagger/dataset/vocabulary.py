"""The vocabulary: which tags become labels, and in which order.

Counts are over the posts that passed the filters. Knows no posts, only counts, and vocabulary.csv.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import DatasetError, OptionError
from ..labels import DANBOORU, Category, Label, LabelSet, category, scheme_of
from ..options import check, option
from ..spelling import Pattern, key, match
from .cleaning import clean

SECONDS = 60.0
"""For matching the exclusions, which come from the user's own recipe, over a whole tag list."""


@dataclass(frozen=True)
class VocabularyOptions:
    """Which tags become labels."""

    categories: tuple[str, ...] = option(
        ("general", "copyright", "character"), help="Categories whose tags become labels, in order."
    )
    minimum_count: int = option(
        1, help="Posts, after the filters, that a tag needs to become a label.", ge=1
    )
    category_minimum_counts: Mapping[str, int] = option(
        factory=dict, help="The same for single categories.", ge=1, metavar="CATEGORY=N"
    )
    maximum_labels: int = option(
        0, help="Labels at most, the most used of all categories; 0 is no limit.", ge=0
    )
    maximum_share: float = option(
        0.99,
        help="Leave out a tag that more than this share of the posts have, of those of which it "
        "is known: it says nothing of a picture.",
        ge=0,
        le=1,
    )
    excluded_labels: tuple[str, ...] = option(
        (), help="Tags that never become labels: names, * wildcards or /regexes/."
    )
    only_labels: tuple[str, ...] = option(
        (), help="No tags but these become labels, where they pass the other rules."
    )
    clean_names: tuple[str, ...] = option(
        (),
        help="Categories whose tags get plainer names, as DAF:re's: 1_girl for 1girl, words for "
        "signs; names of one or two characters are no labels.",
    )
    heads: str = option(
        "{}",
        help="Heads of the network to be, each with its labels, as JSON such as "
        '{"species": ["wolf", "fox"]}: no other tags become labels, and dataset.json names the '
        "heads for the training.",
        metavar="JSON",
    )
    denylist: Path | None = option(
        None, help="Text file of tags that never become labels, one a line.", metavar="FILE"
    )

    def __post_init__(self) -> None:
        check(self)
        if not self.categories:
            raise OptionError("categories: expected at least one category, got none")
        scheme_of((*self.categories, *self.category_minimum_counts, *self.clean_names))
        for text in self.excluded_labels:
            Pattern.parse(text)
        read_heads(self.heads)


@dataclass(frozen=True)
class TagCount:
    """A canonical tag: posts that have it, and posts of which it is known whether they do."""

    name: str
    category: str
    count: int
    known: int


@dataclass(frozen=True)
class Vocabulary:
    """The labels chosen, and the names left out by reason (of the categories asked for)."""

    labels: LabelSet
    left_out: Mapping[str, tuple[str, ...]]


def choose(tags: Sequence[TagCount], options: VocabularyOptions) -> Vocabulary:
    """Choose the labels: by category as asked for, then by count, then by name."""
    order = {name: place for place, name in enumerate(options.categories)}
    asked = sorted(
        (tag for tag in tags if tag.category in order),
        key=lambda tag: (order[tag.category], -tag.count, tag.name),
    )
    reasons = _reasons(asked, options)
    scheme = scheme_of(options.categories)
    labels = [
        Label(tag.name, category(scheme, tag.category), tag.count)
        for tag, reason in zip(asked, reasons, strict=True)
        if reason is None
    ]
    left_out = {
        reason: tuple(tag.name for tag, own in zip(asked, reasons, strict=True) if own == reason)
        for reason in sorted({reason for reason in reasons if reason is not None})
    }
    return Vocabulary(LabelSet(tuple(labels)), left_out)


def _reasons(asked: Sequence[TagCount], options: VocabularyOptions) -> list[str | None]:
    """For each tag, in order, why it is left out; None where it becomes a label."""
    patterns = [Pattern.parse(text) for text in options.excluded_labels]
    excluded = match(patterns, [tag.name for tag in asked], SECONDS)
    denied = _denied(options.denylist)
    heads = read_heads(options.heads).values()
    only = {key(name) for names in (options.only_labels, *heads) for name in names}
    reasons = [
        "not asked for"
        if only and key(tag.name) not in only
        else _reason(tag, bool(out) or bool(denied and key(tag.name) in denied), options)
        for tag, out in zip(asked, excluded, strict=True)
    ]
    most = options.maximum_labels
    good = [place for place, reason in enumerate(reasons) if reason is None]
    used = sorted(good, key=lambda place: (-asked[place].count, asked[place].name))
    for place in used[most:] if most else ():
        reasons[place] = "over the most labels"
    return reasons


def read_heads(text: str) -> dict[str, tuple[str, ...]]:
    """The tags of each head from JSON; empty for none.

    Raises OptionError, one sentence, for what is no object of lists, and for a tag in two heads.
    """
    try:
        found: Any = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OptionError(f"heads: expected JSON, tags by head, got {text!r:.60}")
    heads: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    for name, tags in cast("dict[str, Any]", found).items():
        if not name.isidentifier() or not _are_names(tags):
            raise OptionError(
                f"heads: expected a head's name (letters, digits, _) with a list of tags, got "
                f"{name!r:.40}: {tags!r:.40}"
            )
        heads[name] = tuple(tags)
        for tag in tags:
            if owner.setdefault(key(tag), name) != name:
                raise OptionError(
                    f"heads: expected {tag!r:.40} in one head, got it in {owner[key(tag)]} and "
                    f"{name}: keep one"
                )
    return heads


def labels_by_head(text: str, labels: LabelSet) -> dict[str, list[str]]:
    """For each head of `read_heads` the labels that it has, as the vocabulary writes them."""
    return {
        head: [label.name for label in labels if key(label.name) in wanted]
        for head, wanted in ((head, set(map(key, tags))) for head, tags in read_heads(text).items())
    }


def _are_names(tags: object) -> bool:
    return isinstance(tags, list) and all(isinstance(tag, str) for tag in cast("list[Any]", tags))


def _denied(path: Path | None) -> frozenset[str]:
    if path is None:
        return frozenset()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: expected a list of tags as UTF-8, got {error}") from error
    return frozenset(key(line.strip()) for line in text.splitlines() if line.strip())


def write_vocabulary(vocabulary: LabelSet, path: Path) -> None:
    """Write vocabulary.csv: index, name, category by name, count."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("index", "name", "category", "count"))
        for index, label in enumerate(vocabulary):
            out.writerow((index, label.name, label.category.name, label.count))


def read_vocabulary(path: Path) -> LabelSet:
    """Read vocabulary.csv. Raises DatasetError naming file and row; the header is row 1."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path}: expected a vocabulary, got {error}") from error
    kinds = dict.fromkeys(row.get("category") or "" for row in rows)
    try:
        scheme = scheme_of(kinds)
    except OptionError:
        scheme = DANBOORU  # which refuses the row in question
    return LabelSet(tuple(_label(path, index, row, scheme) for index, row in enumerate(rows)))


def _label(path: Path, index: int, row: Mapping[str, str], scheme: tuple[Category, ...]) -> Label:
    try:
        if int(row["index"]) == index:
            return Label(row["name"], category(scheme, row["category"]), int(row["count"]))
    except (ValueError, KeyError, TypeError):
        pass
    raise DatasetError(
        f"{path}, row {index + 2}: expected index {index}, a name, a category and a count, got "
        f"{','.join(map(str, row.values()))}"
    )


def _reason(tag: TagCount, excluded: bool, options: VocabularyOptions) -> str | None:
    """Why a tag is left out, None if it is not."""
    kind = tag.category
    if excluded:
        return "excluded"
    if kind in options.clean_names and not clean(tag.name):
        return "signs alone"
    if tag.count < options.category_minimum_counts.get(kind, options.minimum_count):
        return "too few posts"
    if tag.count > options.maximum_share * tag.known:
        return "on nearly every post"
    return None
