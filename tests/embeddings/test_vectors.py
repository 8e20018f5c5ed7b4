"""Tables of vectors, the nearest of them, groups whose truth is known, and the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")

from tagger.embeddings.clusters import Clusters, cluster, sizes
from tagger.embeddings.nearest import nearest
from tagger.embeddings.page import make_page
from tagger.embeddings.vectors import Vectors, read_vectors, write_vectors
from tagger.errors import UsageError
from tagger.report.page import render


def table(values: np.ndarray, paths: list[str] | None = None) -> Vectors:
    names = paths or [f"{at}.png" for at in range(len(values))]
    return Vectors(names, ["" for _ in names], values.astype(np.float32), "demo")


def drawn(counts: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Directions around as many axes, and which axis each is of."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(counts)), counts)
    order = rng.permutation(len(truth))
    values = np.eye(len(counts), 24)[truth] * 5 + rng.normal(0, 0.25, (len(truth), 24))
    return values[order], truth[order]


@pytest.mark.parametrize("part", [1, 2, 1000])
def test_a_table_comes_back_as_it_was_written(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of any alphabet, the numbers bit for bit, in however many parts."""
    monkeypatch.setattr("tagger.embeddings.vectors.PART", part)
    values = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    own = Vectors(["a.png", "猫/b.png", "c d.webp"], ["00", "ff", "12"], values, "demo", "species")
    write_vectors(tmp_path / "v.parquet", own)
    found = read_vectors(tmp_path / "v.parquet")
    assert (found.paths, found.hashes) == (own.paths, own.hashes)
    assert (found.model, found.head) == ("demo", "species")
    np.testing.assert_array_equal(found.values, values)


def test_other_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    """No parquet, other columns, vectors of two lengths, two models, no numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "text").write_text("no table")
    with pytest.raises(UsageError, match="expected what `tagger embed` writes"):
        read_vectors(tmp_path / "text")
    with pytest.raises(UsageError, match="no such file"):
        read_vectors(tmp_path / "absent")
    whole = {"path": ["a", "b"], "hash": ["", ""], "model": ["m", "m"], "head": ["", ""]}
    for changed, said in (
        ({}, "expected what"),
        ({"vector": [[1.0], [1.0, 2.0]]}, "vectors of one length"),
        ({"vector": [[1.0], None]}, "vectors of one length"),
        ({"vector": [[1.0], [float("nan")]]}, "some that are none"),
        ({"vector": [["x"], ["y"]]}, "vectors of numbers"),
        ({"vector": [[1.0], [2.0]], "model": ["m", "n"]}, "one model, got m, n"),
    ):
        pq.write_table(pa.table({**whole, **changed}), tmp_path / "t.parquet")
        with pytest.raises(UsageError, match=said):
            read_vectors(tmp_path / "t.parquet")


def test_the_nearest_are_those_of_the_greatest_cosine() -> None:
    """By a loop in float64; length does not matter."""
    values = np.random.default_rng(1).normal(size=(50, 8))
    values[7] *= 100
    query = values[3] + 0.1
    by_hand = [float(v @ query / np.sqrt(v @ v) / np.sqrt(query @ query)) for v in values]
    wanted = sorted(range(50), key=lambda at: -by_hand[at])[:5]
    found = nearest(table(values), query.astype(np.float32), 5)
    assert [row for row, _ in found] == wanted
    np.testing.assert_allclose([c for _, c in found], [by_hand[at] for at in wanted], atol=1e-6)


def test_vectors_of_another_model_are_not_compared() -> None:
    """Their width tells."""
    with pytest.raises(UsageError, match="expected a vector of 8 numbers"):
        nearest(table(np.ones((2, 8))), np.ones(5, np.float32), 1)
    assert nearest(table(np.ones((0, 8))), np.ones(5, np.float32), 1) == []
    assert nearest(table(np.zeros((1, 8))), np.zeros(8, np.float32), 1) == [(0, 0.0)]


def agreement(found: Clusters, truth: np.ndarray) -> float:
    """Of all pairs of pictures, how many both put together or both apart."""
    same, wanted = (np.equal.outer(each, each) for each in (found.group, truth))
    return float((same == wanted).mean())


def test_groups_and_their_number_are_found_where_truth_is_known() -> None:
    """Four bundles of directions: four groups, the largest first, by the criterion alone."""
    values, truth = drawn([60, 40, 30, 20])
    found = cluster(table(values))
    assert found.count == 4
    assert sizes(found) == [60, 40, 30, 20]
    assert agreement(found, truth) == 1
    assert min(found.criterion, key=lambda n: found.criterion[n]) == 4
    assert found.sure.min() > 0.9


def test_a_number_that_is_asked_for_is_kept_and_the_same_every_time() -> None:
    """Two groups of four bundles, twice alike."""
    values, _ = drawn([20, 20, 20, 20])
    first, again = cluster(table(values), 2), cluster(table(values), 2)
    assert first.count == 2
    np.testing.assert_array_equal(first.group, again.group)
    np.testing.assert_array_equal(first.places, again.places)


@pytest.mark.parametrize("width", [1, 2, 8])
def test_one_picture_many_times_is_one_group(width: int) -> None:
    """No axis has any width; nothing divides by it."""
    found = cluster(table(np.ones((9, width))))
    assert found.count == 1
    assert np.isfinite(found.places).all()


def test_too_few_pictures_are_refused() -> None:
    """And more groups than pictures."""
    with pytest.raises(UsageError, match="at least 3"):
        cluster(table(np.eye(2)))
    with pytest.raises(UsageError, match="got 5 for 3"):
        cluster(table(np.eye(3)), 5)


def test_the_page_shows_every_group_and_is_one_file(tmp_path: Path) -> None:
    """A hostile name is text; a picture that is gone is left out of its gallery."""
    values, truth = drawn([6, 5])
    names = [f"{at}<script>.png" for at in range(len(values))]
    for name, kind in list(zip(names, truth, strict=True))[:-1]:
        Image.new("RGB", (32, 24), "red" if kind else "blue").save(tmp_path / name)
    own = table(values, [str(tmp_path / name) for name in names])
    html = render(make_page(own, cluster(own, 2), "Alike <b>"))
    assert "<script>" not in html
    assert "<b>" not in html
    assert html.count("<circle") == 11
    assert html.count("data:image/webp") == 10
    assert "Group 2" in html
    assert not any(f'="{scheme}' in html for scheme in ("http:", "https:", "file:", "//"))
