"""Letterboxes: JTP PILOT's, Camie's, OppaiOracle's, DeepDanbooru's, animetimm's, each restated."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tagger.errors import OptionError
from tagger.preprocess import Preprocess, fit, normalise

SIZES = [(40, 70), (70, 40), (64, 64), (1, 300), (300, 1), (333, 200), (97, 100)]


def picture(size: tuple[int, int], channels: int = 3) -> Image.Image:
    rng = np.random.default_rng(size[0])
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], channels), np.uint8))


def resize(image: Image.Image, size: tuple[int, int], kernel: Image.Resampling) -> Image.Image:
    """Across, then down, as Pillow did when the recipes were written."""
    return image.resize((size[0], image.height), kernel).resize(size, kernel)


def jtp(image: Image.Image, side: int = 64) -> np.ndarray:
    """JTP PILOT's transform: fit by Lanczos, alpha on half grey in floats, zeros after that."""
    image = image.convert("RGBa") if image.mode == "RGBA" else image
    scale = min(side / image.width, side / image.height)
    size = min(round(image.width * scale), side), min(round(image.height * scale), side)
    size = max(size[0], 1), max(size[1], 1)
    small = resize(image, size, Image.LANCZOS)
    values = np.asarray(small.convert("RGBA"), np.float64) / 255
    colour, alpha = values[..., :3], values[..., 3:]
    values = (colour * alpha + (1 - alpha) * 0.5 - 0.5) / 0.5
    canvas = np.zeros((side, side, 3))
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = values
    return canvas.transpose(2, 0, 1)[None]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_alpha_after_the_resize_is_jtp_pilots(size: tuple[int, int], channels: int) -> None:
    """To a millionth, transparency and padding included: the padding is exactly 0."""
    preprocess = Preprocess(
        size=(64, 64),
        fit="letterbox",
        alpha="after",
        background="grey",
        resample="lanczos",
        layout="nchw",
        scale=1 / 255,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    pixels = fit(picture(size, channels), preprocess)
    assert pixels.shape == (64, 64, 4)
    got = normalise(pixels[None], preprocess)
    np.testing.assert_allclose(got, jtp(picture(size, channels)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_rounding_down_is_camies(size: tuple[int, int]) -> None:
    """The long side exactly the size, the short one cut to an int; the rest the mean colour."""
    width, height = size
    shape = width / height
    inner = (64, max(int(64 / shape), 1)) if shape >= 1 else (max(int(64 * shape), 1), 64)
    canvas = Image.new("RGB", (64, 64), (124, 116, 104))
    small = resize(picture(size), inner, Image.LANCZOS)
    canvas.paste(small, ((64 - inner[0]) // 2, (64 - inner[1]) // 2))
    preprocess = Preprocess(
        size=(64, 64),
        fit="letterbox",
        rounding="floor",
        fill=(124, 116, 104),
        resample="lanczos",
    )
    assert np.array_equal(fit(picture(size), preprocess), np.asarray(canvas))


@pytest.mark.parametrize("size", SIZES)
def test_a_mask_says_where_the_picture_is(size: tuple[int, int]) -> None:
    """A fourth channel, 255 just where a black picture on grey 114 is black."""
    preprocess = Preprocess(
        size=(64, 64), fit="letterbox", fill=(114, 114, 114), alpha="mask", resample="bicubic"
    )
    pixels = fit(Image.new("RGB", size), preprocess)
    assert np.array_equal(pixels[..., 3] == 255, (pixels[..., :3] == 0).all(axis=2))
    assert np.array_equal(pixels[..., 3] == 0, (pixels[..., :3] == 114).all(axis=2))
    assert normalise(pixels[None], preprocess).shape == (1, 64, 64, 3)


@pytest.mark.parametrize("height", [40, 41])
def test_edges_are_repeated_as_deepdanbooru_does(height: int) -> None:
    """A shift by half of what is left; between two pixels where that is odd."""
    preprocess = Preprocess(size=(64, 64), fit="letterbox", fill="edge", resample="area")
    image = picture((64, height))
    pixels = np.asarray(image, np.float64)
    shift = (64 - height) / 2
    rows = np.clip(np.arange(64) - shift, 0, height - 1)
    low, share = np.floor(rows).astype(int), rows % 1
    high = np.minimum(low + 1, height - 1)
    expected = pixels[low] * (1 - share)[:, None, None] + pixels[high] * share[:, None, None]
    assert np.abs(fit(image, preprocess) - expected).max() <= 0.5


def test_a_canvas_comes_first_for_animetimm() -> None:
    """Letterboxed on white by one kernel, then resized by the other."""
    image = picture((90, 50))
    canvas = Image.new("RGB", (80, 80), "white")
    canvas.paste(resize(image, (80, 44), Image.BILINEAR), (0, 18))
    preprocess = Preprocess(size=(48, 48), fit="letterbox", canvas=(80, 80))
    expected = np.asarray(resize(canvas, (48, 48), Image.BICUBIC))
    assert np.array_equal(fit(image, preprocess), expected)


@pytest.mark.parametrize("size", [(700, 500), (401, 960), (96, 300), (90, 2000)])
def test_a_gap_is_pillows(size: tuple[int, int]) -> None:
    """`reducing_gap` averages first; then the same kernel over the same box."""
    preprocess = Preprocess(
        size=(48, 64), fit="stretch", resample="lanczos", reducing_gap=3.0, background="black"
    )
    soft = picture(size).point(lambda level: 64 + level // 2)  # nothing clipped between passes
    expected = soft.resize((48, 64), Image.LANCZOS, reducing_gap=3.0)
    # Pillow 13 may go down first: a level where the two roundings fall apart
    assert np.abs(fit(soft, preprocess).astype(int) - np.asarray(expected)).max() <= 1


@pytest.mark.parametrize("setting", [{"alpha": "mask"}, {"canvas": (8, 8)}])
def test_what_only_a_letterbox_has_is_refused_elsewhere(setting: dict) -> None:
    """A mask of what is not padded, a canvas that nobody fills."""
    with pytest.raises(OptionError, match="fit: expected letterbox for a mask or a canvas"):
        Preprocess(**setting)


@pytest.mark.parametrize("fill", ["white", "#10c8f0"])
@pytest.mark.parametrize("size", [(300, 420), (420, 300), (400, 400), (131, 390)])
def test_a_canvas_made_whole_is_the_one_made_in_steps(size: tuple[int, int], fill: str) -> None:
    """Within the level that torch may be off, padding of any colour included."""
    pytest.importorskip("torch")
    preprocess = Preprocess(size=(64, 96), fill=fill)
    exact = fit(picture(size), preprocess).astype(int)
    for given in (picture(size), np.asarray(picture(size))):
        assert np.abs(fit(given, preprocess, by="torch") - exact).max() <= 1
