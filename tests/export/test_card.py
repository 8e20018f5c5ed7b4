"""A model card says what chose the pictures, and nothing of whose machine it was."""

from __future__ import annotations

from tagger.export.card import Card, write_card
from tagger.labels import LabelSet

ABOUT = {
    "rows": {"train": 9, "validation": 1},
    "sources": [{"name": "posts", "rows": 10, "posts": 12}],
    "dropped": {"deleted": 2, "banned": 0},
    "options": {
        "minimum_count": 20,
        "ratings": ["general", "sensitive"],
        "required_tags": [],
        "min_score": None,
        "sql": "",
        "sources": ["/home/somebody/posts.json"],
        "images": ["/home/somebody/pictures"],
        "out": "/home/somebody/dataset",
    },
}
GAIN = {
    "pictures": 3,
    "micro_f1": [0.8, 0.75, 0.85],
    "micro_precision": 0.8,
    "micro_recall": 0.8,
    "macro_f1": 0.7,
    "micro_f1_one_threshold": 0.81,
    "micro_f1_gain": [-0.01, -0.02, 0.003],
    "mean_average_precision": 0.6,
    "mean_average_precision_labels": 5,
}


def card(**about: object) -> str:
    return write_card(Card("mine", **about), LabelSet(()), "A small network.")  # pyright: ignore[reportArgumentType]


def test_it_says_by_which_filters_the_pictures_were_chosen() -> None:
    text = card(dataset=ABOUT)
    assert '  "minimum_count": 20,\n  "ratings": ["general", "sensitive"]\n}' in text
    assert "Left out: 2 deleted." in text
    assert "required_tags" not in text, "a filter that was not set says nothing"
    assert "somebody" not in text


def test_it_gives_the_gain_of_fitted_thresholds_with_its_sign_and_interval() -> None:
    assert "| 0.810 | -0.010 [-0.020, +0.003] | 0.600 (5) |" in card(figures={"all": GAIN})
