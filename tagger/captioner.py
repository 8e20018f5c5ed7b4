"""The one road from scores to tags: every tab, route, command and folder run takes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from .caption import Caption, format_caption
from .errors import StoreError
from .labels import Label, LabelSet
from .relations import EMPTY, Relations, apply_scores, prune, removes
from .scores import RATING, Scores
from .settings import Settings
from .spelling import Pattern, key, match
from .thresholds import Selection, Selector, Tag, Thresholds, categories, rating

_IN_LAST_BRACKETS = re.compile(r"_\(([^()]+)\)$")
"""`saber_(fate)`: Danbooru tells characters of one name apart by their series, written last."""


class Captioner:
    """Settings made ready for one model: built once, called for each picture.

    The scores are first made to agree with the implications, then selected, then pruned of
    implied tags, except those to keep, then written. Raises OptionError if a pattern takes too
    long over the labels.
    """

    def __init__(
        self,
        settings: Settings,
        labels: LabelSet,
        thresholds: Thresholds | None = None,
        relations: Relations = EMPTY,
    ) -> None:
        selection = settings.selection
        if settings.format.has_rating:
            selection = _with_rating(selection, labels)
        # the time limit is for here, once over all labels: in a run nothing is slow
        match([Pattern.parse(source) for source, _ in settings.format.replace], labels.names)
        self.settings = settings
        self.labels = labels
        self.relations = relations
        self.selector = Selector(selection, labels, thresholds)
        self._series = self._find_series() if settings.series else {}

    def decides(self, scores: Scores) -> bool:
        """Whether these scores suffice; if not, stored ones, the picture must be inferred again."""
        return self.selector.decides(self._agreed(scores), scores.floor)

    def __call__(self, scores: Scores, source: PurePath | None = None) -> Caption:
        """The caption of one picture; `source` is its file, for the tokens of prefix and suffix.

        Raises StoreError if the scores are stored ones that do not suffice.
        """
        values = self._agreed(scores)
        if not self.selector.decides(values, scores.floor):
            raise StoreError(
                f"{scores.model}: expected scores below {scores.floor:g} too, got stored ones: "
                f"infer the picture again"
            )
        tags = self.selector.tags(values)
        if removes(self.settings.implied):
            tags = self._pruned(tags)
        if self._series:
            tags = self._with_series(tags)
        caption = format_caption(tags, self.settings.format, source)
        return replace(caption, rating=rating(scores.values, self.labels))

    def _agreed(self, scores: Scores) -> NDArray[np.float32]:
        if scores.labels is not self.labels and scores.labels != self.labels:
            raise ValueError(f"{scores.model}: expected scores of the captioner's labels")
        return apply_scores(scores.values, self.labels, self.relations, self.settings.implied)

    def _pruned(self, tags: Sequence[Tag]) -> list[Tag]:
        stays = set(prune([tag.name for tag in tags if tag.category != RATING], self.relations))
        return [
            tag
            for tag in tags
            if tag.category == RATING or tag.name in stays or tag.index in self.selector.kept
        ]

    def _find_series(self) -> dict[int, tuple[str, ...]]:
        """The series of each character, by label index, without those to exclude."""
        found = {
            int(index): _series(self.labels[index], self.relations)
            for index in self.labels.of("character")
        }
        names = tuple(dict.fromkeys(name for all_of in found.values() for name in all_of))
        patterns = [Pattern.parse(each) for each in self.settings.selection.exclude]
        barred = {name for name, bar in zip(names, match(patterns, names), strict=True) if bar}
        return {
            index: tuple(name for name in all_of if name not in barred)
            for index, all_of in found.items()
        }

    def _with_series(self, tags: Sequence[Tag]) -> list[Tag]:
        """The tags with each character's series at its score, unless that is a tag already."""
        present = {key(tag.name) for tag in tags}
        written: list[Tag] = []
        for tag in tags:
            written.append(tag)
            for name in self._series.get(tag.index, ()):
                if key(name) not in present:
                    present.add(key(name))
                    index = self.labels.find(name)
                    written.append(
                        Tag(name, "copyright", tag.score, -1 if index is None else index)
                    )
        return written


def _series(character: Label, relations: Relations) -> tuple[str, ...]:
    known = character.series or relations.series.get(relations.canonical(character.name))
    named = _IN_LAST_BRACKETS.search(key(character.name))
    return known or ((named[1],) if named else ())


def _with_rating(selection: Selection, labels: LabelSet) -> Selection:
    return replace(selection, categories=(*categories(selection, labels), RATING))
