"""Hair by style: what hangs behind the body, what lies on the head, what falls over shoulders."""

from __future__ import annotations

from .curves import Points, limb, mirror, oval
from .painter import Clip, Painter
from .tones import Colour, Tone, mix, tint, tone
from .wardrobe import Figure

HAIR: dict[str, Colour] = {
    "black": (62, 58, 74),
    "brown": (142, 92, 62),
    "blonde": (250, 216, 118),
    "red": (216, 62, 50),
    "pink": (252, 160, 192),
    "purple": (154, 108, 210),
    "blue": (78, 134, 226),
    "green": (98, 182, 112),
    "grey": (202, 206, 216),
}

_BACK: dict[str, Points] = {
    "long": [(0, -60), (44, -44), (57, 0), (58, 40), (62, 74), (55, 86, 1), (46, 80), (40, 90, 1),
             (28, 82), (18, 92, 1), (0, 84)],
    "very_long": [(0, -60), (44, -44), (58, 0), (62, 50), (70, 100), (72, 124, 1), (58, 116),
                  (52, 130, 1), (38, 118), (28, 130, 1), (14, 118), (0, 122)],
    "bob": [(0, -60), (44, -44), (57, -6), (60, 24), (54, 44), (44, 52, 1), (30, 48), (0, 46)],
    "short": [(0, -58), (42, -42), (53, -8), (53, 14), (47, 28, 1), (40, 26), (36, 36, 1), (0, 30)],
    "tied": [(0, -60), (44, -44), (55, -8), (54, 18), (44, 34), (0, 40)],
}  # fmt: skip

_LOCK: Points = [(40, -34), (53, -8), (54, 14), (50, 28), (44, 44, 1), (41, 26), (40, 6), (36, -16)]
_SHORT_LOCK: Points = [(42, -30), (54, -8), (53, 8), (48, 22, 1), (43, 6), (40, -10)]

_CROWN: Points = [(-54, -4), (-51, -30), (-33, -54), (0, -63), (33, -54), (51, -30), (54, -4)]
_FRINGE: dict[str, Points] = {
    "straight": [(50, 12, 1), (42, -8), (38, -16), (34, -3, 1), (27, -10), (20, -2, 1), (12, -9),
                 (4, -1, 1), (-3, -9), (-12, -2, 1), (-20, -9), (-28, -2, 1), (-35, -10),
                 (-38, -16), (-42, -8), (-50, 12, 1)],
    "swept": [(50, 12, 1), (45, -6), (40, -14), (33, 2, 1), (27, -12), (22, -26), (19, -16),
              (10, -2, 1), (8, -12), (5, -22), (-2, -8), (-13, 2, 1), (-13, -8), (-16, -16),
              (-24, -5), (-36, 5, 1), (-37, -6), (-40, -14), (-44, -4), (-50, 14, 1)],
    "parted": [(50, 16, 1), (44, 0), (38, 8, 1), (36, -8), (26, -2, 1), (20, -20), (8, -31),
               (0, -39, 1), (-8, -31), (-20, -20), (-26, -2, 1), (-36, -8), (-38, 8, 1),
               (-44, 0), (-50, 16, 1)],
    "spiky": [(52, 8, 1), (44, -12), (36, 0, 1), (30, -16), (18, -3, 1), (14, -18), (0, 4, 1),
              (-8, -16), (-20, -2, 1), (-28, -15), (-37, 2, 1), (-43, -12), (-52, 8, 1)],
}  # fmt: skip
_SPIKES: Points = [
    (-50, 10), (-62, 12, 1), (-58, -4), (-54, -12, 1), (-69, -11, 1), (-64, -28), (-55, -36, 1),
    (-68, -42, 1), (-57, -56), (-43, -60, 1), (-49, -77, 1), (-32, -74), (-16, -68, 1),
    (-9, -83, 1), (2, -70, 1), (20, -76), (37, -80, 1), (36, -62, 1), (53, -62), (66, -50, 1),
    (53, -42, 1), (63, -30), (70, -14, 1), (54, -13, 1), (58, -3), (62, 12, 1), (50, 10),
]  # fmt: skip


def hair_tone(figure: Figure) -> Tone:
    """The figure's hair colour, a little warmer or cooler for each."""
    base = tint(HAIR[figure.hair], hue=figure.jitter * 0.008, value=1 - 0.04 * abs(figure.jitter))
    return tone(base)


def _whole(half: Points) -> Points:
    return [*half, *[q for q in mirror(half)[::-1] if q[0] != 0]]


def draw_back(p: Painter, figure: Figure, hair: Tone) -> None:
    """Draw what hangs behind body and head."""
    style = figure.style
    if style == "twintails":
        _draw_twintails(p, hair)
    elif style == "side_ponytail":
        _draw_side_tail(p, hair)
    name = {"long": "long", "very_long": "very_long", "bob": "bob", "short": "short",
            "spiked": "short"}.get(style, "tied")  # fmt: skip
    path = _whole(_BACK[name])
    p.shape(path, hair, fill=mix(hair.shade, hair.base, 0.25))
    clip = p.clip(path)
    p.fade(clip, hair.line, 0.0, 0.2)
    if name in ("long", "very_long"):
        end = 84 if name == "long" else 116
        for x in (-44, -26, 26, 44):
            p.stroke([(x, 40), (x * 1.12, end * 0.75), (x * 1.1, end)], hair.line, 1.1)


def _draw_twintails(p: Painter, hair: Tone) -> None:
    for side in (-1, 1):
        bend: Points = [(44, -34), (61, -24), (66, 8), (61, 46), (67, 78)]
        centres = bend if side > 0 else mirror(bend)
        path = limb(centres, [12, 25, 28, 22, 1])
        p.shape(path, hair)
        clip = p.clip(path)
        p.fade(clip, hair.shade, 0.0, 0.8)
        p.shade(clip, limb([(side * 56, -26), (side * 59, 8), (side * 54, 48)], [4, 10, 3]),
                hair.shade)  # fmt: skip
        p.shade(clip, limb([(side * 69, -12), (side * 73, 8), (side * 69, 30)], [1, 5, 1]),
                hair.light)  # fmt: skip


def _draw_side_tail(p: Painter, hair: Tone) -> None:
    path = limb([(40, -42), (61, -42), (70, -8), (65, 34), (72, 74)], [12, 28, 31, 25, 1])
    p.shape(path, hair)
    clip = p.clip(path)
    p.fade(clip, hair.shade, 0.0, 0.8)
    p.shade(clip, limb([(56, -36), (60, -2), (56, 42)], [3, 10, 2]), hair.shade)
    p.shade(clip, limb([(73, -24), (79, 0), (74, 24)], [1, 5, 1]), hair.light)


def fringe(figure: Figure) -> Points:
    """The closed outline of crown and bangs."""
    crown = _SPIKES if figure.style == "spiked" else _CROWN
    return [*crown, *_FRINGE[figure.bangs]]


def draw_front(p: Painter, figure: Figure, hair: Tone) -> None:
    """Draw side locks, crown and bangs with their band of light."""
    lock = _SHORT_LOCK if figure.boy or figure.style == "double_bun" else _LOCK
    for points in (lock, mirror(lock)):
        p.shape(points, hair)
        p.fade(p.clip(points), hair.shade, 0.0, 0.9)
    path = fringe(figure)
    p.shape(path, hair)
    clip = p.clip(path)
    p.fade(clip, hair.shade, 0.0, 0.5)
    _draw_shine(p, clip, hair)
    _draw_strands(p, figure, hair)
    p.outline(path, hair)
    if figure.ahoge:
        _draw_ahoge(p, hair)


def _draw_shine(p: Painter, clip: Clip, hair: Tone) -> None:
    top = [(-43.0, -27.0), (-24.0, -41.0), (0.0, -45.0), (24.0, -41.0), (43.0, -27.0)]
    low: Points = [(38, -22, 1), (33, -27, 1), (29, -20, 1), (23, -31, 1), (15, -25, 1),
                   (8, -34, 1), (1, -28, 1), (-7, -34, 1), (-15, -26, 1), (-22, -31, 1),
                   (-29, -20, 1), (-33, -27, 1), (-38, -21, 1)]  # fmt: skip
    path: Points = [*top, *low]
    p.shade(clip, path, hair.light, 0.75)


def _draw_strands(p: Painter, figure: Figure, hair: Tone) -> None:
    soft = mix(hair.shade, hair.line, 0.35)
    tips = [q for q in _FRINGE[figure.bangs] if len(q) == 2 and q[1] > -24]
    for x, y in tips:
        p.stroke([(x, y), (x * 0.97, y - 7), (x * 0.9, y - 13)], soft, 1.1)
    for side in (-1, 1):
        p.stroke([(side * 47, -4), (side * 45, -24), (side * 34, -42)], soft, 1.1)


def _draw_ahoge(p: Painter, hair: Tone) -> None:
    path: Points = [
        (-3, -58, 1),
        (-2, -72),
        (10, -84),
        (27, -80, 1),
        (14, -76),
        (7, -70),
        (5, -58, 1),
    ]
    p.shape(path, hair)
    p.fill([(-3, -56), (0, -63), (5, -56)], hair.base)


def draw_buns(p: Painter, hair: Tone) -> None:
    """Draw the two buns; they lie behind the crown."""
    for side in (-1, 1):
        bun = oval(side * 38, -56, 20, 19)
        p.shape(bun, hair)
        clip = p.clip(bun)
        p.fade(clip, hair.shade, 0.0, 0.8)
        p.shade(clip, oval(side * 38 - 5, -64, 8, 5), hair.light, 0.8)
        p.stroke([(side * 30, -46), (side * 38, -52), (side * 50, -52)], hair.line, 1.2)


def draw_over(p: Painter, figure: Figure, hair: Tone, band: Tone) -> None:
    """Draw what falls over the shoulders, and what ties it."""
    if figure.style == "twin_braids":
        for side in (-1, 1):
            _draw_braid(p, side, hair, band)
    if figure.style == "twintails":
        for side in (-1, 1):
            p.shape(oval(side * 50, -31, 6.5, 8), band)
    if figure.style == "side_ponytail":
        p.shape(oval(48, -40, 7, 8.5), band)


def _draw_braid(p: Painter, side: int, hair: Tone, band: Tone) -> None:
    x = side * 43
    tuft: Points = [(x - 6, 84), (x + 6, 84), (x + 8, 94), (x, 104, 1), (x - 8, 94)]
    p.shape(tuft, hair)
    for row in range(4):
        y = 36 + row * 12
        size = 11.5 - row
        for half in (-1, 1):
            knot = p.frame(x + half * 4.2, y + (3 if half > 0 else 0), degrees=half * 32)
            lobe = oval(0, 0, size * 0.62, size * 0.86, 20)
            knot.shape(lobe, hair)
            knot.shade(knot.clip(lobe), oval(-1.5, -3, 3, 4, 14), hair.light, 0.6)
    p.shape(oval(x, 84, 7, 4.5), band)
