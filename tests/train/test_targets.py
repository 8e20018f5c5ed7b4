"""The network's labels, ratings and priors."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")

from tagger.dataset.index import Dataset  # noqa: E402
from tagger.export.rows import RATINGS  # noqa: E402
from tagger.labels import DANBOORU, Label, LabelSet, category  # noqa: E402
from tagger.train.config import HeadOptions  # noqa: E402
from tagger.train.heads import LinearHead  # noqa: E402
from tagger.train.report import supported_labels  # noqa: E402
from tagger.train.targets import label_counts, make_targets, rating_numbers  # noqa: E402

MakeDataset = Callable[..., Path]


def test_targets_follow_the_datasets_rows_under_the_labels_own_names(
    make_dataset: MakeDataset,
) -> None:
    """Whatever the order of the labels, a name is true of a picture when the dataset says so."""
    dataset = Dataset.open(make_dataset(12, unknown=3))
    targets = make_targets(dataset)
    truth, known = targets.of(np.array([5, 0, 2]))
    for place, row in enumerate((5, 0, 2)):
        tags = dataset.index["tags"][row].as_py()
        hidden = dataset.index["unknown"][row].as_py()
        for index, label in enumerate(targets.rows.labels.names[4:], start=4):
            own = dataset.vocabulary.find(label)
            assert truth[place, index] == (own in tags)
            assert known[place, index] == (own not in hidden)


@pytest.mark.parametrize(
    ("counts", "judged"),
    [
        ({"hat": 120, "bow": 9, "mira": 300}, ["hat"]),
        ({"hat": 20, "bow": 9, "mira": 300}, ["hat", "bow"]),
        ({"mira": 120, "ulric": 9}, ["mira"]),
        ({"mira": 20, "ulric": 9}, ["mira", "ulric"]),
        ({}, []),
    ],
)
def test_map_is_over_tags_and_over_characters_where_there_is_nothing_else(
    counts: dict[str, int], judged: list[str]
) -> None:
    """Those with 100 pictures, else all; ratings never."""
    kinds = {"hat": "general", "bow": "general", "mira": "character", "ulric": "character"}
    labels = LabelSet(
        (
            Label("general", category(DANBOORU, "rating")),
            *(Label(name, category(DANBOORU, kind)) for name, kind in kinds.items()),
        )
    )
    truth = np.zeros((400, 5), np.bool_)
    for at, label in enumerate(labels):
        truth[: 400 if at == 0 else counts.get(label.name, 0), at] = True
    targets: Any = SimpleNamespace(
        rows=SimpleNamespace(labels=labels),
        of=lambda rows: (truth[rows], np.ones_like(truth[rows])),
    )

    found = supported_labels(targets, np.arange(400))

    assert [labels[int(place)].name for place in found] == judged


def test_pictures_of_one_rating_teach_none(make_dataset: MakeDataset) -> None:
    """The rating all of them have is certain, the others never, and no rating is learned."""
    dataset = Dataset.open(make_dataset(12, ratings="s"))
    targets = make_targets(dataset)
    # without a `g` among them, `s` is the older scheme's "safe"
    assert targets.constants[:4].tolist() == [20, -20, -20, -20]
    assert not targets.of(np.arange(5))[1][:, :4].any()


def test_pictures_of_several_ratings_teach_them(make_dataset: MakeDataset) -> None:
    """g, s, q, e are WD's four rows, in that order."""
    dataset = Dataset.open(make_dataset(12, ratings="gsqe"))
    targets = make_targets(dataset)
    assert np.isnan(targets.constants[:4]).all()
    truth, known = targets.of(np.arange(4))
    np.testing.assert_array_equal(truth[:, :4], np.eye(4, dtype=bool))
    assert known[:, :4].all()


def test_ratings_are_read_in_either_scheme() -> None:
    """Four levels, or the older three, spelled out or by letter; what is none is not known."""
    assert rating_numbers(
        np.array(["g", "sensitive", "q", "explicit", None, "x"], object)
    ).tolist() == [0, 1, 2, 3, -1, -1]
    assert rating_numbers(np.array(["safe", "q", "e"], object)).tolist() == [0, 2, 3]


def test_the_head_begins_with_the_labels_log_odds(make_dataset: MakeDataset) -> None:
    """log(p / (1 - p)) of the known pictures' share, clipped to 1e-5 and .99."""
    dataset = Dataset.open(make_dataset(12, unknown=5))
    training = dataset.rows("train")
    targets = make_targets(dataset)
    positives, known = label_counts(targets, training)
    index = targets.rows.labels.find("green_square")
    own = [
        1 in dataset.index["tags"][int(row)].as_py()
        for row in training
        if 1 not in dataset.index["unknown"][int(row)].as_py()
    ]
    assert (positives[index], known[index]) == (sum(own), len(own))
    head = LinearHead(HeadOptions(), 3, 8, exclusive=False)
    head.set_priors(np.array([0.25, 0.0, 1.0]), np.array([np.nan, np.nan, -20], np.float32))
    bias = head.out.bias.tolist()
    assert bias == pytest.approx([math.log(1 / 3), math.log(1e-5 / (1 - 1e-5)), -20], rel=1e-5)
    assert not head.out.weight[2].any()


def test_a_tagger_that_is_added_to_keeps_its_labels(make_dataset: MakeDataset) -> None:
    """Its own labels and the new ones, in a folder's order; each finds both its origins."""
    dataset = Dataset.open(make_dataset(12, ratings="gsqe", unknown=3))
    old = [Label(name, category(DANBOORU, 9)) for name in RATINGS]
    old += [
        Label("1girl", category(DANBOORU, 0), 900),
        Label("red square", category(DANBOORU, 0), 7),
    ]
    old += [Label("miku", category(DANBOORU, 4), 50)]
    former = LabelSet(tuple(old))
    targets = make_targets(dataset, former)
    names = targets.rows.labels.names
    assert set(names) == {*former.names, *dataset.vocabulary.names} - {"red_square"}
    for index, name in enumerate(names):
        kept, own = targets.former[index], targets.rows.vocabulary[index]
        assert kept == (former.names.index(name) if name in former.names else -1)
        if index >= len(RATINGS):
            found = dataset.vocabulary.find(name)
            assert own == (-1 if found is None else found)
    assert np.isnan(targets.constants).all()
    truth, known = targets.of(np.arange(12))
    assert not known[:, names.index("1girl")].any()
    red = names.index("red square")
    wanted = [0 in dataset.index["tags"][row].as_py() for row in range(12)]
    assert truth[:, red].tolist() == wanted
    assert known[:, names.index("framed")].all()
