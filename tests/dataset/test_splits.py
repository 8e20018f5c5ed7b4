"""Groups are dealt out by a seeded hash, and what hangs together stays together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.dataset.groups import components
from tagger.dataset.splits import SPLITS, Dealt, Method, SplitOptions, assign, deal, repair, uniform
from tagger.errors import OptionError


def splitmix64(state: int) -> int:
    """The published algorithm (Vigna's splitmix64.c) on Python's whole numbers."""
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def smallest_reached(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """Breadth first from every node."""
    near: dict[int, set[int]] = {node: {node} for node in range(count)}
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    found: list[int] = []
    for node in range(count):
        seen, todo = {node}, [node]
        while todo:
            fresh = near[todo.pop()] - seen
            seen |= fresh
            todo += fresh
        found.append(min(seen))
    return found


def test_the_generator_is_the_published_one() -> None:
    """The first number that splitmix64.c gives for the seed 0 is e220a8397b1dcdaf."""
    assert splitmix64(0) == 0xE220A8397B1DCDAF
    numbers = np.array([0, 1, 7_220_105, 2**62], np.int64)
    for seed in (0, 1, 2**63):
        expected = [(splitmix64(int(n) ^ splitmix64(seed)) >> 11) / 2**53 for n in numbers]
        assert uniform(numbers, seed).tolist() == expected


def test_shares_are_kept() -> None:
    """Of 100,000 groups each split has its share within five standard deviations."""
    options = SplitOptions(calibration=0.1, validation=0.2, seed=5)
    counts = np.bincount(assign(np.arange(100_000), options), minlength=3)
    for count, share in zip(counts, (0.7, 0.1, 0.2), strict=True):
        assert abs(count - 1e5 * share) < 5 * (1e5 * share * (1 - share)) ** 0.5


def test_the_ends_of_the_shares() -> None:
    """All, or none, can be train or validation."""
    groups = np.arange(1000)
    assert set(assign(groups, SplitOptions(calibration=0, validation=0))) == {0}
    assert set(assign(groups, SplitOptions(calibration=0, validation=1))) == {2}
    assert SPLITS == ("train", "calibration", "validation")


def test_another_seed_deals_out_differently() -> None:
    """The places of two seeds have nothing to do with each other."""
    places = [uniform(np.arange(10_000), seed) for seed in (0, 1)]
    assert abs(np.corrcoef(*places)[0, 1]) < 0.05


def test_shares_over_one_are_refused() -> None:
    """The sentence names both."""
    with pytest.raises(OptionError, match=r"at most 1 together, got 0\.6 and 0\.6"):
        SplitOptions(calibration=0.6, validation=0.6)


@given(st.data())
def test_components_are_those_of_a_slow_search(data: st.DataObject) -> None:
    """Every node knows the smallest that it hangs together with."""
    count = data.draw(st.integers(1, 30))
    node = st.integers(0, count - 1)
    edges = data.draw(st.lists(st.tuples(node, node), max_size=40))
    left, right = (np.array([edge[end] for edge in edges], np.int64) for end in (0, 1))
    assert components(count, left, right).tolist() == smallest_reached(count, edges)


def test_a_long_chain_is_one_component() -> None:
    """A chain of 200,000 versions closes too, in any order of its links."""
    order = np.random.default_rng(0).permutation(200_000)
    assert not components(200_000, order[:-1], order[1:]).any()


@st.composite
def posts_in_groups(draw: st.DrawFn) -> Dealt:
    """Rows in ascending id order, some of them in groups, as the builder makes them."""
    ids = sorted(draw(st.lists(st.integers(0, 3000), min_size=1, max_size=60, unique=True)))
    owner = draw(st.lists(st.integers(0, 59), min_size=len(ids), max_size=len(ids)))
    first: dict[int, int] = {}
    groups = np.array([first.setdefault(own, row) for row, own in enumerate(owner)], np.int64)
    given = draw(st.lists(st.integers(-1, 2), min_size=len(ids), max_size=len(ids)))
    return Dealt(np.array(ids, np.int64)[groups], groups, np.array(given, np.int8))


METHODS = st.sampled_from(["hash", "order", "modulo", "source"])


def in_one_split(split: np.ndarray, groups: np.ndarray) -> bool:
    return all(len(set(split[groups == group].tolist())) == 1 for group in set(groups.tolist()))


@given(posts_in_groups(), METHODS, st.integers(0, 9))
def test_a_group_is_in_one_split_by_every_method(rows: Dealt, method: Method, seed: int) -> None:
    """Whatever its members say of themselves."""
    options = SplitOptions(split_by=method, seed=seed, calibration=0.3, validation=0.3)
    assert in_one_split(deal(rows, options), rows.groups)


@given(posts_in_groups(), st.data())
def test_other_posts_move_none(rows: Dealt, data: st.DataObject) -> None:
    """By hash and by id, groups that are taken away leave the others where they are."""
    method = data.draw(st.sampled_from(["hash", "modulo"]))
    gone = data.draw(st.sets(st.sampled_from(sorted(set(rows.groups.tolist())))))
    options = SplitOptions(split_by=method, calibration=0.3, validation=0.3)
    kept = ~np.isin(rows.groups, sorted(gone))
    _, groups = np.unique(rows.groups[kept], return_inverse=True)
    fewer = Dealt(rows.heads[kept], groups.astype(np.int64), rows.given[kept])
    assert deal(fewer, options).tolist() == deal(rows, options)[kept].tolist()


@given(st.sets(st.integers(0, 10**7), min_size=1, max_size=50))
def test_modulo_is_wds_rule(ids: set[int]) -> None:
    """The last three digits: up to 899, 949, 999."""
    heads = np.array(sorted(ids), np.int64)
    rows = Dealt(heads, np.arange(len(heads)), np.full(len(heads), -1, np.int8))
    split = deal(rows, SplitOptions(split_by="modulo"))
    for post, own in zip(heads.tolist(), split.tolist(), strict=True):
        last = int(str(post)[-3:])
        assert SPLITS[own] == (
            "train" if last <= 899 else "calibration" if last <= 949 else "validation"
        )


@given(posts_in_groups())
def test_order_is_anime_art_taggers_rule(rows: Dealt) -> None:
    """As its script moves files: the first of ten to the test, of the rest the first of five.

    A group is where its first row is.
    """
    split = deal(rows, SplitOptions(split_by="order"))
    for group, own in zip(rows.groups.tolist(), split.tolist(), strict=True):
        moved = "validation" if group % 10 == 0 else "calibration" if group % 5 == 0 else "train"
        assert SPLITS[own] == moved
    alone = Dealt(rows.heads, np.arange(len(rows.heads)), rows.given)
    counts = np.bincount(deal(alone, SplitOptions(split_by="order")), minlength=3).tolist()
    tens, fives = -(-len(rows.heads) // 10), -(-len(rows.heads) // 5)
    assert counts == [len(rows.heads) - fives, fives - tens, tens]


@given(posts_in_groups(), st.integers(1, 4), st.data())
def test_the_repair_only_takes_from_the_training(
    rows: Dealt, floor: int, data: st.DataObject
) -> None:
    """Groups stay whole, no other part loses, and a label with enough rows gets its floor.

    Where all of a label's rows are groups of their own, the floor is met whenever the training
    has rows of it to give.
    """
    count = len(rows.groups)
    has = np.array(
        [data.draw(st.lists(st.booleans(), min_size=count, max_size=count)) for _ in range(3)]
    )
    label, row = np.nonzero(has)
    options = SplitOptions(split_floor=floor, calibration=0.1, validation=0.1)
    before = deal(rows, options)
    after = repair(before, rows, (row.astype(np.int64), label.astype(np.int32)), options)
    assert in_one_split(after, rows.groups)
    assert set(before[before != after].tolist()) <= {0}
    for own in has:
        if own.sum() < 4 * floor:
            continue
        for part in (1, 2):
            assert (after[own] == part).sum() >= floor or not (after[own] == 0).any()
