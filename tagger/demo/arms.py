"""Arms by pose, over or beside the body. The origin is the head's middle."""

from __future__ import annotations

from .clothes import Cloth
from .curves import Points, limb, mirror, oval
from .painter import Painter
from .tones import Tone
from .wardrobe import Figure

_ARMS: dict[str, Points] = {
    "down": [(18, 54), (28, 68), (31, 86)],
    "up": [(17, 55), (37, 54), (54, 40), (58, 25)],
    "hold": [(18, 55), (36, 64), (54, 54)],
}


def raised(figure: Figure, side: int) -> str:
    """What the arm on one side (-1 left, 1 right) does: a key of the arm paths."""
    if figure.pose == "arms_up":
        return "up"
    if side > 0 and figure.pose in ("waving", "balloon"):
        return "up" if figure.pose == "waving" else "hold"
    return "down"


def draw_arm(p: Painter, figure: Figure, cloth: Cloth, side: int) -> None:
    """Draw one arm with its sleeve and hand."""
    path = _sway(_ARMS[raised(figure, side)], figure.jitter * 2.5)
    path = path if side > 0 else mirror(path)
    long = figure.outfit.startswith("hoodie")
    arm = limb(path, [12, 11, 9], cap=0)
    hand = path[-1]
    p.shape(arm, cloth.skin)
    _draw_hand(p, hand, side if path[1][1] < path[-1][1] else -side, cloth.skin)
    p.fill(limb(path[-2:], [8, 6.5]), cloth.skin.base)
    cut: Points = [path[0], path[1], path[-1]] if long else [path[0], path[1]]
    if long:
        last = ((path[-2][0] + path[-1][0] * 3) / 4, (path[-2][1] + path[-1][1] * 3) / 4)
        cut = [*path[:-1], last]
    sleeve = limb(cut, [13.5, 14, 12.5] if long else [14, 16.5], cap=0.25)
    p.shape(sleeve, cloth.top)
    p.shade(p.clip(sleeve), [(q[0], q[1] + 5) for q in cut] + [(hand[0], 110.0)], cloth.top.shade)


def _sway(path: Points, by: float) -> Points:
    """Move the hand, and the elbow by half as much, towards the body or away from it."""
    (x, y), *rest = path
    share = [by / 2] * (len(rest) - 1) + [by]
    return [(x, y), *((px + d, py - abs(d) / 2) for (px, py), d in zip(rest, share, strict=True))]


def _draw_hand(p: Painter, at: tuple[float, ...], side: int, skin: Tone) -> None:
    x, y = at[0], at[1]
    p.shape(oval(x - side * 4.6, y - 1.5, 2.9, 3.4, 16), skin)
    p.shape(oval(x, y, 6.2, 6.4, 20), skin)
    p.fill(oval(x - side * 3.4, y - 1.2, 2.4, 2.4, 14), skin.base)
