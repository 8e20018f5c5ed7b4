"""The drawn pictures that ship with the project: `examples/`, and the cast on one sheet."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path

from PIL import Image

from .figure import draw
from .wardrobe import CAST, COPYRIGHT, Figure, Scene

SIZE = 640
SHEET = (6, 2)  # columns, rows: the twelve of the cast


def draw_examples(out: Path) -> list[Path]:
    """Write a dozen drawn pictures: png, jpg, jpeg and webp, one folder inside; return them.

    Stems differ, so that captions beside them do not collide; nothing else is written.
    """
    written: list[Path] = []
    for name, scene in _examples().items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_encode(draw(scene, SIZE), path.suffix))
        written.append(path)
    return written


def draw_cast(size: int = 220) -> Image.Image:
    """Draw the twelve who come again on one sheet of squares with sides of `size` pixels."""
    columns, rows = SHEET
    sheet = Image.new("RGB", (columns * size, rows * size), (255, 255, 255))
    backdrops = ("meadow", "night", "pink", "gradient", "room", "blue")
    for k, figure in enumerate(CAST):
        rng = random.Random(f"sheet {k}")
        happy = replace(figure, mouth=("grin", "smile")[k % 2], blush=k % 3 == 0)
        posed = replace(happy, pose=("down", "waving", "down", "arms_up")[k % 4])
        scene = Scene((posed,), backdrops[(k * 5 + k // 6) % 6], rng.getrandbits(32), k % 2 == 1)
        sheet.paste(draw(scene, size), (k % columns * size, k // columns * size))
    return sheet


def _encode(picture: Image.Image, suffix: str) -> bytes:
    buffer = io.BytesIO()
    if suffix == ".png":
        picture.quantize(256, Image.Quantize.MEDIANCUT).save(buffer, "PNG", optimize=True)
    elif suffix == ".webp":
        picture.save(buffer, "WEBP", quality=90)
    else:
        picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _known(who: str, **worn: object) -> Figure:
    figure = next(f for f in CAST if f.name == f"{who}_({COPYRIGHT})")
    return replace(figure, **worn)  # pyright: ignore[reportArgumentType]


def _stranger(like: str, **worn: object) -> Figure:
    return _known(like, name=None, **worn)


def _examples() -> dict[str, Scene]:
    """The pictures by file name."""
    tall_friend = _stranger("yuki", hair="blonde", eyes="purple", scarf=False, outfit="dress",
                            colour="yellow", mouth="grin", bangs="parted")  # fmt: skip
    reader = _stranger("hazel", style="long", hair="purple", eyes="blue", outfit="shirt_skirt",
                       colour="white", ornament="hair_bow", mouth="smile")  # fmt: skip
    sleepy = _stranger("otto", style="short", hair="black", glasses=False, lids="closed",
                       outfit="hoodie_shorts", gear="headphones", mouth="smile")  # fmt: skip
    return {
        "balloon.png": Scene((_known("mira", pose="balloon", mouth="grin", blush=True),),
                             "meadow", 11),
        "stargazer.jpg": Scene((_known("luna", pose="arms_up", mouth="grin"),), "night", 12),
        "at-home.webp": Scene((_known("hazel", mouth="smile", blush=True),), "room", 13),
        "black-cat.png": Scene((_known("nana", pose="waving", mouth="grin"),), "pink", 14),
        "two-friends.jpeg": Scene((_known("clover", mouth="smile", blush=True), tall_friend),
                                  "meadow", 15),
        "flower.webp": Scene((_known("coral", pose="waving", lids="wink", mouth="grin"),),
                             "blue", 16),
        "winter.jpg": Scene((_known("yuki", mouth="line", blush=True),), "gradient", 17),
        "music.png": Scene((_known("toma", pose="arms_up", lids="closed", mouth="grin"),),
                           "white", 18),
        "town/painter.jpeg": Scene((_known("fern", mouth="oh", ahoge=False),), "gradient", 20),
        "town/night-walk.webp": Scene((_known("ren", mouth="smile"), reader), "night", 21),
        "town/buns.jpg": Scene((_known("mei", lids="closed", mouth="smile", blush=True),),
                                "room", 24),
        "town/listening.png": Scene((sleepy,), "blue", 23),
    }  # fmt: skip
