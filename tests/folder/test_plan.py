"""Which caption file is whose, and what becomes of the text in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.caption import Caption, CaptionFormat
from tagger.errors import UsageError
from tagger.folder.naming import Naming
from tagger.folder.plan import (
    EDITED,
    Existing,
    Ours,
    Refusal,
    Target,
    Task,
    assign,
    decide,
    mirrors,
)
from tagger.settings import Folder

FORM = CaptionFormat()
TASK = Task(Path("d/a.png"), Path("d/a.txt"), "new")


WAYS = ": rename one of them, or name captions [name].[extension].[output_extension]"


def assigned(*names: str, captioned: tuple[str, ...] = (), **options: object) -> list[object]:
    folder = Folder(**options)  # pyright: ignore[reportArgumentType]
    naming = Naming("", folder.extension)
    pictures = [Path("d") / name for name in names]
    captions = [naming.name(picture, 1) for picture in pictures]
    return list(assign(pictures, captions, Target(Path("t"), set(captioned)), folder))


def test_a_caption_has_its_pictures_name() -> None:
    """Only the last extension goes."""
    tasks = assigned("a.png", "b.c.jpg", "no 1..webp", extension="caption")
    assert [task.caption for task in tasks] == [  # pyright: ignore
        Path("t/a.caption"),
        Path("t/b.c.caption"),
        Path("t/no 1..caption"),
    ]


@pytest.mark.parametrize("how", ["skip", "overwrite", "append", "prepend"])
def test_what_has_a_caption_is_treated_as_asked(how: str) -> None:
    """The others are new."""
    tasks = assigned("a.png", "b.png", captioned=("a.txt",), on_existing=how)
    assert [task.kind for task in tasks] == [how, "new"]  # pyright: ignore


def test_two_pictures_never_share_a_caption() -> None:
    """The first has it; the second is named, with the way out."""
    first, second, third = assigned("a.jpg", "a.png", "b.png")
    assert isinstance(first, Task)
    assert isinstance(third, Task)
    assert second == Refusal(Path("d/a.png"), f"a.jpg has the caption file a.txt too{WAYS}")


def test_a_name_may_take_255_bytes() -> None:
    """As bytes, since that is what file systems count."""
    fits, too_long = assigned("é" * 125 + "x.png", "é" * 126 + ".png")
    assert isinstance(fits, Task)
    assert isinstance(too_long, Refusal)
    assert too_long.reason.endswith("would take 256 bytes of 255: shorten the name")


def test_one_root_is_mirrored_itself_and_several_by_name() -> None:
    """Under --out."""
    out = Path("out")
    assert mirrors([Path("x/a")], out) == {Path("x/a"): out}
    assert mirrors([Path("x/a"), Path("b")], out) == {
        Path("x/a"): out / "a",
        Path("b"): out / "b",
    }
    with pytest.raises(UsageError, match=r"different names under out, got .*a too"):
        mirrors([Path("x/a"), Path("y/a")], out)


@pytest.mark.parametrize("before", [None, "", " \n"])
@pytest.mark.parametrize("how", ["skip", "overwrite", "update", "append", "prepend"])
def test_where_there_is_no_text_the_caption_is_new(before: str | None, how: str) -> None:
    """Whatever is done with existing ones."""
    folder = Folder(on_existing=how)  # pyright: ignore[reportArgumentType]
    change = decide(TASK, Existing(before), Caption("1girl, hat"), folder, FORM)
    assert (change.kind, change.before, change.after) == ("new", before, "1girl, hat")
    assert change.writes


@pytest.mark.parametrize(
    ("how", "kind", "after"),
    [
        ("skip", "skip", "by hand, hat"),
        ("overwrite", "overwrite", "1girl, hat"),
        ("append", "append", "by hand, hat, 1girl"),
        ("prepend", "prepend", "1girl, by hand, hat"),
    ],
)
def test_existing_text(how: str, kind: str, after: str) -> None:
    """Kept, replaced, or added to; nothing twice."""
    folder = Folder(on_existing=how)  # pyright: ignore[reportArgumentType]
    change = decide(TASK, Existing("by hand, hat"), Caption("1girl, hat"), folder, FORM)
    assert (change.kind, change.after) == (kind, after)
    assert change.writes is (kind != "skip")


@pytest.mark.parametrize("how", ["overwrite", "append", "prepend"])
def test_what_would_not_change_is_the_same(how: str) -> None:
    """And is not written."""
    folder = Folder(on_existing=how)  # pyright: ignore[reportArgumentType]
    change = decide(TASK, Existing("1girl, hat"), Caption("1girl, hat"), folder, FORM)
    assert (change.kind, change.writes) == ("same", False)


@pytest.mark.parametrize(
    ("how", "base", "kind", "after"),
    [
        ("append", "mine", "append", "mine, 1girl, hat"),
        ("prepend", "mine", "append", "1girl, hat, mine"),
        ("append", None, "new", "1girl, hat"),
        ("update", None, "new", "1girl, hat"),
        ("update", "mine", "append", "mine, 1girl, hat"),
        ("update", "mine", "prepend", "1girl, hat, mine"),
        ("overwrite", "mine", "append", "1girl, hat"),
    ],
)
def test_what_tagger_added_is_taken_back_first(
    how: str, base: str | None, kind: str, after: str
) -> None:
    """What somebody wrote stays, except where it is to be overwritten."""
    folder = Folder(on_existing=how)  # pyright: ignore[reportArgumentType]
    there = Existing("mine, smile", Ours(base, kind))  # pyright: ignore[reportArgumentType]
    change = decide(TASK, there, Caption("1girl, hat"), folder, FORM)
    assert (change.kind, change.after) == (how, after)
    again = Existing(after, Ours(base, kind))  # pyright: ignore[reportArgumentType]
    assert decide(TASK, again, Caption("1girl, hat"), folder, FORM).kind == "same"


def test_update_leaves_what_is_not_ours() -> None:
    """And says so."""
    folder = Folder(on_existing="update")
    change = decide(TASK, Existing("mine"), Caption("1girl"), folder, FORM)
    assert (change.after, change.writes, change.reason) == ("mine", False, EDITED)


@pytest.mark.parametrize(
    ("before", "reason"),
    [("one\ntwo", "several lines"), ("{a|b}, hat", "braces")],
)
def test_what_can_not_be_added_to_stays_with_a_reason(before: str, reason: str) -> None:
    """Byte for byte."""
    change = decide(TASK, Existing(before), Caption("1girl"), Folder(on_existing="append"), FORM)
    assert (change.after, change.writes) == (before, False)
    assert change.reason == f"the caption has {reason}: left as it is"


def test_a_line_break_at_the_end_only_when_asked_for() -> None:
    """One, and a file that has it is the same."""
    folder = Folder(newline=True, on_existing="overwrite")
    assert decide(TASK, Existing(), Caption("1girl"), folder, FORM).after == "1girl\n"
    assert decide(TASK, Existing("1girl\n"), Caption("1girl"), folder, FORM).kind == "same"
    assert decide(TASK, Existing(), Caption("1girl"), Folder(), FORM).after == "1girl"


def test_no_tags_are_no_text() -> None:
    """Not even a line break."""
    assert decide(TASK, Existing(), Caption(""), Folder(newline=True), FORM).after == ""
