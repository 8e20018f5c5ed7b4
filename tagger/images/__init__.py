"""Open one picture, or say in one sentence why not.

A picture comes upright, in sRGB, as its first frame, with its transparency. Pillow's settings
belong to the host and are left alone: `MAX_IMAGE_PIXELS` is neither read nor set, and a host that
sets `ImageFile.LOAD_TRUNCATED_IMAGES` gets truncated pictures here as everywhere.

Read downward:
    kinds       what a file is by its first bytes
    profiles    embedded colour profiles -> sRGB
    inflate     a PNG's pixels inflated before a decoder sees them
    quick       plain pictures by faster libraries
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, BinaryIO, cast

from PIL import Image

from ..errors import ImageError, ImageSizeError
from ..paths import cause_of, openable
from .kinds import EXTENSIONS, HEAD, Format, declared_size, recognise
from .profiles import is_srgb, to_srgb
from .quick import Pixels, decode, inflated, load, suits

__all__ = ["EXTENSIONS", "MAX_PIXELS", "MAX_SIDE", "Pixels", "content_hash", "load"]
__all__ += ["open_header", "open_image", "open_quickly"]

log = logging.getLogger(__name__)

Source = str | PurePath | bytes

MAX_PIXELS = 178_000_000
"""Most pixels that are decoded by default: just under where Pillow refuses."""
MAX_SIDE = 65_535
"""Longest side that is decoded: JPEG's own limit. Padding a longer strip to a square is absurd."""

# EXIF 2.32, tag 0x0112: how the stored rows and columns lie.
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class _RefusedError(Exception):
    """A cause in people's words."""


class _LargeError(_RefusedError):
    """More pixels than may be decoded."""


def open_image(source: Source, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open and decode one picture, from a path or from a file's bytes.

    The result is of any Pillow mode; what of its `info` still means something (a transparent
    colour) is kept, the rest is dropped. Raises ImageError for everything that goes wrong, before
    decoding an ImageSizeError where it has more than `max_pixels` or a side above MAX_SIDE.
    """
    with _one_error(source), _opened(source) as file:
        return _finish(_header(file, max_pixels))


def open_quickly(
    source: Source, claim: Callable[[int], object] = int, max_pixels: int = MAX_PIXELS
) -> Image.Image | Pixels:
    """As `open_image`; a plain RGB picture may come as its pixels, uint8 [H, W, 3], the same ones.

    That is where a library that decodes faster is imported, see `quick`. `claim` is told the
    number of pixels before any is decoded: it may wait until there is room for them.
    """
    with _one_error(source), _opened(source) as file:
        image = _header(file, max_pixels)
        claim(image.width * image.height)
        pixels = decode(image, file) if _is_plain(image) else None
        return _finish(inflated(image, file)) if pixels is None else pixels


@contextmanager
def open_header(source: Source, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open one picture and read no more than its header; its `load` decodes it in the block.

    Size and mode are those of the file, not yet upright. Raises what `open_image` raises, also
    for what fails in the block.
    """
    with _one_error(source), _opened(source) as file:
        yield _header(file, max_pixels)


def content_hash(source: Source) -> str:
    """BLAKE2b of a file's bytes, 32 bytes long, in hexadecimal: 64 characters.

    Raises ImageError if the file can't be read.
    """
    digest = hashlib.blake2b(digest_size=32)
    with _one_error(source), _opened(source) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    with openable(source).open("rb") as file:
        yield file


def _header(file: BinaryIO, max_pixels: int) -> Image.Image:
    """The picture, its size checked and its pixels not yet decoded."""
    head = file.read(HEAD)
    kind = recognise(head)
    if isinstance(kind, str):
        raise _RefusedError(kind)
    if size := declared_size(head):
        _check_size(*size, max_pixels)
    file.seek(0)
    image = _plugin(kind)(file, "")
    _check_size(*image.size, max_pixels)
    return image


def _finish(image: Image.Image) -> Image.Image:
    image.load()
    method = _turn(image)
    image = to_srgb(image if method is None else image.transpose(method))
    clear = image.info.get("transparency")
    image.info = {} if clear is None else {"transparency": clear}
    return image


def _is_plain(image: Image.Image) -> bool:
    """Whether decoding is all there is to do, as far as that is known before it."""
    if not suits(image) or not is_srgb(image):
        return False
    # asked for EXIF that may stand behind the pixels, Pillow decodes them: `decode` looks there
    return image.format == "PNG" or _turn(image) is None


def _plugin(kind: Format) -> Callable[..., Image.Image]:
    """What Pillow registered for this kind.

    Called directly, since `Image.open` compares the size with the process-wide MAX_IMAGE_PIXELS
    and warns or raises where we want neither; and since no other plug-in may have a try.
    """
    if kind.plugin() is None or kind.name not in Image.OPEN:
        raise _RefusedError(kind.needs or f"this Pillow can't read {kind.name}")
    return cast("Any", Image.OPEN[kind.name][0])


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise _LargeError(f"{width} x {height} pixels, more than the {max_pixels:,} allowed")
    if max(width, height) > MAX_SIDE:
        raise _LargeError(f"{width} x {height} pixels, a side is longer than {MAX_SIDE:,}")


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright, if it is not."""
    if image.format == "TIFF":  # its plug-in has turned it; the older ones leave the tag behind
        return None
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception as error:  # EXIF is written by everybody, and Pillow's reader raises anything
        log.debug("EXIF ignored: %s", error)
        return None
    return _UPRIGHT.get(orientation)  # pyright: ignore[reportArgumentType] - anything at all


@contextmanager
def _one_error(source: Source) -> Iterator[None]:
    name = "upload" if isinstance(source, bytes) else source
    try:
        yield
    except Exception as error:  # plug-ins raise anything on broken files
        kind = ImageSizeError if isinstance(error, _LargeError) else ImageError
        raise kind(name, _cause(error)) from error


def _cause(error: Exception) -> str:
    if isinstance(error, _RefusedError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, OSError) and error.errno is not None:
        return cause_of(error)
    return "truncated file" if "truncated" in str(error).lower() else "damaged file"
