"""The one road from scores to a caption."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.caption import CaptionFormat
from tagger.captioner import Captioner
from tagger.errors import StoreError
from tagger.labels import DANBOORU, Label, LabelSet, category
from tagger.relations import Relations
from tagger.scores import Scores
from tagger.settings import Settings
from tagger.thresholds import Selection, Tag, Thresholds

NAMES = {
    "general": "rating",
    "explicit": "rating",
    "1girl": "general",
    "cat_ears": "general",
    "animal_ears": "general",
    "{odd}": "general",
    "saber_(fate)": "character",
    "highres": "meta",
}
LABELS = LabelSet(tuple(Label(name, category(DANBOORU, kind)) for name, kind in NAMES.items()))
RELATIONS = Relations.from_rows([], [("cat_ears", "animal_ears")])


def scores(floor: float = 0.0, **values: float) -> Scores:
    row = [values.get(name, 0.0) for name in NAMES]
    return Scores(np.float32(row), LABELS, "m", floor)


def test_scores_become_a_caption() -> None:
    """Text, tags, rating, what could not be written: all of it in one place."""
    made = Captioner(Settings(), LABELS)(
        scores(**{"1girl": 0.9, "saber_(fate)": 0.8, "{odd}": 0.7, "explicit": 0.2, "highres": 1})
    )

    assert made.text == "1girl, saber (fate)"
    assert made.tags == (Tag("1girl", "general", 0.9, 2), Tag("saber_(fate)", "character", 0.8, 6))
    assert made.rating == Tag("explicit", "rating", 0.2, 1)
    assert made.left_out == ("{odd}",)


def test_the_models_thresholds_hold_where_nobody_says_otherwise() -> None:
    """And a person's where somebody does."""
    given_scores = scores(**{"1girl": 0.5, "cat_ears": 0.3})

    own = Captioner(Settings(), LABELS, Thresholds(0.6, tags={"cat_ears": 0.25}))
    asked = Captioner(Settings(Selection(threshold=0.4)), LABELS, Thresholds(0.6))

    assert own(given_scores).text == "cat ears"
    assert asked(given_scores).text == "1girl"


def test_the_picture_names_itself_in_the_caption() -> None:
    """The tokens of the prefix."""
    made = Captioner(Settings(format=CaptionFormat(prefix=("[parent]",))), LABELS)

    assert made(scores(**{"1girl": 0.9}), PurePosixPath("/x/5_miku/a.png")).text == "miku, 1girl"
    assert made(scores(**{"1girl": 0.9})).text == "1girl"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        # child 0.9, parent 0.2: inherit raises the parent, constrain caps the child
        ("off", "cat ears"),
        ("inherit", "cat ears, animal ears"),
        ("constrain", ""),
        ("remove", "cat ears"),
        ("constrain-remove", ""),
    ],
)
def test_implications_act_before_the_selection(mode: str, expected: str) -> None:
    """As the JTP-3 tools name the modes."""
    made = Captioner(Settings(implied=mode), LABELS, relations=RELATIONS)

    assert made(scores(cat_ears=0.9, animal_ears=0.2)).text == expected


@pytest.mark.parametrize("mode", ["remove", "constrain-remove"])
def test_implied_tags_are_pruned_after_the_selection_except_those_to_keep(mode: str) -> None:
    """`animal ears` goes beside `cat ears`, and not beside nothing."""
    both = scores(cat_ears=0.8, animal_ears=0.9)

    plain = Captioner(Settings(implied=mode), LABELS, relations=RELATIONS)
    keeping = Settings(Selection(keep=("animal ears",)), implied=mode)
    without = Settings(Selection(exclude=("cat ears",)), implied=mode)

    assert plain(both).text == "cat ears"
    assert Captioner(keeping, LABELS, relations=RELATIONS)(both).text == "animal ears, cat ears"
    assert Captioner(without, LABELS, relations=RELATIONS)(both).text == "animal ears"


def test_a_template_that_names_the_rating_gets_it() -> None:
    """The highest, without asking for the category; exclude still wins."""
    form = CaptionFormat("template", template=("rating", "*"), max=1)
    values = scores(**{"1girl": 0.9, "cat_ears": 0.8, "general": 0.4, "explicit": 0.3})

    assert Captioner(Settings(format=form), LABELS)(values).text == "general, 1girl"
    excluding = Settings(Selection(exclude=("general",)), form)
    assert Captioner(excluding, LABELS)(values).text == "explicit, 1girl"
    assert Captioner(Settings(), LABELS)(values).text == "1girl, cat ears"


def test_stored_scores_that_do_not_suffice_are_refused_and_can_be_asked_about() -> None:
    """A threshold below 0.01 was lost in the store."""
    low = Captioner(Settings(Selection(threshold=0.005)), LABELS)

    assert low.decides(scores(**{"1girl": 0.9}))
    assert not low.decides(scores(0.01, **{"1girl": 0.9}))
    with pytest.raises(StoreError, match="infer the picture again"):
        low(scores(0.01, **{"1girl": 0.9}))


def test_scores_of_other_labels_are_refused() -> None:
    """Never a caption in another model's words."""
    other = LabelSet(LABELS.labels[::-1])

    with pytest.raises(ValueError, match="the captioner's labels"):
        Captioner(Settings(), LABELS)(Scores(np.zeros(8, np.float32), other, "m"))
    same = LabelSet(LABELS.labels)
    assert Captioner(Settings(), LABELS)(Scores(np.zeros(8, np.float32), same, "m")).text == ""


selections = st.builds(
    Selection,
    method=st.sampled_from(["fixed", "mcut", "topk"]),
    threshold=st.none() | st.integers(0, 100).map(lambda n: n / 100),
    top_k=st.integers(1, 4),
    keep=st.sampled_from([(), ("cat ears",)]),
    exclude=st.sampled_from([(), ("*ears",)]),
)
modes = st.sampled_from(["off", "inherit", "constrain", "remove", "constrain-remove"])
rows = st.lists(st.floats(0, 1) | st.floats(0, 0.02), min_size=len(NAMES), max_size=len(NAMES))


@settings(deadline=None)
@given(rows, selections, modes)
def test_stored_or_fresh_a_picture_gets_one_caption(
    row: list[float], selection: Selection, mode: str
) -> None:
    """Whatever the settings: the store says the same, or says that it can't."""
    fresh = Scores(np.float32(row), LABELS, "m")
    stored = Scores.from_sparse(fresh.sparse(), LABELS, "m")
    captioner = Captioner(Settings(selection, implied=mode), LABELS, relations=RELATIONS)

    if captioner.decides(stored):
        assert captioner(stored) == captioner(fresh)


SERIES_LABELS = LabelSet(
    (
        Label("miku_(append)", category(DANBOORU, "character")),
        Label("saber_(fate)", category(DANBOORU, "character")),
        Label("ann", category(DANBOORU, "character"), series=("squares", "circles")),
        Label("bob", category(DANBOORU, "character")),
        Label("circles", category(DANBOORU, "copyright")),
    )
)


def series_caption(selection: Selection | None = None) -> tuple[Tag, ...]:
    """The caption of a picture with everybody, 0.9 to 0.5 in their order."""
    known = Relations({}, {}, {"miku_(append)": ("vocaloid",)})
    made = Captioner(Settings(selection or Selection(), series=True), SERIES_LABELS, None, known)
    return made(Scores(np.float32([0.9, 0.8, 0.7, 0.6, 0.5]), SERIES_LABELS, "m")).tags


def test_a_character_is_followed_by_its_series() -> None:
    """From the label, else the relations, else the brackets; each once, what is there stays."""
    tags = series_caption()
    assert [tag.name for tag in tags] == [
        *("miku_(append)", "vocaloid", "saber_(fate)", "fate"),
        *("ann", "squares", "bob", "circles"),
    ]
    assert {tag.name: tag.category for tag in tags}["vocaloid"] == "copyright"
    assert [tag.index for tag in tags] == [0, -1, 1, -1, 2, -1, 3, 4]


def test_an_excluded_series_is_not_written() -> None:
    """Exclude wins here too, by pattern."""
    names = {tag.name for tag in series_caption(Selection(exclude=("squ*", "fate")))}
    assert names == {"miku_(append)", "vocaloid", "saber_(fate)", "ann", "bob", "circles"}
