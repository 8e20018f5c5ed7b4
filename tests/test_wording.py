"""One tag's text: weights there and back, and what counts as one tag."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.wording import is_one_tag, meanings, unweigh, weigh


@given(st.text(max_size=200), st.integers(0, 200))
def test_a_weight_comes_off_as_it_was_put_on(text: str, hundredths: int) -> None:
    """Also around text that has brackets, colons and numbers of its own."""
    assert unweigh(weigh(text, hundredths / 100)) == (text, hundredths / 100)


@pytest.mark.parametrize("text", ["smile", "(smile)", "(o)_(o)", "smile:1.2", "(a:b)", ":)"])
def test_text_without_a_weight_has_none(text: str) -> None:
    """Emphasis alone is no weight, nor is a colon."""
    assert unweigh(text) == (text, None)


@given(st.text())
def test_one_tag_reads_back_from_a_list(text: str) -> None:
    """What is called one tag survives split at every separator that trainers know."""
    if is_one_tag(text):
        line = f"a, {text}, b"
        assert [part.strip() for part in line.split(",")] == ["a", text.strip(), "b"]
        assert len(line.splitlines()) == 1
        assert line.encode()


@given(st.text("()[]:1.,\\a ", max_size=5000))
def test_any_text_has_its_meanings_quickly(text: str) -> None:
    """Brackets without end are no trap: a long item is not searched."""
    assert len(meanings(text)) <= 300
