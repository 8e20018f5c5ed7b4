"""Colours as the picture's embedded ICC profile means them, turned into sRGB.

A profile that is broken, or of another colour space than the picture, is ignored as browsers do.
"""

from __future__ import annotations

import io
import logging
from functools import lru_cache
from typing import Any, cast

import numpy as np
from PIL import Image, ImageCms

log = logging.getLogger(__name__)

# Levels of 255 by which profiles that mean sRGB differ from each other.
_SAME = 2
# What a profile that is none can raise.
_BROKEN = (ImageCms.PyCMSError, OSError, ValueError, TypeError, ImportError)
# A profile's colour space -> the modes it can be about, and the mode it is applied in.
_APPLIES = {
    "RGB": ({"RGB", "RGBA", "P"}, "RGB"),
    "GRAY": ({"L", "LA"}, "L"),
    "CMYK": ({"CMYK"}, "CMYK"),
}


def to_srgb(image: Image.Image) -> Image.Image:
    """Apply the embedded profile, if there is one that can be; transparency is kept.

    Returns the same picture where there is nothing to do, else one of mode RGB or RGBA.
    """
    try:
        found = _needed(image)
        return _convert(image, *found) if found else image
    except _BROKEN as error:
        log.info("colour profile ignored: %s", error)
        return image


def is_srgb(image: Image.Image) -> bool:
    """Whether `to_srgb` would leave a picture alone; it need not be decoded for that."""
    try:
        return _needed(image) is None
    except _BROKEN:
        return True


def _needed(image: Image.Image) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """The mode to bring the picture to, and the way from there to sRGB; None: there is none."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not profile:
        return None
    modes, mode = _APPLIES.get(_space(profile), (set[str](), ""))
    transform = _transform(profile, mode) if image.mode in modes else None
    return (mode, transform) if transform else None


def _convert(image: Image.Image, mode: str, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    alpha = _alpha(image)
    if image.mode != mode:
        image = image.convert("RGBA").convert(mode) if alpha else image.convert(mode)
    result = _apply(image, transform)
    if alpha:
        result.putalpha(alpha)
    return result


def _alpha(image: Image.Image) -> Image.Image | None:
    if image.mode in ("RGBA", "LA"):
        return image.getchannel("A")
    return image.convert("RGBA").getchannel("A") if "transparency" in image.info else None


def _apply(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    return cast("Image.Image", ImageCms.applyTransform(image, transform))


@lru_cache(maxsize=16)
def _space(profile: bytes) -> str:
    opened: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return str(opened.profile.xcolor_space).strip()


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from the profile to sRGB, or None where it is sRGB under whatever name.

    Kept, because building one takes longer than applying it, and a folder's pictures share theirs.
    """
    cms = cast("Any", ImageCms)
    source = cms.ImageCmsProfile(io.BytesIO(profile))
    transform = cms.buildTransform(source, cms.createProfile("sRGB"), mode, "RGB")
    if mode == "CMYK":
        return transform
    probe = _probe().convert(mode)
    unchanged, changed = (
        np.asarray(x.convert("RGB"), int) for x in (probe, _apply(probe, transform))
    )
    return None if np.abs(changed - unchanged).max() <= _SAME else transform


def _probe() -> Image.Image:
    """Greys, and colours between the corners of the cube: RGB [1, 33 + 125]."""
    levels = np.linspace(0, 255, 33).astype(np.uint8)
    colours = np.stack(np.meshgrid(*[levels[::8]] * 3), axis=-1).reshape(-1, 3)
    greys = np.repeat(levels[:, None], 3, axis=1)
    return Image.fromarray(np.concatenate([greys, colours])[None])
