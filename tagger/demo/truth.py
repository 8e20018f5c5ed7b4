"""The vocabulary in Danbooru's words, and the tags of a scene: only what can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .wardrobe import (
    BACKDROPS,
    CHARACTERS,
    COPYRIGHT,
    DRESSES,
    EYES,
    HAIR,
    Figure,
    Scene,
)  # fmt: skip

# The implications that Danbooru itself has among these tags (tag_implications, May 2025).
IMPLICATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "2girls": ("multiple_girls",),
        "very_long_hair": ("long_hair",),
        "twin_braids": ("braid",),
        "double_bun": ("hair_bun",),
        "cat_ears": ("animal_ears",),
        "rabbit_ears": ("animal_ears",),
        "witch_hat": ("hat",),
        "beret": ("hat",),
        "hair_bow": ("bow",),
        "hair_flower": ("hair_ornament", "flower"),
        "serafuku": ("school_uniform",),
        "pleated_skirt": ("skirt",),
        "white_shirt": ("shirt",),
        "red_dress": ("dress",),
        "blue_dress": ("dress",),
        "yellow_dress": ("dress",),
        "hoodie": ("hood",),
        "holding_balloon": ("holding", "balloon"),
        "starry_sky": ("sky", "star_(sky)"),
    }
)

# Aliases that Danbooru itself has for these tags: the old word, and the word in use.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "gray_hair": "grey_hair",
        "hair_past_waist": "very_long_hair",
        "blond_hair": "blonde_hair",
        "brunette": "brown_hair",
        "violet_hair": "purple_hair",
        "hazel_eyes": "yellow_eyes",
        "violet_eyes": "purple_eyes",
        "side_tail": "side_ponytail",
        "twin_tails": "twintails",
        "double_braid": "twin_braids",
        "buns": "double_bun",
        "spiky_hair": "spiked_hair",
        "nekomimi": "cat_ears",
        "bunny_ears": "rabbit_ears",
        "megane": "glasses",
        "muffler": "scarf",
        "headphone": "headphones",
        "white_blouse": "white_shirt",
        "short_pants": "shorts",
        "wink": "one_eye_closed",
        "smiling": "smile",
        "blushing": "blush",
        "outdoor": "outdoors",
        "clouds": "cloud",
        "wave": "waving",
        "raised_arms": "arms_up",
        "balloons": "balloon",
    }
)

_STYLE = {
    "long": ("long_hair",),
    "very_long": ("very_long_hair",),
    "bob": ("bob_cut", "short_hair"),
    "twintails": ("twintails", "long_hair"),
    "side_ponytail": ("side_ponytail", "long_hair"),
    "twin_braids": ("twin_braids", "long_hair"),
    "double_bun": ("double_bun",),
    "short": ("short_hair",),
    "spiked": ("spiked_hair", "short_hair"),
}
_OUTFIT = {
    "serafuku": ("serafuku", "pleated_skirt"),
    "shirt_skirt": ("shirt", "skirt"),
    "shirt_pleated": ("shirt", "pleated_skirt"),
    "shirt_shorts": ("shirt", "shorts"),
    "hoodie_skirt": ("hoodie", "skirt"),
    "hoodie_shorts": ("hoodie", "shorts"),
    "overalls": ("overalls", "shirt"),
    "dress": ("dress",),
}
_POSE = {
    "down": (),
    "arms_up": ("arms_up",),
    "waving": ("waving",),
    "balloon": ("holding_balloon",),
}
_LIDS = {"open": (), "closed": ("closed_eyes",), "wink": ("one_eye_closed",)}
_MOUTH = {
    "smile": ("smile", "closed_mouth"),
    "grin": ("smile", "open_mouth"),
    "oh": ("open_mouth",),
    "line": ("closed_mouth",),
    "frown": ("frown", "closed_mouth"),
}
_BACKDROP = {
    "white": ("white_background", "simple_background"),
    "blue": ("blue_background", "simple_background"),
    "pink": ("pink_background", "simple_background"),
    "gradient": ("gradient_background",),
    "meadow": ("outdoors", "sky", "cloud", "grass"),
    "night": ("outdoors", "night", "starry_sky"),
    "room": ("indoors", "window"),
}


def close(tags: set[str]) -> set[str]:
    """Add all that the tags imply."""
    whole = set(tags)
    for tag in tags:
        for parent in IMPLICATIONS.get(tag, ()):
            whole |= close({parent})
    return whole


def _figure_tags(figure: Figure) -> set[str]:
    tags = {*_STYLE[figure.style], f"{figure.hair}_hair", *_OUTFIT[figure.outfit]}
    tags |= {*_POSE[figure.pose], *_LIDS[figure.lids], *_MOUTH[figure.mouth]}
    tags |= {t for t in (figure.gear, figure.ornament) if t}
    tags |= {t for t in ("glasses", "scarf", "ahoge", "blush") if getattr(figure, t)}
    if figure.lids != "closed":
        tags.add(f"{figure.eyes}_eyes")
    if figure.outfit == "dress":
        tags.add(f"{figure.colour}_dress")
    elif "shirt" in _OUTFIT[figure.outfit] and figure.colour == "white":
        tags.add("white_shirt")
    return tags


def _count_tags(figures: tuple[Figure, ...]) -> set[str]:
    boys = sum(f.boy for f in figures)
    girls = len(figures) - boys
    tags = {"1boy"} if boys else set[str]()
    tags |= {f"{girls}girl{'s' if girls > 1 else ''}"} if girls else set()
    return tags | ({"solo"} if len(figures) == 1 else set())


def general_tags(scene: Scene) -> tuple[str, ...]:
    """The general tags (category 0), sorted and closed under the implications."""
    tags = {*_BACKDROP[scene.backdrop], *_count_tags(scene.figures)}
    for figure in scene.figures:
        tags |= _figure_tags(figure)
    return tuple(sorted(close(tags)))


def character_tags(scene: Scene) -> tuple[str, ...]:
    """The names of those of the cast who are in the picture (category 4), sorted."""
    return tuple(sorted({f.name for f in scene.figures if f.name}))


def copyright_tags(scene: Scene) -> tuple[str, ...]:
    """The cast's home (category 3) where one of them is in the picture."""
    return (COPYRIGHT,) if character_tags(scene) else ()


def _vocabulary() -> tuple[str, ...]:
    tags = {f"{c}_hair" for c in HAIR} | {f"{c}_eyes" for c in EYES}
    tags |= {f"{c}_dress" for c in DRESSES} | {"white_shirt"}
    tags |= {"1girl", "1boy", "2girls", "solo", "glasses", "scarf", "ahoge", "blush"}
    tags |= {"cat_ears", "rabbit_ears", "witch_hat", "beret", "headphones"}
    tags |= {"hair_bow", "hair_flower"}
    for table in (_STYLE, _OUTFIT, _POSE, _LIDS, _MOUTH):
        tags |= {tag for row in table.values() for tag in row}
    return tuple(sorted(close(tags | {t for b in BACKDROPS for t in _BACKDROP[b]})))


GENERAL = _vocabulary()
CATEGORIES = {**dict.fromkeys(GENERAL, 0), COPYRIGHT: 3, **dict.fromkeys(CHARACTERS, 4)}
