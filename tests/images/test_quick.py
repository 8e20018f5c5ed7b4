"""Decoding by faster libraries: the same pixels as Pillow's, or left to Pillow."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tagger.errors import ImageError
from tagger.images import open_image, open_quickly, quick
from tagger.preprocess import WD, fit


@pytest.fixture(params=["cv2", "torchvision.io"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the libraries, imported and the only one that is asked."""
    pytest.importorskip(request.param)
    monkeypatch.setattr(quick, "LIBRARIES", (request.param,))
    return request.param


def picture(mode: str = "RGB", size: tuple[int, int] = (123, 77)) -> Image.Image:
    """Gradients, edges and some noise."""
    rng = np.random.default_rng(3)
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    pixels = np.stack([x * 2, y * 3, (x // 9 + y // 7) % 2 * 200], axis=-1)
    noisy = np.clip(pixels + rng.normal(0, 9, pixels.shape), 0, 255).astype(np.uint8)
    image = Image.fromarray(noisy)
    if mode == "clear":
        image.putalpha(Image.linear_gradient("L").resize(size))
        return image
    return image.convert(mode)


def saved(kind: str, mode: str = "RGB", **how: Any) -> bytes:
    buffer = io.BytesIO()
    picture(mode).save(buffer, kind, **how)
    return buffer.getvalue()


def words() -> PngInfo:
    """What WebUIs write into a picture."""
    found = PngInfo()
    found.add_text("parameters", "1girl, smile\nSteps: 20")
    found.add_itxt("Comment", "\u732b", zip=True)
    return found


PLAIN = {
    "JPEG 4:2:0": saved("JPEG", quality=90),
    "JPEG 4:2:2": saved("JPEG", quality=80, subsampling=1),
    "JPEG 4:4:4": saved("JPEG", quality=97, subsampling=0),
    "progressive JPEG": saved("JPEG", quality=85, progressive=True),
    "JPEG that says it is sRGB": saved(
        "JPEG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ),
    "WebP": saved("WEBP", quality=85),
    "lossless WebP": saved("WEBP", lossless=True),
    "PNG": saved("PNG"),
    "PNG with text": saved("PNG", pnginfo=words()),
}


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN)
def test_plain_pictures_are_the_same_pixels(data: bytes, library: str) -> None:
    """To the bit: the libraries below are the same."""
    pixels = open_quickly(data)
    if data[1:4] == b"PNG":
        pytest.importorskip("isal")
        if library != "cv2":
            pytest.skip("Pillow decodes it")
    if library == "torchvision.io" and data[:4] == b"RIFF" and isinstance(pixels, Image.Image):
        pytest.skip("this torchvision does not read WebP")
    assert isinstance(pixels, np.ndarray)
    assert np.array_equal(pixels, np.asarray(open_image(data)))


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


NOT_PLAIN = {
    "turned JPEG": saved("JPEG", exif=exif(6)),
    "turned WebP": saved("WEBP", exif=exif(3)),
    "grey JPEG": saved("JPEG", "L"),
    "CMYK JPEG": saved("JPEG", "CMYK"),
    "WebP with alpha": saved("WEBP", "clear"),
    "animated WebP": saved("WEBP", save_all=True, append_images=[picture().rotate(90)]),
    "turned PNG": saved("PNG", exif=exif(6)),
    "grey PNG": saved("PNG", "L"),
    "palette PNG": saved("PNG", "P"),
    "PNG with alpha": saved("PNG", "clear"),
    "PNG with a transparent colour": saved("PNG", transparency=(0, 0, 0)),
    "animated PNG": saved("PNG", save_all=True, append_images=[picture().rotate(90)]),
}


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_needs_more_than_decoding_is_left_to_pillow(data: bytes, library: str) -> None:
    """An image comes back, the one that `open_image` gives."""
    image = open_quickly(data)
    assert isinstance(image, Image.Image)
    assert image.mode == open_image(data).mode
    assert np.array_equal(np.asarray(image), np.asarray(open_image(data)))


def test_a_profile_that_changes_colours_is_left_to_pillow(library: str, test_data: Path) -> None:
    """ProPhoto colours are brought to sRGB, as ever."""
    path = test_data / "tricky" / "danbooru__files__dupes__countergirl-prophoto.jpg"
    image = open_quickly(path)
    assert isinstance(image, Image.Image)
    assert np.array_equal(np.asarray(image), np.asarray(open_image(path)))


@pytest.mark.parametrize("name", ["JPEG 4:2:0", "progressive JPEG", "WebP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_refused_as_ever(name: str, share: float, library: str) -> None:
    """The other libraries would fill the rest with grey."""
    data = PLAIN[name][: int(len(PLAIN[name]) * share)]
    with pytest.raises(ImageError) as expected:
        open_image(data)
    with pytest.raises(ImageError) as got:
        open_quickly(data)
    assert str(got.value) == str(expected.value)


def test_a_library_that_fails_is_no_matter(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises or returns, Pillow has a try."""
    module = importlib.import_module(library)
    data = PLAIN["JPEG 4:2:0"]

    def fail(*_: object) -> None:
        raise RuntimeError("built without JPEG")

    monkeypatch.setattr(module, "imdecode" if library == "cv2" else "decode_jpeg", fail)
    assert isinstance(open_quickly(data), Image.Image)


def test_nothing_is_imported_to_open_a_picture(tmp_path: Path) -> None:
    """Where no library is there already, Pillow decodes."""
    path = tmp_path / "a.jpg"
    path.write_bytes(PLAIN["JPEG 4:2:0"])
    code = (
        "import sys; from PIL import Image; from tagger.images import open_quickly\n"
        f"assert isinstance(open_quickly({str(path)!r}), Image.Image)\n"
        "assert not {'cv2', 'torch', 'torchvision'} & {*sys.modules}"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_claim_is_made_before_a_pixel_is_decoded() -> None:
    """It is told how many there will be, and may refuse."""

    class FullError(Exception):
        pass

    told: list[int] = []

    def refuse(pixels: int) -> None:
        told.append(pixels)
        raise FullError

    half = PLAIN["JPEG 4:2:0"][:-2000]  # its header is there: decoding it would be another error
    with pytest.raises(ImageError) as error:
        open_quickly(half, refuse)
    assert isinstance(error.value.__cause__, FullError)
    assert told == [123 * 77]


@pytest.mark.parametrize("folder", ["tricky", "art"])
def test_real_pictures_are_within_one_level(folder: str, library: str, test_data: Path) -> None:
    """What the model sees by the fast way, and by the exact one; and both refuse the same files."""
    pytest.importorskip("torch")
    files = sorted(path for path in (test_data / folder).rglob("*") if path.is_file())
    assert len(files) > 40
    for path in files:
        if refusal := why_not(path):
            with pytest.raises(ImageError) as got:
                open_quickly(path)
            assert str(got.value) == refusal
        else:
            exact, fast = fit(open_image(path), WD), fit(open_quickly(path), WD, by="auto")
            assert np.abs(fast.astype(int) - exact).max() <= 1, path


def why_not(path: Path) -> str:
    try:
        open_image(path)
    except ImageError as error:
        return str(error)
    return ""
