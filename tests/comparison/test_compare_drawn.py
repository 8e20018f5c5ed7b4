"""The whole comparison on drawn pictures, whose truth is known: what must come out, comes out."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.cli import main
from tagger.errors import TaggerError, UsageError
from tagger.evaluate.comparison.judge import Judged
from tagger.evaluate.comparison.result import Result, as_json
from tagger.evaluate.comparison.tables import markdown
from tagger.evaluate.intervals import Interval
from tagger.evaluate.truth import Truth

from .conftest import Compare, write_captions

pytest.importorskip("duckdb")
pytest.importorskip("scipy")
pytest.importorskip("onnxruntime")

ROOT = Path(__file__).parents[2]


def named(result: Result, name: str, point: str = "own"):
    """A contestant's figures."""
    entry = next(each for each in result.entries if each.name == name)
    return entry.points[point].figures  # pyright: ignore[reportArgumentType]


def plain(judged: Judged) -> str:
    """Figures to compare: NaN is NaN."""
    return repr(judged.figures)


def inside(value: float, of: Interval) -> bool:
    """Whether an interval holds a value."""
    return of.low <= value <= of.high


@pytest.fixture(scope="module")
def captions(home: Path, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `tagger caption` writes of the pictures with the demo model, and its JSON beside."""
    folder = tmp_path_factory.mktemp("captions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAGGER_HOME", str(home))
        patch.setattr("tagger.pipeline.decoding.load", lambda: None)
        images = drawn.parent / "dump" / "images"
        argv = ["caption", str(images), "--out", str(folder), "--json-sidecar", "--model", "demo"]
        assert main(argv) == 0
        assert main(["caption", str(images), "--output", str(folder / "scores.parquet"),
                     "--model", "demo"]) == 0  # fmt: skip
    return folder


def test_a_model_its_captions_and_its_scores_are_one(
    run: Compare, captions: Path, drawn: Path
) -> None:
    """Asked by the engine, read as captions, as JSON and as Parquet: the same figures."""
    result = run(
        "demo", f"written={captions}", f"beside=scores:{captions}", f"{captions}/scores.parquet"
    )

    assert not result.failed
    figures = [entry.at("own").figures for entry in result.entries]
    assert [each.score for each in figures] == [figures[0].score] * 4
    assert [each.tags for each in figures] == [figures[0].tags] * 4
    demo, _, beside, table = result.entries
    assert plain(demo.points["best"]) == plain(table.points["best"])
    assert demo.precision_mean == table.precision_mean
    assert beside.precision_mean == pytest.approx(demo.precision_mean, abs=0.01)  # from 0.01 on
    assert set(result.entries[1].points) == {"own"}  # captions have no other threshold
    assert {place.place for place in result.standings["own"].values()} == {1}
    assert all(not pair.sure for pair in result.pairs["own"])
    assert figures[0].score.value > 0.5


def damaged(truth: Truth, folder: Path, lost: float, wrong: float) -> Path:
    """The truth as captions: of each tag lost at one rate, with a wrong one added at another."""
    rng = random.Random(f"{lost} {wrong}")
    every = sorted(truth.vocabulary or ())
    said: dict[str, list[str]] = {}
    for picture in truth.pictures:
        tags = [tag for tag in sorted(picture.tags) if rng.random() >= lost]
        others = [tag for tag in every if tag not in picture.tags]
        added = sum(rng.random() < wrong for _ in picture.tags)
        said[picture.name.rpartition(".")[0]] = tags + rng.sample(others, added)
    return write_captions(folder, said)


RATES = [(0.0, 0.0), (0.2, 0.0), (0.0, 0.2), (0.3, 0.3)]


def test_damage_at_known_rates_is_found_at_these_rates(
    run: Compare, drawn_truth: Truth, tmp_path: Path
) -> None:
    """A tag lost costs one part of |D|, a wrong one the same: 1 - lost - wrong, in the interval."""
    folders = {f"{a} {b}": damaged(drawn_truth, tmp_path / f"{a} {b}", a, b) for a, b in RATES}
    words = [f"copy {name}={folder}" for name, folder in folders.items()]

    result = run(*words, implications="truth")

    for lost, wrong in RATES:
        figures = named(result, f"copy {lost} {wrong}")
        assert inside(1 - lost - wrong, figures.score)
        assert figures.micro.recall == pytest.approx(1 - lost, abs=0.05)
        assert figures.errors.practical == pytest.approx(figures.errors.wrong)
        assert figures.distance.value >= figures.score.value
    first, *_, last = result.ranked()
    assert (first.name, last.name) == ("copy 0.0 0.0", "copy 0.3 0.3")
    assert named(result, "copy 0.0 0.0").score == Interval(1.0, 1.0, 1.0)
    places = result.standings["own"]["copy 0.3 0.3"]
    assert (places.place, places.low, places.high, places.first) == (4, 4, 4, 0.0)
    assert sum(pair.sure for pair in result.pairs["own"]) >= 5


def test_a_damaged_copy_of_a_model_scores_by_how_much_is_left(
    run: Compare, captions: Path, tmp_path: Path
) -> None:
    """Of its tags, right and wrong alike, so many are dropped: so much of the score is left."""
    words = [f"whole={captions}"]
    for lost in (0.1, 0.3, 0.6):
        rng = random.Random(f"seed {lost}")
        said = {
            path.relative_to(captions).with_suffix("").as_posix(): [
                tag for tag in path.read_text().split(", ") if rng.random() >= lost
            ]
            for path in sorted(captions.rglob("*.txt"))
        }
        words.append(f"lost {lost}={write_captions(tmp_path / str(lost), said)}")

    result = run(*words, implications="truth")

    whole = named(result, "whole").score.value
    for lost in (0.1, 0.3, 0.6):
        assert inside((1 - lost) * whole, named(result, f"lost {lost}").score)
    assert [entry.name for entry in result.ranked()] == [
        "whole",
        "lost 0.1",
        "lost 0.3",
        "lost 0.6",
    ]
    assert all(pair.sure and pair.gain.value < 0 for pair in result.pairs["own"])


def test_a_shifted_threshold_moves_its_own_point_alone(
    run: Compare, captions: Path, tmp_path: Path
) -> None:
    """Scores are the same: average precision, the shared point and the best one stay."""
    from tagger.folder.scoretable import ScoreTable, writing
    from tagger.scores import Scores
    from tagger.selection import Thresholds

    table = ScoreTable(captions / "scores.parquet")
    labels = table.head.labels
    bare = type(labels)(tuple(replace(label, threshold=None) for label in labels))
    shifted = replace(table.head, labels=bare, thresholds=Thresholds(0.95))
    with writing(tmp_path / "shifted.parquet", shifted) as writer:
        for rows in table:
            scores = [Scores(row, bare, "demo") for row in rows.values]
            writer.write(rows.paths, rows.hashes, scores)

    result = run(f"as it is={captions}/scores.parquet", f"{tmp_path}/shifted.parquet")

    before, after = result.entries
    assert before.precision_mean == after.precision_mean
    for point in ("shared", "best"):
        assert plain(before.points[point]) == plain(after.points[point])
    own, stricter = (entry.points["own"].figures for entry in result.entries)
    assert stricter.micro.recall < own.micro.recall
    assert stricter.micro.precision > own.micro.precision
    at_95 = after.aligned.scores >= np.float32(0.95)
    truth = after.frame.truth
    assert stricter.micro.recall == pytest.approx((at_95 & truth).sum() / truth.sum())


@pytest.fixture
def served(home: Path) -> Iterator[str]:
    """The address of a `tagger serve` in a process of its own."""
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tagger", "serve", "--no-page", "--model", "demo"]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "TAGGER_HOME": str(home)},
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_a_served_model_is_the_model(run: Compare, served: str, tmp_path: Path) -> None:
    """By HTTP, in the dialect it answers: the same scores, so the same figures; timed alike."""
    result = run("demo", f"served={served}#demo", timed=3, warm_up=1, work=tmp_path / "work")

    assert not result.failed
    model, server = result.entries
    np.testing.assert_array_equal(model.aligned.scores, server.aligned.scores)
    assert plain(model.points["own"]) == plain(server.points["own"])
    for entry in result.entries:
        assert entry.timing is not None
        assert len(entry.timing.seconds) == 3
        assert min(entry.timing.seconds) > 0
    assert any("way to the server" in note for note in result.notes)


def test_one_that_fails_leaves_the_others_and_is_asked_no_more_than_it_must(
    run: Compare, captions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a model said before it failed is kept, and a second run asks for the rest alone."""
    from tagger.evaluate.contestants.models import ModelContestant

    many = ModelContestant.many
    asked: list[int] = []

    def breaks(self: ModelContestant, pictures):
        asked.append(len(pictures))
        for at, said in enumerate(many(self, pictures)):
            if at == 5 and len(asked) == 1:
                raise TaggerError("demo: out of memory")
            yield said

    monkeypatch.setattr(ModelContestant, "many", breaks)
    work = tmp_path / "work"

    first = run("demo", f"others={captions}", work=work, limit=12)
    again = run("demo", work=work, limit=12)
    third = run("demo", work=work, limit=12)

    assert first.failed == {"demo": "demo: out of memory"}
    assert [entry.name for entry in first.entries] == ["others"]
    assert asked[1] == asked[0] - 5
    assert len(asked) == 2  # the third asked nothing
    assert not again.failed
    assert as_json(third)["contestants"] == as_json(again)["contestants"]


def test_the_comparison_stops_where_the_control_is_not_exactly_right(
    run: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instrument that is off by one tag measures nobody."""
    from tagger.evaluate.contestants.control import Control

    one = Control.one

    def off(self: Control, picture):
        said = one(self, picture)
        return replace(said, tags=dict(list(said.tags.items())[1:]))

    monkeypatch.setattr(Control, "one", off)

    with pytest.raises(TaggerError, match="the comparison can't be trusted, and stops"):
        run("demo", implications="truth")


def test_who_leaves_too_much_unanswered_is_out_and_says_so(run: Compare, tmp_path: Path) -> None:
    """A folder with one caption; --missing lets it in, and all are judged by that picture."""
    few = write_captions(tmp_path / "few", {"0001/1": ["1girl"], "0002/2": ["1boy"]})

    result = run("demo", f"few={few}")

    assert set(result.failed) == {"few"}
    assert "--missing" in result.failed["few"]
    with pytest.raises(UsageError, match="pictures that all contestants answered, got none"):
        run(f"few={write_captions(tmp_path / 'none', {'x': ['1girl']})}", missing=1.0)


def test_each_may_be_judged_by_its_own_tags(run: Compare, drawn: Path) -> None:
    """By tags in common, by one category, and each by its own."""
    from tagger.evaluate.alignment import UNJUDGED

    result = run("demo", tags="own")
    kinds = {result.truth.kinds[tag] for tag in result.entries[0].frame.tags}
    assert kinds == {"general", "character", "copyright"}
    assert not kinds & UNJUDGED

    people = run("demo", category=("character",), ratings="off")
    assert {people.truth.kinds[tag] for tag in people.control.frame.tags} == {"character"}
    assert people.empty > 0
    assert any("nothing true" in note for note in people.notes)


def test_figures_come_as_json_csv_markdown_and_a_page(
    drawn: Path, answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line writes them all; nothing of a hostile caption becomes markup."""
    pytest.importorskip("jinja2")
    evil = "<img src=x onerror=alert(1)>"
    captions = write_captions(
        tmp_path / evil, {name: [evil, "1girl"] for name in ("0001/1", "0002/2")}
    )
    files = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv", "markdown", "html")}
    outputs = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]

    code = main(
        ["compare", str(drawn), "--contestant", "demo", "--contestant", str(captions),
         "--missing", "0.98", "--timed", "0", "--draws", "100", "--work", str(answers),
         "--support", "1", "--recipe", "furry", "--tags", "own", *outputs]
    )  # fmt: skip

    assert code == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "The showdown" in said
    assert "control" in said
    whole = json.loads(files["json"].read_text())
    assert whole["control"]["points"]["own"]["score"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert "auth" not in whole["options"]
    solo = next(row for row in whole["tags"] if row["tag"] == "solo")
    assert solo["by"]["demo"]["average_precision"] > 0.5
    rows = files["csv"].read_text().splitlines()
    assert rows[0].startswith("contestant,kind,point,threshold,score")
    assert any(row.startswith("demo,model,best,") for row in rows)
    table = files["markdown"].read_text()
    assert "## Head rating" in table
    page = files["html"].read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "<script" not in page
    assert page.count("data:image/webp;base64,") >= 1


def test_posts_are_a_truth_too(run: Compare, drawn: Path, tmp_path: Path) -> None:
    """What a site gives, in SQLite, and a folder of pictures: old names, and all."""
    import sqlite3

    from tagger.booru.fetch import COLUMNS
    from tagger.evaluate.truth.posts import read_posts

    dump = drawn.parent / "dump"
    posts = [json.loads(each) for each in (dump / "metadata" / "posts.json").open()]
    file = tmp_path / "posts.sqlite"
    with sqlite3.connect(file) as database:
        database.execute(f"CREATE TABLE posts ({', '.join(COLUMNS)})")
        database.execute("CREATE TABLE about (name, value)")
        database.execute("INSERT INTO about VALUES ('site', 'danbooru')")
        database.executemany(
            f"INSERT INTO posts VALUES ({', '.join('?' * len(COLUMNS))})",
            [[post.get(name) for name in COLUMNS] for post in posts],
        )
    database.close()

    truth = read_posts(file, dump / "images", 0.25)

    assert len(truth.pictures) == 48
    assert 5 <= sum(each.part == "calibration" for each in truth.pictures) <= 30
    first = next(each for each in truth.pictures if each.path.stem == "1")
    own = next(post for post in posts if post["id"] == 1)
    assert {*own["tag_string_general"].split()} <= first.tags
    result = run("demo", truth=truth)
    assert result.control.at("own").figures.score.value == 1.0
    assert result.rated
    assert markdown(result).startswith("# Taggers compared")
