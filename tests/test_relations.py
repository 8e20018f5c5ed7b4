from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.errors import OptionError, RelationError
from tagger.labels import DANBOORU, Label, LabelSet
from tagger.relations import EMPTY, Mode, Relations, apply_scores, prune, removes

HAIR = Relations.from_rows(
    aliases=[("longhair", "long_hair"), ("very_longhair", "very_long_hair")],
    implications=[
        ("absurdly_long_hair", "very_long_hair"),
        ("very_long_hair", "long_hair"),
        ("low-tied_long_hair", "long_hair"),
        ("low-tied_long_hair", "tied_hair"),
    ],
)
nodes = st.integers(0, 7)
downward = st.lists(st.tuples(nodes, nodes).filter(lambda edge: edge[0] < edge[1]))


def labels_of(*names: str) -> LabelSet:
    return LabelSet(tuple(Label(name, DANBOORU[0]) for name in names))


def rows_of(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row[0], row[1]) for row in csv.reader(file)][1:]


def reachable(edges: list[tuple[int, int]], start: int) -> set[int]:
    """Everything below a node, by repeated sweeps over the edges."""
    found: set[int] = set()
    while True:
        more = {b for a, b in edges if a == start or a in found} - found
        if not more:
            return found
        found |= more


def named(edges: list[tuple[int, int]]) -> list[tuple[str, str]]:
    return [(f"t{a}", f"t{b}") for a, b in edges]


def test_an_alias_is_the_tag_whatever_the_spelling() -> None:
    assert HAIR.canonical("longhair") == "long_hair"
    assert HAIR.canonical("Long Hair") == "long_hair"
    assert HAIR.canonical("VERY longhair") == "very_long_hair"
    assert HAIR.canonical("solo") == "solo"


@given(st.permutations([("a", "b"), ("b", "c"), ("c", "d"), ("x", "c")]))
def test_chains_of_aliases_are_followed_to_the_end(rows: list[tuple[str, str]]) -> None:
    """In whatever order the rows come."""
    relations = Relations.from_rows(rows, [])
    assert relations.aliases == {"a": "d", "b": "d", "c": "d", "x": "d"}


def test_a_tag_implies_what_its_implications_imply_nearest_first() -> None:
    assert HAIR.ancestors("absurdly_long_hair") == ("very_long_hair", "long_hair")
    assert HAIR.ancestors("low-tied long hair") == ("long_hair", "tied_hair")
    assert HAIR.ancestors("very_longhair") == ("long_hair",)
    assert HAIR.ancestors("long_hair") == ()


def test_closure_is_the_tags_and_then_what_they_imply_each_once() -> None:
    tags = ["longhair", "absurdly long hair", "solo", "long_hair"]
    assert HAIR.closure(tags) == ("long_hair", "absurdly_long_hair", "solo", "very_long_hair")
    assert HAIR.closure([]) == ()


@given(downward)
def test_ancestors_are_what_can_be_reached(edges: list[tuple[int, int]]) -> None:
    relations = Relations.from_rows([], named(edges))
    for node in range(8):
        assert set(relations.ancestors(f"t{node}")) == {f"t{one}" for one in reachable(edges, node)}


@given(downward, st.lists(nodes))
def test_closing_twice_adds_nothing(edges: list[tuple[int, int]], tags: list[int]) -> None:
    relations = Relations.from_rows([], named(edges))
    once = relations.closure(f"t{tag}" for tag in tags)
    assert relations.closure(once) == once


def test_implications_hold_for_the_aliases_of_their_tags() -> None:
    relations = Relations.from_rows([("kitty_ears", "cat_ears")], [("kitty_ears", "animal_ears")])
    assert relations.ancestors("cat_ears") == ("animal_ears",)


def test_an_implication_between_two_names_of_one_tag_says_nothing() -> None:
    assert Relations.from_rows([("girls", "girl")], [("girls", "girl")]).implications == {}


@pytest.mark.parametrize(
    ("rows", "path"),
    [
        ([("a", "a")], "a -> a"),
        ([("a", "b"), ("b", "a")], "b -> a -> b"),
        ([("b", "c"), ("x", "b"), ("c", "a"), ("a", "b")], "a -> b -> c -> a"),
    ],
)
def test_implications_in_a_circle_are_refused_with_their_path(
    rows: list[tuple[str, str]], path: str
) -> None:
    with pytest.raises(RelationError, match=f"implications go in a circle: {path}: drop"):
        Relations.from_rows([], rows)
    with pytest.raises(RelationError, match="implications go in a circle"):
        Relations(implications={a: tuple(d for c, d in rows if c == a) for a, _ in rows})


def test_a_circle_closed_by_an_alias_is_refused() -> None:
    with pytest.raises(RelationError, match="dog -> animal -> dog"):
        Relations.from_rows([("puppy", "dog")], [("animal", "dog"), ("puppy", "animal")])


def test_aliases_in_a_circle_are_refused_with_their_path() -> None:
    with pytest.raises(RelationError, match="aliases go in a circle: c -> a -> b -> c: drop"):
        Relations.from_rows([("a", "b"), ("b", "c"), ("c", "a")], [])
    with pytest.raises(RelationError, match="b -> a -> b"):
        Relations(aliases={"a": "b", "b": "a"})


def test_an_alias_of_two_tags_is_refused() -> None:
    with pytest.raises(RelationError, match="a: expected one tag, got b and c"):
        Relations.from_rows([("a", "b"), ("a", "c")], [])


def test_rows_that_contradict_can_be_dropped_and_listed() -> None:
    """Dumps are not ours to correct: the first rows hold, the rest is told."""
    dropped: list[tuple[str, str]] = []
    relations = Relations.from_rows(
        [("a", "b"), ("b", "a"), ("a", "c")], [("x", "y"), ("y", "x"), ("y", "z")], dropped
    )
    assert dropped == [("b", "a"), ("a", "c"), ("y", "x")]
    assert relations.aliases == {"a": "b"}
    assert relations.implications == {"x": ("y",), "y": ("z",)}


@given(st.lists(st.tuples(nodes, nodes)))
def test_what_remains_after_dropping_never_goes_in_a_circle(edges: list[tuple[int, int]]) -> None:
    """And a row is dropped only if the rows kept before it lead back."""
    dropped: list[tuple[str, str]] = []
    relations = Relations.from_rows([], named(edges), dropped)
    for node in range(8):
        assert f"t{node}" not in relations.ancestors(f"t{node}")
    kept: list[tuple[int, int]] = []
    for a, b in edges:
        if a == b or a in reachable(kept, b):
            assert (f"t{a}", f"t{b}") in dropped
        else:
            kept.append((a, b))
    assert len(dropped) == len(edges) - len(kept)


def test_the_relations_of_a_real_booru_hold_together(test_data: Path) -> None:
    """13,590 aliases and 25,176 implications without one contradiction."""
    dropped: list[tuple[str, str]] = []
    relations = Relations.from_rows(
        rows_of(test_data / "meta" / "danbooru_tag_aliases_sfw.csv"),
        rows_of(test_data / "meta" / "danbooru_tag_implications_sfw.csv"),
        dropped,
    )
    assert dropped == []
    assert len(relations.aliases) == 13_590
    assert sum(map(len, relations.implications.values())) == 25_176
    assert relations.canonical("high res") == "highres"
    assert relations.ancestors("double \\m/") == ("\\m/",)


def test_series_are_kept_under_canonical_names() -> None:
    relations = Relations({"miku": "hatsune_miku"}, {}, {"Miku": ("Vocaloid",)})
    assert relations.series == {"hatsune_miku": ("vocaloid",)}


@pytest.mark.parametrize("mode", ["off", "remove"])
def test_off_and_remove_leave_scores_alone(mode: Mode) -> None:
    values = np.array([0.9, 0.1], np.float32)
    labels = labels_of("very_long_hair", "long_hair")
    np.testing.assert_array_equal(apply_scores(values, labels, HAIR, mode), values, strict=True)


def test_inherit_raises_a_parent_to_its_surest_child() -> None:
    labels = labels_of("low-tied_long_hair", "long_hair", "absurdly_long_hair", "solo")
    values = np.array([0.5, 0.1, 0.8, 0.3], np.float32)
    expected = np.array([0.5, 0.8, 0.8, 0.3], np.float32)  # through very_long_hair, no label here
    given_values = values.copy()
    answer = apply_scores(values, labels, HAIR, "inherit")
    np.testing.assert_array_equal(answer, expected, strict=True)
    np.testing.assert_array_equal(values, given_values)


@pytest.mark.parametrize("mode", ["constrain", "constrain-remove"])
def test_constrain_caps_a_child_by_its_least_sure_parent(mode: Mode) -> None:
    labels = labels_of("low-tied_long_hair", "long_hair", "tied_hair", "absurdly_long_hair")
    values = np.array([0.9, 0.6, 0.4, 0.7], np.float32)
    expected = np.array([0.4, 0.6, 0.4, 0.6], np.float32)
    answer = apply_scores(values, labels, HAIR, mode)
    np.testing.assert_array_equal(answer, expected, strict=True)


def slow(values: list[float], edges: list[tuple[int, int]], mode: Mode) -> list[float]:
    after = list(values)
    for child in range(8):
        for parent in reachable(edges, child):
            if mode == "inherit":
                after[parent] = max(after[parent], values[child])
            else:
                after[child] = min(after[child], values[parent])
    return after


@given(
    downward,
    st.lists(st.lists(st.integers(0, 100), min_size=8, max_size=8), min_size=1, max_size=3),
    st.sampled_from(["inherit", "constrain"]),
)
def test_scores_change_as_the_definition_says(
    edges: list[tuple[int, int]], percent: list[list[int]], mode: Mode
) -> None:
    """For one picture and for a batch, label by label over all that can be reached."""
    relations = Relations.from_rows([], named(edges))
    labels = labels_of(*(f"t{node}" for node in range(8)))
    values = np.array(percent, np.float32) / 100
    expected = np.array([slow(row, edges, mode) for row in values.tolist()], np.float32)
    np.testing.assert_array_equal(apply_scores(values, labels, relations, mode), expected)
    np.testing.assert_array_equal(apply_scores(values[0], labels, relations, mode), expected[0])


@given(downward, st.lists(st.integers(0, 100), min_size=8, max_size=8))
def test_after_either_mode_no_child_is_surer_than_its_parent(
    edges: list[tuple[int, int]], percent: list[int]
) -> None:
    relations = Relations.from_rows([], named(edges))
    labels = labels_of(*(f"t{node}" for node in range(8)))
    for mode in ("inherit", "constrain"):
        after = apply_scores(np.array(percent, np.float32) / 100, labels, relations, mode)
        assert all(after[a] <= after[b] for a, b in edges)


def test_an_unnamed_slot_has_no_relations() -> None:
    values = np.array([0.9, 0.5, 0.1], np.float32)
    answer = apply_scores(values, labels_of("very_long_hair", "", "long_hair"), HAIR, "inherit")
    assert answer[1] == np.float32(0.5)


def test_labels_are_compiled_once() -> None:
    """Equal label sets share the work, as a new one is made for each load of a model."""
    labels = labels_of("very_long_hair", "long_hair")
    first = HAIR.edges(labels)
    assert [one.tolist() for one in first] == [[0], [1]]
    assert HAIR.edges(labels_of("very_long_hair", "long_hair")) is first


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(OptionError, match="constrain-remove, got 'merge'"):
        apply_scores(np.zeros(1, np.float32), labels_of("a"), EMPTY, "merge")  # type: ignore[arg-type]


def test_prune_leaves_out_what_another_tag_implies() -> None:
    names = ["solo", "long hair", "absurdly long hair", "tied_hair", "very longhair"]
    assert prune(names, HAIR) == ["solo", "absurdly long hair", "tied_hair"]
    assert prune(names, EMPTY) == names
    assert prune([], HAIR) == []


@given(downward, st.lists(nodes, unique=True))
def test_pruned_names_still_say_everything(edges: list[tuple[int, int]], tags: list[int]) -> None:
    """What was left out comes back by closure, and nothing more can be left out."""
    relations = Relations.from_rows([], named(edges))
    names = [f"t{tag}" for tag in tags]
    kept = prune(names, relations)
    assert set(relations.closure(kept)) == set(relations.closure(names))
    assert prune(kept, relations) == kept


def test_two_modes_take_implied_tags_out() -> None:
    modes: list[Mode] = ["off", "inherit", "constrain", "remove", "constrain-remove"]
    assert [mode for mode in modes if removes(mode)] == ["remove", "constrain-remove"]
