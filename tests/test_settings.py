"""The defaults people rely on, and what may be set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagger.caption import CaptionFormat
from tagger.errors import OptionError
from tagger.options import Field, describe, from_dict, to_dict
from tagger.settings import Folder, Runtime, Settings
from tagger.thresholds import Selection, Thresholds


def test_the_defaults_of_a_caption_are_what_they_were() -> None:
    """A changed default changes people's datasets: it is a breaking change, and this its alarm."""
    assert to_dict(Settings()) == {
        "selection": {
            "method": "fixed",
            "threshold": None,
            "category_thresholds": {},
            "tag_thresholds": {},
            "top_k": 30,
            "categories": None,
            "exclude": [],
            "keep": [],
            "only": [],
        },
        "format": {
            "order": "score",
            "template": ["count", "character", "copyright", "artist", "*"],
            "separator": ", ",
            "trailing_separator": False,
            "spaces": True,
            "escape": False,
            "weights": False,
            "max": None,
            "prefix": [],
            "suffix": [],
            "replace": [],
            "head": 0,
            "head_separator": "|||",
        },
        "implied": "off",
        "series": False,
    }


def test_the_defaults_of_a_folder_are_what_they_were() -> None:
    """Beside the picture, `.txt`, nothing overwritten, no line break at the end."""
    assert to_dict(Folder()) == {
        "out": None,
        "on_existing": "skip",
        "extension": ".txt",
        "recursive": True,
        "newline": False,
        "encoding": "utf-8",
        "name": "",
        "json_sidecar": False,
    }


def test_settings_survive_json() -> None:
    """A preset is a file."""
    settings = Settings(
        Selection("topk", keep=("smile",)), CaptionFormat(replace=(("a", "b"),)), "inherit"
    )
    folder = Folder(Path("out"), "append", ".caption", False, True)
    runtime = Runtime("cuda:1", "fp16", 8, 2, 1, "none", (Path("a"), Path("b")))

    for each in (settings, folder, runtime):
        assert from_dict(type(each), json.loads(json.dumps(to_dict(each)))) == each


def test_a_wrong_preset_is_refused_by_file_and_setting() -> None:
    """With the nearest name."""
    with pytest.raises(OptionError) as caught:
        from_dict(Settings, {"selection": {"treshold": 0.5}}, "mine.json")

    assert str(caught.value) == (
        "mine.json: selection.treshold: expected the name of a setting: did you mean 'threshold'?"
    )


@pytest.mark.parametrize(
    ("given", "settled"), [("txt", ".txt"), (".caption", ".caption"), (".tags.txt", ".tags.txt")]
)
def test_the_dot_of_an_extension_may_be_left_out(given: str, settled: str) -> None:
    """`--extension txt` is plain enough."""
    assert Folder(extension=given).extension == settled


@pytest.mark.parametrize(
    "bad",
    ["", ".", "..", "/etc", ".a/b", ".a\\b", ".a:b", ".tx*", ".txt ", ".txt.", ".a\nb", ".a\0"],
)
def test_an_extension_that_is_none_is_refused(bad: str) -> None:
    """It can't lead out of the folder, nor be a name that Windows lacks."""
    with pytest.raises(OptionError, match=r"^extension: expected the ending of a file name"):
        Folder(extension=bad)


@pytest.mark.parametrize("bad", [".png", "JPG", ".jpeg", ".webp", ".gif", ".jxl", ".tags.png"])
def test_a_caption_never_takes_a_pictures_place(bad: str) -> None:
    """`--extension .png --on-existing overwrite` would be the end of a collection."""
    with pytest.raises(OptionError, match="which is a picture's"):
        Folder(extension=bad)


def test_every_picture_that_is_read_is_safe_from_captions() -> None:
    """Whatever `images` learns to read."""
    images = pytest.importorskip("tagger.images")

    for extension in images.EXTENSIONS:
        with pytest.raises(OptionError, match="which is a picture's"):
            Folder(extension=extension)


@pytest.mark.parametrize(
    "options", [{"batch": -1}, {"threads": 1.5}, {"precision": "fp8"}, {"keep": "forever"}]
)
def test_a_runtime_out_of_range_is_refused(options: dict[str, object]) -> None:
    """By name."""
    with pytest.raises(OptionError, match=rf"^{next(iter(options))}: expected"):
        Runtime(**options)


def fields_of(cls: type) -> list[Field]:
    """All settings, those within settings too."""
    return [
        inner
        for field in describe(cls)
        for inner in [field, *(fields_of(field.type) if field.nested else [])]
    ]


@pytest.mark.parametrize("cls", [Settings, Folder, Runtime, Thresholds])
def test_every_setting_has_its_sentence(cls: type) -> None:
    """A form, the docs and --help show it: it begins with a capital or a choice, and ends."""
    for field in fields_of(cls):
        assert field.help.endswith("."), field.name
        assert len(field.help) <= 200, field.name
