from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.errors import LabelFileError, OptionError
from tagger.labels import (
    DANBOORU,
    E621,
    UNNAMED,
    Category,
    Label,
    LabelSet,
    category,
    format_selected_tags,
    numbered,
    parse_selected_tags,
    read_selected_tags,
    write_selected_tags,
)

GENERAL, CHARACTER, RATING = (category(DANBOORU, one) for one in ("general", "character", "rating"))
WD = """tag_id,name,category,count
9999999,general,9,1589178
9999998,sensitive,9,3994361
470575,1girl,0,5113288
13197,long_hair,0,3645082
1,"don't_say_""lazy""\",3,700
2,\\m/,0,650
3,\\||/,0,640
16867,hatsune_miku,4,89677
"""


def refusal(text: str) -> str:
    with pytest.raises(LabelFileError) as refused:
        parse_selected_tags(text, where="tags.csv")
    return str(refused.value)


def test_wd_rows_become_labels_in_order() -> None:
    labels = parse_selected_tags(WD)
    assert len(labels) == 8
    assert labels[0] == Label("general", RATING, 1589178, 9999999)
    assert labels.names[4:7] == ('don\'t_say_"lazy"', "\\m/", "\\||/")
    assert [label.category.name for label in labels] == [
        *["rating"] * 2,
        *["general"] * 2,
        "copyright",
        *["general"] * 2,
        "character",
    ]


def test_the_real_file_is_written_back_byte_for_byte(test_data: Path, tmp_path: Path) -> None:
    source = test_data / "meta" / "selected_tags_wd_v3_excerpt.csv"
    write_selected_tags(read_selected_tags(source), tmp_path / "selected_tags.csv")
    assert (tmp_path / "selected_tags.csv").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("file", "scheme"), [("danbooru_tags_sfw.csv", DANBOORU), ("e621_tags_sfw.csv", E621)]
)
def test_whole_vocabularies_go_out_and_in_again(
    test_data: Path, file: str, scheme: tuple[Category, ...]
) -> None:
    """Every name of the boorus survives, and Python's own CSV reader reads the same rows."""
    with (test_data / "meta" / file).open(encoding="utf-8", newline="") as rows:
        labels = LabelSet(
            tuple(
                Label(name, category(scheme, int(number)), int(count), index)
                for index, (name, number, count, _) in enumerate(csv.reader(rows))
            )
        )
    text = format_selected_tags(labels)
    assert parse_selected_tags(text, scheme) == labels
    assert [row[1] for row in csv.reader(io.StringIO(text))][1:] == list(labels.names)


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.lists(st.builds(Label, names, st.sampled_from(DANBOORU), st.integers(0, 10**9))))
def test_any_names_go_out_and_in_again(rows: list[Label]) -> None:
    """Also quotes, commas and line ends in a name, which CSV has to quote."""
    if not rows:
        return
    again = parse_selected_tags(format_selected_tags(LabelSet(tuple(rows))))
    assert [(one.name, one.category, one.count) for one in again] == [
        (one.name, one.category, one.count) for one in rows
    ]


def test_writing_quotes_only_what_needs_it() -> None:
    labels = LabelSet(tuple(Label(name, GENERAL) for name in ('a"b', "c,d", "e\\f", "g h", "i'")))
    assert format_selected_tags(labels) == (
        'tag_id,name,category,count\n0,"a""b",0,0\n1,"c,d",0,0\n2,e\\f,0,0\n3,g h,0,0\n4,i\',0,0\n'
    )


@pytest.mark.parametrize("change", ["\r\n", "\r"])
def test_line_ends_do_not_matter(change: str, tmp_path: Path) -> None:
    path = tmp_path / "selected_tags.csv"
    path.write_bytes(WD.replace("\n", change).encode())
    assert read_selected_tags(path) == parse_selected_tags(WD)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "selected_tags.csv"
    path.write_text(WD, encoding="utf-8-sig")
    assert read_selected_tags(path) == parse_selected_tags(WD)
    assert parse_selected_tags("\ufeff" + WD) == parse_selected_tags(WD)


def test_name_and_category_are_enough_in_any_order() -> None:
    labels = parse_selected_tags("category,name\n4,miku\n0,solo")
    assert list(labels) == [Label("miku", CHARACTER), Label("solo", GENERAL)]


def test_extra_columns_are_read_where_known_and_ignored_where_not() -> None:
    text = (
        "id,ips,name,best_threshold,category,count\n"
        '7,"[""vocaloid"", ""miku_(series)""]",miku,0.41,4,9\n'
        "8,,solo,,0,\n"
        "9,[],smile,nan,0,3.0\n"
    )
    labels = parse_selected_tags(text)
    assert labels[0] == Label(
        "miku", CHARACTER, 9, threshold=0.41, series=("vocaloid", "miku_(series)")
    )
    assert labels[1] == Label("solo", GENERAL)
    assert labels[2] == Label("smile", GENERAL, 3)
    expected = np.array([0.41, math.nan, math.nan], np.float32)
    np.testing.assert_array_equal(labels.thresholds, expected, strict=True)


def test_ratings_may_be_absent() -> None:
    labels = parse_selected_tags("tag_id,name,category,count\n1,solo,0,5\n2,miku,4,5\n")
    assert labels.of("rating").tolist() == []
    assert labels.of("rating").dtype == np.intp


def test_empty_rows_at_the_end_are_ignored() -> None:
    assert parse_selected_tags(WD + ",,,\n,,,\n\n") == parse_selected_tags(WD)


def test_an_empty_row_in_the_middle_keeps_its_output_but_is_no_tag() -> None:
    """The model has an output there, so what follows must not move up."""
    labels = parse_selected_tags("tag_id,name,category,count\n1,solo,0,5\n,,,\n2,miku,4,5\n")
    assert labels.names == ("solo", "", "miku")
    assert labels.find("") is None
    assert [one.name for one in labels.categories] == ["general", "character"]
    assert labels.of("general").tolist() == [0]


def test_an_unnamed_slot_at_the_end_is_not_lost_in_writing() -> None:
    labels = parse_selected_tags("name,category,count\nsolo,0,5\n,,\nmiku,4,5\n,0,0\n")
    again = parse_selected_tags(format_selected_tags(labels))
    assert again.names == labels.names == ("solo", "", "miku", "")


def test_labels_are_found_in_any_spelling_and_the_first_wins() -> None:
    labels = parse_selected_tags("name,category\nlong_hair,0\nsaber_(fate),4\nLong hair,0\n")
    assert labels.find("long hair") == labels.find("long\\_hair") == 0
    assert labels.find("saber \\(fate\\)") == 1
    assert labels.find("short_hair") is None


def test_categories_come_in_order_of_appearance_with_their_indices() -> None:
    labels = parse_selected_tags("name,category\nmiku,4\nsolo,0\nrin,4\n")
    assert [one.name for one in labels.categories] == ["character", "general"]
    assert labels.of("character").tolist() == [0, 2]
    assert labels.of("artist").tolist() == []


def test_what_is_shared_between_callers_can_not_be_changed() -> None:
    labels = parse_selected_tags(WD)
    for array in (labels.of("general"), labels.thresholds, labels.of("none")):
        assert not array.flags.writeable


def test_equal_label_sets_are_equal_keys() -> None:
    assert parse_selected_tags(WD) == parse_selected_tags(WD)
    assert len({parse_selected_tags(WD), parse_selected_tags(WD)}) == 1
    assert parse_selected_tags(WD) != parse_selected_tags("name,category\nsolo,0\n")


def test_the_same_number_means_what_its_scheme_says() -> None:
    """The sites number differently: 5 is meta on Danbooru and species on e621."""
    assert {one.id: one.name for one in DANBOORU} == {
        0: "general",
        1: "artist",
        3: "copyright",
        4: "character",
        5: "meta",
        9: "rating",
    }
    assert category(DANBOORU, 5).name == "meta"
    assert category(E621, 5).name == "species"
    assert category(E621, "meta") == Category(7, "meta")
    assert parse_selected_tags("name,category\nwolf,5\n", E621).of("species").tolist() == [0]


def test_a_number_that_no_scheme_has_is_a_category_of_the_model() -> None:
    labels = parse_selected_tags("name,category\nyear_2020,10\n")
    assert labels[0].category == Category(10, "category 10")
    own = (*DANBOORU, Category(10, "year"))
    assert parse_selected_tags("name,category\nyear_2020,10\n", own)[0].category.name == "year"


def test_a_category_name_that_no_scheme_has_is_refused() -> None:
    with pytest.raises(OptionError, match=r"general, artist, .*got 'species'"):
        category(DANBOORU, "species")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "tags.csv: expected a header and rows under it, got an empty file"),
        ("\n\n", "tags.csv: expected a header and rows under it, got an empty file"),
        ("tag_id,name,category\n", "tags.csv: expected labels under the header, got none"),
        ("name,category\n,\n,\n", "tags.csv: expected labels under the header, got none"),
        (",,\n", "tags.csv, row 1: expected a column name, got ', , '"),
        ("tag,category\nsolo,0\n", "tags.csv, row 1: expected a column name, got 'tag, category'"),
        ("name,count\nsolo,0\n", "tags.csv, row 1: expected a column category, got 'name, count'"),
        (
            "name,category\nsolo,0\nmiku,character\n",
            "tags.csv, row 3: expected a number for category, got 'character'",
        ),
        ("name,category\nsolo,\n", "tags.csv, row 2: expected a number for category, got nothing"),
        ("name,category\nsolo,1.5\n", "tags.csv, row 2: expected a number for category, got '1.5'"),
        (
            "name,category,count\nsolo,0,many\n",
            "tags.csv, row 2: expected a number for count, got 'many'",
        ),
        (
            "tag_id,name,category\nx1,solo,0\n",
            "tags.csv, row 2: expected a number for tag_id, got 'x1'",
        ),
        ("name,category\na,b,0\n", "tags.csv, row 2: expected 2 fields as in row 1, got 3"),
        ("name,category\nsolo\n", "tags.csv, row 2: expected 2 fields as in row 1, got 1"),
        (
            "name,category,best_threshold\nsolo,0,1.5\n",
            "tags.csv, row 2: expected a best_threshold from 0 to 1, got '1.5'",
        ),
        (
            "name,category,best_threshold\nsolo,0,high\n",
            "tags.csv, row 2: expected a best_threshold from 0 to 1, got 'high'",
        ),
        (
            'name,category,ips\nmiku,4,"{""a"": 1}"\n',
            "tags.csv, row 2: expected a JSON list of names for ips, got '{\"a\": 1}'",
        ),
        (
            "name,category,ips\nmiku,4,[1]\n",
            "tags.csv, row 2: expected a JSON list of names for ips, got '[1]'",
        ),
        ("name,category\nso\0lo,0\n", "tags.csv, row 2: expected text, got a NUL character"),
    ],
)
def test_a_wrong_file_gives_one_sentence_with_file_row_and_expectation(
    text: str, sentence: str
) -> None:
    assert refusal(text) == sentence


def test_nothing_of_an_unnamed_slot_is_read_but_its_place() -> None:
    """Other tools write there what they like."""
    labels = parse_selected_tags(
        "name,category,count,best_threshold,ips\nsolo,0,1,,\n,x,many,2,{\nmiku,4.0,,nan,[]\n"
    )

    assert [one.name for one in labels] == ["solo", "", "miku"]
    assert labels[1] == Label("", UNNAMED)
    assert labels[2] == Label("miku", category(DANBOORU, 4))


def test_a_quote_that_never_ends_is_refused() -> None:
    assert refusal('name,category\nsolo,0\n"miku,4\n').startswith(
        "tags.csv, row 3: expected comma-separated fields, got "
    )


def test_a_bomb_of_brackets_is_refused() -> None:
    sentence = refusal(f"name,category,ips\nmiku,4,{'[' * 100_000}\n")
    assert "JSON list" in sentence
    assert len(sentence) < 200


def test_bytes_that_are_no_utf_8_are_refused_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "tags.csv"
    path.write_bytes("name,category\nsolo,0\ncafé,0\n".encode("latin-1"))
    with pytest.raises(LabelFileError) as refused:
        read_selected_tags(path)
    assert str(refused.value) == f"{path}, row 3: expected UTF-8 text, got the byte 0xe9"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="expected a label file, got No such file"):
        read_selected_tags(tmp_path / "none.csv")
    with pytest.raises(LabelFileError, match="expected a label file"):
        read_selected_tags(tmp_path)


def test_labels_of_two_sites_are_numbered_as_one() -> None:
    """Danbooru's 5 is meta and e621's is species: together they have e621's numbers."""
    meta = Label("highres", category(DANBOORU, "meta"))
    wolf = Label("wolf", category(E621, "species"))
    alone = LabelSet(numbered([meta]))
    assert alone[0].category.id == 5
    assert alone.numbering == DANBOORU
    both = LabelSet(numbered([meta, wolf, Label("", UNNAMED)]))
    assert [(each.category.id, each.category.name) for each in both] == [
        (7, "meta"), (5, "species"), (-1, "unnamed"),
    ]  # fmt: skip
    assert both.numbering == E621
    own = LabelSet(numbered([meta, Label("oil", Category(5, "medium"))]))
    assert [each.category for each in own] == [Category(5, "meta"), Category(10, "medium")]
    assert own.numbering == own.categories
