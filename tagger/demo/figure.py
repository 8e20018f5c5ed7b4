"""From a scene to its picture: where the figures stand, and in what order their parts lie."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from PIL import Image, ImageEnhance

from . import arms, clothes, face, hair, headwear
from .backdrop import draw_backdrop
from .painter import Painter
from .tones import Tone, mix, tone
from .wardrobe import Figure, Scene

FEET = 133.0  # from the head's middle down, units of a figure
SUPERSAMPLE = 3
_LIFT = -12.0  # animal ears rise by this above spiked hair


def draw(scene: Scene, size: int = 512, supersample: int = SUPERSAMPLE) -> Image.Image:
    """Draw a scene as a square RGB picture with sides of `size` pixels."""
    rng = random.Random(scene.chance)
    p = draw_backdrop(scene.backdrop, size * supersample, rng)
    casts = [
        _cast(p, f, *spot, rng) for f, spot in zip(scene.figures, _places(scene, rng), strict=True)
    ]
    for cast in casts:
        _draw_behind(cast)
    for cast in casts:
        _draw_before(cast)
    picture = p.image.reduce(supersample)
    if scene.mirrored:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ImageEnhance.Color(picture).enhance(0.82) if scene.faded else picture


@dataclass(frozen=True)
class _Cast:
    """A figure with its painters (body and tilted head), its tones, and chance."""

    body: Painter
    head: Painter
    figure: Figure
    locks: Tone
    cloth: clothes.Cloth
    rng: random.Random


def _flipped(p: Painter) -> Painter:
    return Painter(p.image, p.draw, p.line, -p.xx, p.xy, -p.yx, p.yy, p.x0, p.y0)


def _top(figure: Figure) -> float:
    """How far the figure reaches above its head's middle, units."""
    gear = figure.gear or ""
    tall = {"witch_hat": 117, "rabbit_ears": 113, "beret": 93, "cat_ears": 87, "headphones": 76}
    high = float(tall.get(gear, 66))
    if figure.style in ("spiked", "double_bun") or figure.ahoge or figure.ornament == "hair_bow":
        high = max(high, 86)
    if figure.style == "spiked" and gear.endswith("_ears"):
        high -= _LIFT
    return high


def _places(scene: Scene, rng: random.Random) -> list[tuple[float, float, float, bool]]:
    """Where each figure's head is, its scale, and whether it is flipped."""
    line = []
    pair = len(scene.figures) == 2
    for k, figure in enumerate(scene.figures):
        most = (0.425 if pair else 0.51) * rng.uniform(0.93, 1.0)
        scale = min(most, 96 / (_top(figure) + FEET))
        if pair:
            x = (27.5 if k == 0 else 72.5) + rng.uniform(-1, 1)
        else:
            x = 50 + rng.uniform(-3, 3) - (9 if figure.pose == "balloon" else 0)
        y = 97 + rng.uniform(-1, 1.5) - FEET * scale
        line.append((x, y, scale, pair and k == 0))
    return line


def _cast(
    p: Painter, figure: Figure, x: float, y: float, scale: float, flip: bool, rng: random.Random
) -> _Cast:
    rng = random.Random(rng.getrandbits(32))
    body = replace(p.frame(x, y, scale), line=rng.uniform(1.3, 1.8))
    body = _flipped(body) if flip else body
    head = body.frame(0, 44).frame(0, 0, degrees=figure.jitter * 3.5).frame(0, -44)
    skin = face.skin_tone((random.Random(figure.name) if figure.name else rng).getrandbits(8))
    cloth = clothes.choose_cloth(figure, skin, rng)
    return _Cast(body, head, figure, hair.hair_tone(figure), cloth, rng)


def _draw_behind(cast: _Cast) -> None:
    cast.body.glow(0, 131, 44, 9, (70, 60, 90), 0.35)
    hair.draw_back(cast.head, cast.figure, cast.locks)


def _draw_before(cast: _Cast) -> None:
    figure, cloth = cast.figure, cast.cloth
    for side in (-1, 1):
        if arms.raised(figure, side) == "down":
            arms.draw_arm(cast.body, figure, cloth, side)
    clothes.draw_body(cast.body, figure, cloth)
    if figure.scarf:
        clothes.draw_scarf(cast.body, _accent(cloth))
    _draw_head(cast.head, figure, cast.locks, cloth)
    _draw_raised(cast.body, figure, cloth, cast.rng)


def _accent(cloth: clothes.Cloth) -> Tone:
    """The trim colour, or another where it would vanish on the clothes."""
    taken = (cloth.top.base, cloth.bottom.base)
    for name in ("red", "teal", "yellow"):
        if clothes.CLOTH[name] not in taken:
            return tone(clothes.CLOTH[name])
    return cloth.trim


def _draw_head(p: Painter, figure: Figure, locks: Tone, cloth: clothes.Cloth) -> None:
    if figure.style == "double_bun":
        hair.draw_buns(p, locks)
    headwear.draw_ears(p.frame(0, _LIFT if figure.style == "spiked" else 0), figure.gear, locks)
    face.draw_head(p, cloth.skin)
    shadow = [(q[0], q[1] + 5, *q[2:]) for q in hair.fringe(figure)]
    p.shade(p.clip(face.FACE), shadow, cloth.skin.shade, 0.75)
    p.outline(face.FACE, cloth.skin)
    face.draw_features(p, figure)
    hair.draw_front(p, figure, locks)
    face.draw_brows(p, figure, mix(locks.line, locks.base, 0.2))
    if figure.glasses:
        face.draw_glasses(p, (70, 44, 62))
    hair.draw_over(p, figure, locks, cloth.trim)
    headwear.draw_hat(p, figure.gear, cloth.trim)
    side = -1 if figure.style == "side_ponytail" else 1
    headwear.draw_ornament(p, figure.ornament, _bloom(figure), side)


def _bloom(figure: Figure) -> Tone:
    if figure.hair in ("red", "pink"):
        return tone((250, 250, 252)) if figure.ornament == "hair_flower" else tone((74, 130, 224))
    return tone((240, 72, 90)) if figure.ornament == "hair_bow" else tone((255, 150, 180))


def _draw_raised(p: Painter, figure: Figure, cloth: clothes.Cloth, rng: random.Random) -> None:
    for side in (-1, 1):
        if arms.raised(figure, side) == "down":
            continue
        if figure.pose == "balloon":
            colour = tone(
                rng.choice(((238, 72, 84), (255, 196, 60), (80, 170, 240), (255, 130, 180)))
            )
            headwear.draw_balloon(p, (54, 54), colour)
        arms.draw_arm(p, figure, cloth, side)
        if figure.pose == "waving":
            headwear.draw_waves(p, (58, 25), (255, 150, 60))
