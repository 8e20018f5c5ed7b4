"""An embedded colour profile is what the numbers in the file mean."""

from __future__ import annotations

import io
import logging
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from tagger.images import open_image

# sRGB's primaries adapted to D50, as in its own profile (columns X, Y, Z).
SRGB_TO_XYZ = np.array(
    [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]]
)
D50 = (0.9642, 1.0, 0.8249)


def s15(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def icc(space: bytes, connection: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC 2.1 profile of these tags (ICC.1:2001-04, section 6)."""
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + s15(*D50),
        **tags,
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"none", 0x02100000, kind, space, connection)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + s15(*D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def rgb_profile(gamma: float, order: tuple[int, int, int] = (0, 1, 2)) -> bytes:
    """sRGB's primaries, perhaps exchanged, under a plain gamma."""
    tags = {}
    for name, column in zip((b"r", b"g", b"b"), order, strict=True):
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + s15(*SRGB_TO_XYZ[column])
        tags[name + b"TRC"] = curve(gamma)
    return icc(b"RGB ", b"XYZ ", b"mntr", tags)


def grey_profile(gamma: float) -> bytes:
    return icc(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": curve(gamma)})


def cmyk_profile() -> bytes:
    """A table of 2 points an axis: lightness falls with the most inked channel; no colour."""
    grid = [255 if 1 not in ink else 0 for ink in np.ndindex(2, 2, 2, 2)]
    ramp = bytes(range(256))
    lab = b"".join(bytes([lightness, 128, 128]) for lightness in grid)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + s15(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return icc(b"CMYK", b"Lab ", b"prtr", {b"A2B0": table + ramp * 4 + lab + ramp * 3})


def srgb_level(levels: np.ndarray, gamma: float) -> np.ndarray:
    """What a level under `gamma` is in sRGB (IEC 61966-2-1)."""
    light = (levels / 255.0) ** gamma
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return curved * 255


def reopened(
    image: Image.Image, profile: bytes, kind: str = "png", **options: object
) -> Image.Image:
    file = io.BytesIO()
    image.save(file, kind, icc_profile=profile, **options)
    return open_image(file.getvalue())


RAMP = np.arange(16, 256, dtype=np.uint8)[None]


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.6])
def test_a_gamma_is_undone(gamma: float) -> None:
    """Greys of an RGB profile, against the two formulas."""
    opened = reopened(Image.fromarray(RAMP).convert("RGB"), rgb_profile(gamma))
    expected = srgb_level(RAMP[0], gamma)
    assert np.abs(np.asarray(opened)[0, :, 1] - expected).max() <= 1.5


def test_primaries_are_converted() -> None:
    """A profile whose red is sRGB's green."""
    opened = reopened(Image.new("RGB", (2, 2), (255, 0, 0)), rgb_profile(2.2, (1, 0, 2)))
    red, green, blue = opened.getpixel((0, 0))  # pyright: ignore[reportGeneralTypeIssues]
    assert (red < 12, green > 243, blue < 12) == (True, True, True)


def test_alpha_is_not_converted() -> None:
    """Only the colours are the profile's."""
    pixels = np.stack([RAMP, RAMP, RAMP, 255 - RAMP], axis=-1)
    opened = np.asarray(reopened(Image.fromarray(pixels), rgb_profile(1.0)))
    assert np.array_equal(opened[..., 3], pixels[..., 3])
    assert np.abs(opened[0, :, 0] - srgb_level(RAMP[0], 1.0)).max() <= 1.5


def test_a_palette_is_converted_with_its_transparency() -> None:
    """It comes back as RGBA."""
    image = Image.new("P", (2, 1))
    image.putpalette([128, 128, 128, 9, 9, 9])
    image.putpixel((1, 0), 1)
    opened = reopened(image, rgb_profile(1.0), transparency=1)
    expected = round(float(srgb_level(np.array([128]), 1.0)[0]))
    assert opened.mode == "RGBA"
    assert opened.getpixel((0, 0)) == pytest.approx((expected,) * 3 + (255,), abs=1)
    assert opened.getpixel((1, 0))[3] == 0  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_profile_is_applied_to_grey(mode: str) -> None:
    """With or without alpha."""
    opened = reopened(Image.fromarray(RAMP).convert(mode), grey_profile(1.0))
    expected = srgb_level(RAMP[0], 1.0)
    assert opened.mode == ("RGB" if mode == "L" else "RGBA")
    assert np.abs(np.asarray(opened)[0, :, 0] - expected).max() <= 1.5


def test_a_press_profile_is_applied_to_cmyk() -> None:
    """No ink is white, full black ink is black."""
    image = Image.new("CMYK", (2, 1))
    image.putpixel((1, 0), (0, 0, 0, 255))
    opened = reopened(image, cmyk_profile(), "tiff")
    assert opened.mode == "RGB"
    assert opened.getpixel((0, 0)) == pytest.approx((255, 255, 255), abs=2)
    assert opened.getpixel((1, 0)) == pytest.approx((0, 0, 0), abs=2)


def test_srgb_changes_nothing() -> None:
    """Most pictures carry it, and a conversion would cost a level here and there."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # pyright: ignore
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8))
    assert reopened(image, srgb).tobytes() == image.tobytes()


@pytest.mark.parametrize(
    "profile",
    [b"nonsense", rgb_profile(1.0)[:200], bytes(300), rgb_profile(1.0)[:128] + bytes(60)],
    ids=["nonsense", "cut", "zeros", "no tags"],
)
def test_a_broken_profile_is_ignored_with_a_note(
    profile: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The picture opens as if it had none."""
    image = Image.fromarray(RAMP).convert("RGB")
    with caplog.at_level(logging.INFO, logger="tagger.images.profiles"):
        assert reopened(image, profile).tobytes() == image.tobytes()
    assert "colour profile ignored" in caplog.text


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("L", rgb_profile(1.0)), ("RGB", grey_profile(1.0)), ("1", rgb_profile(1.0))],
)
def test_a_profile_of_another_colour_space_is_ignored(mode: str, profile: bytes) -> None:
    """A grey JPEG with an RGB profile is common; browsers ignore it too."""
    image = Image.fromarray(RAMP).convert(mode)
    assert reopened(image, profile).tobytes() == image.tobytes()


def test_threads_share_a_transform() -> None:
    """Decoding threads convert at the same time and get the same pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (120, 120, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", icc_profile=rgb_profile(1.7))
    with ThreadPoolExecutor(4) as pool:
        results = set(pool.map(lambda _: open_image(file.getvalue()).tobytes(), range(24)))
    assert len(results) == 1
