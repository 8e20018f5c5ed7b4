"""What the network sees: prepared pictures, their order, what chance does to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")

from PIL import Image  # noqa: E402

from tagger.dataset.index import Dataset  # noqa: E402
from tagger.preprocess import WD, fit  # noqa: E402
from tagger.train.augment import augment, draw  # noqa: E402
from tagger.train.config import AugmentOptions, NetworkOptions  # noqa: E402
from tagger.train.data import pooled, prepare  # noqa: E402

MakeDataset = Callable[..., Path]
STILL = AugmentOptions(flip=0.0, shift=0.0)
SMALL = NetworkOptions(pool=16)


@pytest.mark.parametrize("pool", [1, 2, 4, 7, 16])
def test_pooling_is_the_mean_of_whole_blocks(pool: int) -> None:
    """Rounded to the nearest level, as torch's avg_pool2d in float says."""
    pixels = np.random.default_rng(0).integers(0, 256, (448, 448, 3)).astype(np.uint8)
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None].double()
    wanted = torch.nn.functional.avg_pool2d(planes, pool)[0].permute(1, 2, 0).numpy()
    found = pooled(pixels, pool)
    assert found.dtype == np.uint8
    assert np.abs(found - wanted).max() <= 0.5 + 1e-9


def test_pictures_are_prepared_once(make_dataset: MakeDataset) -> None:
    """As `fit` makes them; the second training opens what the first one wrote."""
    dataset = Dataset.open(make_dataset(6))
    told: list[str] = []
    first = prepare(dataset, dataset.image_path, SMALL, lambda what, done, total: told.append(what))
    assert told
    with Image.open(dataset.image_path(3)) as image:
        wanted = pooled(fit(image, WD), 16)
    np.testing.assert_array_equal(first.pixels[3], wanted)
    dataset.image_path(3).unlink()
    told.clear()
    second = prepare(
        dataset, dataset.image_path, SMALL, lambda what, done, total: told.append(what)
    )
    assert not told
    np.testing.assert_array_equal(first.pixels, second.pixels)


def test_chance_is_the_pictures_own_whatever_the_batch() -> None:
    """A picture is changed alike in an epoch, alone or among others."""
    alone = draw(np.array([7]), 0, 3)
    among = draw(np.array([2, 7, 11]), 0, 3)
    np.testing.assert_array_equal(alone[0], among[1])
    assert (alone != draw(np.array([7]), 0, 4)).all()


def image() -> torch.Tensor:
    return torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(0)) * 2 - 1


def chance(**numbers: float) -> torch.Tensor:
    """Every draw in the middle, where nothing is done, but those named."""
    names = ("flip", "x", "y", "zoom", "cut", "cut_x", "cut_y", "cut_size", "contrast")
    names += ("crop", "crop_x", "crop_y", "turn", "bright", "saturation", "kernel")
    return torch.tensor([[numbers.get(name, 0.5) for name in names]])


def test_without_settings_nothing_is_done() -> None:
    """And with them, nothing is done where chance is in the middle."""
    assert torch.equal(augment(image(), torch.rand(1, 16), STILL), image())
    config = replace(STILL, flip=0.5, shift=0.2, colour=0.3, cutout=0.5)
    assert torch.equal(augment(image(), chance(), config), image())


def test_flips_and_shifts_are_exact() -> None:
    """Mirrored or moved by whole pixels; what comes in at a border repeats it."""
    config = replace(STILL, flip=0.5, shift=0.25)
    assert torch.equal(augment(image(), chance(flip=0.1), config), image().flip(3))
    moved = augment(image(), chance(x=1.0, y=0.0), config)
    wanted = torch.nn.functional.pad(image(), (0, 4, 4, 0), mode="replicate")[..., :16, 4:]
    assert torch.equal(moved, wanted)


def test_zoom_scales_about_the_centre() -> None:
    """A plain picture stays plain, and a step in the middle stays in the middle."""
    config = replace(STILL, zoom=0.2)
    half = torch.ones((1, 3, 16, 16))
    half[..., :8] = -1
    wide = augment(half, chance(zoom=1.0), config)
    assert torch.allclose(wide[..., :7], half[..., :7])
    assert torch.allclose(wide[..., 9:], half[..., 9:])


def test_a_cut_is_a_grey_square_of_at_most_its_share() -> None:
    """Half of the pictures have one."""
    config = replace(STILL, cutout=0.5)
    cut = augment(torch.ones((1, 3, 16, 16)), chance(cut=0.1, cut_size=1.0), config)
    assert (cut[0, 0] == 0).sum() == 8 * 8
    assert set(cut.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(augment(image(), chance(cut=0.9, cut_size=1.0), config), image())
