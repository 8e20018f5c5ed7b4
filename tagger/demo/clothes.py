"""A small body and its clothes by outfit, without arms. The origin is the head's middle."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .curves import Points, limb, mirror, oval
from .painter import Painter
from .tones import Colour, Tone, tone
from .wardrobe import Figure

CLOTH: dict[str, Colour] = {
    "white": (252, 251, 250),
    "red": (222, 58, 62),
    "blue": (74, 130, 224),
    "yellow": (250, 208, 78),
    "pink": (255, 168, 190),
    "green": (112, 190, 122),
    "orange": (250, 156, 78),
    "navy": (58, 70, 122),
    "teal": (70, 170, 176),
    "lilac": (186, 150, 222),
    "brown": (148, 100, 72),
    "denim": (84, 120, 180),
    "grey": (150, 154, 170),
}
_SKIRTS = ("navy", "red", "teal", "brown", "lilac", "grey")
_HOODIES = ("yellow", "pink", "teal", "lilac", "green", "orange")

_TORSO: Points = [
    (-11, 42),
    (-20, 50),
    (-20, 66),
    (-18, 90),
    (18, 90),
    (20, 66),
    (20, 50),
    (11, 42),
]


@dataclass(frozen=True)
class Cloth:
    """What one figure wears, as tones."""

    top: Tone
    bottom: Tone
    trim: Tone
    shoes: Tone
    skin: Tone


def choose_cloth(figure: Figure, skin: Tone, rng: random.Random) -> Cloth:
    """Choose the colours that no tag speaks of; the cast always wears the same."""
    if figure.name:
        rng = random.Random(figure.name)
    top = {"serafuku": "white", "hoodie_skirt": rng.choice(_HOODIES),
           "hoodie_shorts": rng.choice(_HOODIES)}.get(figure.outfit, figure.colour)  # fmt: skip
    bottom = rng.choice(_SKIRTS)
    if figure.outfit in ("shirt_shorts", "hoodie_shorts"):
        bottom = rng.choice(("navy", "brown", "denim", "grey"))
    if figure.outfit == "overalls":
        bottom = rng.choice(("denim", "denim", "brown"))
    if figure.outfit == "serafuku":
        bottom = rng.choice(("navy", "navy", "red", "teal"))
    trim = rng.choice(("red", "yellow", "teal", "lilac"))
    shoes = rng.choice(("brown", "navy", "red", "grey"))
    return Cloth(tone(CLOTH[top]), tone(CLOTH[bottom]), tone(CLOTH[trim]), tone(CLOTH[shoes]), skin)


def draw_body(p: Painter, figure: Figure, cloth: Cloth) -> None:
    """Draw legs, shoes and clothes, without arms."""
    _draw_legs(p, cloth)
    neck: Points = [(-7, 36), (7, 36), (8, 50), (-8, 50)]
    p.shape(neck, cloth.skin, fill=cloth.skin.shade)
    if figure.outfit == "dress":
        _draw_dress(p, cloth)
        return
    if figure.outfit.endswith("shorts"):
        _draw_shorts(p, cloth.bottom)
    _draw_top(p, cloth.top)
    if figure.outfit.startswith("hoodie"):
        _draw_hood(p, cloth.top)
    if figure.outfit == "serafuku":
        _draw_sailor(p, cloth)
    elif figure.outfit.startswith("shirt"):
        _draw_collar(p, cloth.top)
    if figure.outfit == "overalls":
        _draw_overalls(p, cloth)
    elif figure.outfit in ("serafuku", "shirt_pleated"):
        _draw_skirt(p, cloth.bottom, pleats=True)
    elif figure.outfit.endswith("skirt"):
        _draw_skirt(p, cloth.bottom, pleats=False)


def _draw_legs(p: Painter, cloth: Cloth) -> None:
    for side in (-1, 1):
        leg = limb([(side * 9, 82), (side * 9.5, 104), (side * 9.5, 124)], [14, 13, 11], cap=0)
        p.shape(leg, cloth.skin)
        p.shade(p.clip(leg), [(-30, 80), (30, 80), (30, 100), (-30, 100)], cloth.skin.shade)
        p.shape([(side * 9.5 - 6, 112, 1), (side * 9.5 + 6, 112, 1), (side * 9.5 + 6, 126),
                 (side * 9.5 - 6, 126)], tone((250, 250, 252)))  # fmt: skip
        shoe: Points = [(side * 9.5 - 8, 122, 1), (side * 9.5 + 8, 122, 1), (side * 10.5 + 9, 131),
                        (side * 10.5, 133), (side * 10.5 - 9, 131)]  # fmt: skip
        p.shape(shoe, cloth.shoes)


def _draw_top(p: Painter, top: Tone) -> None:
    p.shape(_TORSO, top)
    clip = p.clip(_TORSO)
    p.shade(clip, [(-30, 40), (30, 40), (24, 54), (0, 58), (-24, 54)], top.shade, 0.8)
    p.shade(clip, [(20, 50), (12, 70), (14, 92), (24, 92)], top.shade, 0.6)


def _draw_collar(p: Painter, top: Tone) -> None:
    for points in ([(0, 54, 1), (4, 46), (15, 48, 1), (11, 60, 1)],):
        p.shape(points, top)
        p.shape(mirror(points), top)
    for y in (64, 73):
        p.fill(oval(0, y, 1.5, 1.5, 10), top.line)


def _draw_sailor(p: Painter, cloth: Cloth) -> None:
    collar: Points = [(-22, 48), (22, 48), (19, 62, 1), (4, 66, 1), (0, 58, 1), (-4, 66, 1),
                      (-19, 62, 1)]  # fmt: skip
    p.shape(collar, cloth.bottom)
    p.stroke([(-16, 59.5), (-6, 62)], (255, 255, 255), 1.5, taper=1)
    p.stroke([(16, 59.5), (6, 62)], (255, 255, 255), 1.5, taper=1)
    red = tone((226, 56, 66)) if cloth.bottom.base != CLOTH["red"] else tone(CLOTH["navy"])
    for side in (-1, 1):
        p.shape([(0, 60, 1), (side * 10, 58), (side * 11, 70), (side * 2, 67)], red)
        p.shape([(0, 64, 1), (side * 7, 78, 1), (side * 2, 80, 1)], red)
    p.shape(oval(0, 63, 3.2, 3.4, 16), red)


def _draw_hood(p: Painter, top: Tone) -> None:
    hood: Points = [(-34, 46), (-26, 38), (0, 44), (26, 38), (34, 46), (24, 60), (0, 64), (-24, 60)]
    p.shape(hood, top)
    p.shade(p.clip(hood), [(-22, 40), (22, 40), (16, 54), (0, 58), (-16, 54)], top.line, 0.6)
    p.shape([(-12, 76, 1), (12, 76, 1), (16, 87, 1), (-16, 87, 1)], top)
    for side in (-1, 1):
        p.stroke([(side * 7, 60), (side * 7.5, 71)], (255, 255, 255), 2)


def _draw_shorts(p: Painter, bottom: Tone) -> None:
    for side in (-1, 1):
        p.shape([(0, 84, 1), (side * 19, 84, 1), (side * 21, 104, 1), (side * 2, 105, 1)], bottom)
        p.stroke([(side * 3, 101.5), (side * 20, 100.5)], bottom.light, 1.2)


def _draw_skirt(p: Painter, bottom: Tone, pleats: bool) -> None:
    if pleats:
        hem: Points = [(-18, 80, 1), (18, 80, 1), (31, 104, 1), (22, 107, 1), (20, 104, 1),
                       (11, 109, 1), (9, 105, 1), (0, 110, 1), (-2, 105, 1), (-11, 109, 1),
                       (-13, 104, 1), (-22, 107, 1), (-31, 104, 1)]  # fmt: skip
    else:
        hem = [(-18, 80, 1), (18, 80, 1), (27, 92), (33, 104, 1), (18, 108), (0, 109), (-18, 108),
               (-33, 104, 1), (-27, 92)]  # fmt: skip
    p.shape(hem, bottom)
    clip = p.clip(hem)
    if pleats:
        for x, foot in ((-12, -22), (-6, -11), (0, 0), (6, 11), (12, 22)):
            p.shade(clip, [(x, 82, 1), (x + 1.5, 82, 1), (foot + 5, 111, 1), (foot, 111, 1)],
                    bottom.shade)  # fmt: skip
            p.stroke([(x, 84), (foot, 107)], bottom.line, 1.2)
    else:
        p.shade(clip, [(-34, 101), (0, 106), (34, 101), (34, 112), (-34, 112)], bottom.light, 0.9)
        p.shade(clip, [(18, 80), (12, 94), (20, 110), (36, 106)], bottom.shade, 0.7)
    p.shape([(-18.5, 78, 1), (18.5, 78, 1), (19, 83, 1), (-19, 83, 1)], bottom)


def _draw_dress(p: Painter, cloth: Cloth) -> None:
    gown: Points = [(-11, 43), (-20, 50), (-18, 72), (-26, 92), (-36, 112, 1), (-18, 117), (0, 118),
                    (18, 117), (36, 112, 1), (26, 92), (18, 72), (20, 50), (11, 43)]  # fmt: skip
    p.shape(gown, cloth.top)
    clip = p.clip(gown)
    p.shade(clip, [(-30, 40), (30, 40), (24, 54), (0, 58), (-24, 54)], cloth.top.shade, 0.8)
    p.shade(clip, [(18, 50), (11, 72), (18, 118), (40, 116)], cloth.top.shade, 0.6)
    p.shade(clip, [(-40, 108), (0, 113), (40, 108), (40, 122), (-40, 122)], (255, 250, 246))
    p.outline(gown, cloth.top)
    p.shape([(-18.5, 71, 1), (18.5, 71, 1), (19, 77, 1), (-19, 77, 1)], tone((255, 250, 246)))
    for side in (-1, 1):
        p.shape(
            [(0, 53, 1), (side * 5, 46), (side * 17, 48), (side * 12, 60)], tone((255, 250, 246))
        )


def _draw_overalls(p: Painter, cloth: Cloth) -> None:
    blue = cloth.bottom
    for side in (-1, 1):
        p.shape([(0, 84, 1), (side * 20, 82, 1), (side * 21, 116, 1), (side * 3, 117, 1)], blue)
        cuff: Points = [(2, 111, 1), (21.5, 110, 1), (22, 117, 1), (2, 118, 1)]
        p.shape(cuff if side > 0 else mirror(cuff), blue, fill=blue.light)
        p.stroke([(side * 10, 66), (side * 14, 48)], blue.line, 7, taper=1)
        p.stroke([(side * 10, 66), (side * 14, 48)], blue.base, 4.4, taper=1)
    p.shape([(-13, 63, 1), (13, 63, 1), (15, 80), (20, 88), (0, 91), (-20, 88), (-15, 80)], blue)
    p.shape([(-7, 70, 1), (7, 70, 1), (6, 80), (-6, 80)], blue)
    for side in (-1, 1):
        p.shape(oval(side * 10, 66, 2.6, 2.6, 14), tone((252, 214, 92)))


def draw_scarf(p: Painter, scarf: Tone) -> None:
    """Draw a scarf with one hanging end."""
    tail: Points = [(6, 56), (20, 54), (24, 84, 1), (10, 87, 1)]
    p.shape(tail, scarf)
    p.shade(p.clip(tail), [(8, 72, 1), (26, 70, 1), (26, 78, 1), (8, 80, 1)], scarf.light)
    wrap: Points = [
        (-30, 44),
        (-16, 36),
        (16, 36),
        (30, 44),
        (29, 56),
        (14, 64),
        (-14, 64),
        (-29, 56),
    ]
    p.shape(wrap, scarf)
    clip = p.clip(wrap)
    p.shade(clip, [(-32, 36), (32, 36), (26, 50), (0, 54), (-26, 50)], scarf.shade)
    p.stroke([(-24, 54), (-6, 59), (14, 59)], scarf.line, 1.2)
