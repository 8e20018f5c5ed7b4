"""Common JPEG and WebP decoded by OpenCV or torchvision, to the same pixels in less time.

Used where one of them is imported already. All use the same libraries (libjpeg-turbo, libwebp)
with the same settings, but Pillow makes three copies. What needs more than decoding, an
orientation, a profile, alpha, an animation, is left to Pillow, and so is what may be damaged:
Pillow refuses it, the others fill what is missing with grey.
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

log = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

LIBRARIES = ("cv2", "torchvision.io")
"""Who can decode, the one that is sooner imported first."""
_KINDS = ("JPEG", "WEBP")
_END = b"\xff\xd9"
_TAIL = 1 << 16


def suits(image: Image.Image) -> bool:
    """Whether a picture that Pillow has opened, not loaded, is of a kind that is decoded here."""
    if image.format not in _KINDS or image.mode != "RGB" or _library() is None:
        return False
    return not getattr(image, "is_animated", False)


def decode(image: Image.Image, file: BinaryIO) -> Pixels | None:
    """The pixels, uint8 RGB [H, W, 3], of a picture that suits; None where Pillow is to try."""
    kind = str(image.format)
    file.seek(0)
    data = file.read()
    if kind == "JPEG" and _END not in data[-_TAIL:]:  # truncated
        return None
    try:
        pixels = _by_opencv(data) if _library() == "cv2" else _by_torchvision(data, kind)
    except Exception as error:  # Pillow will say what is wrong with it
        log.debug("left to Pillow: %s", error)
        return None
    if pixels is None or pixels.shape != (image.height, image.width, 3):
        return None
    return pixels


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


def _by_opencv(data: bytes) -> Pixels | None:
    import cv2 as library  # whoever is asked is imported already, see `decode`

    cv2: Any = library
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)


def _by_torchvision(data: bytes, kind: str) -> Pixels | None:
    import torch
    import torchvision.io as library

    decoder: Any = getattr(library, f"decode_{kind.lower()}", None)
    if decoder is None:  # before 0.20 it had none for WebP
        return None
    encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return decoder(encoded).permute(1, 2, 0).numpy()
