"""What the fold Batch edit of the page Captions asks for, as typed, read as edits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ...errors import OptionError
from ...folder.corpus import ByFrequency, Common, CorpusEdit, Rare
from ...folder.edit import Edit
from ...folder.edits import Add, Dedupe, Remove, Replace, Sort, Trigger
from ...folder.search import Search
from ...spelling import key
from .layout import ORDERS
from .presets import words


@dataclass(frozen=True)
class Batch:
    """What the fold Batch edit asks for, as typed; empty: not asked for."""

    search: str = ""
    put: str = ""
    replace: str = ""
    remove: str = ""
    front: str = ""
    back: str = ""
    first: str = ""
    rarer: str = ""
    commoner: str = ""
    sort: str = "as they are"
    dedupe: bool = False

    def edits(self) -> list[Edit | CorpusEdit]:
        """The edits, in the order of the page.

        Raises:
            OptionError: what can't be done, or nothing.
        """
        found = [*self._of_text(), *self._of_counts(), *self._of_order()]
        if not found:
            raise OptionError("expected an edit, got none: fill in one of the boxes")
        return found

    def _of_text(self) -> Iterator[Edit | CorpusEdit]:
        if self.search:
            yield Search(self.search, self.put)
        yield from (Replace(old, new) for old, new in _pairs(self.replace))
        if self.remove.strip():
            yield Remove(words(self.remove))
        if self.dedupe:
            yield Dedupe()

    def _of_counts(self) -> Iterator[Edit | CorpusEdit]:
        if self.rarer.strip():
            yield Rare(int(_number("Drop tags of fewer captions than", self.rarer)))
        if self.commoner.strip():
            yield Common(_number("Drop tags of more percent than", self.commoner))

    def _of_order(self) -> Iterator[Edit | CorpusEdit]:
        if self.back.strip():
            yield Add(words(self.back))
        if self.front.strip():
            yield Add(words(self.front), "front")
        if self.sort in _SORTS:
            yield _SORTS[self.sort]()
        if self.first.strip():
            yield Trigger(self.first.strip())


_SORTS: Mapping[str, Callable[[], Edit | CorpusEdit]] = dict(
    zip(ORDERS[1:], (Sort, ByFrequency), strict=True)
)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for word in words(text):
        old, found, new = word.rpartition("=")
        if not found or not key(old):
            raise OptionError(f"Replace tags: expected A = B, got {word!r}")
        yield old.strip(), new.strip()


def _number(label: str, text: str) -> float:
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        raise OptionError(f"{label}: expected a number, got {text!r}") from None
