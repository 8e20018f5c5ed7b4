"""What the page Captions shows of a folder: which pictures a filter means, a page of them.

Paths are kept, never pictures; captions are read when a filter changes, and those of a page again
when it is shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ...errors import CaptionError, OptionError, TaggerError
from ...folder.captions import Captioned, Captions
from ...folder.editing import Rules, selected
from ...folder.kept import kept_scores
from ...folder.matching import Matcher, asks_scores
from ...folder.query import Both, Either, Has, Not, Query, show
from ...folder.queryreader import parse
from ...folder.querywords import QueryError
from ...folder.readings import Readings
from ...folder.sidecars import read_caption
from ...folder.stats import FolderStats, folder_stats
from ...folder.walk import walk
from ...folder.words import read_words
from ...settings import Folder, Settings
from ...spelling import key
from ..app import App
from .drafts import Drafts, name_of

PAGE = 48

How = Literal["and", "or", "without"]

_readings = Readings()
"""Of the folder that was looked at last: it is filtered, previewed and edited again and again."""


@dataclass(frozen=True)
class Desk:
    """What is shown: the pictures that `query` means, from `first` on, and which are chosen.

    pictures: paths, in natural order. chosen: places among them. run: what Undo takes back.
    known: keys of the model's tags. drafts: what was typed and is not saved.
    """

    root: Path | None = None
    folder: Folder = field(default_factory=Folder)
    settings: Settings = field(default_factory=Settings)
    query: str = ""
    pictures: tuple[str, ...] = ()
    first: int = 0
    chosen: frozenset[int] = frozenset()
    known: frozenset[str] = frozenset()
    run: int | None = None
    drafts: Drafts = field(default_factory=Drafts)

    @property
    def shown(self) -> list[Path]:
        """The pictures of the page."""
        return [Path(each) for each in self.pictures[self.first : self.first + PAGE]]

    @property
    def selected(self) -> list[str]:
        """The chosen pictures' paths, in order."""
        return [self.pictures[i] for i in sorted(self.chosen) if i < len(self.pictures)]

    @property
    def selection(self) -> list[Path]:
        """The chosen pictures, in order."""
        return list(map(Path, self.selected))

    def settled(self) -> Desk:
        """The same once what was typed for the chosen pictures is saved."""
        return replace(self, drafts=self.drafts.without(name_of(self.selected)))

    def turned(self, first: int) -> Desk:
        """The page that begins with a picture; past the ends nothing changes."""
        there = 0 <= first < max(1, len(self.pictures))
        return replace(self, first=first // PAGE * PAGE) if there else self

    def caption_of(self, picture: Path) -> Path:
        """Where a picture's caption is."""
        return picture.with_name(picture.stem + self.folder.extension)

    def text_of(self, picture: Path) -> str | None:
        """A picture's caption; None if there is none, or none that can be read."""
        try:
            return read_caption(self.caption_of(picture))
        except CaptionError:
            return None

    def captions(self) -> Captions:
        """The folder's captions. Raises UsageError where it is none."""
        return Captions((self.root,) if self.root else (), self.folder, _readings)


def listed(app: App, desk: Desk, model: str) -> Desk:
    """Find the folder's pictures, for a query that means all: no caption is read for it.

    Raises UsageError where it is no folder, or one without pictures.
    """
    captions = desk.captions()  # which says what is no folder
    found: list[str] = []
    for listing in walk(captions.roots, desk.folder.recursive).listings():
        groups: dict[str, list[str]] = {}
        for name in listing.names:
            picture = listing.folder / name
            groups.setdefault(picture.stem, []).append(str(picture))
        found += itertools.chain.from_iterable(groups.values())
    if not found:
        next(iter(captions))  # which says why
    return _with(desk, found, frozenset(_kinds(app, model)))


def look(app: App, desk: Desk, model: str) -> tuple[Desk, FolderStats]:
    """Read the folder: the pictures that the query means, and the statistics of their captions.

    Raises:
        OptionError: the query can't be read. UsageError: no folder, or it asks for scores that
            are not known.
    """
    kinds = _kinds(app, model)
    rules = Rules(selected=matcher(app, desk.query, model), form=desk.settings.format)
    found: list[str] = []
    stats = folder_stats(
        _meant(desk.captions(), rules, found),
        replace(rules, selected=None, known=frozenset(kinds)),
        kinds,
    )
    return _with(desk, found, frozenset(kinds)), stats


def _with(desk: Desk, found: list[str], known: frozenset[str]) -> Desk:
    """The same with other pictures, none of them chosen, on a page that there is."""
    last = max(0, (len(found) - 1) // PAGE * PAGE)
    first = min(desk.first, last)
    return replace(desk, pictures=tuple(found), first=first, chosen=frozenset(), known=known)


def _meant(captions: Captions, rules: Rules, found: list[str]) -> Iterator[Captioned]:
    for captioned in captions:
        meant = selected(captioned, rules)
        found += [str(p) for p, is_meant in zip(captioned.pictures, meant, strict=True) if is_meant]
        if any(meant):
            yield captioned


def matcher(app: App, query: str, model: str) -> Matcher | None:
    """The query made ready; None for an empty one, which means all."""
    if not query.strip():
        return None
    asked = _read(query)
    scores = kept_scores(app.store, app.find(model)) if asks_scores(asked) else None
    return Matcher(asked, scores)


def _kinds(app: App, model: str) -> dict[str, str]:
    """The category of each tag that the model knows, by its key; empty without the model."""
    try:
        labels = app.labels(model)
    except TaggerError:
        return {}
    return {key(label.name): label.category.name for label in labels if label.name}


def _read(query: str) -> Query:
    """A query as it is typed on the page. Raises OptionError."""
    try:
        return parse(query)
    except QueryError as error:
        raise OptionError(f"Filter, {error}") from None


def narrowed(query: str, tag: str, how: How) -> str:
    """The query with one more tag: only those with it, those too, or those without it."""
    one: Query = Has(tag)
    if not query.strip():
        return show(Not(one) if how == "without" else one)
    old = _read(query)
    kind = Either if how == "or" else Both
    parts = old.queries if isinstance(old, kind) else (old,)
    new: Query = Not(one) if how == "without" else one
    return query if new in parts else show(kind((*parts, new)))


def shared_tags(desk: Desk, pictures: Iterable[Path]) -> list[str]:
    """The tags that all these captions have, in the order of the first; no caption counts none."""
    form = desk.settings.format
    common: dict[str, str] | None = None
    for picture in pictures:
        text = desk.text_of(picture)
        if not text:
            continue
        words = {word.key: word.text for word in read_words(text, form)}
        kept = words if common is None else common
        common = {key_: kept[key_] for key_ in kept if key_ in words}
        if not common:
            break
    return list((common or {}).values())
