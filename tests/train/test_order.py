"""Which pictures come when; what a mirror does to their tags; MixUp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")

from tagger.dataset.index import Dataset  # noqa: E402
from tagger.errors import OptionError  # noqa: E402
from tagger.labels import DANBOORU, Label, LabelSet, category  # noqa: E402
from tagger.train.config import DataOptions  # noqa: E402
from tagger.train.flips import make_flips  # noqa: E402
from tagger.train.mixup import mixed, mixed_targets, weight  # noqa: E402
from tagger.train.sampling import Sampler, make_sampler, steps_of  # noqa: E402
from tagger.train.targets import make_targets  # noqa: E402

MakeDataset = Callable[..., Path]


def sampler(sampling: str, make_dataset: MakeDataset, **more: float) -> Sampler:
    dataset = Dataset.open(make_dataset(60))
    rows = dataset.rows("train")
    options = DataOptions(sampling=sampling, **more)  # type: ignore[arg-type]
    return make_sampler(options, make_targets(dataset), rows, seed=1)


def test_plainly_every_row_comes_once_in_an_order_of_seed_and_epoch(
    make_dataset: MakeDataset,
) -> None:
    """The same again for the same epoch, another for another."""
    found = sampler("plain", make_dataset)
    assert sorted(found.order(2)) == found.rows.tolist()
    assert found.order(2).tolist() == found.order(2).tolist()
    assert found.order(2).tolist() != found.order(3).tolist()


def test_rare_tags_come_oftener_by_the_root_of_their_rarity(make_dataset: MakeDataset) -> None:
    """Repeat factors by a loop over pictures and tags, and the mean of many epochs."""
    found = sampler("rare", make_dataset, rare=0.4)
    dataset = Dataset.open(found_path(make_dataset))
    truth, _ = dataset.targets(found.rows)
    shares = truth.mean(0)
    wanted = [
        max([1.0, *(min(8.0, (0.4 / shares[tag]) ** 0.5) for tag in np.flatnonzero(row))])
        for row in truth
    ]
    np.testing.assert_allclose(found.repeats, wanted)
    assert max(wanted) > 1.2
    times = sum(np.bincount(found.order(epoch), minlength=60) for epoch in range(400)) / 400
    np.testing.assert_allclose(times[found.rows], wanted, atol=0.12)


def found_path(make_dataset: MakeDataset) -> Path:
    """Where the fixture wrote its DATASET."""
    return make_dataset.__closure__[0].cell_contents / "dataset"  # type: ignore[index]


def test_by_tags_each_tag_is_drawn_alike(make_dataset: MakeDataset) -> None:
    """Then each of its pictures: a tag's expected share is the sum over all tags drawn."""
    found = sampler("tags", make_dataset)
    truth, _ = Dataset.open(found_path(make_dataset)).targets(found.rows)
    each = truth[:, truth.any(0)]
    chance = (each / each.sum(0)).mean(1)  # of a picture: by each of its tags in turn
    drawn = np.concatenate([found.order(epoch) for epoch in range(600)])
    shares = np.bincount(drawn, minlength=len(truth))[: len(truth)] / len(drawn)
    assert len(found.order(0)) == len(found.rows)
    np.testing.assert_allclose(shares, chance, atol=0.004)


def test_steps_of_two_processes_hold_what_one_with_twice_the_batch_sees() -> None:
    """In the same order; what is left over is dropped, unless it is all there is."""
    rows = np.arange(50)
    one, two = steps_of(rows, 16), steps_of(rows, 4, processes=2, accumulate=2)
    assert [step.ravel().tolist() for step in one] == [step.ravel().tolist() for step in two]
    assert two[0].shape == (2, 2, 4)
    assert [step.shape for step in steps_of(rows, 64)] == [(1, 1, 50)]
    assert [step.shape for step in steps_of(rows, 64, 2, 4)] == [(1, 2, 25)]
    assert steps_of(rows[:1], 64) != []


SIDED = ("looking_left", "looking_right", "facing left", "hat", "leftover")


def sided() -> LabelSet:
    general = [Label(name, category(DANBOORU, 0), 9) for name in SIDED]
    return LabelSet((*general, Label("left_4_dead", category(DANBOORU, 3), 9)))


def test_in_a_mirror_left_is_right() -> None:
    """A side without its partner is unknown there; names of things have none."""
    flips = make_flips(sided())
    truth = np.array([[1, 0, 1, 1, 1, 1], [1, 0, 1, 1, 1, 1]], bool)
    known = np.ones_like(truth)
    flips.apply(truth, known, np.array([False, True]))
    assert truth.tolist() == [[1, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1]]
    assert known.tolist() == [[True] * 6, [True, True, False, True, True, True]]


def test_pairs_of_a_file_change_places_too(tmp_path: Path) -> None:
    """And a tag that is not there is refused."""
    file = tmp_path / "pairs.csv"
    file.write_text("facing left,hat\n")
    assert make_flips(sided(), file).partner.tolist() == [1, 0, 3, 2, 4, 5]
    file.write_text("facing left,cap\n")
    with pytest.raises(OptionError, match="flip_pairs: expected two tags of the vocabulary"):
        make_flips(sided(), file)


def test_mixup_is_the_weighted_sum_with_the_neighbour() -> None:
    """Of pictures, targets and whatever the network made of them; known where both are."""
    images = torch.arange(6.0).reshape(3, 2)
    assert mixed(images, 0.75)[0].tolist() == [0 * 0.75 + 4 * 0.25, 1 * 0.75 + 5 * 0.25]
    both = mixed({"a": images, "b": (images, None)}, 0.75)
    assert torch.equal(both["a"], both["b"][0])
    truth = torch.tensor([[True], [False], [False]])
    known = torch.tensor([[True], [True], [False]])
    soft, sure = mixed_targets(truth, known, 0.75)
    assert soft.flatten().tolist() == [0.75, 0.25, 0.0]
    assert sure.flatten().tolist() == [False, True, False]
    assert mixed_targets(truth, known, 1.0)[0] is truth


def test_mixup_weighs_by_seed_epoch_and_step() -> None:
    """Never less of a picture than of its neighbour; nothing is mixed without alpha."""
    assert weight(0.0, 1, 2, 3) == 1.0
    assert weight(0.4, 1, 2, 3) == weight(0.4, 1, 2, 3) != weight(0.4, 1, 2, 4)
    assert all(0.5 <= weight(0.4, 0, 0, step) <= 1 for step in range(50))
