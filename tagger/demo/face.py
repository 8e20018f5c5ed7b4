"""A face: skin, eyes, brows, mouth, blush, glasses. The frame's origin is the head's middle."""

from __future__ import annotations

import numpy as np

from .curves import Points, mirror, oval
from .painter import Painter
from .tones import Colour, Tone, mix, tint, tone
from .wardrobe import Figure

IRIS: dict[str, Colour] = {
    "blue": (52, 128, 240),
    "green": (38, 178, 84),
    "red": (222, 40, 52),
    "yellow": (246, 192, 24),
    "purple": (150, 70, 214),
    "brown": (134, 78, 40),
}
LASH: Colour = (58, 36, 48)
MOUTH: Colour = (150, 62, 66)
BLUSH: Colour = (255, 122, 122)
_HALF: Points = [(30, -42), (45, -18), (45.5, 8), (37, 28), (17, 42.5)]
FACE: Points = [(0, -48), *_HALF, (0, 46.5), *mirror(_HALF)[::-1]]


def draw_head(p: Painter, skin: Tone) -> None:
    """Draw ears and the bare face, lit from above."""
    for side in (-1, 1):
        ear: Points = [(side * 42, 0), (side * 52, -2), (side * 52, 12), (side * 42, 18)]
        p.shape(ear, skin)
    p.shape(FACE, skin)
    clip = p.clip(FACE)
    p.fade(clip, mix(skin.base, (255, 170, 160), 0.35), 0.0, 0.3)


def draw_features(p: Painter, figure: Figure) -> None:
    """Draw what the face says: blush, eyes, brows, nose, mouth."""
    if figure.blush:
        _draw_blush(p)
    for side in (-1, 1):
        shut = figure.lids == "closed" or (figure.lids == "wink" and side > 0)
        if shut:
            _draw_shut(p, side, figure)
        else:
            _draw_eye(p, side, figure)
    p.fill(oval(0.5, 25, 1.3, 0.9, 10), (226, 150, 130))
    _draw_mouth(p, figure.mouth)


def draw_brows(p: Painter, figure: Figure, colour: Colour) -> None:
    """Draw the brows: raised for an open mouth, drawn together for a frown."""
    lifts = {"frown": (-12.5, -5), "oh": (-12, -14), "line": (-9, -9)}
    outer, inner = lifts.get(figure.mouth, (-8.5, -11))
    wide = 3.0 if figure.boy else 2.1
    for side in (-1, 1):
        p.stroke([(side * 30, outer + 1), (side * 22, (outer + inner) / 2 - 2), (side * 12, inner)],
                 colour, wide + 0.6)  # fmt: skip


def draw_glasses(p: Painter, colour: Colour) -> None:
    """Draw round glasses."""
    for side in (-1, 1):
        ring = oval(side * 20.5, 12, 17, 16.5, 40)
        p.wire(np.vstack([ring, ring[:1]]), colour, 3.0)
        p.stroke([(side * 37, 8), (side * 47, 4)], colour, 2.6)
    p.stroke([(-4, 10), (0, 8), (4, 10)], colour, 2.6)


def _at(points: Points, side: int) -> Points:
    return points if side > 0 else mirror(points)


def _draw_eye(p: Painter, side: int, figure: Figure) -> None:
    colour = tint(IRIS[figure.eyes], hue=figure.jitter * 0.008)
    white: Points = [(10, 6), (14, -1), (22, -3), (31, 2), (32, 12), (27, 23), (18, 25), (11, 18)]
    p.fill(_at(white, side), (255, 253, 252))
    clip = p.clip(_at(white, side))
    cx, tall = side * 20.5, 12.5 if figure.boy else 14.5
    ball = oval(cx, 11.5, 10.2, tall, 36)
    p.shade(clip, ball, mix(tint(colour, value=0.5, saturation=1.1), (50, 20, 60), 0.15))
    inner = oval(cx, 11.5, 9.2, tall - 1, 36)
    p.shade(clip, inner, colour)
    iris = p.clip(inner)
    p.fade(iris, tint(colour, hue=-0.03, value=0.45, saturation=1.1), 0.75, 0.0)
    gleam = mix(tint(colour, saturation=0.85, value=1.35), (255, 255, 230), 0.42)
    p.shade(iris, oval(cx, 19.5, 6.6, 5.4), gleam)
    p.shade(iris, oval(cx, 11.5, 4, 5.8), tint(colour, value=0.32))
    p.shade(clip, _at([(8, -6), (20, -7), (34, 0), (33, 6), (20, 0), (9, 8)], side),
            (120, 90, 130), 0.45)  # fmt: skip
    p.fill(oval(cx - 4, 5.5, 3.7, 4.3, 18), (255, 255, 255))
    p.fill(oval(cx + 4.6, 17.5, 2.0, 2.2, 14), (255, 255, 255))
    _draw_lashes(p, side, figure.boy)


def _draw_lashes(p: Painter, side: int, boy: bool) -> None:
    flick = (34.5, 4, 1) if boy else (37, 1, 1)
    lash: Points = [(8, 8, 1), (13, -2), (22, -5.5), (31, -1.5), flick, (33, 7, 1), (29, 2.5),
                    (21, -1), (14, 2)]  # fmt: skip
    p.fill(_at(lash, side), LASH)
    if not boy:
        p.fill(_at([(31, 2, 1), (38.5, 6.5, 1), (33, 8.5, 1)], side), LASH)
    p.stroke(_at([(15, 26.2), (20, 27), (26, 26)], side), (206, 140, 130), 1.2)


def _draw_shut(p: Painter, side: int, figure: Figure) -> None:
    happy = figure.mouth in ("smile", "grin")
    dip = 6 if happy else 19
    lid: Points = [(8.5, 15), (14, (15 + dip * 2) / 3), (21, dip), (28, (15 + dip * 2) / 3),
                   (33.5, 15)]  # fmt: skip
    p.stroke(_at(lid, side), LASH, 4.2)
    if not figure.boy:
        tip = 11 if happy else 18
        p.stroke(_at([(31, 14), (37, tip)], side), LASH, 2.2)


def _draw_blush(p: Painter) -> None:
    for side in (-1, 1):
        p.glow(side * 31, 29.5, 13, 8, BLUSH, 0.85)
        for step in (-4.5, 0, 4.5):
            x = side * 31 + step
            p.stroke([(x + 1.4, 27.5), (x - 1.4, 32)], (236, 92, 100), 1.2)


def _draw_mouth(p: Painter, mouth: str) -> None:
    if mouth == "smile":
        p.stroke([(-9, 31), (-5, 34.5), (0, 35.5), (5, 34.5), (9, 31)], MOUTH, 2.8)
    elif mouth == "line":
        p.stroke([(-5.5, 34), (0, 33.5), (5.5, 34)], MOUTH, 2.8)
    elif mouth == "frown":
        p.stroke([(-8, 36.5), (-4, 33), (0, 32), (4, 33), (8, 36.5)], MOUTH, 2.8)
    elif mouth == "grin":
        _draw_open(p, [(-10, 29.5, 1), (0, 31), (10, 29.5, 1), (7, 38), (0, 41.5), (-7, 38)], 39)
    else:
        _draw_open(p, [(0, 29.5), (4.8, 32), (5, 37), (0, 40.5), (-5, 37), (-4.8, 32)], 39)


def _draw_open(p: Painter, path: Points, tongue: float) -> None:
    inside = Tone((190, 70, 78), (0, 0, 0), (0, 0, 0), (128, 48, 56))
    p.fill(path, inside.base)
    p.shade(p.clip(path), oval(0, tongue + 1, 6, 4), (246, 138, 138))
    p.outline(path, inside, 1.7)


def skin_tone(chance: int) -> Tone:
    """Pick one of three skins; the line is warm and soft."""
    base = ((255, 233, 218), (253, 224, 204), (244, 206, 176))[chance % 3]
    plain = tone(base)
    return Tone(base, plain.light, mix(base, (226, 132, 120), 0.38), (158, 92, 84))
