"""Relations between tags: aliases, implications, series; rows in, closure and pruning out.

An alias is another name of a tag; `cat_ears` implies `animal_ears`; a character belongs to
series. Everything is compared, kept and answered in the spelling of `spelling.key`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError, RelationError
from .labels import LabelSet
from .spelling import key

Mode = Literal["off", "inherit", "constrain", "remove", "constrain-remove"]
"""What is done with a tag and the tags it implies; the modes of the JTP-3 tools.

inherit and constrain change scores before the selection (`apply_scores`); remove leaves the
implied tags out of what was selected (`prune`); constrain-remove does both its halves.
"""

Pair = tuple[str, str]
"""A row of a dump: antecedent, consequent."""


@dataclass(frozen=True, eq=False)
class Relations:
    """What is known of how tags hang together; compared by identity.

    Raises RelationError, naming the path, if aliases or implications go in a circle, and if a
    name is an alias of two tags.
    """

    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    """From another name to the tag itself, chains followed to their end."""
    implications: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """From a tag to those it implies directly."""
    series: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """From a character to its copyrights."""

    def __post_init__(self) -> None:
        aliases = _follow_chains(self.aliases.items(), None)
        implied = ((tag, one) for tag, all_of in self.implications.items() for one in all_of)
        object.__setattr__(self, "aliases", aliases)
        object.__setattr__(self, "implications", _draw_graph(implied, aliases, None))
        object.__setattr__(
            self,
            "series",
            {
                self.canonical(tag): tuple(map(self.canonical, all_of))
                for tag, all_of in self.series.items()
            },
        )

    @classmethod
    def from_rows(
        cls,
        aliases: Iterable[Pair],
        implications: Iterable[Pair],
        dropped: list[Pair] | None = None,
    ) -> Relations:
        """Build from a dump's rows, antecedent before consequent.

        A row that contradicts those before it raises RelationError; with `dropped`, such rows
        are put there instead and the rest is used.
        """
        names = _follow_chains(aliases, dropped)
        graph = _draw_graph(implications, names, dropped)
        return cls(names, graph)

    def canonical(self, tag: str) -> str:
        """Return the tag that this is a spelling or an alias of."""
        spelled = key(tag)
        return self.aliases.get(spelled, spelled)

    def ancestors(self, tag: str) -> tuple[str, ...]:
        """Return all that the tag implies, directly or not, nearest first."""
        start = self.canonical(tag)
        known = self._ancestors.get(start)
        if known is None:
            known = self._ancestors[start] = tuple(self._walk(start))
        return known

    def closure(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return the tags, canonical and each once, then what they imply."""
        own = list(dict.fromkeys(map(self.canonical, tags)))
        implied = (ancestor for tag in own for ancestor in self.ancestors(tag))
        return tuple(dict.fromkeys([*own, *implied]))

    def edges(self, labels: LabelSet) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return label indices (child, ancestor), intp[m] each, of every implication among them.

        Ancestors are reached through tags that are no labels, too. Compiled once per LabelSet.
        """
        known = self._edges.get(labels)
        if known is None:
            known = self._edges[labels] = self._compile(labels)
        return known

    def _walk(self, start: str) -> list[str]:
        found = list(self.implications.get(start, ()))
        for tag in found:  # grows while it is read: breadth first
            found += [one for one in self.implications.get(tag, ()) if one not in found]
        return found

    def _compile(self, labels: LabelSet) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        slots: dict[str, list[int]] = {}
        for index, name in enumerate(labels.names):
            if name:
                slots.setdefault(self.canonical(name), []).append(index)
        edges = [
            (child, ancestor)
            for tag, children in slots.items()
            for implied in self.ancestors(tag)
            for ancestor in slots.get(implied, ())
            for child in children
        ]
        children_of, ancestors_of = zip(*edges, strict=True) if edges else ((), ())
        return np.array(children_of, np.intp), np.array(ancestors_of, np.intp)

    _ancestors: dict[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]], init=False, repr=False
    )
    _edges: WeakKeyDictionary[LabelSet, tuple[NDArray[np.intp], NDArray[np.intp]]] = field(
        default_factory=WeakKeyDictionary[LabelSet, tuple[NDArray[np.intp], NDArray[np.intp]]],
        init=False,
        repr=False,
    )


def apply_scores(
    values: NDArray[np.floating[Any]], labels: LabelSet, relations: Relations, mode: Mode
) -> NDArray[np.float32]:
    """Return scores, float32[n] or [N,n], 0 to 1, that agree with the implications.

    inherit: an implied label has at least the score of each label that implies it.
    constrain, constrain-remove: a label has at most the score of each label it implies.
    off, remove: the scores as they are.
    """
    if mode not in get_args(Mode):
        raise OptionError(f"implied: expected one of {', '.join(get_args(Mode))}, got {mode!r}")
    before: NDArray[np.float32] = np.asarray(values, np.float32)
    if mode in ("off", "remove"):
        return before
    child, ancestor = relations.edges(labels)
    after = np.array(before)
    if mode == "inherit":
        np.maximum.at(_by_label(after), ancestor, _by_label(before)[child])
    else:
        np.minimum.at(_by_label(after), child, _by_label(before)[ancestor])
    return after


def _by_label(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """View scores with the label as first axis."""
    return np.moveaxis(values, -1, 0)


def removes(mode: Mode) -> bool:
    """Tell whether the mode leaves implied tags out of a caption."""
    return mode in ("remove", "constrain-remove")


def prune(names: Sequence[str], relations: Relations) -> list[str]:
    """Return the names, in their order and spelling, without those that another one implies."""
    implied = {ancestor for name in names for ancestor in relations.ancestors(name)}
    return [name for name in names if relations.canonical(name) not in implied]


def _follow_chains(pairs: Iterable[Pair], dropped: list[Pair] | None) -> dict[str, str]:
    """Return each alias with the tag at its chain's end."""
    target: dict[str, str] = {}
    for pair in pairs:
        name, tag = map(key, pair)
        if name == tag:
            continue  # two spellings of one tag: nothing new
        chain = [tag]
        while chain[-1] in target and chain[-1] != name:
            chain.append(target[chain[-1]])
        if chain[-1] == name:
            _refuse(pair, f"aliases go in a circle: {' -> '.join([name, *chain])}", dropped)
        elif target.setdefault(name, tag) != tag:
            _refuse(pair, f"{name}: expected one tag, got {target[name]} and {tag}", dropped)
    return {name: _end(target, name) for name in target}


def _end(target: Mapping[str, str], name: str) -> str:
    while name in target:
        name = target[name]
    return name


def _draw_graph(
    pairs: Iterable[Pair], aliases: Mapping[str, str], dropped: list[Pair] | None
) -> dict[str, tuple[str, ...]]:
    """Return the direct implications between canonical tags."""
    graph: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        named = [key(tag) for tag in pair]
        tag, implied = (aliases.get(name, name) for name in named)
        if implied in graph.get(tag, ()) or (tag == implied and named[0] != named[1]):
            continue  # said before, or two names of one tag: nothing new
        path = _find_path(graph, implied, tag)
        if path:
            _refuse(pair, f"implications go in a circle: {' -> '.join([tag, *path])}", dropped)
        else:
            graph[tag] = (*graph.get(tag, ()), implied)
    return graph


def _find_path(graph: Mapping[str, tuple[str, ...]], start: str, goal: str) -> list[str]:
    """Return the tags from start to goal, both included, or nothing if there is no way."""
    came_from = {start: ""}
    waiting = [start]
    while waiting:
        tag = waiting.pop()
        if tag == goal:
            path = [tag]
            while path[-1] != start:
                path.append(came_from[path[-1]])
            return path[::-1]
        for implied in graph.get(tag, ()):
            if implied not in came_from:
                came_from[implied] = tag
                waiting.append(implied)
    return []


def _refuse(pair: Pair, why: str, dropped: list[Pair] | None) -> None:
    if dropped is None:
        raise RelationError(f"{why}: drop {pair[0]} -> {pair[1]} or another of them")
    dropped.append(pair)


EMPTY = Relations()
"""Nothing known: every tag stands for itself."""
