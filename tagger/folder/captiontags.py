"""The tags that captions have already, taken as scores: certain, in the order they stand there.

So a caption that somebody wrote, or another tool, is a source of tags beside a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..caption import CaptionFormat
from ..errors import CaptionError
from ..labels import DANBOORU, Category, Label, LabelSet
from ..pipeline import Outcome
from ..scores import Scores, union
from ..settings import Folder
from ..spelling import unescape
from ..thresholds import UNASKED
from ..wording import unweigh
from .run import Scorer, Scoring
from .sidecars import read_caption
from .words import Words, category_of, read_words, why_left

NAME = "captions"
_STEP = 1e-6
"""Between two tags of a caption, so that their order stays: the last decimal of a score."""


class CaptionTags:
    """What the captions beside some pictures say. For any thread.

    Attributes:
        labels: every tag of theirs, in the order in which they were met.
    """

    def __init__(
        self,
        pictures: Iterable[Path],
        folder: Folder,
        form: CaptionFormat,
        kinds: Mapping[str, str],
    ) -> None:
        """Read the captions; `kinds` are the categories of tags, by key.

        Raises UsageError as the pictures' iteration does.
        """
        self._folder, self._form, self._known = folder, form, kinds.keys()
        found: dict[str, Label] = {}
        for picture in pictures:
            try:
                words = self._words(picture)
            except CaptionError:
                continue  # told when the picture's turn comes
            for word in words:
                if word.key not in found:
                    name = unescape(unweigh(word.text)[0]).replace(" ", "_")
                    found[word.key] = Label(name, _category(word.key, kinds))
        self.labels = LabelSet(tuple(found.values()))
        self._places = {key: at for at, key in enumerate(found)}

    def scores(self, picture: Path) -> Scores:
        """What a picture's caption says; nothing where there is none.

        Raises CaptionError for a caption that can't be read, or is no list of tags.
        """
        values = np.zeros(len(self.labels), np.float32)
        for rank, word in enumerate(self._words(picture)):
            at = self._places.get(word.key)  # none if it was written since
            if at is not None and values[at] == 0:
                values[at] = max(0.5, 1 - rank * _STEP)
        return Scores(values, self.labels, NAME)

    def _words(self, picture: Path) -> Words:
        path = picture.with_name(picture.stem + self._folder.extension)
        text = read_caption(path, encoding=self._folder.encoding)
        if text is None or not text.strip():
            return ()
        if reason := why_left(text, self._form, self._known):
            raise CaptionError(f"{path}: expected a list of tags, got {reason}: left as it is")
        return read_words(text, self._form)


class WithCaptions:
    """A scorer whose scores have those of the captions besides: of each tag the greater one."""

    def __init__(self, scorer: Scorer, tags: CaptionTags) -> None:
        self._scorer, self._tags = scorer, tags

    def stream(self, sources: Iterable[Path], *, ordered: bool = True) -> Scoring:
        return _Joined(self._scorer.stream(sources, ordered=ordered), self._tags)


class _Joined:
    def __init__(self, stream: Scoring, tags: CaptionTags) -> None:
        self._stream, self._tags = stream, tags

    def stop(self) -> None:
        self._stream.stop()

    def __next__(self) -> Outcome:
        return self._join(next(self._stream))

    def take(self, most: int) -> list[Outcome]:
        return [self._join(outcome) for outcome in self._stream.take(most)]

    def _join(self, outcome: Outcome) -> Outcome:
        if outcome.scores is None:
            return outcome
        try:
            own = self._tags.scores(Path(str(outcome.source)))
        except CaptionError as error:
            return Outcome(outcome.source, error=error)
        return Outcome(outcome.source, union([outcome.scores, own], "max"))


def _category(key: str, kinds: Mapping[str, str]) -> Category:
    """What a tag is; what is written only when asked for counts as general: it stands there."""
    name = category_of(key, kinds)
    known = {each.name: each for each in DANBOORU}
    if name in UNASKED:
        return known["general"]
    return known.get(name) or Category(-2, name)
