"""What is behind the figures. The frame is the picture: 100 units wide and high."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from .curves import Points, oval
from .painter import Painter, canvas
from .tones import Colour, mix, tint, tone

PLAIN: dict[str, Colour] = {
    "white": (255, 255, 255),
    "blue": (176, 216, 250),
    "pink": (255, 206, 220),
}
_GRADIENTS: tuple[tuple[Colour, Colour], ...] = (
    ((255, 196, 170), (190, 170, 250)),
    ((170, 240, 220), (130, 170, 246)),
    ((255, 240, 170), (255, 160, 170)),
    ((210, 190, 255), (255, 205, 225)),
    ((150, 215, 255), (250, 250, 200)),
)


def draw_backdrop(name: str, pixels: int, rng: random.Random) -> Painter:
    """Start a picture with its background."""
    if name in PLAIN:
        colour = PLAIN[name] if name == "white" else tint(PLAIN[name], value=rng.uniform(0.95, 1))
        return canvas(pixels, colour)
    if name == "gradient":
        first, second = rng.choice(_GRADIENTS)
        return _gradient(pixels, first, second)
    return {"meadow": _draw_meadow, "night": _draw_night, "room": _draw_room}[name](pixels, rng)


def _gradient(pixels: int, top: Colour, bottom: Colour) -> Painter:
    painter = canvas(pixels, top)
    share = np.linspace(0, 1, pixels)[:, None]
    column = np.array(top) * (1 - share) + np.array(bottom) * share
    strip = Image.fromarray(column.round().astype(np.uint8)[:, None, :])
    painter.image.paste(strip.resize((pixels, pixels), Image.Resampling.NEAREST), (0, 0))
    return painter


def _draw_meadow(pixels: int, rng: random.Random) -> Painter:
    p = _gradient(pixels, (104, 186, 250), (226, 244, 255))
    for k in range(4):
        _draw_cloud(p, 6 + 29 * k + rng.uniform(-6, 6), rng.uniform(7, 40), rng.uniform(0.8, 1.25))
    rise = rng.uniform(-3, 3)
    far: Points = [(-5, 66 + rise), (25, 60), (60, 67), (105, 61 - rise),
                                    (105, 105, 1), (-5, 105, 1)]  # fmt: skip
    p.fill(far, (150, 214, 132))
    near: Points = [
        (-5, 76),
        (40, 71 + rise),
        (105, 77),
        (105, 105, 1),
        (-5, 105, 1),
    ]
    p.fill(near, (118, 196, 104))
    p.fade(p.clip(near), (74, 160, 92), 0.0, 0.6)
    for _ in range(26):
        _draw_tuft(p, rng.uniform(2, 98), rng.uniform(77, 98))
    return p


def _draw_cloud(p: Painter, x: float, y: float, size: float) -> None:
    c = p.frame(x, y, size)
    puffs = ((-9, 2, 6, 4), (-3, -2, 7, 6), (5, -1, 7, 5), (11, 2, 6, 4), (1, 3, 12, 4))
    for px, py, rx, ry in puffs:
        c.fill(oval(px, py + 1, rx, ry), (206, 226, 246))
    for px, py, rx, ry in puffs:
        c.fill(oval(px, py, rx, ry), (255, 255, 255))


def _draw_tuft(p: Painter, x: float, y: float) -> None:
    for lean in (-1.5, 0.2, 1.6):
        p.fill([(x - 0.6, y, 1), (x + lean, y - 4, 1), (x + 0.6, y, 1)], (72, 158, 84))


def _draw_night(pixels: int, rng: random.Random) -> Painter:
    p = _gradient(pixels, (22, 26, 74), (96, 84, 160))
    for _ in range(70):
        x, y, r = rng.uniform(0, 100), rng.uniform(0, 72), rng.choice((0.35, 0.5, 0.7))
        p.fill(oval(x, y, r, r, 10), (255, 250, 222))
    for _ in range(9):
        _draw_star(p.frame(rng.uniform(3, 97), rng.uniform(3, 46), rng.uniform(0.8, 1.5)))
    p.fill([(-5, 80), (30, 74), (70, 79), (105, 73), (105, 105, 1), (-5, 105, 1)], (50, 52, 104))
    p.fill([(-5, 87), (50, 83), (105, 88), (105, 105, 1), (-5, 105, 1)], (38, 38, 82))
    return p


def _draw_star(p: Painter) -> None:
    p.glow(0, 0, 4.4, 4.4, (255, 244, 190), 0.55)
    p.fill([(0, -2.6, 1), (0.6, -0.6, 1), (2.6, 0, 1), (0.6, 0.6, 1), (0, 2.6, 1), (-0.6, 0.6, 1),
            (-2.6, 0, 1), (-0.6, -0.6, 1)], (255, 252, 230))  # fmt: skip


def _draw_room(pixels: int, rng: random.Random) -> Painter:
    wall = rng.choice(((250, 232, 206), (232, 226, 214), (246, 222, 212), (220, 232, 218)))
    p = canvas(pixels, wall)
    p.fill([(0, 84, 1), (100, 84, 1), (100, 100, 1), (0, 100, 1)], (190, 140, 100))
    p.fill([(0, 82, 1), (100, 82, 1), (100, 85, 1), (0, 85, 1)], (250, 244, 236))
    for x in (12, 37, 62, 87):
        p.stroke([(x, 86), (50 + (x - 50) * 1.5, 100)], (168, 118, 84), 0.5)
    _draw_window(p, rng.uniform(-2, 2))
    return p


def _draw_window(p: Painter, shift: float) -> None:
    left, right, top, foot = 14 + shift, 86 + shift, 4, 62
    wood = tone((252, 248, 240))
    p.shape([(left, top, 1), (right, top, 1), (right, foot, 1), (left, foot, 1)], wood, width=0.6)
    panes = 3
    wide = (right - left - 3) / panes
    for k in range(panes):
        x = left + 2 + k * wide
        for y, tall in ((top + 2, 26), (top + 30, 26)):
            pane: Points = [
                (x, y, 1),
                (x + wide - 1, y, 1),
                (x + wide - 1, y + tall, 1),
                (x, y + tall, 1),
            ]
            p.fill(pane, (196, 232, 244))
            clip = p.clip(pane)
            p.fade(clip, (250, 250, 220), 0.0, 0.8)
            p.shade(clip, [(x, y + tall, 1), (x + 5, y + tall, 1), (x + 16, y, 1), (x + 11, y, 1)],
                    (255, 255, 255), 0.5)  # fmt: skip
    for side in (-1, 1):
        edge = left - 2 if side < 0 else right + 2
        cloth = tone(mix((240, 150, 140), (255, 220, 190), 0.3))
        p.shape([(edge - side * -3, 2, 1), (edge - side * 12, 2, 1), (edge - side * 9, 30),
                 (edge - side * 2, 62, 1), (edge + side * 6, 66, 1), (edge + side * 5, 30)],
                cloth, width=0.6)  # fmt: skip
    p.stroke([(left - 8, 2.5), (right + 8, 2.5)], (160, 110, 80), 1.8)
