"""The model's input is what its author made it: WD to the bit, the others by their rules."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tagger.errors import OptionError
from tagger.options import from_dict, to_dict
from tagger.preprocess import WD, Preprocess, fit, normalise, stack


def wd_recipe(image: Image.Image, side: int = 448) -> np.ndarray:
    """The author's `prepare_image`, said again: alpha on white, white square, bicubic, BGR."""
    image = image.convert("RGBA")
    canvas = Image.new("RGBA", image.size, (255, 255, 255, 255))
    canvas.alpha_composite(image)
    image = canvas.convert("RGB")
    longest = max(image.size)
    square = Image.new("RGB", (longest, longest), (255, 255, 255))
    square.paste(image, ((longest - image.width) // 2, (longest - image.height) // 2))
    if longest != side:
        square = square.resize((side, side), Image.BICUBIC)
    return np.asarray(square, dtype=np.float32)[None, :, :, ::-1]


def ours(image: Image.Image, preprocess: Preprocess = WD) -> np.ndarray:
    return normalise(fit(image, preprocess)[None], preprocess)


def noise(width: int, height: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(width).integers(0, 256, (height, width, channels), np.uint8)


def image(width: int = 60, height: int = 90, mode: str = "RGB") -> Image.Image:
    if mode == "RGBA":
        return Image.fromarray(noise(width, height, 4))
    return Image.fromarray(noise(width, height)).convert(mode)


def palette(transparency: object) -> Image.Image:
    picture = image().convert("P")
    picture.info["transparency"] = transparency
    return picture


SIZES = [(1, 1), (1, 4000), (4000, 1), (448, 448), (449, 448), (447, 1), (30, 20), (900, 640)]


@pytest.mark.parametrize("size", [*SIZES, (641, 900), (448, 100), (333, 334)])
def test_wd_is_the_authors_recipe_at_any_size(size: tuple[int, int]) -> None:
    """No difference at all; small pictures grow."""
    assert np.array_equal(ours(image(*size)), wd_recipe(image(*size)))


@pytest.mark.parametrize(
    "mode", ["RGBA", "L", "1", "P", "LA", "CMYK", "YCbCr", "HSV", "PA", "RGBa"]
)
def test_wd_is_the_authors_recipe_in_any_mode(mode: str) -> None:
    """No difference at all; a grey picture is not its own mask."""
    if mode in ("LA", "PA", "RGBa"):
        base = image(mode="RGBA")
        picture = base.convert("LA").convert(mode) if mode != "RGBa" else base.convert(mode)
    else:
        picture = image(mode=mode)
    assert picture.mode == mode
    assert np.array_equal(ours(picture), wd_recipe(picture))


@pytest.mark.parametrize("transparency", [3, bytes(range(256))], ids=["index", "bytes"])
def test_wd_is_the_authors_recipe_for_clear_palettes(transparency: object) -> None:
    """Both forms of a palette's transparency."""
    picture = palette(transparency)
    assert np.array_equal(ours(picture), wd_recipe(picture))


def test_wd_scales_sixteen_bit_before_the_recipe() -> None:
    """The recipe itself clips above 255: nearly everything would be white."""
    values = np.random.default_rng(0).integers(0, 65536, (50, 70)).astype(np.uint16)
    scaled = Image.fromarray(np.rint(values / 257.0).astype(np.uint8))
    assert np.array_equal(ours(Image.fromarray(values)), wd_recipe(scaled))


def test_wd_scales_floats_before_the_recipe() -> None:
    """0..1 is what float pictures hold."""
    values = np.random.default_rng(0).random((50, 70)).astype(np.float32)
    values[0, 0], values[0, 1] = 0, 1
    scaled = Image.fromarray(np.floor(values * 255 + 0.5).astype(np.uint8))
    assert np.array_equal(ours(Image.fromarray(values)), wd_recipe(scaled))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40), st.booleans())
def test_wd_is_the_authors_recipe_for_any_shape(w: int, h: int, side: int, alpha: bool) -> None:
    """Odd margins included: the picture's corner lies at (longest - side) // 2."""
    picture = image(w, h, "RGBA" if alpha else "RGB")
    preprocess = Preprocess(size=(side, side), channels="bgr")
    assert np.array_equal(ours(picture, preprocess), wd_recipe(picture, side))


def test_wd_is_what_the_network_reads() -> None:
    """float32 NHWC, blue first, 0 to 255."""
    red = ours(Image.new("RGB", (9, 9), (255, 0, 10)))
    assert red.shape == (1, 448, 448, 3)
    assert red.dtype == np.float32
    assert red[0, 200, 200].tolist() == [10.0, 0.0, 255.0]


def test_a_long_strip_never_becomes_a_square_in_memory() -> None:
    """Bands give the same bits: the square of this one alone would take 576 MB."""
    strip = Image.fromarray(np.tile(noise(400, 120), (100, 1, 1)))
    tracemalloc.start()
    fitted = fit(strip, Preprocess(size=(64, 64)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fitted.shape == (64, 64, 3)
    assert peak < 60e6


def test_bands_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A canvas resized in bands of three rows is the canvas resized whole."""
    whole = {fill: fit(image(30, 100), Preprocess(fill=fill)) for fill in ("white", "edge")}
    monkeypatch.setattr("tagger.framing._CANVAS", 300)
    monkeypatch.setattr("tagger.framing._BAND", 300)
    for fill, expected in whole.items():
        assert np.array_equal(fit(image(30, 100), Preprocess(fill=fill)), expected)


@pytest.mark.parametrize(
    ("fill", "level"),
    [("white", 255), ("black", 0), ("grey", 128), ("#0a0a0a", 10), ((9, 9, 9), 9)],
)
@pytest.mark.parametrize("size", [(10, 40), (40, 10)])
def test_padding_is_of_the_fills_colour(fill: object, level: int, size: tuple[int, int]) -> None:
    """Margins hold the fill; the middle holds the picture."""
    preprocess = Preprocess(size=(40, 40), fill=fill)  # pyright: ignore[reportArgumentType]
    fitted = fit(Image.new("RGB", size, (77, 77, 77)), preprocess)
    along = fitted[20] if size[0] < size[1] else fitted[:, 20]
    assert [set(map(int, part.ravel())) for part in (along[:15], along[15:25], along[25:])] == [
        {level},
        {77},
        {level},
    ]


@pytest.mark.parametrize("size", [(11, 30), (30, 11), (1, 9), (12, 12)])
def test_edge_repeats_the_outermost_pixels(size: tuple[int, int]) -> None:
    """As numpy's own edge padding has it."""
    picture = image(*size)
    longest = max(size)
    left, top = (longest - size[0]) // 2, (longest - size[1]) // 2
    margins = ((top, longest - size[1] - top), (left, longest - size[0] - left), (0, 0))
    padded = np.pad(np.asarray(picture), margins, mode="edge")
    expected = np.asarray(Image.fromarray(padded).resize((24, 24), Image.BICUBIC))
    assert np.array_equal(fit(picture, Preprocess(size=(24, 24), fill="edge")), expected)


def test_padding_to_an_oblong_keeps_the_shape_of_things() -> None:
    """A square picture in a 2:1 input takes its middle half."""
    fitted = fit(Image.new("RGB", (50, 50)), Preprocess(size=(80, 40)))
    assert fitted.shape == (40, 80, 3)
    assert (fitted[:, 21:59] == 0).all()
    assert (fitted[:, :18] == 255).all()


def test_stretch_is_a_plain_resize() -> None:
    """The shape is not kept."""
    picture = image(100, 30)
    expected = np.asarray(picture.resize((40, 50), Image.LANCZOS))
    fitted = fit(picture, Preprocess(size=(40, 50), fit="stretch", resample="lanczos"))
    assert np.array_equal(fitted, expected)


@pytest.mark.parametrize("size", [(100, 67), (67, 101), (32, 32), (33, 200), (20, 17)])
def test_crop_is_torchvisions_resize_and_centre_crop(size: tuple[int, int]) -> None:
    """Short side to 32, the long one truncated; the middle with Python's rounding."""
    width, height = (int(32 * side / min(size)) for side in size)
    across = image(*size).resize((width, size[1]), Image.BICUBIC)
    left, top = round((width - 32) / 2.0), round((height - 32) / 2.0)
    middle = across.resize((width, height), Image.BICUBIC).crop((left, top, left + 32, top + 32))
    fitted = fit(image(*size), Preprocess(size=(32, 32), fit="crop"))
    assert np.array_equal(fitted, np.asarray(middle))


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (3, 50_000)])
def test_crop_of_a_strip_spares_its_ends(size: tuple[int, int]) -> None:
    """Short side to 448 would make millions of rows of which 448 are kept."""
    assert fit(Image.new("RGB", size), Preprocess(fit="crop")).shape == (448, 448, 3)


def test_patches_keep_the_pictures_shape() -> None:
    """The pixels are a plain resize to the size found; a picture that fits is only trimmed."""
    preprocess = Preprocess(fit="patches", patch=16, max_patches=24, resample="lanczos")
    across = image(300, 200).resize((96, 200), Image.LANCZOS)
    expected = across.resize((96, 64), Image.LANCZOS)
    assert np.array_equal(fit(image(300, 200), preprocess), np.asarray(expected))


def test_a_batch_is_stacked_or_cut() -> None:
    """Equal pictures make an array, pictures of their own shapes make Patches."""
    assert stack([noise(8, 8)] * 3, Preprocess(size=(8, 8))).shape == (3, 8, 8, 3)
    patches = stack([noise(32, 16), noise(16, 16)], Preprocess(fit="patches"))
    assert (len(patches), patches.valid.tolist()) == (2, [[True, True], [True, False]])


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_normalise_is_scale_mean_std_in_the_channels_order(layout: str, channels: str) -> None:
    """Against the formula, value by value, in double precision."""
    batch = noise(6, 5)[None].repeat(2, axis=0)
    preprocess = Preprocess(
        channels=channels,  # pyright: ignore[reportArgumentType]
        layout=layout,  # pyright: ignore[reportArgumentType]
        scale=1 / 255,
        mean=(0.48, 0.46, 0.41),
        std=(0.27, 0.26, 0.28),
    )
    values = normalise(batch, preprocess)
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    for (n, y, x, c), value in np.ndenumerate(batch):
        c = c if channels == "rgb" else 2 - c
        expected = (value / 255 - preprocess.mean[c]) / preprocess.std[c]
        got = values[n, y, x, c] if layout == "nhwc" else values[n, c, y, x]
        assert got == pytest.approx(expected, abs=1e-6)


def test_normalise_leaves_its_input_alone() -> None:
    """The fitted pixels may be a cache's."""
    batch = noise(8, 8)[None]
    before = batch.copy()
    normalise(batch, Preprocess(scale=1 / 255, mean=(0.5,) * 3, std=(0.5,) * 3))
    assert np.array_equal(batch, before)


def test_normalise_wants_a_batch() -> None:
    """One picture without its batch axis is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"expected pixels \[N, H, W, 3\]"):
        normalise(noise(8, 8), WD)


def test_gain_and_offset_are_the_same_arithmetic_for_a_device() -> None:
    """value * gain + offset is (value * scale - mean) / std."""
    preprocess = Preprocess(scale=1 / 255, mean=(0.5, 0.4, 0.3), std=(0.5, 0.2, 0.1))
    values = np.arange(256, dtype=np.float32)[:, None] * preprocess.gain + preprocess.offset
    expected = (np.arange(256)[:, None] / 255 - preprocess.mean) / np.array(preprocess.std)
    assert np.abs(values - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"size": (0, 448)}, "size: expected a whole number of at least 1, got 0"),
        ({"size": (448,)}, "size: expected a list of 2"),
        ({"fit": "squash"}, "fit: expected one of pad, stretch, crop, letterbox, patches"),
        ({"fill": "pink"}, "fill: expected white, black, grey, edge"),
        ({"background": "edge"}, "background: expected white, black, grey, #rrggbb"),
        ({"channels": "grb"}, "channels: expected one of rgb, bgr"),
        ({"layout": "chw"}, "layout: expected one of nhwc, nchw"),
        ({"resample": "cubic"}, "resample: expected one of nearest"),
        ({"scale": 0}, "scale: expected a number above 0"),
        ({"std": (0.5, 0, 0.5)}, "std: expected a number above 0"),
        ({"mean": (float("nan"), 0, 0)}, r"mean: expected a number"),
        ({"patch": 0}, "patch: expected a whole number of at least 1"),
        ({"max_patches": -1}, "max_patches: expected a whole number of at least 1"),
    ],
)
def test_a_record_that_can_not_be_meant_is_refused(setting: dict, sentence: str) -> None:
    """One sentence, naming the field."""
    with pytest.raises(OptionError, match=sentence):
        Preprocess(**setting)


def test_a_record_comes_back_from_json() -> None:
    """Lists become tuples; equal records stay equal."""
    record = Preprocess(size=(384, 384), fill=(1, 2, 3), mean=(0.5,) * 3, layout="nchw")
    assert from_dict(Preprocess, to_dict(record)) == record
    assert Preprocess(size=[448, 448], mean=[0, 0, 0]) == Preprocess()  # pyright: ignore


def test_torch_fits_within_one_level_of_pillow() -> None:
    """The faster resize sees the same canvas."""
    pytest.importorskip("torch")
    exact, fast = (fit(image(300, 500), WD, by).astype(int) for by in ("pillow", "torch"))
    assert np.abs(exact - fast).max() <= 2
    assert (np.abs(exact - fast) > 1).mean() < 1e-4
