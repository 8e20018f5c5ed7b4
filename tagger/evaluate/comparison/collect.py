"""Collect: one contestant's answers and times, kept as they come, so that a run can be resumed.

Times are taken alike: one picture after another, from the file to the scores, on this machine, in
this process. Loading, and the first pictures, which pay for what is made ready on the way, are
told apart. The rest is asked as fast as the contestant can.
"""

from __future__ import annotations

import hashlib
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from ...backends.devices import cores
from ...errors import ImageError
from ...home import part
from ...images import content_hash
from ..answers import Answers, Said
from ..contestants import About, Contestant
from ..truth import Picture
from .options import CompareOptions

LOT = 32
"""Answers that are written at once: what an interruption can cost."""
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Timing:
    """Seconds: to load, for the pictures before the time is taken, and for each one after."""

    load: float
    warm_up: float
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the pictures took longer."""
        return statistics.median(self.seconds)

    @property
    def mean(self) -> float:
        """The showdown's average."""
        return statistics.fmean(self.seconds)


@dataclass(frozen=True, eq=False)
class Collected:
    """A contestant with its answers. keys: each picture's key among them."""

    about: About
    answers: Answers
    keys: tuple[str, ...]
    timing: Timing | None = None
    asked: str = ""


def machine() -> str:
    """The machine that the times are of, in words."""
    return f"{platform.system()} on {platform.machine()}, {cores()} cores"


def keys_of(pictures: Sequence[Picture]) -> tuple[str, ...]:
    """A key for each picture: the hash of its bytes; of one that can't be read its name."""
    return tuple(map(_key, pictures))


def collect(
    contestant: Contestant,
    pictures: Sequence[Picture],
    keys: tuple[str, ...],
    options: CompareOptions,
    tell: Tell = lambda done, total: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Collected:
    """Ask about the pictures that were not answered yet.

    Raises TaggerError where the contestant fails; what it had said is kept for the next run.
    """
    about = contestant.about
    answers = Answers(place(about, options.work))
    if options.fresh:
        answers.forget()
    answers.know(dict(about.vocabulary or {}))
    asking = _Asking(contestant, answers, options, tell, clock)
    timing = asking.ask(pictures, keys)
    return Collected(about, answers, keys, timing, str(answers.said("asked") or ""))


def place(about: About, work: Path | None) -> Path | None:
    """The file of a contestant's answers; None of one that is read again each time."""
    if not about.identity:
        return None
    digest = hashlib.blake2b(about.identity.encode(), digest_size=8).hexdigest()
    name = re.sub(r"[^\w.-]+", "-", about.name)[:60]
    return (work or part("cache") / "comparisons") / f"{name}-{digest}.sqlite"


class _Asking:
    """One contestant being asked."""

    def __init__(
        self,
        contestant: Contestant,
        answers: Answers,
        options: CompareOptions,
        tell: Tell,
        clock: Callable[[], float],
    ) -> None:
        self._contestant, self._answers, self._options = contestant, answers, options
        self._tell, self._clock = tell, clock

    def ask(self, pictures: Sequence[Picture], keys: Sequence[str]) -> Timing | None:
        done = self._answers.done(keys)
        rows = {key: each for key, each in zip(keys, pictures, strict=True) if key not in done}
        timing = self._kept_timing()
        takes_time = self._contestant.about.timed and self._options.timed > 0 and timing is None
        if takes_time:
            with closing(self._contestant):
                timing = self._timed(pictures, keys, rows)
        if rows:
            with closing(self._contestant):
                self._contestant.open()
                self._rest(rows, len(keys))
            self._answers.say("asked", date.today().isoformat())
        return timing

    def _timed(
        self, pictures: Sequence[Picture], keys: Sequence[str], rows: dict[str, Picture]
    ) -> Timing:
        """Time the same pictures for everybody, answered before or not; others warm up."""
        began = self._clock()
        self._contestant.open(alone=True)
        load = self._clock() - began
        others = pictures[self._options.timed :] or pictures
        began = self._clock()
        for picture in others[: self._options.warm_up]:
            self._contestant.one(picture)
        warm_up = self._clock() - began
        seconds: list[float] = []
        for key, picture in list(zip(keys, pictures, strict=True))[: self._options.timed]:
            began = self._clock()
            said = self._contestant.one(picture)
            seconds.append(self._clock() - began)
            self._answers.keep([(key, said)])
            rows.pop(key, None)
        timing = Timing(load, warm_up, tuple(seconds))
        self._answers.say("timing", asdict(timing))
        return timing

    def _rest(self, rows: dict[str, Picture], total: int) -> None:
        lot: list[tuple[str, Said]] = []
        done = total - len(rows)
        try:
            for pair in self._pairs(rows):
                lot.append(pair)
                done += 1
                if len(lot) == LOT:
                    self._answers.keep(lot)
                    lot.clear()
                    self._tell(done, total)
        finally:  # what was said before it failed, or somebody pressed Ctrl-C
            self._answers.keep(lot)
        self._tell(done, total)

    def _pairs(self, rows: dict[str, Picture]) -> Iterator[tuple[str, Said]]:
        return zip(rows, self._contestant.many(list(rows.values())), strict=True)

    def _kept_timing(self) -> Timing | None:
        kept = self._answers.said("timing") if self._options.timed else None
        if not kept or len(kept["seconds"]) < self._options.timed:
            return None
        return Timing(kept["load"], kept["warm_up"], tuple(kept["seconds"]))


def _key(picture: Picture) -> str:
    try:
        return content_hash(picture.path)
    except ImageError:
        return f"unread {picture.name}"
