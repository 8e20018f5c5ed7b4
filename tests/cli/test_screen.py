"""How far something is, as the command line says it."""

from __future__ import annotations

import pytest

from tagger.cli.screen import amounts


@pytest.mark.parametrize(
    ("done", "total", "unit", "seconds", "said"),
    [
        (120, 400, "pictures", 6.0, "120 of 400 pictures, 20.0/s, 14 s left"),
        (1_200, 0, "posts", 2.0, "1,200 posts, 600.0/s"),
        (0, 5_000, "posts", 2.0, "0 of 5,000 posts"),
        (3, 3, "runs", 0.0, "3 of 3 runs"),
        (12_000_000, 380_000_000, "bytes", 2.0, "12 MB of 380 MB, 6 MB/s, 1 min 1 s left"),
        (2_000, 0, "bytes", 1.0, "2 kB, 2 kB/s"),
    ],
)
def test_what_is_done_is_said_with_its_speed_and_what_is_left(
    done: int, total: int, unit: str, seconds: float, said: str
) -> None:
    assert amounts(done, total, unit, seconds) == said
