"""The order in which a dump happens to be written changes nothing of a DATASET."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

NAMES = ["a", "b", "c", "old_a", "mira", "Long Hair", "long_hair"]


@st.composite
def posts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some posts with families, copies, ids given twice and states."""
    number = st.integers(1, 12)
    post = st.fixed_dictionaries({
        "id": number, "rating": st.sampled_from("gsqe"), "file_ext": st.just("png"),
        "md5": st.sampled_from([None, "aa", "bb"]), "parent_id": st.none() | number,
        "is_deleted": st.sampled_from([False, False, True]), "score": st.integers(0, 2),
        "tags": st.lists(st.sampled_from(NAMES), max_size=4),
    })  # fmt: skip
    sure = {"id": 20, "rating": "g", "file_ext": "png", "tags": ["a"]}
    return [sure, *draw(st.lists(post, min_size=3, max_size=25))]


def written(folder: Path, rows: list[dict[str, Any]], mixed: random.Random) -> None:
    """Write posts and tags in an order of its own, over files of several kinds."""
    rows = mixed.sample(rows, len(rows))
    cut = mixed.randrange(len(rows) + 1)
    lines = "".join(json.dumps(row) + "\n" for row in rows[:cut])
    (folder / "posts0.json.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "posts1.json").write_text(json.dumps(rows[cut:]))
    listed = [{"name": name, "category": 4 if name == "mira" else 0} for name in NAMES]
    listed = mixed.sample(listed, len(listed))
    (folder / "tags.json").write_text("".join(json.dumps(row) + "\n" for row in listed))
    pairs = mixed.sample([("old_a", "a"), ("b", "c"), ("c", "b"), ("x", "a")], 4)
    aliases = [{"antecedent_name": old, "consequent_name": new} for old, new in pairs]
    (folder / "tag_aliases.json").write_text("".join(json.dumps(row) + "\n" for row in aliases))


@given(posts(), st.integers(0, 9999), st.sampled_from(["hash", "order", "modulo"]))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_order_of_rows_and_files(
    rows: list[dict[str, Any]], seed: int, method: Any
) -> None:
    """Rows, labels, groups, splits and what was left out are the same."""
    found: list[tuple[str, bytes, Any]] = []
    for turn in range(2):
        folder = Path(tempfile.mkdtemp())
        try:
            (folder / "dump").mkdir()
            written(folder / "dump", rows, random.Random(seed + turn))
            summary = build(
                BuildOptions(
                    sources=(folder / "dump",), out=folder / "out", unseen=True, split_by=method,
                    maximum_share=1, calibration=0.3, validation=0.3, pseudo_tags=("rating",),
                )
            )  # fmt: skip
            index = (folder / "out" / "index.parquet").read_bytes()
            found.append((summary.content, index, summary.dropped))
        finally:
            shutil.rmtree(folder)
    assert found[0] == found[1]
