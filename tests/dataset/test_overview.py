"""What is known of a DATASET before training, and the page that shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.cli.dataset import run
from tagger.counts import count
from tagger.dataset.clusters import average_linkage, clusters
from tagger.dataset.doubts import Evidence, Postings, broken_implications, likely_missing
from tagger.dataset.index import Dataset, write
from tagger.dataset.overview import look
from tagger.dataset.overviewcharts import charts
from tagger.dataset.overviewpage import write_report
from tagger.dataset.ragged import Ragged
from tagger.dataset.reportoptions import ReportOptions
from tagger.errors import UsageError
from tagger.labels import DANBOORU, Label, LabelSet
from tagger.relationfiles import write_relations
from tagger.relations import Relations

pa = pytest.importorskip("pyarrow")
pytest.importorskip("jinja2")

EVIL = "<script>alert(1)</script>"


def lists(rows: Sequence[Sequence[int]]) -> Ragged:
    return Ragged.of(
        pa.chunked_array([pa.array([sorted(row) for row in rows], pa.list_(pa.int32()))])
    )


MakeDataset = Callable[..., Dataset]


@pytest.fixture
def make(tmp_path: Path) -> MakeDataset:
    """Write a DATASET of rows as dicts, and pictures for those that name none that is missing."""

    def make_dataset(
        rows: Sequence[dict[str, Any]],
        names: Sequence[str] = ("a", "b", "c"),
        relations: Relations | None = None,
    ) -> Dataset:
        from PIL import Image

        folder = tmp_path / "set"
        folder.mkdir()
        defaults = {
            "width": 4, "height": 2, "rating": "g", "tags": [], "unknown": [], "split": "train",
            "source": "drawn",
        }  # fmt: skip
        full = [
            {"id": at, "md5": f"{at:032x}", "group": at, "path": f"{at}.png", **defaults, **row}
            for at, row in enumerate(rows)
        ]
        schema = pa.schema(
            {
                **dict.fromkeys(("id", "group"), pa.int64()),
                **dict.fromkeys(("path", "md5", "rating", "split", "source"), pa.string()),
                **dict.fromkeys(("width", "height"), pa.int32()),
                **dict.fromkeys(("tags", "unknown"), pa.list_(pa.int32())),
            }
        )
        for row in full:
            if not row["path"].startswith("missing"):
                Image.new("RGB", (4, 2), (row["id"] % 255, 0, 0)).save(
                    tmp_path / row["path"], "PNG"
                )
        vocabulary = LabelSet(tuple(Label(name, DANBOORU[0]) for name in names))
        source = {"name": "drawn", "root": str(tmp_path), "relative": "..", "rows": len(full)}
        about = {
            "sources": [source],
            "dropped": {"deleted": 7}, "left_out": {"too few posts": {"tags": 3}},
        }  # fmt: skip
        write(folder, [pa.Table.from_pylist(full, schema=schema)], vocabulary, about)
        if relations:
            write_relations(folder / "relations.json", relations)
        return Dataset.open(folder)

    return make_dataset


@pytest.fixture
def random_rows() -> tuple[list[list[int]], list[list[int]]]:
    """1,500 pictures of 12 labels that depend on each other, some unknown."""
    rng = np.random.default_rng(3)
    tags, unknown = [], []
    for _ in range(1500):
        has = set(np.flatnonzero(rng.random(12) < 0.3).tolist())
        if 0 in has and rng.random() < 0.975:
            has.add(1)
        if 2 in has and rng.random() < 0.975:
            has.add(3)
        unsure = set(np.flatnonzero(rng.random(12) < 0.2).tolist()) - has
        tags.append(sorted(has))
        unknown.append(sorted(unsure))
    return tags, unknown


def slow_missing(
    tags: list[list[int]], unknown: list[list[int]], evidence: Evidence
) -> dict[int, tuple[int, float, list[int]]]:
    """The definition, pair by pair and picture by picture."""
    best: dict[int, tuple[int, float, list[int]]] = {}
    for a, b in permutations(range(12), 2):
        known = [at for at, row in enumerate(tags) if a in row and b not in unknown[at]]
        both = [at for at in known if b in tags[at]]
        share = len(both) / max(len(known), 1)
        sure = evidence.probability < share < 1 and len(known) >= evidence.pictures
        if sure and (b not in best or share > best[b][1]):
            best[b] = (a, share, [at for at in known if at not in both])
    return best


def test_tags_likely_missing_are_those_that_the_definition_finds(
    random_rows: tuple[list[list[int]], list[list[int]]],
) -> None:
    """P(b | a) over pictures where b is known, a and not b; nothing unknown is held against any."""
    tags, unknown = random_rows
    evidence = Evidence(lift=1.0)
    found = likely_missing(
        Postings(lists(tags), 12), Postings(lists(unknown), 12), count(tags, 12), evidence
    )
    expected = slow_missing(tags, unknown, evidence)
    assert {1, 3} <= set(expected)
    assert {one.lacking: (one.label, one.rows.tolist()) for one in found} == {
        b: (a, rows) for b, (a, _, rows) in expected.items()
    }
    shares = [one.probability for one in found]
    assert shares == pytest.approx([expected[one.lacking][1] for one in found])
    assert shares == sorted(shares, reverse=True)


def test_a_tag_that_nearly_every_picture_has_is_not_missed() -> None:
    """98 of 100 pictures with a have b, and 98 of 100 of all: a tells nothing of b."""
    tags = [[0, 1] if at % 50 else [0] for at in range(100)]
    tags += [[1] if at % 50 else [] for at in range(100)]
    nothing = Postings(lists([[]] * 200), 2)
    assert likely_missing(Postings(lists(tags), 2), nothing, count(tags, 2)) == []


def test_an_implication_is_violated_only_where_the_implied_tag_is_known_to_be_absent() -> None:
    """a implies b: of four pictures one has both, one does not know, one violates, one lacks a."""
    tags, unknown = [[0, 1], [0], [0], [1]], [[], [1], [], []]
    edges = (np.array([0], np.intp), np.array([1], np.intp))
    (found,) = broken_implications(Postings(lists(tags), 2), Postings(lists(unknown), 2), edges)
    assert (found.label, found.lacking, found.rows.tolist()) == (0, 1, [2])


@pytest.mark.parametrize("least", [0.3, 0.5, 0.7])
def test_clusters_are_those_of_average_linkage(least: float) -> None:
    """SciPy, which comes with scikit-learn, cuts its tree at the same distance."""
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    rng = np.random.default_rng(5)
    square = rng.random((30, 30))
    square = (square + square.T) / 2
    pairs = [1 - square[a, b] for a, b in combinations(range(30), 2)]
    cut = hierarchy.fcluster(hierarchy.linkage(pairs, "average"), 1 - least, "distance")
    expected = {frozenset(np.flatnonzero(cut == own).tolist()) for own in set(cut)}
    assert {frozenset(group) for group in average_linkage(square, least)} == expected


def test_tags_of_the_same_scene_are_a_cluster() -> None:
    """Two scenes of three tags each, which never meet; a tag of its own is in none."""
    rng = np.random.default_rng(0)
    rows = [
        [tag for tag in ((0, 1, 2), (3, 4, 5))[at % 2] if rng.random() < 0.8] for at in range(300)
    ]
    rows += [[6]]
    assert sorted(map(sorted, clusters(count(rows, 7), np.arange(7), 0.3))) == [
        [0, 1, 2],
        [3, 4, 5],
    ]


def test_facts_are_counted_by_split(make: MakeDataset) -> None:
    """Support, ratings and rows of each split; sizes only of pictures whose size is known."""
    dataset = make(
        [
            {"tags": [0, 1], "rating": "g"},
            {"tags": [0], "rating": "q", "width": 0},
            {"tags": [0, 2], "split": "validation", "rating": None, "width": 0, "height": 0},
        ]
    )
    seen = look(dataset)
    assert seen.support.tolist() == [[2, 1, 0], [0, 0, 0], [1, 0, 1]]
    assert seen.rows.tolist() == [2, 0, 1]
    assert seen.tags_per_image.tolist() == [2, 1, 2]
    assert {name: rows.tolist() for name, rows in seen.ratings.items()} == {
        "g": [1, 0, 0], "q": [1, 0, 0], "none": [0, 0, 1]
    }  # fmt: skip
    assert seen.sizes.tolist() == [[4, 2]]
    assert seen.scarce(1).tolist() == [1, 2]  # a is in both splits that have pictures
    assert seen.scarce(2).tolist() == [1, 2, 0]


def test_what_is_in_two_splits_is_found(make: MakeDataset) -> None:
    """By group and by md5; a null md5 is nobody's copy."""
    dataset = make(
        [
            {"group": 0, "md5": "same"},
            {"group": 0, "md5": None, "split": "validation"},
            {"group": 2, "md5": "same", "split": "validation"},
            {"group": 3, "md5": None},
            {"group": 4, "md5": "twice"},
            {"group": 4, "md5": "twice"},
        ]
    )
    seen = look(dataset)
    assert seen.astray == {"groups": 1, "files": 1}
    assert seen.copies == 4


def test_rows_of_a_drawn_sample_are_those_of_the_index(make: MakeDataset) -> None:
    """a implies b, violated by the odd rows: what a sample finds is odd in the index, too."""
    rows = [{"tags": [0, 1] if at % 2 == 0 else [0]} for at in range(60)]
    dataset = make(rows, relations=Relations({}, {"a": ("b",)}))
    (found,) = look(dataset, seed=1, most_rows=20).broken
    assert 0 < len(found.rows) < 20
    assert (found.rows % 2 == 1).all()
    assert len(look(dataset).broken[0].rows) == 30


def test_the_page_escapes_names_and_counts_broken_pictures(make: MakeDataset) -> None:
    """Markup as a tag and as a file's name is text; a picture that is missing leaves its place."""
    rows = [{"tags": [0], "path": f"missing{EVIL[:8]}{at}.png"} for at in range(3)]
    rows += [{"tags": [0], "path": f"&{at}<b>.png"} for at in range(3)]
    dataset = make(rows, names=[EVIL])
    out, verdicts = write_report(ReportOptions(dataset=dataset.path, tags=0))
    html = out.read_text(encoding="utf-8")
    assert out == dataset.path / "report.html"
    assert EVIL not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count("data:image/webp") == 3
    assert "<b>" not in html
    assert "Of 6 pictures that were opened, 3 can't be read." in [note.text for note in verdicts]


@pytest.mark.parametrize("rows", [[], [{"tags": []}], [{"tags": [0], "split": "validation"}]])
def test_small_datasets_have_a_page(make: MakeDataset, rows: list[dict[str, Any]]) -> None:
    """No picture, no tag, one label, an empty split."""
    dataset = make(rows, names=["only"])
    out, _ = write_report(ReportOptions(dataset=dataset.path))
    assert f"<dd>{len(rows)}</dd>" in out.read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_page(make: MakeDataset) -> None:
    """Byte for byte; another seed shows other pictures."""
    dataset = make([{"tags": [at % 3]} for at in range(40)])
    pages = []
    for seed in (0, 0, 1):
        options = ReportOptions(dataset=dataset.path, seed=seed, pictures=4)
        pages.append(write_report(options)[0].read_bytes())
    assert pages[0] == pages[1] != pages[2]


def test_the_command_ends_with_1_where_splits_leak(
    make: MakeDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints its verdicts and where the page lies; the page is written all the same."""
    dataset = make([{"md5": "x"}, {"md5": "x", "split": "calibration"}])
    out = tmp_path / "page.html"
    assert run(["report", str(dataset.path), "--out", str(out)], "tagger dataset") == 1
    said = capsys.readouterr().out
    assert "In more than one split: 0 groups, 1 file." in said
    assert str(out) in said
    assert "In more than one split: 0 groups, 1 file." in out.read_text(encoding="utf-8")


def test_what_was_left_out_stands_on_the_page(make: MakeDataset) -> None:
    """By reason, as dataset.json counts it."""
    dataset = make([{"tags": [0]}])
    text = re.sub(r"<[^>]+>", " ", write_report(ReportOptions(dataset=dataset.path))[0].read_text())
    assert re.search(r"deleted\s+posts\s+7", text)
    assert re.search(r"too few posts\s+tags\s+3", text)
    assert json.loads((dataset.path / "dataset.json").read_text())["content"] in text


def test_a_page_is_named_as_one(make: MakeDataset, tmp_path: Path) -> None:
    """What ends otherwise may be somebody's picture or caption."""
    dataset = make([{}])
    with pytest.raises(UsageError, match=r"ends in \.html"):
        write_report(ReportOptions(dataset=dataset.path, out=tmp_path / "0.png"))


def test_pictures_of_one_size_are_a_sentence(make: MakeDataset) -> None:
    """A chart of one square says less."""
    one = write_report(ReportOptions(dataset=make([{}, {}]).path))[0].read_text()
    assert "Every picture is 4 x 2 pixels." in one
    assert "Sizes in pixels" not in one
    assert "as many as of all pictures. There is none." in one


def test_rating_shares_of_a_split_are_a_thousand_together(make: MakeDataset) -> None:
    """Three thirds are 333, 334 and 333; an axis that went on over a thousand would mislead."""
    dataset = make([{"rating": rating} for rating in "gsq"])
    html = write_report(ReportOptions(dataset=dataset.path))[0].read_text()
    shares = re.findall(r"<title>train, [gsq]: (\d+)</title>", html)
    assert sorted(shares) == ["333", "333", "334"]


def test_posts_stand_by_month_or_year_where_dates_are_known(make: MakeDataset) -> None:
    """Years where the months are many; what has no date is counted."""
    dataset = make([{"rating": "g"}, {"rating": "s"}, {"rating": "s"}, {"rating": "s"}])

    def said(*days: str | None) -> str:
        created = pa.array(days, pa.string()).cast(pa.timestamp("s"))
        dated = replace(dataset, index=dataset.index.append_column("created", created))
        return str(charts(look(dated))[1].parts)

    months = said("2020-01-31", "2020-02-01", "2020-02-29", None)
    assert "Posts by the month of their upload" in months
    assert ">2020-02<" in months
    assert "Of 1 pictures the sources tell no date." in months
    years = said("2005-05-24", "2026-01-01", None, None)
    assert "Posts by the year of their upload" in years
    assert said("2005-05-24", "9999-01-01", None, None).count("<rect") < 100
    assert "Posts of drawn along their ids" in said(None, None, None, None)
