"""Bytes are said in three digits, and what is said is what they are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.bytecount import readable

POWERS = {"bytes": 0, "kB": 3, "MB": 6, "GB": 9, "TB": 12}


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (999.6, "1 kB"),
        (1_536, "1.54 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (466_800_000, "467 MB"),
        (1_262_000_000, "1.26 GB"),
        (23_700_000_000, "23.7 GB"),
        (7_200_000_000_000_000, "7,200 TB"),
    ],
)
def test_bytes_are_said_as_people_count_them(count: float, said: str) -> None:
    assert readable(count) == said


@given(st.integers(0, 10**15 - 10**12))
def test_what_is_said_is_within_half_a_percent(count: int) -> None:
    """Read back; and never as 1,000 of a unit that has a larger one."""
    number, unit = readable(count).split()
    assert re.fullmatch(r"\d{1,3}|\d\.\d{1,2}|\d\d\.\d", number)
    assert float(number) * 10 ** POWERS[unit] == pytest.approx(count, rel=0.005)
