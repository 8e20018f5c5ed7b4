"""Feed: a long run's pictures, few at a time at the model."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tagger.errors import BackendError
from tagger.webui.feeding import Feed


@dataclass
class Model:
    """A stand-in of the queue: each picture waits until it is told to be done."""

    asked: list[Future[Any]] = field(default_factory=list)
    at_once: bool = False
    broken: bool = False

    def infer(self, model: Any, picture: Path, priority: str) -> Future[Any]:
        if self.broken:
            raise BackendError("no device")
        self.asked.append(Future())
        if self.at_once:
            self.asked[-1].set_result(picture)
        return self.asked[-1]


@dataclass
class Pace:
    waiting: bool = False
    over: bool = False

    def waits(self) -> bool:
        return self.waiting

    def stopped(self) -> bool:
        return self.over


def feed_of(model: Model, pace: Pace, room: int = 2) -> Feed:
    return Feed(cast("Any", model), cast("Any", None), room, pace)


def until(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_so_many_as_there_is_room_for_are_at_the_model() -> None:
    """The next one goes when one comes back; results are those of their pictures."""
    model = Model()
    feed = feed_of(model, Pace())
    futures = [feed.submit(Path(name)) for name in "abcd"]

    assert len(model.asked) == 2
    model.asked[0].set_result("scores of a")
    assert len(model.asked) == 3
    model.asked[1].set_exception(BackendError("bad"))

    assert futures[0].result(5) == "scores of a"
    assert isinstance(futures[1].exception(5), BackendError)
    assert len(model.asked) == 4


def test_nothing_goes_while_the_pace_waits_and_all_goes_after() -> None:
    """Without anybody's call: the feed looks by itself."""
    model, pace = Model(at_once=True), Pace(waiting=True)
    feed = feed_of(model, pace)
    futures = [feed.submit(Path(name)) for name in "abc"]

    assert model.asked == []
    pace.waiting = False
    until(lambda: all(each.done() for each in futures))


def test_a_run_that_is_stopped_leaves_nothing_waiting() -> None:
    """What had not begun fails, also while the pace waited."""
    model, pace = Model(), Pace(waiting=True)
    feed = feed_of(model, pace)
    futures = [feed.submit(Path(name)) for name in "abc"]

    pace.over, pace.waiting = True, False
    until(lambda: all(each.done() for each in futures))

    assert model.asked == []
    assert {str(each.exception()) for each in futures} == {"cancelled"}


def test_a_picture_that_was_cancelled_is_passed_over() -> None:
    """It takes no room."""
    model = Model()
    feed = feed_of(model, Pace(), room=1)
    first, second, third = (feed.submit(Path(name)) for name in "abc")

    assert second.cancel()
    model.asked[0].set_result("a")
    model.asked[1].set_result("c")

    assert (first.result(5), third.result(5)) == ("a", "c")
    assert len(model.asked) == 2


def test_a_model_that_can_t_be_loaded_is_told_to_every_picture() -> None:
    """And the feed does not hang."""
    feed = feed_of(Model(broken=True), Pace())

    for name in "abc":
        with pytest.raises(BackendError, match="no device"):
            feed.submit(Path(name)).result(5)


def test_thousands_of_pictures_that_are_done_at_once_exhaust_nothing() -> None:
    """No picture's end begins the next one inside itself."""
    model, pace = Model(at_once=True), Pace(waiting=True)
    feed = feed_of(model, pace)
    futures = [feed.submit(Path(f"{n}")) for n in range(3000)]

    pace.waiting = False
    until(lambda: all(each.done() for each in futures))
    assert [each.result() for each in futures] == [Path(f"{n}") for n in range(3000)]
