"""Which tags become labels, and in which order."""

from __future__ import annotations

import pytest

from tagger.dataset.vocabulary import TagCount, VocabularyOptions, choose, labels_by_head
from tagger.errors import OptionError

GENERAL, COPYRIGHT, CHARACTER, META = "general", "copyright", "character", "meta"


def names(options: VocabularyOptions, *tags: TagCount) -> tuple[str, ...]:
    return choose(tags, options).labels.names


def test_labels_stand_by_category_then_count_then_name() -> None:
    """Categories come in the order asked for; those not asked for are no labels."""
    tags = [
        TagCount("b", GENERAL, 5, 10), TagCount("a", GENERAL, 5, 10), TagCount("c", GENERAL, 9, 10),
        TagCount("who", CHARACTER, 7, 10), TagCount("sketch", META, 9, 10),
    ]  # fmt: skip
    assert names(VocabularyOptions(), *tags) == ("c", "a", "b", "who")
    asked = VocabularyOptions(categories=("character", "general"))
    assert names(asked, *tags) == ("who", "c", "a", "b")


def test_the_minimum_count_is_enough() -> None:
    """A tag with exactly as many posts as asked for stays."""
    options = VocabularyOptions(minimum_count=5, category_minimum_counts={"character": 2})
    tags = [
        TagCount("five", GENERAL, 5, 99), TagCount("four", GENERAL, 4, 99),
        TagCount("two", CHARACTER, 2, 99), TagCount("one", CHARACTER, 1, 99),
    ]  # fmt: skip
    assert names(options, *tags) == ("five", "two")


def test_the_share_is_of_the_posts_that_know_the_tag() -> None:
    """On 99 of 100 stays with a maximum of 0.99; on 10 of 10 goes."""
    options = VocabularyOptions(maximum_share=0.99)
    assert names(options, TagCount("99", GENERAL, 99, 100)) == ("99",)
    assert names(options, TagCount("all", GENERAL, 10, 10)) == ()
    assert names(VocabularyOptions(maximum_share=1), TagCount("all", GENERAL, 10, 10)) == ("all",)


def test_exclusions_ignore_spelling_and_know_wildcards() -> None:
    """Names, wildcards and regexes, as everywhere."""
    options = VocabularyOptions(excluded_labels=("Long Hair", "*_eyes", "/^[0-9]girl/"))
    tags = [TagCount(name, GENERAL, 1, 9) for name in ("long_hair", "red_eyes", "2girls", "hat")]
    chosen = choose(tags, options)
    assert chosen.labels.names == ("hat",)
    assert set(chosen.left_out["excluded"]) == {"long_hair", "red_eyes", "2girls"}


def test_no_category_is_refused() -> None:
    """An empty list of categories would leave no labels."""
    with pytest.raises(OptionError, match="at least one category"):
        VocabularyOptions(categories=())


def test_labels_of_heads_are_no_others() -> None:
    """Whatever their spelling; a head keeps the vocabulary's names and order."""
    counts = [TagCount(name, "general", 9, 20) for name in ("long_hair", "wolf", "fox", "other")]
    options = VocabularyOptions(heads='{"hair": ["long hair"], "species": ["fox", "wolf", "bat"]}')
    chosen = choose(counts, options)
    assert chosen.labels.names == ("fox", "long_hair", "wolf")
    assert chosen.left_out == {"not asked for": ("other",)}
    assert labels_by_head(options.heads, chosen.labels) == {
        "hair": ["long_hair"],
        "species": ["fox", "wolf"],
    }


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ("[1]", "expected JSON, tags by head"),
        ("{", "expected JSON, tags by head"),
        ('{"a b": ["x"]}', "expected a head's name"),
        ('{"a": "x"}', "with a list of tags"),
        ('{"a": [1]}', "with a list of tags"),
        ('{"a": ["x y"], "b": ["x_y"]}', "'x_y' in one head, got it in a and b"),
        ("[" * 10**5, "expected JSON"),
    ],
)
def test_what_is_no_head_is_refused(heads: str, said: str) -> None:
    """One sentence that names the setting."""
    with pytest.raises(OptionError, match=f"heads: .*{said}"):
        VocabularyOptions(heads=heads)
