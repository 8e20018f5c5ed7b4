"""Outlined, softly shaded shapes on a supersampled picture; knows nothing of figures."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from .curves import STEPS, Points, curve, limb
from .tones import Colour, Tone

WIDE = 7  # pixels; the notches between the pieces of thinner lines vanish when reduced

Box = tuple[int, int, int, int]  # left, top, right, bottom, pixels


@dataclass(frozen=True)
class Clip:
    """A shape that was filled, kept so that shading stays inside it."""

    mask: Image.Image
    box: Box


@dataclass(frozen=True)
class Painter:
    """Draws in units of its own frame (y down) on a shared RGB picture.

    `xx`..`y0` are the affine frame: pixel x = xx * x + xy * y + x0, likewise y.
    """

    image: Image.Image
    draw: ImageDraw.ImageDraw
    line: float = 1.5  # the width of outlines, units
    xx: float = 1.0
    xy: float = 0.0
    yx: float = 0.0
    yy: float = 1.0
    x0: float = 0.0
    y0: float = 0.0

    @property
    def scale(self) -> float:
        """Pixels a unit."""
        return math.hypot(self.xx, self.yx)

    def frame(self, x: float, y: float, scale: float = 1.0, degrees: float = 0.0) -> Painter:
        """Give a painter whose origin is at (x, y), scaled and turned clockwise."""
        c, s = math.cos(math.radians(degrees)) * scale, math.sin(math.radians(degrees)) * scale
        return replace(
            self,
            xx=self.xx * c + self.xy * s,
            xy=self.xy * c - self.xx * s,
            yx=self.yx * c + self.yy * s,
            yy=self.yy * c - self.yx * s,
            x0=self.xx * x + self.xy * y + self.x0,
            y0=self.yx * x + self.yy * y + self.y0,
        )

    def pixels(self, path: Points | np.ndarray, closed: bool = True) -> np.ndarray:
        """Bring a path to pixels: float64[n, 2]."""
        if isinstance(path, list):
            path = curve(path, closed)
        turn = np.array([[self.xx, self.yx], [self.xy, self.yy]])
        # in sixteenths: the last bits of a float are not the same on every machine
        return np.round((path @ turn + (self.x0, self.y0)) * 16) / 16

    def fill(self, path: Points | np.ndarray, colour: Colour) -> None:
        """Fill a closed path without an outline."""
        self.draw.polygon(self.pixels(path).ravel().tolist(), fill=colour)

    def stroke(
        self, points: Points, colour: Colour, width: float | None = None, taper: float = 0.4
    ) -> None:
        """Draw an open path as ink does: thinner to its ends by `taper`."""
        wide = width or self.line
        self.fill(limb(points, [wide * taper, wide, wide * taper], cap=1.0), colour)

    def wire(self, path: np.ndarray, colour: Colour, width: float) -> None:
        """Draw a path of even width, in straight pieces."""
        self._line(self.pixels(path), colour, width)

    def shape(
        self,
        path: Points | np.ndarray,
        colours: Tone,
        fill: Colour | None = None,
        width: float | None = None,
    ) -> None:
        """Fill a closed path and draw its outline."""
        pixels = self.pixels(path)
        self.draw.polygon(pixels.ravel().tolist(), fill=fill or colours.base)
        self._line(np.vstack([pixels, pixels[:2]]), colours.line, width)
        if isinstance(path, list):
            for corner in pixels[::STEPS][[len(p) > 2 for p in path]]:
                self._dot(corner, colours.line, width)

    def outline(self, path: Points, colours: Tone, width: float | None = None) -> None:
        """Draw only the outline of a closed path."""
        pixels = self.pixels(path)
        self._line(np.vstack([pixels, pixels[:2]]), colours.line, width)
        for corner in pixels[::STEPS][[len(p) > 2 for p in path]]:
            self._dot(corner, colours.line, width)

    def _line(self, pixels: np.ndarray, colour: Colour, width: float | None) -> None:
        wide = max(1, round((width or self.line) * self.scale))
        joint = "curve" if wide > WIDE else None
        self.draw.line(pixels.ravel().tolist(), fill=colour, width=wide, joint=joint)
        for end in (pixels[0], pixels[-1]):
            self._dot(end, colour, width)

    def _dot(self, at: np.ndarray, colour: Colour, width: float | None) -> None:
        r = (width or self.line) * self.scale / 2 - 0.5
        x, y = float(at[0]), float(at[1])
        if r > 0.5:
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def clip(self, path: Points | np.ndarray) -> Clip:
        """Keep a closed path as the place that later shading stays in."""
        pixels = self.pixels(path)
        box = _bounds(pixels)
        return Clip(_mask(pixels, box, 255), box)

    def shade(
        self, clip: Clip, path: Points | np.ndarray, colour: Colour, strength: float = 1.0
    ) -> None:
        """Fill a path, only where it lies inside the clip."""
        pixels = self.pixels(path)
        (left, top, right, bottom), box = clip.box, _bounds(pixels)
        both = max(left, box[0]), max(top, box[1]), min(right, box[2]), min(bottom, box[3])
        if both[0] >= both[2] or both[1] >= both[3]:
            return
        within = clip.mask.crop((both[0] - left, both[1] - top, both[2] - left, both[3] - top))
        mask = _mask(pixels, both, round(strength * 255))
        self.image.paste(colour, both[:2], ImageChops.darker(mask, within))

    def fade(self, clip: Clip, colour: Colour, start: float, end: float) -> None:
        """Blend a colour into the clip from strength `start` at its top to `end` at its bottom."""
        w, h = clip.mask.size
        ramp = np.linspace(start * 255, end * 255, h).astype(np.uint8)
        column = Image.fromarray(ramp[:, None]).resize((w, h), Image.Resampling.NEAREST)
        self.image.paste(colour, clip.box[:2], ImageChops.multiply(column, clip.mask))

    def glow(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float
    ) -> None:
        """Lay a soft round spot, strongest in its middle."""
        (cx, cy) = self.pixels(np.array([[x, y]]))[0]
        w, h = max(2, round(2 * rx * self.scale)), max(2, round(2 * ry * self.scale))
        spot = _spot().resize((w, h), Image.Resampling.BILINEAR)
        spot = spot.point([round(v * strength) for v in range(256)])
        self.image.paste(colour, (round(cx - w / 2), round(cy - h / 2)), spot)


def _bounds(pixels: np.ndarray) -> Box:
    left, top = (int(v) for v in np.floor(pixels.min(0)))
    right, bottom = (int(v) + 1 for v in np.ceil(pixels.max(0)))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _mask(pixels: np.ndarray, box: Box, value: int) -> Image.Image:
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    inside = pixels - np.array([box[0], box[1]])
    ImageDraw.Draw(mask).polygon(inside.ravel().tolist(), fill=value)
    return mask


@cache
def _spot() -> Image.Image:
    """A round spot of 64 x 64 pixels that falls off smoothly to its edge."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    r = np.clip(1 - np.sqrt(x * x + y * y), 0, 1)
    return Image.fromarray((np.clip(r * 1.7, 0, 1) ** 1.2 * 255).astype(np.uint8))


def canvas(pixels: int, colour: Colour) -> Painter:
    """Start a square picture of one colour, 100 units wide."""
    image = Image.new("RGB", (pixels, pixels), colour)
    s = pixels / 100
    return Painter(image, ImageDraw.Draw(image), xx=s, yy=s)
