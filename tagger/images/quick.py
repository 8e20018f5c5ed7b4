"""Common JPEG, WebP and PNG decoded by faster libraries, to the same pixels.

OpenCV or torchvision decode what is plain, where one of them is imported already. All use the same
libraries as Pillow (libjpeg-turbo, libwebp) with the same settings, but Pillow makes three copies.
What needs more than decoding, an orientation, a profile, alpha, an animation, is left to Pillow,
and so is what may be damaged: Pillow refuses it, the others fill what is missing with grey. A PNG
is inflated beforehand, also for Pillow, see `inflate`.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..resample import is_loaded
from .inflate import InflateError, Stored, is_installed, parse, stored

log = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

LIBRARIES = ("cv2", "torchvision.io")
"""Who can decode, the one that is sooner imported first."""
# What Pillow keeps of a PNG's chunks that may change how it looks.
_TELLING = {"exif", "transparency", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
_END = b"\xff\xd9"
_TAIL = 1 << 16


def suits(image: Image.Image) -> bool:
    """Whether a picture that Pillow has opened, not loaded, is of a kind that is decoded here."""
    library = _library()
    if image.mode != "RGB" or library is None or getattr(image, "is_animated", False):
        return False
    if image.format == "PNG":  # torchvision 0.29 ends the process where a row's filter is none
        return library == "cv2" and is_installed() and _TELLING.isdisjoint(image.info)
    return image.format in ("JPEG", "WEBP")


def decode(image: Image.Image, file: BinaryIO) -> Pixels | None:
    """The pixels, uint8 RGB [H, W, 3], of a picture that suits; None where Pillow is to try."""
    kind = str(image.format)
    try:
        data = _data(kind, file)
        pixels = _by_opencv(data) if _library() == "cv2" else _by_torchvision(data, kind)
    except Exception as error:  # Pillow will say what is wrong with it
        log.debug("left to Pillow: %s", error)
        return None
    if pixels is None or pixels.shape != (image.height, image.width, 3):
        return None
    return pixels


def inflated(image: Image.Image, file: BinaryIO) -> Image.Image:
    """A picture that Pillow has opened, decoded where that can be sooner, else as it came."""
    if image.format != "PNG" or not is_installed():
        return image
    try:
        plugin: Any = type(image)
        again: Image.Image = plugin(Stored(file, parse(file)))
        again.load()
    except Exception as error:  # Pillow will say what is wrong with it
        log.debug("left to Pillow: %s", error)
        return image
    return again


def load() -> None:
    """Import what makes decoding and resizing faster, as far as it is installed. Takes seconds."""
    there = (name for name in LIBRARIES if importlib.util.find_spec(name.partition(".")[0]))
    for name in ("torch", *islice(there, 1)):
        try:
            importlib.import_module(name)
        except Exception as error:  # an installation that lacks something; Pillow goes on
            log.info("%s is of no use here: %s", name, error)


def _library() -> str | None:
    return next((name for name in LIBRARIES if is_loaded(name)), None)


def _data(kind: str, file: BinaryIO) -> bytes:
    """What a library is given to decode."""
    if kind == "PNG":
        png = parse(file)
        if png.trailing or not png.plain:
            raise InflateError("more than eight bits of colour, or EXIF behind them")
        return b"".join(stored(file, png, bare=True))
    file.seek(0)
    data = file.read()
    if kind == "JPEG" and _END not in data[-_TAIL:]:
        raise ValueError("truncated")
    return data


def _by_opencv(data: bytes) -> Pixels | None:
    import cv2 as library  # whoever is asked is imported already, see `decode`

    cv2: Any = library
    rgb = getattr(cv2, "IMREAD_COLOR_RGB", None)  # from 4.11 on
    flags = (cv2.IMREAD_COLOR if rgb is None else rgb) | cv2.IMREAD_IGNORE_ORIENTATION
    pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None or rgb is not None:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)


def _by_torchvision(data: bytes, kind: str) -> Pixels | None:
    import torch
    import torchvision.io as library

    decoder: Any = getattr(library, f"decode_{kind.lower()}", None)
    if decoder is None:  # before 0.20 it had none for WebP
        return None
    encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return decoder(encoded).permute(1, 2, 0).numpy()
