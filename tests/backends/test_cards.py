"""The way to a card and back: a stand-in for CUDA, since no test can count on a card."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tagger.backends import cards  # noqa: E402
from tagger.backends.batchsize import LARGEST, SHARE, find_batch  # noqa: E402
from tagger.backends.protocol import DeviceMemoryError  # noqa: E402

MB = 1 << 20


def a_network(fixed: int, each: int, log: list[int] | None = None) -> Callable[[int], int]:
    """What a network takes: so much, and so much for each picture."""

    def taken(count: int) -> int:
        if log is not None:
            log.append(count)
        return fixed + count * each

    return taken


@pytest.mark.parametrize("fixed", [0, 40 * MB, 3000 * MB])
@pytest.mark.parametrize("each", [1, 12 * MB, 170 * MB, 2000 * MB])
@pytest.mark.parametrize("free", [64 * MB, 4000 * MB, 24_000 * MB])
def test_the_batch_is_the_largest_that_fits(fixed: int, each: int, free: int) -> None:
    """A power of two; twice as many would not fit, or are not worth it."""
    log: list[int] = []
    batch = find_batch(a_network(fixed, each, log), free)
    assert log == [1, 2]
    assert batch in [2**power for power in range(8)]
    assert batch == 1 or fixed + batch * each <= SHARE * free
    assert batch == LARGEST or fixed + 2 * batch * each > SHARE * free


def test_a_card_too_full_for_two_gets_one() -> None:
    """Out of memory at the trial is an answer, not an error."""

    def full(count: int) -> int:
        if count > 1:
            raise DeviceMemoryError("no room")
        return 5

    assert find_batch(full, 10_000) == 1


class Card:
    """Stands in for `torch.cuda` on a machine without: writes down what is asked of it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.computes = SimpleNamespace(
            wait_stream=lambda stream: self.log.append(f"compute waits for {stream}")
        )

    def Stream(self, device: str) -> str:  # noqa: N802 - torch's name
        return f"side of {device}"

    def current_stream(self, device: str) -> Any:
        return self.computes

    @contextlib.contextmanager
    def stream(self, stream: str) -> Iterator[None]:
        self.log.append(f"onto {stream}")
        yield
        self.log.append("off it")

    def Event(self, *, blocking: bool) -> Any:  # noqa: N802 - torch's name
        assert blocking, "a thread that waits must not burn a core"
        return SimpleNamespace(
            record=lambda stream: self.log.append(f"event on {stream is self.computes}"),
            synchronize=lambda: self.log.append("slept until it"),
        )


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    """A card that is main memory; pinning does nothing."""
    made = Card()
    monkeypatch.setattr(cards, "cuda", made)
    monkeypatch.setattr(cards, "_pinned", lambda tensor: made.log.append("pinned") or tensor)
    monkeypatch.setattr(
        torch.Tensor, "record_stream", lambda self, stream: made.log.append("kept until computed")
    )
    return made


def test_bytes_travel_beside_the_computing(card: Card) -> None:
    """Pinned, on a stream of their own, which the computing waits for and no thread."""
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)[:, ::-1]
    moved = cards.Courier("cpu").bring(pixels)
    assert moved.dtype == torch.uint8
    assert np.array_equal(moved.numpy(), pixels)
    assert card.log == [
        "pinned",
        "onto side of cpu",
        "off it",
        "compute waits for side of cpu",
        "kept until computed",
    ]


def test_scores_are_waited_for_asleep_and_no_later_batch_with_them(card: Card) -> None:
    """An event behind the own computing, not the whole stream."""
    scores = torch.rand(3, 5)
    found = cards.Courier("cpu").fetch(scores)
    assert torch.equal(found, scores)
    assert card.log == ["pinned", "event on True", "slept until it"]


def test_memory_taken_is_the_height_above_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """And free is what the driver says and what torch keeps unused."""
    state = SimpleNamespace(now=100, peak=900)
    stand_in = SimpleNamespace(
        memory_allocated=lambda device: state.now,
        max_memory_allocated=lambda device: state.peak,
        reset_peak_memory_stats=lambda device: setattr(state, "peak", state.now),
        memory_reserved=lambda device: 130,
        mem_get_info=lambda device: (1000, 2000),
    )
    monkeypatch.setattr(cards, "cuda", stand_in)
    assert cards.taken("cuda:0", lambda more: setattr(state, "peak", state.now + more), 55) == 55
    assert cards.free("cuda:0") == 1030
