"""Contestant: what everybody who says tags of pictures has in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ...labels import Category, Label, LabelSet
from ...selection import Thresholds
from ...thresholds import operating_point
from ..answers import Said
from ..truth import Picture

Kind = Literal["control", "model", "captions", "scores", "server"]


@dataclass(frozen=True)
class About:
    """What is known of a contestant before it answers.

    name: how it is called in this comparison. source: what was asked for. scored: whether it
    gives scores, not only yes and no. vocabulary: the tags that it could say, as it spells them,
    with their category; None where nobody knows. thresholds: its author's operating point; None
    where nobody knows. label_thresholds: those that its label file has. identity: decides its
    answers; empty where they are not kept, since reading them again costs nothing. size: bytes of
    its weights. normalised: whether pictures are normalised by more than a division by 255.
    """

    name: str
    source: str
    kind: Kind
    scored: bool = True
    vocabulary: Mapping[str, str] | None = None
    thresholds: Thresholds | None = None
    label_thresholds: Mapping[str, float] = field(default_factory=dict[str, float])
    identity: str = ""
    size: int | None = None
    normalised: bool | None = None

    @property
    def timed(self) -> bool:
        """Whether it works when it is asked, so that the time it takes says something."""
        return self.kind in ("model", "server")

    def limits(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Each name's own threshold, float32[names]; 0 where it is only said or not.

        Infinite where the author's threshold is not known.
        """
        if not self.scored:
            return np.zeros(len(names), np.float32)
        if self.thresholds is None:
            return np.full(len(names), np.inf, np.float32)
        kinds = self.vocabulary or {}
        labels = (
            Label(
                name, Category(-1, kinds.get(name, "")), threshold=self.label_thresholds.get(name)
            )
            for name in names
        )
        return operating_point(LabelSet(tuple(labels)), self.thresholds)


class Contestant(Protocol):
    """Says tags of pictures. Opened before it is asked, closed after."""

    @property
    def about(self) -> About:
        """What is known of it."""
        ...

    def open(self, alone: bool = False) -> None:
        """Load what it needs, `alone` to be asked about one picture after another.

        Raises TaggerError, one sentence.
        """
        ...

    def one(self, picture: Picture) -> Said:
        """Ask about one picture alone, from the file to the scores."""
        ...

    def many(self, pictures: Sequence[Picture]) -> Iterator[Said]:
        """Ask about pictures as fast as it can; an answer for each, in their order.

        Raises TaggerError where going on is of no use; what came before stays.
        """
        ...

    def close(self) -> None:
        """Give back what it took."""
        ...


class Beside:
    """Files of one ending below a folder, and which of them belongs to a picture."""

    def __init__(self, folder: Path, ending: str, pictures: Sequence[Picture]) -> None:
        """List the folder; pictures that share a name are told apart by their place alone."""
        self._places: dict[str, Path] = {}
        self._names: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob(f"*{ending}")):
            place = path.relative_to(folder).as_posix().removesuffix(ending)
            self._places[place] = path
            self._names.setdefault(place.rpartition("/")[2], []).append(path)
        names = Counter(PurePosixPath(each.name).stem for each in pictures)
        self._shared = {name for name, count in names.items() if count > 1}

    def of(self, picture: Picture) -> Path | str:
        """The file of the picture's place, else the only one of its name.

        A sentence's tail where there is none, or no telling which.
        """
        name = PurePosixPath(picture.name)
        exact = self._places.get(name.with_suffix("").as_posix())
        if exact is not None:
            return exact
        if name.stem in self._shared:
            return "no file at its place, and another picture has its name"
        same = self._names.get(name.stem, [])
        if len(same) == 1:
            return same[0]
        return f"{len(same)} files of that name" if same else "no file of that name"
