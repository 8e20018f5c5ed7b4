"""What is worn on or beside the head: ears, hats, headphones, bows, flowers; and balloons."""

from __future__ import annotations

import math

from .curves import Points, curve, limb, mirror, oval
from .painter import Painter
from .tones import Colour, Tone, mix, tone

PINK: Colour = (255, 178, 186)
INK = tone((70, 58, 92))


def draw_ears(p: Painter, gear: str | None, hair: Tone) -> None:
    """Draw cat or rabbit ears; they lie behind the crown."""
    if gear == "cat_ears":
        outer: Points = [(12, -56), (28, -72), (48, -86, 1), (54, -58), (50, -34)]
        inner: Points = [(24, -58), (33, -68), (45, -77, 1), (48, -58), (46, -42)]
    elif gear == "rabbit_ears":
        outer = [(8, -56), (10, -88), (22, -112), (34, -106), (34, -82), (30, -54)]
        inner = [(15, -58), (16, -86), (23, -102), (29, -98), (28, -80), (25, -58)]
    else:
        return
    white = tone((255, 250, 248))
    fur = hair if gear == "cat_ears" else white
    for turn in (list[tuple[float, ...]], mirror):
        p.shape(turn(outer), fur)
        p.fill(turn(inner), PINK)


def draw_hat(p: Painter, gear: str | None, trim: Tone) -> None:
    """Draw a witch hat, a beret or headphones over the hair."""
    if gear == "witch_hat":
        _draw_witch_hat(p, trim)
    elif gear == "beret":
        _draw_beret(p, trim)
    elif gear == "headphones":
        _draw_headphones(p, trim)


def _draw_witch_hat(p: Painter, trim: Tone) -> None:
    ink = INK
    cone: Points = [(-40, -36), (-30, -72), (-10, -98), (24, -116), (36, -108, 1), (20, -98),
                    (22, -80), (40, -36)]  # fmt: skip
    p.shape(cone, ink)
    clip = p.clip(cone)
    p.shade(clip, [(14, -112), (8, -84), (16, -30), (46, -30)], ink.shade, 0.8)
    p.shade(clip, [(-44, -52), (0, -60), (44, -52), (44, -34), (-44, -34)], trim.base)
    p.outline(cone, ink)
    brim: Points = [(-70, -30), (-44, -48), (0, -53), (44, -48), (70, -30), (44, -34), (0, -37),
                    (-44, -34)]  # fmt: skip
    p.shape(brim, ink)
    p.shade(p.clip(brim), [(-72, -30), (0, -41), (72, -30), (0, -30)], ink.shade)
    gold = tone((252, 210, 84))
    p.shape([(-8, -62, 1), (8, -62, 1), (8, -48, 1), (-8, -48, 1)], gold)
    p.fill([(-4, -58, 1), (4, -58, 1), (4, -52, 1), (-4, -52, 1)], trim.shade)


def _draw_beret(p: Painter, trim: Tone) -> None:
    cap: Points = [(-50, -40), (-56, -58), (-34, -78), (6, -84), (44, -72), (54, -52), (46, -38),
                   (20, -46), (-20, -48)]  # fmt: skip
    p.shape([(-2, -80), (0, -92), (8, -92), (6, -80)], trim)
    p.shape(cap, trim)
    clip = p.clip(cap)
    p.fade(clip, trim.shade, 0.0, 0.9)
    p.shade(clip, limb([(-38, -66), (-14, -76), (6, -77)], [1, 6, 1]), trim.light, 0.8)
    p.outline(cap, trim)


def _draw_headphones(p: Painter, trim: Tone) -> None:
    band = limb(
        [(-54, 0), (-54, -34), (-34, -60), (0, -69), (34, -60), (54, -34), (54, 0)], [6, 9, 6]
    )
    p.shape(band, INK)
    for side in (-1, 1):
        p.shape(oval(side * 55, 4, 11, 17), INK)
        p.shape(oval(side * 58, 4, 8, 13), trim)
        p.fill(oval(side * 58 - 2, -1, 3, 4, 14), trim.light)


def draw_ornament(p: Painter, ornament: str | None, colour: Tone, side: int = 1) -> None:
    """Draw a bow on top or a flower at a side."""
    if ornament == "hair_bow":
        _draw_bow(p.frame(0, -58), colour)
    elif ornament == "hair_flower":
        _draw_flower(p.frame(side * 38, -38, degrees=side * 20), colour)


def _draw_bow(p: Painter, colour: Tone) -> None:
    wing: Points = [(0, 0), (14, -14), (31, -17), (35, -4), (30, 12), (14, 8)]
    for turn in (list[tuple[float, ...]], mirror):
        points = turn(wing)
        p.shape(points, colour)
        side = 1 if points[2][0] > 0 else -1
        p.shade(p.clip(points), [(0, 0), (side * 12, -5), (side * 22, 0), (side * 12, 6)],
                colour.shade)  # fmt: skip
        p.stroke([(side * 5, -1), (side * 18, -4)], colour.line, 1.2)
    p.shape([(-7, -7), (7, -7), (7, 8), (-7, 8)], colour)


def _draw_flower(p: Painter, colour: Tone) -> None:
    for k in range(5):
        a = math.radians(72 * k - 90)
        p.shape(oval(math.cos(a) * 10, math.sin(a) * 10, 8.4, 8.4, 20), colour)
    for k in range(5):
        a = math.radians(72 * k - 90)
        p.fill(oval(math.cos(a) * 8.4, math.sin(a) * 8.4, 6.4, 6.4, 18), colour.base)
    p.shape(oval(0, 0, 5.2, 5.2, 18), tone((255, 214, 84)))


def draw_balloon(p: Painter, hand: tuple[float, float], colour: Tone) -> None:
    """Draw a balloon on a string above the hand."""
    x, y = 82.0, -34.0
    string = curve([hand, (x - 6, 24), (x + 2, 6), (x, y + 26)], closed=False)
    p.wire(string, mix(colour.line, (120, 110, 120), 0.5), 1.3)
    p.shape([(x, y + 22), (x + 5, y + 31, 1), (x - 5, y + 31, 1)], colour)
    body: Points = [(x, y - 28), (x + 17, y - 22), (x + 24, y - 3), (x + 14, y + 17), (x, y + 25),
                    (x - 14, y + 17), (x - 24, y - 3), (x - 17, y - 22)]  # fmt: skip
    p.shape(body, colour)
    clip = p.clip(body)
    p.fade(clip, colour.shade, 0.0, 0.9)
    p.shade(clip, oval(x - 9, y - 12, 5, 8, 20), colour.light, 0.9)


def draw_waves(p: Painter, hand: tuple[float, float], colour: Colour) -> None:
    """Draw the little arcs beside a waving hand."""
    x, y = hand
    for r in (11.5, 17):
        p.stroke([(x + r * 0.5, y - r * 0.9), (x + r * 0.93, y - r * 0.38), (x + r, y + r * 0.3)],
                 colour, 2)  # fmt: skip
        p.stroke([(x - r * 0.5, y - r * 0.9), (x - r * 0.93, y - r * 0.38), (x - r, y + r * 0.3)],
                 colour, 2)  # fmt: skip
