"""Relations on disk: exports of the sites, our own file, and how several are joined."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.errors import RelationError
from tagger.relationfiles import (
    NAME,
    among,
    home_relations,
    join,
    read_export,
    read_relations,
    update_home,
    write_relations,
)
from tagger.relations import EMPTY, Relations

ROWS = [
    {"antecedent_name": "cat_ears", "consequent_name": "animal_ears", "status": "active"},
    {"antecedent_name": "hat_(odd)", "consequent_name": "hat", "status": "deleted"},
    {"antecedent_name": 'say_"hi,_you"', "consequent_name": "speech", "status": "active"},
]
PAIRS = [("cat_ears", "animal_ears"), ('say_"hi,_you"', "speech")]


def as_lines() -> bytes:
    return "\n".join(map(json.dumps, ROWS)).encode()


def as_csv() -> bytes:
    """As e621's db_export writes it: an id in front, created_at between."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", *ROWS[0]])
    writer.writeheader()
    writer.writerows({"id": number, **row} for number, row in enumerate(ROWS))
    return text.getvalue().encode()


EXPORTS = {
    "tag_implications.json": as_lines(),
    "tag_implications000000000001.json.gz": gzip.compress(as_lines()),
    "listed_implications.json": json.dumps(ROWS, indent=1).encode(),
    "tag_implications-2026-11-20.csv.gz": gzip.compress(as_csv()),
    "tag_implications.csv": b"\xef\xbb\xbf" + as_csv(),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_every_form_of_an_export_gives_its_active_rows(name: str, tmp_path: Path) -> None:
    """JSON lines, a JSON list, CSV, each also packed; what is deleted or pending is no relation."""
    path = tmp_path / name
    path.write_bytes(EXPORTS[name])
    assert list(read_export(path)) == PAIRS


BROKEN = {
    "aliases.json": (b'{"antecedent_name": "a"}', "line 1: expected antecedent_name and conse"),
    "more_aliases.json": (b'{"antecedent_name": "a"', "line 1: expected JSON"),
    "alias_list.json": (b"[3]", "entry 1: expected an object, got 3"),
    "aliases.csv": (
        b"a,b\n1,2\n",
        "expected columns antecedent_name and consequent_name, got a, b",
    ),
    "aliases.json.gz": (gzip.compress(as_lines())[:-9], "expected an export, got"),
    "odd_aliases.json.gz": (b"no gz", "expected an export, got"),
    "old_aliases.csv": ("antecedent_name,é".encode("latin-1"), "expected UTF-8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_export_is_one_sentence_and_changes_nothing(name: str, tmp_path: Path) -> None:
    """Named with its line where there is one."""
    data, sentence = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(RelationError, match=sentence):
        update_home([tmp_path / name])
    assert home_relations() is EMPTY


def test_a_file_that_is_not_named_as_an_export_is_refused(tmp_path: Path) -> None:
    """Nothing in a row says whether it is an alias or an implication."""
    (tmp_path / "tags.json").write_bytes(as_lines())
    with pytest.raises(RelationError, match="alias or implication in its name"):
        update_home([tmp_path / "tags.json"])


def test_home_keeps_what_was_read_until_the_next_update(tmp_path: Path) -> None:
    """The first of two that disagree holds, and the other is told."""
    first, second = tmp_path / "tag_aliases.json", tmp_path / "tag_aliases-e621.csv"
    first.write_text('{"antecedent_name": "kitty", "consequent_name": "cat"}')
    second.write_text("antecedent_name,consequent_name\nkitty,felid\nwolfy,wolf\n")
    update = update_home([first, second])
    assert update.dropped == (("kitty", "felid"),)
    assert home_relations().aliases == {"kitty": "cat", "wolfy": "wolf"}
    update_home([second])
    assert home_relations().aliases == {"kitty": "felid", "wolfy": "wolf"}


def test_the_sites_own_exports_are_read(test_data: Path) -> None:
    """Danbooru's, as CSV, and a dump's, as JSON lines: counted by grep."""
    exports = [
        test_data / "meta" / "danbooru_tag_aliases_sfw.csv",
        test_data / "meta" / "danbooru_tag_implications_sfw.csv",
        test_data / "sprites" / "metadata" / "tag_implications.json",
    ]
    for path in exports:
        text = path.read_text(encoding="utf-8")
        assert len(list(read_export(path))) == text.count(",active\n") + text.count('"active"}')
    update = update_home(exports)
    assert update.relations.canonical("1girls") == "1girl"
    assert "long_hair" in update.relations.ancestors("low-tied_long_hair")


NAMES = st.sampled_from("abcdefgh")
PAIR_LISTS = st.lists(st.tuples(NAMES, NAMES), max_size=12)


@given(PAIR_LISTS, PAIR_LISTS, st.sets(NAMES))
def test_among_a_vocabulary_nothing_that_it_can_say_is_lost(
    aliases: list[tuple[str, str]], implications: list[tuple[str, str]], names: set[str]
) -> None:
    """Each name has the ancestors it had, of those that are in the vocabulary."""
    every = Relations.from_rows(aliases, implications, [])
    own = among(every, names)
    tags = {every.canonical(name) for name in names}
    for name in names:
        assert own.canonical(name) == every.canonical(name)
        assert set(own.ancestors(name)) == set(every.ancestors(name)) & tags


def test_joined_relations_hold_the_first_where_they_disagree() -> None:
    """A circle between two is cut where the second would close it."""
    first = Relations({"x": "a"}, {"a": ("b",)}, {"ann": ("squares",)})
    second = Relations({"x": "c"}, {"b": ("a", "d")}, {"ann": ("circles",), "bob": ("circles",)})
    joined = join([EMPTY, first, second])
    assert joined.aliases == {"x": "a"}
    assert joined.implications == {"a": ("b",), "b": ("d",)}
    assert joined.series == {"ann": ("squares",), "bob": ("circles",)}
    assert join([EMPTY, first]) is first
    assert join([]) is EMPTY


def test_a_file_says_what_was_written(tmp_path: Path) -> None:
    """Series too."""
    written = Relations({"x": "a"}, {"a": ("b", "c")}, {"ann": ("squares",)})
    write_relations(tmp_path / NAME, written)
    read = read_relations(tmp_path / NAME)
    assert (read.aliases, read.implications, read.series) == (
        written.aliases,
        written.implications,
        written.series,
    )
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "expected JSON"),
        ('{"schema": 2}', "schema"),
        ('{"schema": 1, "aliases": {"a": 3}}', "aliases"),
        ('{"schema": 1, "implications": {"a": ["b"], "b": ["a"]}}', "circle"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    """Naming the file."""
    path = tmp_path / NAME
    path.write_text(text)
    with pytest.raises(RelationError, match=sentence) as told:
        read_relations(path)
    assert str(path) in str(told.value)
