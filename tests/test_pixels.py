"""Any mode of Pillow's becomes 8-bit RGB, and nothing hidden shows."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tagger.errors import OptionError
from tagger.pixels import check_colour, flatten, rgb


def levels(image: Image.Image) -> list[tuple[int, ...]]:
    pixels = np.asarray(image)
    return [tuple(map(int, pixel)) for pixel in pixels.reshape(-1, pixels.shape[-1])]


def reopened(image: Image.Image, kind: str, **options: object) -> Image.Image:
    """The picture as a reader of its file sees it."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue()))


def test_rgb_passes_untouched() -> None:
    """No copy of what is right already."""
    image = Image.new("RGB", (2, 2), (1, 2, 3))
    assert flatten(image) is image


@pytest.mark.parametrize(
    ("background", "expected"),
    [
        ("white", (255, 255, 255)),
        ("black", (0, 0, 0)),
        ("grey", (128, 128, 128)),
        ("#0a0B0c", (10, 11, 12)),
        ((7, 8, 9), (7, 8, 9)),
    ],
)
def test_background_shows_through(background: object, expected: tuple[int, int, int]) -> None:
    """A clear pixel is the background, whatever colour hides in it."""
    image = Image.new("RGBA", (1, 1), (200, 10, 10, 0))
    assert levels(flatten(image, background)) == [expected]  # pyright: ignore[reportArgumentType]


def test_half_transparent_is_mixed_by_the_formula() -> None:
    """Level = colour * a + background * (1 - a), rounded."""
    image = Image.new("RGBA", (1, 1), (100, 0, 255, 51))
    assert levels(flatten(image)) == [(224, 204, 255)]  # a = 0.2: 20 + 204, 204, 51 + 204


def test_opaque_alpha_changes_nothing() -> None:
    """The short cut for opaque pictures gives what compositing gives."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 4)).astype(np.uint8)
    pixels[..., 3] = 255
    image = Image.fromarray(pixels)
    slow = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
    assert levels(flatten(image)) == levels(slow.convert("RGB"))


def test_grey_is_not_its_own_mask() -> None:
    """Black stays black on any background."""
    image = Image.fromarray(np.array([[0, 128, 255]], np.uint8))
    assert levels(flatten(image)) == [(0, 0, 0), (128, 128, 128), (255, 255, 255)]


@pytest.mark.parametrize("mode", ["LA", "La", "RGBa"])
def test_rarer_alpha_modes(mode: str) -> None:
    """Clear black over white is white in each of them."""
    source = Image.new("RGBA" if mode == "RGBa" else "LA", (1, 1))
    assert levels(flatten(source.convert(mode))) == [(255, 255, 255)]


def test_palette_with_one_clear_index() -> None:
    """GIF and PNG name one palette entry as clear."""
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 0
    assert levels(flatten(image)) == [(255, 255, 255), (40, 50, 60)]


def test_palette_with_alpha_for_each_index() -> None:
    """PNG's tRNS holds an alpha for each entry."""
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 40, 50, 60])
    image.putpixel((1, 0), 1)
    again = reopened(image, "png", transparency=bytes([51, 255]))
    assert again.mode == "P"
    assert levels(flatten(again)) == [(204, 204, 204), (40, 50, 60)]


@pytest.mark.parametrize(
    ("mode", "clear"), [("RGB", (1, 2, 3)), ("L", 9), ("1", 0)], ids=["RGB", "L", "1"]
)
def test_one_clear_colour(mode: str, clear: object) -> None:
    """PNG's tRNS on pictures without a palette."""
    image = Image.new(mode, (1, 1), clear)  # pyright: ignore[reportArgumentType]
    again = reopened(image, "png", transparency=clear)
    assert levels(flatten(again)) == [(255, 255, 255)]


def test_sixteen_bit_is_scaled_not_clipped() -> None:
    """16-bit white is 65535: level = value / 257, rounded."""
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    flat = np.asarray(flatten(Image.fromarray(values)))
    expected = np.array([round(v / 257) for v in range(65536)]).reshape(256, 256)
    assert np.array_equal(flat, np.repeat(expected[..., None], 3, axis=2))


def test_sixteen_bit_png_reads_the_same_as_mode_i() -> None:
    """Older Pillows open a 16-bit PNG as 32-bit integers."""
    values = np.array([[0, 300, 40000, 65535]])
    newer = flatten(Image.fromarray(values.astype(np.uint16)))
    older = flatten(Image.fromarray(values.astype(np.int32)))
    assert levels(newer) == levels(older) == [(0,) * 3, (1,) * 3, (156,) * 3, (255,) * 3]


def test_sixteen_bit_with_one_clear_level() -> None:
    """Its tRNS is a 16-bit level."""
    image = Image.fromarray(np.array([[0, 40000]], np.uint16))
    image.info["transparency"] = 0
    assert levels(flatten(image)) == [(255,) * 3, (156,) * 3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),  # 0..1
        ([0.0, 128.0, 255.0], [0, 128, 255]),
        ([0.0, 32896.0, 65535.0], [0, 128, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),  # neither: stretched
        ([0.0, 0.0, 0.0], [0, 0, 0]),
        ([-3.0, -3.0, -3.0], [0, 0, 0]),
        ([float("nan"), 0.5, 1.0], [0, 128, 255]),
    ],
)
def test_floats_find_their_white(values: list[float], expected: list[int]) -> None:
    """A float picture says nowhere what white is."""
    image = Image.fromarray(np.array([values], np.float32))
    assert levels(flatten(image)) == [(level,) * 3 for level in expected]


def test_wide_integers_are_stretched() -> None:
    """Beyond 16 bit only the picture's own range is known."""
    image = Image.fromarray(np.array([[-100, 0, 100]], np.int32))
    assert levels(flatten(image)) == [(0,) * 3, (128,) * 3, (255,) * 3]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "1", "P", "RGBX"])
def test_other_modes_are_pillows_own_conversion(mode: str) -> None:
    """Where Pillow converts well, it converts."""
    source = Image.effect_noise((8, 8), 90).convert("RGB").convert(mode)
    assert levels(flatten(source)) == levels(source.convert("RGB"))


def test_lab_goes_through_colour_management() -> None:
    """Pillow's `convert` refuses LAB; lightness 100 without a hue is white."""
    white = Image.new("LAB", (1, 1), (255, 128, 128))
    (level,) = levels(flatten(white))
    assert min(level) >= 253


@pytest.mark.parametrize("value", ["red", "#12", "#12345g", (1, 2), (1, 2, 256), 5, None, "edge"])
def test_what_is_no_colour_is_refused(value: object) -> None:
    """The sentence says what is one."""
    with pytest.raises(OptionError, match=r"fill: expected white, black, grey, #rrggbb"):
        check_colour("fill", value)


def test_a_list_is_a_colour_too() -> None:
    """JSON has no tuples."""
    assert check_colour("fill", [1, 2, 3]) == (1, 2, 3)
    assert rgb(check_colour("fill", "grey")) == (128, 128, 128)
