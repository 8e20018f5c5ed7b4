"""Whole folders edited: what is shown is what is done, and undo gives back every byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tagger.errors import OptionError, UsageError
from tagger.folder.captions import Captions
from tagger.folder.corpus import ByFrequency, Common, Rare, Traits, is_trait
from tagger.folder.dispose import apply_moves, kept_place, plan_moves
from tagger.folder.edit import Edit
from tagger.folder.editing import EditPlan, Planned, Rules, apply_edits
from tagger.folder.edits import Add, Dedupe, KeepFirst, Remove, Sort, Trigger
from tagger.folder.journal import Journal
from tagger.folder.matching import Matcher
from tagger.folder.preview import preview
from tagger.folder.queryreader import parse
from tagger.folder.search import Search
from tagger.folder.undo import undo
from tagger.settings import Folder

from ..privileges import as_anybody

RED = Image.new("RGB", (4, 4), "red")


def folder(root: Path, captions: dict[str, str | bytes | None]) -> Captions:
    """Pictures `a.png` with captions beside them; None: a picture without."""
    for name, text in captions.items():
        picture = root / name
        picture.parent.mkdir(parents=True, exist_ok=True)
        RED.save(picture)
        if text is not None:
            data = text.encode() if isinstance(text, str) else text
            picture.with_suffix(".txt").write_bytes(data)
    return Captions([root], Folder())


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def texts(root: Path) -> dict[str, str]:
    return {p.stem: p.read_text("utf-8") for p in sorted(root.rglob("*.txt"))}


def where(text: str) -> Matcher:
    return Matcher(parse(text))


def apply(captions: Captions, rules: Rules) -> int:
    """Apply, and give the number of the run."""
    with Journal() as journal:
        recorder = journal.begin("edit")
        assert all(not why for _, why in apply_edits(EditPlan(captions, rules), recorder))
        assert recorder.run is not None
        return recorder.run


def undone(run: int) -> Counter[str]:
    with Journal() as journal:
        return Counter(one.fate for one in undo(journal, run))


def test_the_captions_that_are_meant_are_edited_and_the_others_not(tmp_path: Path) -> None:
    captions = folder(tmp_path, {"a.png": "hat, x", "b.png": "x", "sub/c.png": "x, hat, y"})
    apply(captions, Rules([Remove(("x",))], where("hat")))
    assert texts(tmp_path) == {"a": "hat", "b": "x", "c": "hat, y"}


def test_a_preview_counts_what_is_then_done(tmp_path: Path) -> None:
    captions = folder(
        tmp_path,
        {
            "a.png": "x, hat",
            "b.png": "x, Hat, hat",
            "c.png": "x",
            "d.png": "a line\nand another",
            "e.png": None,
            "f.png": "hat, y",
            "g.png": b"\xff\xfe\x00",
        },
    )
    before = files(tmp_path)
    plan = EditPlan(captions, Rules([Dedupe(), Remove(("x",)), Add(("sks",)), Remove(("sks",))]))
    found = preview(plan, samples=1)
    assert files(tmp_path) == before
    assert (found.captions, found.changed) == (5, 2)
    assert found.removed == {"x": 2, "hat": 1}
    assert not found.added
    assert found.left == {"several lines": 1, "no tag would be left": 1}
    assert [planned.after for planned in found.samples] == ["hat"]
    assert plan.without == 1
    assert [path.name for path, _ in plan.unread] == ["g.txt"]


def test_a_byte_order_mark_and_a_line_break_stay(tmp_path: Path) -> None:
    captions = folder(tmp_path, {"a.png": b"\xef\xbb\xbfx, y\r\n"})
    run = apply(captions, Rules([Remove(("x",))]))
    assert (tmp_path / "a.txt").read_bytes() == b"\xef\xbb\xbfy\r\n"
    undone(run)
    assert (tmp_path / "a.txt").read_bytes() == b"\xef\xbb\xbfx, y\r\n"


def test_pictures_that_share_a_caption_edit_it_once(tmp_path: Path) -> None:
    captions = folder(tmp_path, {"a.png": "x, y", "a.jpg": "x, y"})
    assert len(list(EditPlan(captions, Rules([Remove(("x",))])))) == 1


def test_what_somebody_writes_meanwhile_is_safe(tmp_path: Path) -> None:
    """An edit between reading and writing is kept, and the file named; the others are done."""

    class Slow(EditPlan):
        def __iter__(self) -> Iterator[Planned]:
            for planned in super().__iter__():
                if planned.captioned.caption.stem == "b":
                    planned.captioned.caption.write_text("x, mine")
                yield planned

    captions = folder(tmp_path, {f"{name}.png": "x, y" for name in "abc"})
    with Journal() as journal:
        plan = Slow(captions, Rules([Remove(("x",))]))
        applied = dict(apply_edits(plan, journal.begin("edit")))
    assert {path.stem: bool(reason) for path, reason in applied.items()} == {
        "a": False, "b": True, "c": False
    }  # fmt: skip
    assert "changed by somebody meanwhile" in applied[tmp_path / "b.txt"]
    assert texts(tmp_path) == {"a": "y", "b": "x, mine", "c": "y"}


TEXTS = st.sampled_from(
    [
        "a",
        "a, b",
        "A, a,b ,",
        "long hair, long_hair",
        "a\n",
        "x y z ||| b",
        "{a|b}",
        "a\nb",
        " ",
        "",
    ]
)
EDITS: list[Edit] = [
    Add(("new",)),
    Remove(("a", "*hair")),
    Dedupe(),
    Sort(),
    Trigger("sks"),
    KeepFirst(1),
    Search("a", "ä"),
    Search("/[ab]/", ""),
]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(st.sampled_from(EDITS), min_size=1))
def test_undo_gives_back_every_byte_and_no_edit_leaves_a_file_empty(
    tmp_path_factory: pytest.TempPathFactory, captions: list[str], edits: list[Edit]
) -> None:
    root = tmp_path_factory.mktemp("f")
    found = folder(root, {f"{n}.png": text for n, text in enumerate(captions)})
    before = files(root)
    plan = EditPlan(found, Rules(edits))
    changes = sum(planned.writes for planned in plan)
    with Journal() as journal:
        recorder = journal.begin("edit")
        assert sum(not reason for _, reason in apply_edits(plan, recorder)) == changes
        for name, data in files(root).items():
            assert data.strip() or data == before[name]
        if recorder.run is not None:
            assert {one.fate for one in undo(journal, recorder.run)} == {"restored"}
    assert files(root) == before


# ---------------------------------------------------------------- counted over the folder

COUNTED = {
    "a.png": "one, two, three",
    "b.png": "two, Three",
    "c.png": "three, THREE",
    "d.png": None,
}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Rare(2), {"a": "two, three", "b": "two, Three", "c": "three, THREE"}),
        (Common(67), {"a": "one, two", "b": "two", "c": "three, THREE"}),
        (Common(66), {"a": "one", "b": "two, Three", "c": "three, THREE"}),
        (ByFrequency(), {"a": "three, two, one", "b": "Three, two", "c": "three, THREE"}),
    ],
)
def test_an_edit_that_counts_counts_captions(
    tmp_path: Path, edit: Rare | Common | ByFrequency, expected: dict[str, str]
) -> None:
    """A caption counts once for a tag; one that would be left empty stays."""
    apply(folder(tmp_path, COUNTED), Rules([edit]))
    assert texts(tmp_path) == expected


def test_what_is_counted_is_what_the_edits_before_have_left(tmp_path: Path) -> None:
    captions = folder(tmp_path, {"a.png": "x, y", "b.png": "x, z", "c.png": "w, v"})
    apply(captions, Rules([Remove(("x",)), Add(("n",)), Rare(2)]))
    assert texts(tmp_path) == {"a": "n", "b": "n", "c": "n"}


def test_only_captions_that_are_meant_are_counted(tmp_path: Path) -> None:
    captions = folder(tmp_path, {"a.png": "x, y", "b.png": "x, y, hat", "c.png": "x, hat"})
    apply(captions, Rules([Rare(2)], where("hat")))
    assert texts(tmp_path) == {"a": "x, y", "b": "x, hat", "c": "x, hat"}


def test_a_characters_traits_go_where_the_character_is(tmp_path: Path) -> None:
    """Not a trait of one picture alone, not a passing state, not those of another character."""
    captions = folder(
        tmp_path,
        {
            "a.png": "miku, aqua hair, twintails, closed eyes, smile",
            "b.png": "Miku, aqua_hair, twintails, hat, closed eyes",
            "c.png": "miku, aqua hair, closed eyes",
            "d.png": "luka, aqua hair",
        },
    )
    plan = EditPlan(captions, Rules([Traits("MIKU")]))
    assert plan.edits[0].said.startswith("drop 2 tags (aqua hair, twintails) beside MIKU")
    apply(captions, Rules([Traits("MIKU")]))
    assert texts(tmp_path) == {
        "a": "miku, closed eyes, smile",
        "b": "Miku, hat, closed eyes",
        "c": "miku, closed eyes",
        "d": "luka, aqua hair",
    }


def test_a_character_that_is_nowhere_is_said(tmp_path: Path) -> None:
    captions = folder(tmp_path, {"a.png": "x"})
    with pytest.raises(OptionError, match="expected captions with 'miku', got none"):
        EditPlan(captions, Rules([Traits("miku")]))


@pytest.mark.parametrize(
    ("tag", "trait"),
    [
        ("long_hair", True),
        ("blue_eyes", True),
        ("cat_ears", True),
        ("hair_ribbon", True),
        ("pleated_skirt", True),
        ("closed_eyes", False),
        ("hand_in_own_hair", False),
        ("adjusting_glasses", False),
        ("1girl", False),
        ("smile", False),
        ("looking_at_viewer", False),
        ("hairy", False),
    ],
)
def test_a_trait_is_told_by_its_words(tag: str, trait: bool) -> None:
    assert is_trait(tag) is trait


# ---------------------------------------------------------------- moved and deleted


def move(captions: Captions, query: str, into: Path) -> list[str]:
    """Move, and give the reasons of what could not be moved."""
    with Journal() as journal:
        moves = plan_moves(captions, Rules(selected=where(query)), into)
        return [why for _, why in apply_moves(moves, journal.begin("edit")) if why]


def test_pictures_go_with_their_captions_and_come_back(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    captions = folder(root, {"a.png": "bad, x", "sub/b.png": "bad", "c.png": "x", "d.png": None})
    before = files(root)
    assert move(captions, "bad or path=d.*", out) == []
    assert set(files(root)) == {"c.png", "c.txt"}
    assert set(files(out)) == {"a.png", "a.txt", "sub/b.png", "sub/b.txt", "d.png"}
    assert undone(1) == {"moved back": 5}
    assert files(root) == before


def test_what_is_deleted_is_kept_in_our_home_and_comes_back(tmp_path: Path, own_home: Path) -> None:
    captions = folder(tmp_path, {"a.png": "bad", "b.png": "x"})
    before = files(tmp_path)
    place = kept_place()
    assert place.is_relative_to(own_home)
    move(captions, "bad", place)
    assert set(files(tmp_path)) == {"b.png", "b.txt"}
    undone(1)
    assert files(tmp_path) == before


def test_a_caption_stays_with_the_picture_that_stays(tmp_path: Path) -> None:
    root = tmp_path / "in"
    captions = folder(root, {"a.png": "x", "a.jpg": "x"})
    move(captions, "path=*.jpg", tmp_path / "out")
    assert set(files(root)) == {"a.png", "a.txt"}


def test_an_encoding_that_is_named_is_read_and_utf_8_written(tmp_path: Path) -> None:
    """With a mark of UTF-8 the file says itself what it is in."""
    folder(tmp_path, {"a.png": None, "b.png": None})
    old = {"a": "1girl, 猫, x".encode("cp932"), "b": b"\xef\xbb\xbf" + "猫, x".encode()}
    for name, data in old.items():
        (tmp_path / f"{name}.txt").write_bytes(data)
    apply(Captions([tmp_path], Folder(encoding="cp932")), Rules([Remove(("x",))]))
    assert (tmp_path / "a.txt").read_bytes() == "1girl, 猫".encode()
    assert (tmp_path / "b.txt").read_bytes() == b"\xef\xbb\xbf" + "猫".encode()
    undone(1)
    assert {name: (tmp_path / f"{name}.txt").read_bytes() for name in old} == old


def test_what_lies_beside_a_picture_goes_with_it(tmp_path: Path) -> None:
    """Captions of every ending, scores, kohya's caches; what is another's or nobody's stays.

    The names of caches are those of sd-scripts' strategies: stem, size, family, `.npz`.
    """
    root = tmp_path / "in"
    captions = folder(root, {"a.png": "bad", "a_b.png": "x", "sub/a.png": "x"})
    going = [
        "a.caption", "a.json", "a.npz", "a_0512x0768_sdxl.npz", "a_1024x1024_sd.npz",
        "a_0512x0512_flux.npz", "a_te_outputs.npz", "a_sd3_te.npz", "a.png.json", "a.png.txt",
    ]  # fmt: skip
    staying = [
        "a_b.npz", "a_b_0512x0768_sdxl.npz", "a_b_te_outputs.npz", "a.md", "ab.txt", "a_x.txt",
        "a_notes.npz", "sub/a.npz", "metadata.jsonl",
    ]  # fmt: skip
    for name in [*going, *staying]:
        (root / name).write_text(name)
    (root / "a.txt.d").mkdir()
    before = files(root)
    assert move(captions, "bad", tmp_path / "out") == []
    assert set(files(tmp_path / "out")) == {"a.png", "a.txt", *going}
    assert undone(1) == {"moved back": 12}
    assert files(root) == before


def test_what_two_pictures_share_stays_with_the_one_that_stays(tmp_path: Path) -> None:
    root = tmp_path / "in"
    captions = folder(root, {"a.png": "x", "a.jpg": "x"})
    for name in ("a.npz", "a.jpg.json", "a.png.json"):
        (root / name).write_text(name)
    move(captions, "path=*.jpg", tmp_path / "out")
    assert set(files(tmp_path / "out")) == {"a.jpg", "a.jpg.json"}
    assert set(files(root)) == {"a.png", "a.txt", "a.npz", "a.png.json"}


def test_a_place_that_is_taken_is_not_overwritten(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    captions = folder(root, {"a.png": "x"})
    out.mkdir()
    (out / "a.txt").write_text("mine")
    (reason,) = move(captions, "x", out)
    assert "is there already" in reason
    assert (out / "a.txt").read_text() == "mine"
    assert (root / "a.txt").read_text() == "x"


def test_what_was_moved_within_the_folder_is_not_moved_again(tmp_path: Path) -> None:
    captions = folder(tmp_path, {"a.png": "bad"})
    move(captions, "bad", tmp_path / "bad")
    assert plan_moves(captions, Rules(selected=where("bad")), tmp_path / "bad") == []


def test_pictures_go_to_a_folder_above_but_not_to_their_own(tmp_path: Path) -> None:
    root = tmp_path / "in"
    captions = folder(root, {"a.png": "bad"})
    with pytest.raises(UsageError, match="expected another folder"):
        plan_moves(captions, Rules(selected=where("bad")), root)
    assert move(captions, "bad", tmp_path) == []
    assert (tmp_path / "a.png").exists()


def test_a_folder_that_can_not_be_listed_is_named(tmp_path: Path) -> None:
    captions = folder(tmp_path, {"a.png": "x", "sub/b.png": "x"})
    (tmp_path / "sub").chmod(0)
    plan = EditPlan(captions, Rules([Dedupe()]))
    try:
        assert as_anybody(lambda: len(list(plan))) == 1
    finally:
        (tmp_path / "sub").chmod(0o755)
    assert plan.unread == [(tmp_path / "sub", "permission denied")]


@pytest.mark.parametrize("name", ["nothing", "a.png"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder(tmp_path, {"a.png": "x"})
    with pytest.raises(UsageError, match="expected a folder of pictures"):
        Captions([tmp_path / name], Folder())


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected pictures, got none"):
        EditPlan(Captions([tmp_path], Folder()), Rules([Rare(2)]))
