"""The score by distance: what earns credit, what earns none, and what it can never do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.counts import TagCounts, count
from tagger.evaluate.distance import Likeness, distance_score, likeness, matched
from tagger.evaluate.showdown import score, tally
from tagger.relations import EMPTY, Relations

pytest.importorskip("scipy")

PICTURES = 4000
EYES = ("blue_eyes", "green_eyes", "red_eyes")
SCENES = {"beach": ("sea", "swimsuit"), "town": ("street", "lamp"), "forest": ("tree", "moss")}


def world() -> tuple[tuple[str, ...], TagCounts]:
    """A drawn booru of words, whose rules are known.

    Every picture has one eye colour, alike in all else; a scene with its company; at the beach
    `sea` and, from annotators who each forget one time in ten, its synonym `ocean`; there, one
    time in two and elsewhere seldom, the companion `parasol`.
    """
    rng = np.random.default_rng(5)
    names = (*EYES, *SCENES, *itertools.chain(*SCENES.values()), "ocean", "parasol", "smile")
    rows: list[list[int]] = []
    for _ in range(PICTURES):
        scene = rng.choice(list(SCENES))
        tags = {str(rng.choice(EYES)), str(scene)}
        tags |= {tag for tag in SCENES[scene] if tag != "sea" and rng.random() < 0.7}
        if scene == "beach":
            tags |= {tag for tag in ("sea", "ocean") if rng.random() < 0.9}
        if rng.random() < (0.5 if scene == "beach" else 0.05):
            tags.add("parasol")
        if rng.random() < 0.6:
            tags.add("smile")
        rows.append([names.index(tag) for tag in tags])
    return names, count(rows, len(names))


NAMES, COMPANY = world()
KNOWN = likeness(NAMES, COMPANY, EMPTY)


def scored(said: set[str], true: set[str], by: Likeness = KNOWN) -> tuple[float, float]:
    """One picture's showdown score, and its score by distance."""
    tags = sorted({*NAMES, *said, *true})
    rows = [np.array([[tag in of for tag in tags]]) for of in (said, true)]
    of = tally(*rows, np.ones((1, len(tags)), bool), [""], [""])
    return score(of)[0], distance_score(*rows, of, tags, by)[0]


def test_a_synonym_costs_little() -> None:
    """`ocean` for `sea`: most of what the right word would have earned."""
    plain, near = scored({"ocean", "beach"}, {"sea", "beach"})

    assert plain == 0.0  # one right, one wrong, of two
    assert near > 0.9
    assert near < 1.0


@pytest.mark.parametrize(
    ("said", "true"),
    [
        ("green_eyes", "blue_eyes"),  # keep the same company, exclude each other
        ("red_eyes", "green_eyes"),
        ("parasol", "sea"),  # comes along half the time
        ("parasol", "beach"),
        ("street", "sea"),
        ("smile", "blue_eyes"),  # on most pictures, so often together by chance
        ("smile", "beach"),
    ],
)
def test_siblings_and_companions_cost_like_strangers(said: str, true: str) -> None:
    """Exactly what the showdown takes for any wrong tag."""
    plain, near = scored({said, "town"}, {true, "town"})

    assert near == plain == 0.0


def test_siblings_do_keep_the_same_company() -> None:
    """So the cosine of PPMI rows alone would have credited them: what excludes them is counted."""
    values = COMPANY.similarity([NAMES.index("beach"), NAMES.index("swimsuit")])

    assert values[0, 1] > 0.3
    assert KNOWN("blue_eyes", "green_eyes") == 0.0


def test_what_implies_the_other_is_near_by_how_much_both_say() -> None:
    """Lin's likeness: 2 ln p(implied) / (ln p(one) + ln p(other)), here of halves and quarters."""
    rows = [[0, 1], [1], [], []] * 10  # a fourth has the child, a half the parent
    by = likeness(
        ("cat_ears", "animal_ears"), count(rows, 2), Relations({}, {"cat_ears": ("animal_ears",)})
    )

    expected = 2 * np.log(1 / 2) / (np.log(1 / 4) + np.log(1 / 2))
    assert by("cat_ears", "animal_ears") == pytest.approx(expected)
    assert by("animal_ears", "cat_ears") == by("cat_ears", "animal_ears")


def test_of_few_pictures_nothing_is_learnt() -> None:
    """Two tags on the same four pictures, and on no other: that may be chance."""
    rows = [[0, 1, 2]] * 4 + [[2]] * 40

    assert likeness(("a", "b", "c"), count(rows, 3), EMPTY).near == {}


TAGS = st.sets(st.sampled_from(NAMES), max_size=8)


@given(TAGS, TAGS.filter(bool))
def test_it_is_never_below_the_showdowns_and_never_above_1(said: set[str], true: set[str]) -> None:
    """Whatever is said; and 1 is for the truth alone."""
    plain, near = scored(said, true)

    assert plain <= near <= 1.0
    assert (near == 1.0) == (said == true)


@st.composite
def likenesses(draw: st.DrawFn) -> Likeness:
    """Any symmetric likeness at all."""
    near: dict[str, dict[str, float]] = {}
    for one, other in itertools.combinations(NAMES[:7], 2):
        value = draw(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
        if value:
            near.setdefault(one, {})[other] = value
            near.setdefault(other, {})[one] = value
    return Likeness(near)


FEW = st.lists(st.sampled_from(NAMES[:7]), max_size=5, unique=True)


@given(FEW, FEW, likenesses())
def test_pairs_are_one_to_one_and_the_best_there_are(
    said: list[str], true: list[str], by: Likeness
) -> None:
    """As all ways to pair them, tried one after another, find."""
    short, long = sorted((said, true), key=len)
    ways = itertools.permutations(long, len(short))
    best = max(sum(by(a, b) for a, b in zip(short, way, strict=True)) for way in ways)

    assert matched(said, true, by) == pytest.approx(best)


@given(TAGS, TAGS.filter(bool), likenesses())
def test_one_true_tag_is_credited_once(said: set[str], true: set[str], by: Likeness) -> None:
    """However many names of it are said: never over 1, whatever the likeness."""
    plain, near = scored(said, true, by)

    assert plain - 1e-12 <= near <= 1.0 + 1e-12
