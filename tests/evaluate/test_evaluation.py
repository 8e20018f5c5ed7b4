"""`tagger evaluate`: what is judged, at which thresholds, and what is refused."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

from tagger.cli import main
from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions
from tagger.dataset.index import Dataset
from tagger.demo.dump import DumpOptions, draw_dump
from tagger.errors import DatasetError, UsageError
from tagger.evaluate import metrics
from tagger.evaluate.evaluation import EvaluateOptions, Evaluation, evaluate
from tagger.evaluate.evaluation.columns import match
from tagger.evaluate.evaluation.held import Held
from tagger.evaluate.evaluation.mistakes import Mistakes
from tagger.evaluate.evaluation.page import page
from tagger.evaluate.evaluation.ratings import confusion, match_ratings, three_of
from tagger.evaluate.evaluation.result import as_json
from tagger.evaluate.evaluation.source import Answer, Asked, open_source
from tagger.evaluate.grid import number
from tagger.evaluate.predictions import Predictions
from tagger.folder.scoretable import Head, ScoreTable, writing
from tagger.labels import DANBOORU, Label, LabelSet, category
from tagger.relations import EMPTY, Relations
from tagger.report.page import render
from tagger.scores import Scores
from tagger.settings import Runtime
from tagger.thresholds import Thresholds


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DATASET of 60 drawn pictures: nothing to train on, half to fit on, half to judge on."""
    place = tmp_path_factory.mktemp("drawn")
    draw_dump(place / "dump", DumpOptions(count=60, seed=3))
    build(
        BuildOptions(
            sources=(place / "dump",),
            out=place / "dataset",
            calibration=0.45,
            validation=0.45,
            minimum_count=1,
            maximum_share=1.0,
        )
    )
    return place / "dataset"


class Says:
    """A source that knows the truth, and says it with the certainty that it is given."""

    name = "says"
    relations = EMPTY
    thresholds = Thresholds(0.5)

    def __init__(self, path: Path, noise: float = 0.0, seed: int = 0) -> None:
        self._dataset = Dataset.open(path)
        self.labels = self._dataset.vocabulary
        self._noise, self._random = noise, np.random.default_rng(seed)
        self.asked: list[int] = []

    def answers(self, asked: Sequence[Asked]) -> Iterator[Answer]:
        for each in asked:
            self.asked.append(each.row)
            truth = self._dataset.targets([each.row])[0][0]
            swapped = truth ^ (self._random.random(truth.shape) < self._noise)
            yield Answer(each, np.where(swapped, 0.9, 0.1).astype(np.float32))

    def close(self) -> None:
        pass


def judge(source: Any, path: Path, **given: Any) -> Evaluation:
    options = EvaluateOptions(model="says", dataset=path, draws=100, support=1, **given)
    return evaluate(source, options, lambda what, done, total: None)


# ---------------------------------------------------------------- what is judged


def test_who_says_the_truth_is_right_in_everything(drawn: Path) -> None:
    """At its own thresholds and at fitted ones, by tag and by picture, with no doubt at all."""
    result = judge(Says(drawn), drawn)

    assert result.notes == ()
    assert result.mean_average_precision == 1
    assert {at.way for at in result.at} == {"own", "one", "category", "tag"}
    for at in result.at:
        assert at.micro == at.macro == at.samples == metrics.Rates(1.0, 1.0, 1.0)
        assert (at.f2, at.mcc, at.accuracy, at.f1.low) == (1, 1, 1, 1)
    assert result.equal[1].f1 == 1
    assert result.said == result.missed == ()


def test_figures_are_those_of_all_scores_together(drawn: Path) -> None:
    """What is counted a lot at a time is what scikit-learn counts at once."""
    sklearn = pytest.importorskip("sklearn.metrics")
    result = judge(Says(drawn, noise=0.1), drawn, threshold=0.95)
    dataset, again = Dataset.open(drawn), Says(drawn, noise=0.1)
    # the same pictures in the same order, so the same noise
    fitted = [Asked(r, Path(), "") for r in dataset.rows("calibration").tolist()]
    list(again.answers(fitted))
    rows = dataset.rows("validation")
    said = np.stack(
        [a.values for a in again.answers([Asked(r, Path(), "") for r in rows.tolist()])]  # pyright: ignore
    )
    truth, known = dataset.targets(rows)
    own = next(at for at in result.at if at.way == "own")
    yes = said >= 0.5

    assert result.pictures == len(rows)
    assert own.micro.f1 == pytest.approx(sklearn.f1_score(truth[known], yes[known]))
    assert own.f2 == pytest.approx(sklearn.fbeta_score(truth[known], yes[known], beta=2))
    some = (truth & known).any(0)
    by_tag = sklearn.fbeta_score(
        (truth & known)[:, some], (yes & known)[:, some], beta=2, average="macro", zero_division=0
    )
    assert own.macro_f2 == pytest.approx(by_tag)
    by_picture = sklearn.fbeta_score(truth & known, yes & known, beta=2, average="samples")
    assert own.samples_f2 == pytest.approx(by_picture)
    assert own.mcc == pytest.approx(sklearn.matthews_corrcoef(truth[known], yes[known]))
    assert own.f1.low < own.micro.f1 < own.f1.high
    strict = next(at for at in result.at if at.way == "asked")
    assert (strict.threshold, strict.micro.recall) == (pytest.approx(0.95), 0.0)
    assert result.exact
    precisions = metrics.average_precision(Predictions(said, truth, known))
    assert result.mean_average_precision == pytest.approx(metrics.mean(precisions))
    for row, precision in zip(result.by_tag, precisions, strict=True):
        assert row.average_precision == pytest.approx(precision, nan_ok=True)
    assert set(result.without) == {
        name
        for name, n in zip(dataset.vocabulary.names, (truth & known).sum(0), strict=True)
        if n == 0
    }


def test_mistakes_are_those_it_was_surest_of(drawn: Path) -> None:
    """Each is wrong; a tag is shown a few times, not always."""
    result = judge(Says(drawn, noise=0.1), drawn, examples=10)
    truth = Dataset.open(drawn).targets

    assert len(result.said) == len(result.missed) == 10
    for one in result.said:
        assert not truth([one.row])[0][0][one.label]
        assert one.certainty == pytest.approx(0.9)
    for one in result.missed:
        assert truth([one.row])[0][0][one.label]
    found = Mistakes(4, each=2)
    scores = np.array([[0.9, 0.6], [0.8, 0.2], [0.7, 0.3]], np.float32)
    none = np.zeros((3, 2), np.bool_)
    found.add(Predictions(scores, none, ~none), np.array([5, 6, 7]))
    assert [(one.row, one.label) for one in found.said] == [(5, 0), (6, 0), (5, 1)]


def test_a_limit_is_spread_over_the_split(drawn: Path) -> None:
    """The first and the last picture are among so many."""
    source = Says(drawn)
    rows = Dataset.open(drawn).rows("validation")

    assert judge(source, drawn, limit=5).pictures == 5
    asked = source.asked[-5:]
    assert (asked[0], asked[-1]) == (rows[0], rows[-1])


def test_where_nothing_can_be_judged_no_figure_is_made_up(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is unknown of every picture: means are not there, and the page can be written."""
    pytest.importorskip("jinja2")
    targets = Dataset.targets
    monkeypatch.setattr(
        Dataset, "targets", lambda self, rows: tuple(each & False for each in targets(self, rows))
    )
    source = Says(drawn)
    result = judge(source, drawn)

    assert math.isnan(result.mean_average_precision)
    assert len(result.without) == result.tags
    assert as_json(result)["mean_average_precision"] is None
    assert "--support 1" in result.notes[-1]
    assert "means over tags are not given" in render(page(result))


# ---------------------------------------------------------------- what is refused


def test_thresholds_are_not_judged_where_they_were_fitted(drawn: Path) -> None:
    """Unless it is allowed, and then the report says so first."""
    with pytest.raises(UsageError, match="thresholds would be fitted on validation"):
        judge(Says(drawn), drawn, fit_on="validation")
    allowed = judge(Says(drawn), drawn, fit_on="validation", allow_overlap=True)

    assert "fitted on validation" in allowed.notes[0]
    assert "fitted on validation" in as_json(allowed)["notes"][0]


@pytest.mark.parametrize("column", ["group", "md5"])
def test_splits_that_share_pictures_are_refused(drawn: Path, column: str, tmp_path: Path) -> None:
    """The same file, or versions of one picture, on both sides."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    for file in drawn.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    table = parquet.read_table(drawn / "index.parquet")
    splits = table["split"].to_pylist()
    values = table[column].to_pylist()
    values[splits.index("validation")] = values[splits.index("calibration")]
    at = table.column_names.index(column)
    changed = table.set_column(at, table.schema.field(column), pa.array(values, table[column].type))
    parquet.write_table(changed, tmp_path / "index.parquet")

    what = "group" if column == "group" else "file"
    with pytest.raises(UsageError, match=f"a {what} of validation is in calibration too"):
        judge(Says(drawn), tmp_path)
    assert what in judge(Says(drawn), tmp_path, allow_overlap=True).notes[0]


def test_a_model_that_knows_nothing_of_it_is_refused(drawn: Path) -> None:
    """And one that knows a part is judged on that part, which is said."""
    source = Says(drawn)
    source.labels = LabelSet((Label("nothing like it", category(DANBOORU, "general")),))
    with pytest.raises(DatasetError, match="knows none of its"):
        judge(source, drawn)

    part = Says(drawn)
    whole = part.labels
    part.labels = LabelSet(
        tuple(replace(one, name="") if at else one for at, one in enumerate(whole))
    )
    result = judge(part, drawn)
    assert result.tags == 1
    assert f"1 of the dataset's {len(whole)} labels are known to the model" in result.notes[0]


def test_pictures_that_can_not_be_scored_are_left_out_and_said(drawn: Path) -> None:
    """One does not spoil the rest; none at all is refused."""

    class Fails(Says):
        def answers(self, asked: Sequence[Asked]) -> Iterator[Answer]:
            for at, answer in enumerate(super().answers(asked)):
                yield replace(answer, values=None, fault="broken") if at in broken else answer

    broken = {0}
    result = judge(Fails(drawn), drawn)
    assert [why for _, why in result.broken] == ["broken"]
    assert "a picture could not be scored" in result.notes[-1]
    broken = set(range(1000))
    with pytest.raises(DatasetError, match="none that can be judged"):
        judge(Fails(drawn), drawn, limit=3)


def test_thresholds_fitted_without_some_pictures_say_so(drawn: Path) -> None:
    """And where none of them could be scored, there are none, for that reason."""
    fit_on = set(Dataset.open(drawn).rows("calibration").tolist())

    class Fails(Says):
        def answers(self, asked: Sequence[Asked]) -> Iterator[Answer]:
            for answer in super().answers(asked):
                fails = answer.asked.row in broken
                yield replace(answer, values=None, fault="broken") if fails else answer

    broken = set(sorted(fit_on)[:2])
    result = judge(Fails(drawn), drawn)
    assert result.notes == (f"fitted without 2 of {len(fit_on)} pictures of calibration (broken)",)
    broken = fit_on
    result = judge(Fails(drawn), drawn)
    assert [at.way for at in result.at] == ["own"]
    assert "no thresholds were fitted" in result.notes[0]
    assert "broken" in result.notes[0]


def test_the_index_is_not_copied_for_each_picture(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column is a copy of all rows, so a split of any size takes it equally often."""
    taken: list[str] = []
    column = Dataset.column
    monkeypatch.setattr(
        Dataset, "column", lambda self, name: (taken.append(name), column(self, name))[1]
    )
    judge(Says(drawn), drawn, limit=3)
    few = len(taken)
    judge(Says(drawn), drawn)

    assert len(taken) == 2 * few


def test_files_of_others_are_not_written_over(drawn: Path, tmp_path: Path) -> None:
    """Neither the dataset's, nor one that is no table of scores, nor one another flag writes."""
    own, other = drawn / "index.parquet", tmp_path / "other.parquet"
    other.write_bytes(own.read_bytes())

    with pytest.raises(UsageError, match="which is the dataset's"):
        EvaluateOptions(model="m", dataset=drawn, save_scores=own)
    with pytest.raises(UsageError, match="another flag's"):
        EvaluateOptions(
            model="m", dataset=drawn, csv=tmp_path / "a.csv", classes=tmp_path / "a.csv"
        )
    with pytest.raises(UsageError, match="expected a table of scores"):
        judge(Says(drawn), drawn, save_scores=other)
    assert other.read_bytes() == own.read_bytes()


def test_scores_of_a_file_are_found_in_any_order(drawn: Path, tmp_path: Path) -> None:
    """By a picture's path in the dataset, a part of the file at a time; what it lacks is named."""
    dataset, source = Dataset.open(drawn), Says(drawn)
    rows = [int(row) for split in ("validation", "calibration") for row in dataset.rows(split)]
    names = dataset.column("path")
    file = tmp_path / "s.parquet"
    with writing(file, Head("says", source.labels, source.thresholds)) as table:
        for answer in source.answers([Asked(row, Path(), "") for row in rows[:0:-1]]):
            assert answer.values is not None
            path, scores = (
                str(names[answer.asked.row]),
                Scores(answer.values, source.labels, "says"),
            )
            table.write([path], ["a" * 64], [scores])
    read = open_source(str(file), Runtime())
    result = judge(read, drawn, save_scores=tmp_path / "again.parquet")

    assert result.mean_average_precision == 1
    assert result.pictures == len(dataset.rows("validation")) - 1
    assert result.broken == ((str(names[rows[0]]), "not in s.parquet"),)
    assert {
        digest for part in ScoreTable(tmp_path / "again.parquet") for digest in part.hashes
    } == {"a" * 64}


def test_json_has_the_sweep_and_the_surest_mistakes(drawn: Path) -> None:
    """By path and tag, as what the dataset may have wrong; classes by the dataset's numbers."""
    dataset, result = Dataset.open(drawn), judge(Says(drawn, noise=0.1), drawn, examples=5)
    plain = json.loads(json.dumps(as_json(result), allow_nan=False))
    rows = {name: row for row, name in enumerate(dataset.column("path"))}

    assert len(plain["said_not_there"]) == len(plain["there_not_said"]) == 5
    for kind, there in (("said_not_there", False), ("there_not_said", True)):
        for one in plain[kind]:
            label = dataset.vocabulary.find(one["tag"])
            assert dataset.targets([rows[one["path"]]])[0][0][label] == there
            assert one["score"] == pytest.approx(0.1 if there else 0.9)
    half = next(row for row in plain["sweep"] if row["threshold"] == 0.5)
    own = plain["at"][0]["micro"]
    assert (half["precision"], half["recall"]) == pytest.approx((own["precision"], own["recall"]))
    # scores are .1 and .9: higher up nothing is said, which is neither right nor wrong
    over = [row for row in plain["sweep"] if row["threshold"] > 0.95]
    assert {(row["precision"], row["recall"]) for row in over} == {(None, 0.0)}
    assert sum(row["answers"] for row in plain["reliability"]) == sum(
        row["judged"] for row in plain["by_tag"]
    )
    assert result.characters is not None
    assert result.characters.rows
    for row in result.characters.rows:
        assert dataset.vocabulary[row.id].name == row.name


# ---------------------------------------------------------------- labels, ratings


def labels(*names: str, kind: str = "general") -> LabelSet:
    return LabelSet(tuple(Label(name, category(DANBOORU, kind)) for name in names))


def test_labels_are_matched_whatever_the_spelling_and_by_alias() -> None:
    """Several labels of the model for one tag count by the greatest; the rest is named."""
    model = labels("gray hair", "grey_hair", "only here", "long hair")
    known = labels("long_hair", "grey_hair", "only_there")
    relations = Relations.from_rows([("gray_hair", "grey_hair")], [])
    columns = match(model, Thresholds(0.4, {}, {"gray hair": 0.3}), known, (relations,))

    assert columns.labels.names == ("long_hair", "grey_hair")
    assert columns.only_dataset == ("only_there",)
    assert columns.only_model == ("only here",)
    assert columns.own.tolist() == pytest.approx([0.4, 0.3])
    scores = np.array([[0.2, 0.7, 0.9, 0.5]], np.float32)
    assert columns(scores).tolist() == [pytest.approx([0.5, 0.7])]


def test_ratings_are_judged_as_three_where_a_side_has_three() -> None:
    """general and sensitive are both what was called safe; scalar and cut-points on the way."""
    four = labels("general", "sensitive", "questionable", "explicit", kind="rating")
    ratings = match_ratings(four, ["safe", "q", "e", None])
    assert ratings is not None
    scores = np.array(
        [[0.2, 0.6, 0.1, 0.1], [0, 0, 1, 0], [0, 0, 0.2, 0.8], [1, 0, 0, 0]], np.float32
    )

    assert ratings.names == ("safe", "questionable", "explicit")
    assert ratings.truth.tolist() == [0, 1, 2, -1]
    assert ratings.chosen(scores).tolist() == [0, 1, 2, 0]
    assert ratings.scalar(scores).tolist() == pytest.approx([0.15, 0.5, 0.9, 0])
    plain = match_ratings(four, ["g", "s"])
    assert plain is not None
    assert plain.scalar(scores)[0] == pytest.approx(0.6 * 0.25 + 0.1 * 0.5 + 0.1)
    assert match_ratings(four, ["g", "g", None]) is None
    assert match_ratings(labels("hat"), ["g", "s"]) is None
    assert three_of(np.array([0.2, 1 / 3, 0.5, 2 / 3]), 1 / 3, 2 / 3).tolist() == [0, 1, 1, 2]
    assert confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), ("a", "b")).tolist() == [
        [1, 1],
        [0, 1],
    ]


def test_what_is_held_gives_exact_figures(tmp_path: Path) -> None:
    """In memory or in a file: average precision, and where precision and recall meet."""
    rng = np.random.default_rng(0)
    truth = rng.random((300, 70)) < 0.2
    scores = np.round(np.clip(truth * 0.3 + rng.random(truth.shape) * 0.7, 0, 1), 6)
    answers = Predictions(scores.astype(np.float32), truth, rng.random(truth.shape) < 0.8)
    for file in (None, (tmp_path / "scores").open("w+b")):
        held = Held(300, 70, file)
        held.add(answers.rows(np.arange(100)))
        held.add(answers.rows(np.arange(100, 300)))

        assert held.average_precision().tolist() == metrics.average_precision(answers).tolist()
        equal = held.equal_point()
        assert equal.rates.f1 == pytest.approx(metrics.equal_point(answers).rates.f1, abs=1e-3)


# ---------------------------------------------------------------- the verb


def test_the_verb_writes_all_it_is_asked_for(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the bundled model; scores that were kept are judged alike without it."""
    pytest.importorskip("jinja2")
    pytest.importorskip("onnxruntime")
    files = {name: tmp_path / name for name in ("a.json", "t.csv", "c.csv", "p.html", "s.parquet")}
    flags = ("--json", "--csv", "--classes", "--html", "--save-scores")
    written = [word for pair in zip(flags, map(str, files.values()), strict=True) for word in pair]
    code = main(["evaluate", "demo", str(drawn), "--limit", "12", "--support", "2", *written])
    said = capsys.readouterr().out
    first = json.loads(files["a.json"].read_text("utf-8"))

    assert code == 0
    assert "demo on 12 pictures of validation" in said
    assert first["at"][0]["micro"]["f1"] > 0.7
    assert all(math.isfinite(each["f2"]) for each in first["at"])
    rows = list(csv.DictReader(files["t.csv"].open(encoding="utf-8")))
    assert len(rows) == first["tags"]
    classes = files["c.csv"].read_text("utf-8").splitlines()
    assert classes[0] == "class_name,num_samples,class_accuracy,id"
    html = files["p.html"].read_text("utf-8")
    assert "Said and not there" in html
    assert "http://" not in html.replace("http://www.w3.org", "")

    again = ["evaluate", str(files["s.parquet"]), str(drawn), "--limit", "12", "--support", "2"]
    assert main([*again, "--json", str(tmp_path / "b.json")]) == 0
    assert json.loads((tmp_path / "b.json").read_text("utf-8")) == first


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--json", "a.txt"], "--json: expected a name that ends in .json"),
        (["--safe-threshold", "0.9"], "--safe-threshold at or below --explicit-threshold"),
        (["--split", "test"], "invalid choice"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence(
    drawn: Path, argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a model is opened."""
    assert main(["evaluate", "demo", str(drawn), *argv]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert sentence in said or "split" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [(-0.0004, "0.000"), (-0.0006, "-0.001"), (0.5, "0.500"), (None, "n/a"), (float("nan"), "n/a")],
)
def test_a_figure_of_nothing_but_zeros_has_no_minus(value: float | None, said: str) -> None:
    assert number(value) == said
