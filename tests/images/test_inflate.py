"""PNGs inflated beforehand: the same pictures and the same refusals as Pillow's alone."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tagger.errors import ImageError
from tagger.images import inflate, open_image, open_quickly, quick

pytest.importorskip("isal")

Chunks = list[tuple[bytes, bytes]]


@pytest.fixture(params=["cv2", "Pillow"], autouse=True)
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who decodes what was inflated."""
    if request.param != "Pillow":
        pytest.importorskip(request.param)
    monkeypatch.setattr(quick, "LIBRARIES", (request.param,))
    return request.param


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> list[inflate.Png]:
    """The pictures whose rows were all inflated."""
    found: list[inflate.Png] = []
    plain = inflate.stored

    def spy(file: Any, png: inflate.Png, *, bare: bool = False) -> Iterator[bytes]:
        for piece in plain(file, png, bare=bare):
            if b"IDAT" + inflate._LAST in piece:
                found.append(png)
            yield piece

    for module in (inflate, quick):
        monkeypatch.setattr(module, "stored", spy)
    return found


def noise(*shape: int, top: int = 256) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.integers(0, top, shape, np.uint16 if top > 256 else np.uint8)


def saved(image: Image.Image, **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **how)
    return buffer.getvalue()


def smooth(width: int = 211, height: int = 307) -> Image.Image:
    """What takes filters of all kinds."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [127 + 90 * np.sin(x / 17 + y / 29 + phase) + (x // 40 % 2) * 30 for phase in range(3)]
    return Image.fromarray(
        np.clip(np.stack(waves, -1) + noise(height, width, 3) % 5, 0, 255).astype(np.uint8)
    )


def painted(colours: int) -> Image.Image:
    return smooth().convert("P", palette=Image.Palette.ADAPTIVE, colors=colours)


def split(data: bytes) -> Chunks:
    """A PNG's chunks, as the standard says."""
    found: Chunks = []
    at = 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += size + 12
    return found


def joined(chunks: Chunks) -> bytes:
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in chunks:
        parts += [
            struct.pack(">I", len(data)),
            kind,
            data,
            struct.pack(">I", zlib.crc32(kind + data)),
        ]
    return b"".join(parts)


def with_rows(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The same file, its compressed rows changed."""
    chunks = split(data)
    compressed = change(b"".join(one for kind, one in chunks if kind == b"IDAT"))
    others = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    return joined([*others[:-1], (b"IDAT", compressed), others[-1]])


def in_small_pieces(data: bytes) -> bytes:
    """With IDAT chunks of 7 bytes, and empty ones."""
    pieces: Chunks = []
    for kind, one in split(data):
        if kind == b"IDAT":
            pieces += [(kind, one[at : at + 7]) for at in range(0, len(one), 7)] + [(kind, b"")]
        else:
            pieces.append((kind, one))
    return joined(pieces)


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def last_exif(data: bytes) -> bytes:
    """The EXIF chunk behind the pixels, where the standard allows it, too."""
    chunks = split(data)
    (turned,) = [chunk for chunk in chunks if chunk[0] == b"eXIf"]
    chunks.remove(turned)
    return joined([*chunks[:-1], turned, chunks[-1]])


def text() -> PngInfo:
    found = PngInfo()
    found.add_text("parameters", "1girl\nSteps: 20")
    found.add_itxt("Comment", "\u732b", zip=True)
    return found


NARROW = smooth(64, 48)
SOUND = {
    "RGB": saved(smooth()),
    "RGB, of one pixel": saved(smooth(1, 1)),
    "RGB, of one block": saved(smooth(3, 2)),
    "RGB, large": saved(smooth(700, 900)),
    "RGB, stored": saved(smooth(), compress_level=0),
    "RGB, in pieces": in_small_pieces(saved(NARROW)),
    "RGB, text": saved(NARROW, pnginfo=text()),
    "RGB, transparent colour": saved(NARROW, transparency=NARROW.getpixel((1, 1))),
    "RGB, turned": saved(NARROW, exif=exif(6)),
    "RGB, turned at the end": last_exif(saved(NARROW, exif=exif(8))),
    "RGBA": saved(Image.fromarray(noise(40, 33, 4))),
    "grey": saved(smooth().convert("L")),
    "grey and alpha": saved(smooth().convert("LA")),
    "grey, 16 bits": saved(Image.fromarray(noise(31, 17, top=65536))),
    "black and white": saved(smooth().convert("1")),
    "palette": saved(painted(256)),
    "palette of four": saved(painted(4), bits=2),
    "palette, transparent": saved(painted(256), transparency=3),
    "RGB, 16 bits": joined(
        [
            (b"IHDR", struct.pack(">IIBBBBB", 9, 5, 16, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in noise(5, 54)))),
            (b"IEND", b""),
        ]
    ),
}  # fmt: skip


def outcome(open_it: Callable[[bytes], Any], data: bytes) -> tuple[Any, ...]:
    """Everything that may be told of a picture, or why there is none."""
    try:
        image = open_it(data)
    except ImageError as error:
        return (str(error),)
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    return image.mode, image.size, image.tobytes(), image.getpalette(), image.info


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND)
def test_every_kind_is_the_same_picture(data: bytes, finished: list[inflate.Png]) -> None:
    """To the bit, with what its `info` says."""
    assert outcome(open_quickly, data) == outcome(open_image, data)
    assert finished


ODD = {
    "interlaced": joined(  # of one pixel, which is in the first of the seven passes
        [
            (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 1)),
            (b"IDAT", zlib.compress(b"\0\x10\x20\x30")),
            (b"IEND", b""),
        ]
    ),
    "animated": saved(NARROW, save_all=True, append_images=[NARROW.rotate(180)]),
    "too few rows": with_rows(
        SOUND["RGB"], lambda data: zlib.compress(zlib.decompress(data)[:-700])
    ),
    "a row too many": with_rows(
        SOUND["RGB"], lambda data: zlib.compress(zlib.decompress(data) + bytes(1 + 3 * 211))
    ),
    "something behind the rows": with_rows(SOUND["RGB"], lambda data: data + b"more"),
    "a wrong checksum": with_rows(SOUND["RGB"], lambda data: data[:-4] + b"\0\0\0\0"),
    "no checksum": with_rows(SOUND["RGB"], lambda data: data[:-4]),
    "a filter that is none": with_rows(
        saved(NARROW), lambda data: zlib.compress(b"\x09" + zlib.decompress(data)[1:])
    ),
    "a dictionary": with_rows(SOUND["RGB"], lambda data: b"\x78\xbb" + data[2:]),
    "no rows": with_rows(SOUND["RGB"], lambda _: b""),
    "a hundred thousand empty chunks": b"".join(
        (SOUND["RGB"][:33], (b"\0\0\0\0IDAT" + b"\x35\xaf\x06\x1e") * 100_000, SOUND["RGB"][33:])
    ),
    "a second header": joined(
        [*split(SOUND["RGB"])[:1], *split(SOUND["grey"])[:1], *split(SOUND["RGB"])[1:]]
    ),
    "an unknown chunk that is needed": joined(
        [*split(SOUND["RGB"])[:1], (b"NEED", b"x"), *split(SOUND["RGB"])[1:]]
    ),
    "no end": SOUND["RGB"][:-12],
    "an endless chunk": SOUND["RGB"][:33] + b"\x7f\xff\xff\xffIDAT" + SOUND["RGB"][41:],
}  # fmt: skip


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_what_is_unusual_or_damaged_is_as_pillow_has_it(data: bytes) -> None:
    """The same pixels where it makes a picture of them, the same words where it does not."""
    assert outcome(open_quickly, data) == outcome(open_image, data)


def test_whatever_is_damaged_is_as_pillow_has_it() -> None:
    """Bytes changed, left out, put in, cut off: as many as there is patience for."""
    rng = np.random.default_rng(11)
    data = [saved(NARROW), saved(NARROW.convert("P")), in_small_pieces(saved(smooth(20, 20)))]
    pictures = 0
    for at in range(240):
        damaged = bytearray(data[at % 3])
        place = int(rng.integers(8, len(damaged)))
        if at % 4 == 0:
            del damaged[place:]
        elif at % 4 == 1:
            del damaged[place : place + int(rng.integers(1, 9))]
        elif at % 4 == 2:
            damaged[place:place] = rng.bytes(3)
        else:
            damaged[place] ^= 1 << int(rng.integers(8))
        expected = outcome(open_image, bytes(damaged))
        assert outcome(open_quickly, bytes(damaged)) == expected, (at, place)
        pictures += len(expected) > 1
    assert 10 < pictures < 230


def test_a_bomb_is_not_unpacked(finished: list[inflate.Png]) -> None:
    """Rows of a picture of 8 x 8, then 30 MB of nothing: no more is unpacked than a block over."""
    rows = bytes(8 * 25)
    data = joined(
        [
            (b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows + bytes(30_000_000), 9)),
            (b"IEND", b""),
        ]
    )
    file = io.BytesIO(data)
    given = 0
    with pytest.raises(inflate.InflateError):  # noqa: PT012 - counted until it is raised
        for piece in inflate.stored(file, inflate.parse(file)):
            given += len(piece)
    assert given < 200_000
    assert outcome(open_quickly, data) == outcome(open_image, data)


def test_it_is_the_same_file_but_for_the_pixels(decoder: str) -> None:
    """Its other chunks are given on as they are; `bare` keeps what the pixels need."""
    data = SOUND["RGB, text"]
    file = io.BytesIO(data)
    given = split(b"".join(inflate.stored(file, inflate.parse(file))))
    ours, theirs = ([one for one in many if one[0] != b"IDAT"] for many in (given, split(data)))
    assert ours == theirs
    rows = zlib.decompress(b"".join(one for kind, one in given if kind == b"IDAT"))
    assert rows == zlib.decompress(b"".join(one for kind, one in split(data) if kind == b"IDAT"))
    bare = split(b"".join(inflate.stored(file, inflate.parse(file), bare=True)))
    assert {kind for kind, _ in bare} == {b"IHDR", b"IDAT", b"IEND"}


def test_without_the_library_pillow_decodes(
    monkeypatch: pytest.MonkeyPatch, finished: list[inflate.Png]
) -> None:
    """There are machines that it has no wheel for."""
    monkeypatch.setattr(inflate, "_library", lambda: None)
    data = SOUND["RGB"]
    assert isinstance(open_quickly(data), Image.Image)
    assert outcome(open_quickly, data) == outcome(open_image, data)
    assert not finished


def test_a_file_that_is_read_once_is_read_in_any_steps() -> None:
    """Of one byte, of many, the whole; and it stays where it is."""
    file = io.BytesIO(SOUND["RGB, text"])
    png = inflate.parse(file)
    whole = b"".join(inflate.stored(file, png))
    for step in (1, 13, 70_000, -1):
        one = inflate.Stored(file, png)
        parts = [*iter(lambda one=one, step=step: one.read(step), b"")]
        assert b"".join(parts) == whole
        assert one.tell() == one.seek(len(whole)) == len(whole)
        with pytest.raises(inflate.InflateError):
            one.seek(3)
