"""Resizing: Pillow's own result by default, torch's within one level of it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tagger.errors import OptionError
from tagger.resample import PILLOW, resize


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A picture with edges, gradients and noise: the hard cases for a kernel."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([x * 255 // width, y * 255 // height, (x // 7 + y // 5) % 2 * 255], axis=-1)
    pixels[rng.random((height, width)) < 0.2] = rng.integers(0, 256, 3)
    return pixels.astype(np.uint8)


@pytest.mark.parametrize("method", PILLOW)
@pytest.mark.parametrize("size", [(31, 17), (200, 164), (100, 80)])
def test_default_is_pillow_to_the_bit(method: str, size: tuple[int, int]) -> None:
    """Arrays and images alike come out as Pillow's `Image.resize` makes them."""
    pixels = picture(100, 80)
    expected = np.asarray(Image.fromarray(pixels).resize(size, getattr(Image, method.upper())))
    assert np.array_equal(resize(pixels, size, method), expected)
    assert np.array_equal(resize(Image.fromarray(pixels), size, method), expected)


def test_across_comes_before_down_whichever_pillow_is_installed() -> None:
    """Pillow 13 goes down first for a tall picture that widens; versions to 12 never did."""
    image = Image.fromarray(picture(100, 300))
    expected = image.resize((150, 300), Image.BICUBIC).resize((150, 160), Image.BICUBIC)
    assert np.array_equal(resize(image, (150, 160)), np.asarray(expected))


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(448, 448), (31, 17), (300, 700), (211, 333)])
def test_torch_is_within_one_level_of_pillow(method: str, size: tuple[int, int]) -> None:
    """Growing, shrinking, leaving alone; of noise and checkerboards one in 10,000 may be 2 off."""
    pytest.importorskip("torch")
    pixels = picture(211, 333)
    fast = resize(pixels, size, method, by="torch")
    assert fast.dtype == np.uint8
    difference = np.abs(fast - resize(pixels, size, method).astype(int))
    assert difference.max() <= 2
    assert (difference > 1).mean() < 1e-4


def test_torch_refuses_a_kernel_it_lacks() -> None:
    """A silent other kernel would be another picture."""
    with pytest.raises(OptionError, match="lanczos: resize by pillow"):
        resize(picture(8, 8), (4, 4), "lanczos", by="torch")


def test_unknown_method_is_named() -> None:
    """The sentence lists what there is."""
    with pytest.raises(OptionError, match=r"expected one of nearest, .*got 'cubic'"):
        resize(picture(8, 8), (4, 4), "cubic")  # pyright: ignore[reportArgumentType]


def test_auto_never_imports_torch() -> None:
    """`auto` takes torch where it is loaded already; it does not pay for loading it."""
    code = (
        "import sys, numpy, tagger.resample as r\n"
        "r.resize(numpy.zeros((8, 8, 3), 'uint8'), (4, 4), by='auto')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_auto_uses_torch_once_it_is_there() -> None:
    """The result is torch's, and Pillow's for the kernels torch lacks."""
    pytest.importorskip("torch")
    pixels = picture(99, 77)
    assert np.array_equal(resize(pixels, (40, 30), by="auto"), resize(pixels, (40, 30), by="torch"))
    assert np.array_equal(
        resize(pixels, (40, 30), "box", by="auto"), resize(pixels, (40, 30), "box")
    )


@pytest.mark.parametrize("size", [(211, 333), (300, 150), (120, 166), (420, 700)])
def test_auto_stays_with_pillow_where_torch_may_be_two_levels_off(size: tuple[int, int]) -> None:
    """That is where a side grows, or does not shrink to half."""
    pytest.importorskip("torch")
    pixels = picture(211, 333)
    assert np.array_equal(resize(pixels, size, by="auto"), resize(pixels, size))


@pytest.mark.parametrize("size", [(7, 5), (3, 9), (13, 2), (40, 30)])
def test_area_is_the_mean_of_what_a_pixel_covers(size: tuple[int, int]) -> None:
    """Held against a picture enlarged until every new pixel is made of whole ones."""
    pixels = np.random.default_rng(2).integers(0, 256, (12, 20, 3), np.uint8)
    width, height = size
    fine = pixels.repeat(height, axis=0).repeat(width, axis=1).astype(np.float64)
    means = fine.reshape(height, 12, width, 20, 3).mean(axis=(1, 3))

    ours = resize(pixels, size, "area")

    np.testing.assert_allclose(ours, means, atol=0.501)
