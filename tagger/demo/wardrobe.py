"""What a drawn figure can be, who comes again, and the random truth of each picture."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

COPYRIGHT = "chibi_town"

HAIR = ("black", "brown", "blonde", "red", "pink", "purple", "blue", "green", "grey")
EYES = ("blue", "green", "red", "yellow", "purple", "brown")
GIRL_STYLES = (
    "long", "very_long", "bob", "twintails", "side_ponytail", "twin_braids", "double_bun",
)  # fmt: skip
BOY_STYLES = ("short", "spiked")
BANGS = ("straight", "swept", "parted", "spiky")
GEAR = ("cat_ears", "rabbit_ears", "witch_hat", "beret", "headphones")
ORNAMENTS = ("hair_bow", "hair_flower")
GIRL_OUTFITS = (
    "serafuku", "shirt_skirt", "shirt_pleated", "shirt_shorts", "dress", "hoodie_skirt", "overalls",
)  # fmt: skip
BOY_OUTFITS = ("shirt_shorts", "hoodie_shorts", "overalls")
DRESSES = ("red", "blue", "yellow")
SHIRTS = ("white", "pink", "green", "orange")
POSES = ("down", "arms_up", "waving", "balloon")
LIDS = ("open", "closed", "wink")
MOUTHS = ("smile", "grin", "oh", "line", "frown")
BACKDROPS = ("white", "blue", "pink", "gradient", "meadow", "night", "room")


@dataclass(frozen=True)
class Figure:
    """Everything that can be seen of one figure, in the words above."""

    boy: bool
    style: str
    bangs: str
    hair: str
    eyes: str
    gear: str | None
    ornament: str | None
    glasses: bool
    scarf: bool
    ahoge: bool
    outfit: str
    colour: str  # of the dress or the shirt
    pose: str
    lids: str
    mouth: str
    blush: bool
    name: str | None = None
    jitter: float = 0.0  # -1..1, shifts hues, tilts the head


@dataclass(frozen=True)
class Scene:
    """One picture: its figures from left to right, what is behind them, and chance."""

    figures: tuple[Figure, ...]
    backdrop: str
    chance: int  # seeds what no tag speaks of: places of clouds, colours of shoes
    mirrored: bool = False
    faded: bool = False  # an edit with paler colours


def _who(name: str, boy: bool = False, **worn: object) -> Figure:
    plain = Figure(
        boy, "short" if boy else "long", "swept", "brown", "brown", None, None, False, False,
        False, "shirt_shorts", "white", "down", "open", "smile", False, f"{name}_({COPYRIGHT})",
    )  # fmt: skip
    return replace(plain, **worn)  # pyright: ignore[reportArgumentType]


def _cast() -> tuple[Figure, ...]:
    """The twelve who come again; what they wear and how their hair is never changes."""
    return (
        _who("mira", style="twintails", hair="pink", eyes="blue", ornament="hair_bow",
             outfit="serafuku", bangs="straight"),
        _who("luna", style="very_long", hair="purple", eyes="yellow", gear="witch_hat",
             outfit="dress", colour="blue", bangs="parted"),
        _who("hazel", style="twin_braids", hair="brown", eyes="green", glasses=True,
             outfit="overalls", colour="white", bangs="straight"),
        _who("nana", style="bob", hair="black", eyes="red", gear="cat_ears",
             outfit="hoodie_skirt", bangs="straight"),
        _who("clover", style="long", hair="blonde", eyes="purple", gear="rabbit_ears",
             outfit="dress", colour="red", bangs="swept"),
        _who("coral", style="side_ponytail", hair="red", eyes="green", ornament="hair_flower",
             outfit="shirt_shorts", colour="white", bangs="spiky"),
        _who("yuki", style="very_long", hair="grey", eyes="blue", scarf=True,
             outfit="shirt_pleated", colour="white", bangs="straight"),
        _who("mei", style="double_bun", hair="black", eyes="brown", outfit="dress",
             colour="yellow", bangs="swept", ornament=None),
        _who("fern", style="bob", hair="green", eyes="yellow", gear="beret",
             outfit="shirt_skirt", colour="white", bangs="swept"),
        _who("toma", boy=True, style="spiked", hair="blonde", eyes="blue", gear="headphones",
             outfit="hoodie_shorts", bangs="spiky"),
        _who("ren", boy=True, style="spiked", hair="blue", eyes="red", scarf=True,
             outfit="shirt_shorts", colour="white", bangs="spiky"),
        _who("otto", boy=True, style="short", hair="red", eyes="brown", glasses=True,
             outfit="overalls", colour="green", bangs="swept"),
    )  # fmt: skip


CAST = _cast()
CHARACTERS = tuple(f.name for f in CAST if f.name)


def _likeness(figure: Figure) -> tuple[object, ...]:
    """What a member of the cast is known by."""
    return figure.style, figure.hair, figure.gear or figure.ornament, figure.outfit


_KNOWN = frozenset(_likeness(f) for f in CAST)


def _mood(figure: Figure, rng: random.Random) -> Figure:
    lids = rng.choices(LIDS, (0.8, 0.1, 0.1))[0]
    mouth = rng.choices(MOUTHS, (0.26, 0.26, 0.16, 0.16, 0.16))[0]
    pose = rng.choices(POSES, (0.46, 0.18, 0.18, 0.18))[0]
    return replace(
        figure,
        lids=lids,
        mouth=mouth,
        pose=pose,
        blush=rng.random() < 0.45,
        ahoge=_bare(figure) and rng.random() < 0.22,
        jitter=rng.uniform(-1, 1),
    )


def _bare(figure: Figure) -> bool:
    """Whether nothing hides a tuft on top of the head."""
    return figure.gear not in ("witch_hat", "beret") and figure.ornament != "hair_bow"


def _headwear(style: str, rng: random.Random) -> tuple[str | None, str | None]:
    """One thing on the head, and perhaps an ornament where there is room for it."""
    gear = rng.choice(GEAR) if rng.random() < 0.5 else None
    if style == "double_bun" and gear != "headphones":
        gear = None  # buns leave no room
    room = gear in (None, "cat_ears") and style not in BOY_STYLES
    ornament = rng.choice(ORNAMENTS) if room and rng.random() < 0.4 else None
    return gear, ornament


def _stranger(boy: bool, rng: random.Random) -> Figure:
    style = rng.choice(BOY_STYLES if boy else GIRL_STYLES)
    gear, ornament = _headwear(style, rng)
    outfit = rng.choice(BOY_OUTFITS if boy else GIRL_OUTFITS)
    scarf = outfit.startswith(("shirt", "dress")) and rng.random() < 0.3
    return Figure(
        boy, style, rng.choice(BANGS), rng.choice(HAIR), rng.choice(EYES), gear, ornament,
        rng.random() < 0.16, scarf, False, outfit,
        rng.choice(DRESSES if outfit == "dress" else SHIRTS), "down", "open", "smile", False,
    )  # fmt: skip


def draw_figure(boy: bool, rng: random.Random) -> Figure:
    """Draw a figure: a third are of the cast, and no stranger looks like one of them."""
    if rng.random() < 0.31:
        return _mood(rng.choice([f for f in CAST if f.boy == boy]), rng)
    while True:
        figure = _stranger(boy, rng)
        if _likeness(figure) not in _KNOWN:
            return _mood(figure, rng)


def _places(figures: list[Figure]) -> tuple[Figure, ...]:
    """Keep what two figures do from hiding one another: only the outer arm is ever raised."""
    if len(figures) == 1:
        return tuple(figures)
    calm = [replace(f, pose="waving" if f.pose == "waving" else "down") for f in figures]
    if calm[0].name and calm[0].name == calm[1].name:
        calm[1] = replace(calm[1], name=None, hair=_other_hair(calm[1]))
    return tuple(calm)


def _other_hair(figure: Figure) -> str:
    return next(h for h in HAIR if _likeness(replace(figure, hair=h)) not in _KNOWN)


def draw_scene(seed: int, index: int) -> Scene:
    """Draw picture `index` of a seed; it depends on nothing else."""
    rng = random.Random(f"chibi {seed} {index}")
    kind = rng.choices(("girl", "boy", "girls", "pair"), (0.52, 0.22, 0.16, 0.1))[0]
    boys = {"girl": (False,), "boy": (True,), "girls": (False, False), "pair": (False, True)}[kind]
    figures = [draw_figure(boy, rng) for boy in boys]
    return Scene(
        _places(figures),
        rng.choices(BACKDROPS, (0.14, 0.13, 0.13, 0.15, 0.17, 0.14, 0.14))[0],
        rng.getrandbits(32),
        rng.random() < 0.5,
    )
