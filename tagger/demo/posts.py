"""The rows of a drawn booru: posts as a site would hold them, forgotten tags and all.

Everything of a post but `has_children` depends on the seed and its own index alone.
"""

from __future__ import annotations

import datetime
import functools
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..options import check, option
from .truth import (
    ALIASES,
    CATEGORIES,
    GENERAL,
    IMPLICATIONS,
    character_tags,
    copyright_tags,
    general_tags,
)
from .wardrobe import BACKDROPS, Scene, draw_scene

KINDS = ("uniform", "rare")
_FIRST_DAY = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
_OLD_WORDS = {word: old for old, word in ALIASES.items()}


@dataclass(frozen=True)
class DumpOptions:
    """What a drawn dump holds."""

    count: int = option(1000, help="Posts to draw.", ge=1, le=900_000)
    size: int = option(256, help="Side of the square pictures, in pixels.", ge=16, le=4096)
    seed: int = option(0, help="The same seed and options draw the same posts.", ge=0)
    missing_rate: float = option(
        0.0, help="Share of the true general tags that posts lack.", ge=0, le=0.9
    )
    missing_kind: str = option(
        "uniform", help="Which tags are forgotten: any, or rather the rare ones.", choices=KINDS
    )
    aliases: float = option(
        0.0, help="Share of the tags with an old word that are written by it.", ge=0, le=1
    )
    deleted: float = option(0.0, help="Share of deleted posts.", ge=0, le=1)
    parents: float = option(
        0.0, help="Share of posts that are edits (mirrored, paler, other background) of a parent.",
        ge=0, le=0.9,
    )  # fmt: skip
    first_id: int = option(1, help="Id of the first post.", ge=1)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Post:
    """One post: its scene, the tags it is written with, and its true general tags left out."""

    id: int
    scene: Scene
    general: tuple[str, ...]
    left_out: tuple[str, ...]
    truth: tuple[str, ...]
    parent_id: int | None
    deleted: bool

    @property
    def characters(self) -> tuple[str, ...]:
        return character_tags(self.scene)

    @property
    def copyrights(self) -> tuple[str, ...]:
        return copyright_tags(self.scene)


def draw_post(options: DumpOptions, index: int) -> Post:
    """Draw post `index` of a dump, without its picture."""
    rng = random.Random(f"post {options.seed} {index}")
    parent = parent_of(options, index)
    scene = draw_scene(options.seed, index if parent is None else parent)
    if parent is not None:
        scene = _edited(scene, rng)
    truth = general_tags(scene)
    left_out = forget(truth, options.missing_rate, options.missing_kind, rng)
    return Post(
        options.first_id + index,
        scene,
        tuple(sorted(_reworded(set(truth) - left_out, options.aliases, rng))),
        tuple(sorted(left_out)),
        truth,
        None if parent is None else options.first_id + parent,
        rng.random() < options.deleted,
    )


def parent_of(options: DumpOptions, index: int) -> int | None:
    """The index of the original that this post is an edit of, if it is one."""
    rng = random.Random(f"parent {options.seed} {index}")
    if index == 0 or rng.random() >= options.parents:
        return None
    origin = index - rng.randint(1, min(index, 12))
    further = parent_of(options, origin)
    return origin if further is None else further


def _edited(scene: Scene, rng: random.Random) -> Scene:
    kind = rng.choice(("mirrored", "paler", "moved"))
    if kind == "mirrored":
        return replace(scene, mirrored=not scene.mirrored)
    if kind == "paler":
        return replace(scene, faded=True)
    return replace(scene, backdrop=rng.choice([b for b in BACKDROPS if b != scene.backdrop]))


def forget(truth: tuple[str, ...], rate: float, kind: str, rng: random.Random) -> set[str]:
    """Choose the tags that a post lacks: `rate` of them on average, closed downward.

    A site adds what a tag implies, so a tag is forgotten with everything that implies it.
    """
    budget = rate * len(truth)
    weight = {t: 1.0 if kind == "uniform" else rarity()[t] for t in truth}
    order = sorted(truth, key=lambda t: -(rng.random() ** (1 / weight[t])))
    gone: set[str] = set()
    for tag in order:
        more = {tag, *(t for t in truth if tag in _ancestors(t))} - gone
        room = budget - len(gone)
        if room <= 0 or (room < len(more) and rng.random() >= room / len(more)):
            break
        gone |= more
    return gone


@functools.cache
def _ancestors(tag: str) -> frozenset[str]:
    above = IMPLICATIONS.get(tag, ())
    return frozenset(above).union(*(_ancestors(t) for t in above))


@functools.cache
def rarity() -> Mapping[str, float]:
    """How readily a tag is forgotten when rare ones are: 1 / its share of 1,000 fixed posts."""
    counts = Counter(t for i in range(1000) for t in general_tags(draw_scene(0, i)))
    return {tag: 1000 / (counts[tag] + 1) for tag in GENERAL}


def _reworded(tags: Iterable[str], rate: float, rng: random.Random) -> list[str]:
    """Write some of the tags by the words that are now aliases of them."""
    return [
        _OLD_WORDS[tag] if rng.random() < rate and tag in _OLD_WORDS else tag
        for tag in sorted(tags)
    ]


def post_row(
    post: Post, size: int, md5: str, file_size: int, has_children: bool
) -> dict[str, object]:
    """A line of `posts.json`, with the keys of a Danbooru2021 dump."""
    rng = random.Random(f"votes {post.id}")
    day = (_FIRST_DAY + datetime.timedelta(hours=8 * post.id)).isoformat()
    groups = {"general": post.general, "character": post.characters, "copyright": post.copyrights}
    return {
        "id": post.id, "created_at": day, "updated_at": day, "uploader_id": 1,
        "score": rng.randrange(60), "source": "", "md5": md5, "rating": "g",
        "image_width": size, "image_height": size, "file_ext": "png", "file_size": file_size,
        "parent_id": post.parent_id, "has_children": has_children, "is_deleted": post.deleted,
        "is_banned": False, "is_pending": False, "is_flagged": False,
        "fav_count": rng.randrange(200),
        "tag_string": " ".join(sorted(t for tags in groups.values() for t in tags)),
        **{f"tag_string_{name}": " ".join(tags) for name, tags in groups.items()},
        "tag_string_artist": "", "tag_string_meta": "", "tag_count_general": len(post.general),
    }  # fmt: skip


def truth_row(post: Post) -> dict[str, object]:
    """A line of `truth.json`: every tag that is true of the picture, and those its post lacks."""
    tags = {"general": post.truth, "character": post.characters, "copyright": post.copyrights}
    return {
        "id": post.id,
        **{f"tag_string_{name}": " ".join(words) for name, words in tags.items()},
        "left_out": " ".join(post.left_out),
    }


def tag_rows(posts: Iterable[Post]) -> list[dict[str, object]]:
    """The lines of `tags.json`: the vocabulary by how many posts are written with each tag."""
    counts = Counter(t for p in posts for t in (*p.general, *p.characters, *p.copyrights))
    categories = CATEGORIES | dict.fromkeys(ALIASES, 0)
    names = sorted({*CATEGORIES, *counts}, key=lambda t: (-counts[t], t))
    return [
        {"id": k, "name": name, "post_count": counts[name], "category": categories[name],
         "is_deprecated": False}
        for k, name in enumerate(names, 1)
    ]  # fmt: skip


def relation_rows(pairs: Iterable[tuple[str, str]]) -> list[dict[str, object]]:
    """The lines of `tag_implications.json` and `tag_aliases.json`."""
    return [
        {"id": k, "antecedent_name": first, "consequent_name": second, "status": "active"}
        for k, (first, second) in enumerate(pairs, 1)
    ]
