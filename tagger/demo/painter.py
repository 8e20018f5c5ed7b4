"""Smooth, outlined, softly shaded shapes on a supersampled picture; knows nothing of figures."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw

Colour = tuple[int, int, int]
Points = list[tuple[float, ...]]  # (x, y), or (x, y, 1) for a sharp corner

STEPS = 7  # straight pieces in one curve piece: smooth at three pixels a unit


def tint(colour: Colour, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0) -> Colour:
    """Turn the hue by a share of the circle, and scale saturation and value."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    h, s, v = (h + hue) % 1, min(1.0, s * saturation), min(1.0, v * value)
    r, g, b = colorsys.hsv_to_rgb(h, s, v)
    return round(r * 255), round(g * 255), round(b * 255)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Go from `first` (share 0) to `second` (share 1)."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(first, second, strict=True))
    return r, g, b


@dataclass(frozen=True)
class Tone:
    """One material in four steps: lit, base, in shade, and the line around it."""

    base: Colour
    light: Colour
    shade: Colour
    line: Colour


@cache
def tone(base: Colour) -> Tone:
    """Derive the other steps: shade leans to violet, of yellows to orange; lines are deep."""
    hue = colorsys.rgb_to_hsv(*(c / 255 for c in base))[0]
    if 0.07 < hue < 0.19:
        shade = mix(tint(base, hue=-0.025, saturation=1.2, value=0.93), (214, 110, 90), 0.22)
        line = mix(tint(base, hue=-0.05, saturation=1.3, value=0.44), (80, 34, 50), 0.3)
    else:
        shade = mix(tint(base, saturation=1.12, value=0.86), (92, 70, 150), 0.14)
        line = mix(tint(base, saturation=1.25, value=0.42), (60, 34, 60), 0.35)
    return Tone(base, mix(base, (255, 255, 255), 0.5), shade, line)


@cache
def _basis() -> np.ndarray:
    """The cubic Hermite basis at the steps of one piece: float64[STEPS, 4]."""
    t = np.linspace(0, 1, STEPS, endpoint=False)[:, None]
    return np.hstack(
        [2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3, t**3 - t**2]
    )


def curve(points: Points, closed: bool = True) -> np.ndarray:
    """Run a Catmull-Rom curve through the points, with corners where asked: float64[n, 2]."""
    return _curve(tuple(points), closed)


@lru_cache(2048)  # most shapes are the same in every figure's own frame
def _curve(points: tuple[tuple[float, ...], ...], closed: bool) -> np.ndarray:
    here = np.array([p[:2] for p in points], dtype=float)
    smooth = np.array([[len(p) < 3] for p in points], dtype=float)
    after = np.vstack([here[1:], here[:1]])
    slope = (after - np.vstack([here[-1:], here[:-1]])) / 2 * smooth
    if not closed:
        slope[0], slope[-1] = (here[1] - here[0]) / 2, (here[-1] - here[-2]) / 2
    piece = np.stack([here, slope, after, np.vstack([slope[1:], slope[:1]])], 1)
    path = np.einsum("sk,nkd->nsd", _basis(), piece if closed else piece[:-1]).reshape(-1, 2)
    return path if closed else np.vstack([path, here[-1]])


@lru_cache(2048)
def oval(x: float, y: float, rx: float, ry: float, steps: int = 28) -> np.ndarray:
    """The outline of an ellipse: float64[steps, 2]."""
    a = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    return np.stack([x + rx * np.cos(a), y + ry * np.sin(a)], 1)


def limb(centres: Points, widths: list[float]) -> np.ndarray:
    """The outline of a bent, tapering tube through the centres: float64[n, 2]."""
    return _limb(tuple(centres), tuple(widths))


@lru_cache(2048)
def _limb(centres: tuple[tuple[float, ...], ...], widths: tuple[float, ...]) -> np.ndarray:
    path = _curve(centres, closed=False)
    along = np.linspace(0, len(widths) - 1, len(path))
    half = np.interp(along, np.arange(len(widths)), widths)[:, None] / 2
    way = np.gradient(path, axis=0)
    way /= np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)[:, None]
    across = np.stack([-way[:, 1], way[:, 0]], 1) * half
    tip = path[-1:] + way[-1:] * half[-1] * 0.7
    return np.vstack([path + across, tip, (path - across)[::-1]])


def mirror(points: Points) -> Points:
    """The same shape on the other side of the y axis."""
    return [(-p[0], *p[1:]) for p in points]


@dataclass(frozen=True)
class Clip:
    """A shape that was filled, kept so that shading stays inside it."""

    mask: Image.Image
    box: tuple[int, int, int, int]


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

    def stroke(self, path: Points | np.ndarray, colour: Colour, width: float | None = None) -> None:
        """Draw an open path with round ends."""
        self._line(self.pixels(path, closed=False), colour, width)

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
        self.draw.line(pixels.ravel().tolist(), fill=colour, width=wide)
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
        left, top = (int(v) for v in np.floor(pixels.min(0)))
        right, bottom = (int(v) + 1 for v in np.ceil(pixels.max(0)))
        box = (left, top, max(right, left + 1), max(bottom, top + 1))
        return Clip(self._mask(pixels, box, 255), box)

    def _mask(self, pixels: np.ndarray, box: tuple[int, int, int, int], value: int) -> Image.Image:
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        inside = pixels - np.array([box[0], box[1]])
        ImageDraw.Draw(mask).polygon(inside.ravel().tolist(), fill=value)
        return mask

    def shade(
        self, clip: Clip, path: Points | np.ndarray, colour: Colour, strength: float = 1.0
    ) -> None:
        """Fill a path, only where it lies inside the clip."""
        mask = self._mask(self.pixels(path), clip.box, round(strength * 255))
        self.image.paste(colour, clip.box[:2], ImageChops.darker(mask, clip.mask))

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
