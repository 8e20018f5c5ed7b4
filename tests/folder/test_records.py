"""Records beyond memory: read from JSON as `json` reads it, kept in order, never all at once."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.folder import records
from tagger.folder.metadata import Row, merge
from tagger.folder.records import NoObjectError, Rows, members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(
    st.dictionaries(st.text(), VALUES, max_size=4), st.sampled_from([None, 1]), st.integers(1, 9)
)
def test_an_object_is_read_as_json_reads_it(
    said: dict[str, object], indent: int | None, piece: int
) -> None:
    """However the pieces are cut: in a number, in an escape, between two members."""
    text = f" {json.dumps(said, indent=indent)}\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_PIECE", piece)
        assert dict(members(io.StringIO(text))) == json.loads(text)


@settings(max_examples=60)
@given(st.text(alphabet='{}[]":, 1ae\\tn', max_size=12), st.integers(1, 3))
def test_what_json_refuses_is_refused(text: str, piece: int) -> None:
    """And what it takes is taken, objects alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_PIECE", piece)
        try:
            expected = json.loads(text) if text.strip() else {}
        except ValueError:
            with pytest.raises(ValueError, match=r"."):
                list(members(io.StringIO(text)))
            return
        if isinstance(expected, dict):
            assert dict(members(io.StringIO(text))) == expected
        else:
            with pytest.raises(NoObjectError):
                list(members(io.StringIO(text)))


def test_records_come_in_the_order_in_which_they_first_came() -> None:
    """A later one takes the place of an earlier one; a name that is no text is kept."""
    with Rows() as rows:
        for key, value in (("b", 1), ("a\udcff", 2), ("b", 3)):
            rows.put(key, {"v": value, key: None})
        assert list(rows) == [("b", {"v": 3, "b": None}), ("a\udcff", {"v": 2, "a\udcff": None})]
        assert rows.get("c") == {}
        assert list(rows.names) == ["v", "b", "a\udcff"]


@pytest.mark.parametrize("name", ["m.json", "m.jsonl", "metadata.jsonl", "m.csv"])
def test_many_rows_take_no_memory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those given and those that are there: a part of what either file has bytes."""
    monkeypatch.setattr(records, "_PIECE", 1 << 14)
    count = 1000

    def many(text: str) -> Iterator[Row]:
        return (Row(f"{at}.png", f"{text} {at}" + 600 * " tag,", (1, 2)) for at in range(count))

    old, new = tmp_path / "old", tmp_path / "new"
    with old.open("w", encoding="utf-8", newline="") as into:
        merge(Path(name), None, many("old"), into)
    tracemalloc.start()
    try:
        with old.open(encoding="utf-8", newline="") as file, new.open("w", newline="") as into:
            assert merge(Path(name), file, many("new"), into) == count
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < old.stat().st_size / 4
    assert new.read_text(encoding="utf-8") == old.read_text(encoding="utf-8").replace("old", "new")
