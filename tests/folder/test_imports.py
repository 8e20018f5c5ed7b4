"""Scores of other tools: read as their authors wrote them, taken up for the right picture."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.errors import CaptionError, ImageError, UsageError
from tagger.folder.dbjson import DbJson, pixel_hash
from tagger.folder.foreign import Said, read_scores
from tagger.folder.imports import Importer, Sources
from tagger.folder.kept import kept_scores
from tagger.folder.memory import imported
from tagger.models.spec import Contract, Model, ModelSpec
from tagger.store import Key, Store

LABELS = """tag_id,name,category,count
1,general,9,1
2,sensitive,9,1
3,questionable,9,1
4,explicit,9,1
5,1girl,0,1
6,long_hair,0,1
7,^_^,0,1
8,saber_(fate),4,1
"""
NAMES = ("general", "sensitive", "questionable", "explicit")

Results = dict[str, tuple[dict[str, float], dict[str, float]]]


def as_picobyte(results: Results) -> dict[str, Any]:
    """What `QData.apply_filters` and `write_json` make of results, one after another.

    A query is the pixels' hash and the model's title; each score has the result's number added;
    ratings are kept whole, tags from 0.005 on.
    """
    ratings: dict[str, list[float]] = defaultdict(list)
    tags: dict[str, list[float]] = defaultdict(list)
    query: dict[str, Any] = {}
    for index, (name, (rated, tagged)) in enumerate(results.items()):
        for rating, value in sorted(rated.items(), key=lambda x: -x[1]):
            ratings[rating].append(value + index)
        for tag, value in sorted(tagged.items(), key=lambda x: -x[1]):
            if value >= 0.005:
                tags[tag].append(value + index)
        query[name] = (f"C:\\\\pictures\\\\{index}.png", index)
    return {"rating": ratings, "tag": tags, "query": query}


def written(folder: Path, data: Any) -> Path:
    file = folder / "db.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data, indent=2))
    return file


def test_every_result_comes_back(tmp_path: Path) -> None:
    """Also ratings of exactly 0 and 1, whose numbers look alike; tags to a millionth."""
    chance = random.Random(7)
    results: Results = {}
    for number in range(300):
        rated = {name: chance.choice([0.0, 1.0, chance.random()]) for name in NAMES}
        tagged = {f"tag {at}": chance.choice([1.0, chance.random() ** 3]) for at in range(20)}
        results[f"{number:064x}" + ("A" if number % 3 else "B (v2)")] = (rated, tagged)

    found = DbJson(written(tmp_path, as_picobyte(results)))

    assert found.titles == {"A": 200, "B (v2)": 100}
    for name, (rated, tagged) in results.items():
        said = found.of(name[:64])[name[64:]]
        assert said.ratings == pytest.approx(rated, abs=1e-9)
        assert said.tags == pytest.approx({t: v for t, v in tagged.items() if v >= 0.005}, abs=1e-9)


def test_pixels_are_hashed_as_pillow_has_them(tmp_path: Path) -> None:
    """`sha256(image.tobytes())`, in whatever mode the file is."""
    for name, mode in (("a.png", "P"), ("b.png", "RGBA"), ("c.jpg", "L")):
        Image.new(mode, (5, 3), 1).save(tmp_path / name)
        with Image.open(tmp_path / name) as image:
            assert pixel_hash(tmp_path / name) == hashlib.sha256(image.tobytes()).hexdigest()
    (tmp_path / "d.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(ImageError):
        pixel_hash(tmp_path / "d.png")


SHA = "0" * 64


@pytest.mark.parametrize(
    ("data", "got"),
    [
        ('{"query"', "no JSON"),
        ("[1]", "other JSON"),
        ('{"query": {}, "tag": {}}', "JSON without query, rating and tag"),
        ('{"query": {}, "tag": {"a": [NaN]}, "rating": {}}', "no JSON: NaN is no number"),
        ('{"query": {}, "tag": {"a": [1e999]}, "rating": {}}', "something else than numbers"),
        ('{"query": {}, "tag": {"a": [-1]}, "rating": {}}', "something else than numbers"),
        ('{"query": {}, "tag": {"a": ["1"]}, "rating": {}}', "something else than numbers"),
        ('{"query": {}, "tag": {"a": [true]}, "rating": {}}', "something else than numbers"),
        ('{"query": {}, "tag": {}, "rating": {"a": {}}}', "something else than numbers"),
        ('{"query": {"x": ["p", 1]}, "tag": {}, "rating": {}}', "a query 'x' that is none"),
        (f'{{"query": {{"{SHA}m": [1, 1]}}, "tag": {{}}, "rating": {{}}}}', "that is none"),
        (f'{{"query": {{"{SHA}m": ["p", -1]}}, "tag": {{}}, "rating": {{}}}}', "that is none"),
        ('{"meta": {}, "query": {}, "tag": {}, "rating": {}}', "version 2"),
        ("[" * 100_000, "nested too deep"),
        ('{"query": {}, "tag": {"a": [1' + "0" * 400 + ']}, "rating": {}}', "something else"),
        ("\udcff", "no JSON"),
    ],
)
def test_what_is_no_database_is_refused_in_a_sentence(tmp_path: Path, data: str, got: str) -> None:
    (tmp_path / "db.json").write_bytes(data.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as refused:
        DbJson(tmp_path / "db.json")
    assert got in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_database_of_a_gigabyte_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    """Before it is read."""
    monkeypatch.setattr("tagger.folder.dbjson.LARGEST", 1_000_000)
    (tmp_path / "db.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(UsageError, match="more than 1 MB"):
        DbJson(tmp_path / "db.json")


def test_sidecars_of_toriato_and_of_ours_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"general": 0.9}, {"1girl": 0.5, "^_^": 0}]')
    (tmp_path / "b.json").write_text('{"model": "m", "rating": {}, "tags": {"1girl": 1}}')
    assert read_scores(tmp_path / "a.json") == Said("", {"general": 0.9}, {"1girl": 0.5, "^_^": 0})
    assert read_scores(tmp_path / "b.json") == Said("m", {}, {"1girl": 1})
    assert read_scores(tmp_path / "c.json") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '[{"a": 1}]',
        '[{}, {"a": 1.5}]',
        '[{}, {"a": NaN}]',
        '[{}, {"a": "1"}]',
        '[{}, {"a": true}]',
        '[{}, {"a": null}]',
        '{"model": 3, "rating": {}, "tags": {}}',
        '{"model": "m", "rating": {}, "tags": {"a": -0.1}}',
        '{"tags": "1girl, smile"}',
        "[" * 100_000,
    ],
)
def test_another_sidecar_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(CaptionError, match=r"a\.json: expected the scores of a tagger, got"):
        read_scores(tmp_path / "a.json")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "selected_tags.csv").write_text(LABELS)
    (folder / "model.onnx").write_bytes(b"weights")
    return Model("mine", ModelSpec("mine"), folder, (Contract(),))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "scores.sqlite") as store:
        yield store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """`0.png` to `3.png` and `sub/4.png`, each of a colour of its own."""
    root = tmp_path / "pictures"
    (root / "sub").mkdir(parents=True)
    for number in range(5):
        folder = root / "sub" if number == 4 else root
        Image.new("RGB", (4, 4), (number, 0, 0)).save(folder / f"{number}.png")
    return root


def take_up(root: Path, store: Store | None, model: Model, *databases: Path) -> Importer:
    sources = Sources([DbJson(each) for each in databases], lambda name: model, "mine")
    importer = Importer(sources, store)
    list(importer.run([root]))
    return importer


def test_a_database_is_taken_up_by_what_pictures_show(
    root: Path, store: Store, model: Model
) -> None:
    """Wherever they lie now: paths in the file are never opened. Others of it are counted."""
    results: Results = {
        pixel_hash(root / "1.png") + "WD": ({"general": 1.0, "explicit": 0.0}, {"1girl": 0.9}),
        pixel_hash(root / "sub/4.png") + "WD": (
            {"general": 0.25},
            {"long hair": 0.006, "hat": 0.4},
        ),
        "f" * 64 + "WD": ({}, {"1girl": 0.3}),
    }
    report = take_up(root, store, model, written(root, as_picobyte(results))).report
    scores_of = kept_scores(store, model)

    assert (report.taken, report.absent, report.pictures) == ({"mine": 2}, 1, 5)
    assert report.unknown == {"hat": 1}
    first, last = scores_of(root / "1.png"), scores_of(root / "sub/4.png")
    assert first is not None
    assert last is not None
    assert first.values.tolist() == np.float32([1, 0, 0, 0, 0.9, 0, 0, 0]).tolist()
    assert last.values.tolist() == [0.25, 0, 0, 0, 0, 0, 0, 0]  # 0.006 is under what is kept
    assert scores_of(root / "0.png") is None


def test_sidecars_are_taken_up_and_bad_ones_named(root: Path, store: Store, model: Model) -> None:
    """One bad file stops nothing."""
    (root / "0.json").write_text('[{"general": 0.9}, {"1girl": 0.5, "saber (fate)": 0.02}]')
    (root / "1.json").write_text('{"some": "metadata"}')
    report = take_up(root, store, model).report
    assert report.taken == {"mine": 1}
    ((path, reason),) = report.failures
    assert path == root / "1.png"
    assert "got other JSON" in reason
    scores = kept_scores(store, model)(root / "0.png")
    assert scores is not None
    assert scores.values.tolist() == np.float32([0.9, 0, 0, 0, 0.5, 0, 0, 0.02]).tolist()


def test_a_sidecar_that_two_pictures_share_is_left_out(
    root: Path, store: Store, model: Model
) -> None:
    """Nobody knows whose it is."""
    Image.new("RGB", (4, 4), "blue").save(root / "0.jpg")
    (root / "0.json").write_text('[{}, {"1girl": 0.5}]')
    report = take_up(root, store, model).report
    assert not report.taken
    assert len(report.failures) == 2


def test_scores_of_another_model_are_left_out(root: Path, store: Store, model: Model) -> None:
    """Most of the tags tell."""
    said = {f"other {n}": 0.5 for n in range(10)} | {"1girl": 0.5}
    (root / "0.json").write_text(json.dumps([{}, said]))
    report = take_up(root, store, model).report
    assert (report.taken, report.unknown) == (Counter(), Counter())
    assert "expected tags of mine, got 10 others of 11" in next(iter(report.failures))[1]


def test_a_dry_run_counts_the_same(root: Path, store: Store, model: Model) -> None:
    """And keeps nothing."""
    (root / "0.json").write_text('[{}, {"1girl": 0.5}]')
    assert take_up(root, None, model).report.taken == {"mine": 1}
    assert len(store) == 0


def test_what_does_not_say_whose_it_is_needs_a_name(root: Path, model: Model) -> None:
    """And a title that nobody knows, too."""
    (root / "0.json").write_text('[{}, {"1girl": 0.5}]')
    importer = Importer(Sources([], lambda name: None), None)
    with pytest.raises(UsageError, match=r"0\.json: .* name it with --model"):
        list(importer.run([root]))
    database = DbJson(written(root, as_picobyte({SHA + "Odd": ({}, {})})))
    with pytest.raises(UsageError, match="got 'Odd', which is not known"):
        Sources([database], lambda name: None)


def test_what_was_imported_can_be_forgotten(root: Path, store: Store, model: Model) -> None:
    """Alone."""
    (root / "0.json").write_text('[{}, {"1girl": 0.5}]')
    importer = take_up(root, store, model)
    assert importer.report.taken == {"mine": 1}
    sparse = store.get(Key(store.content(root / "0.png"), *imported(model)))
    assert sparse is not None
    store.put(Key(SHA, "another", "way"), sparse)
    assert store.forget(*imported(model)) == 1
    assert len(store) == 1
