"""What is given to the page: laid out safely, captions packed; presets; thumbnails."""

from __future__ import annotations

import json
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import get_args, get_type_hints

import pytest
from PIL import Image

from tagger.errors import OptionError, UsageError
from tagger.home import part
from tagger.selection import Selection
from tagger.settings import Folder, Settings
from tagger.webui.compat import original
from tagger.webui.tab import form, presets, uploads
from tagger.webui.tab.controls import CONTROLS
from tagger.webui.tab.presets import Preset
from tagger.webui.tab.thumbnails import Thumbnails


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is laid out goes with the test."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "one.png"
    Image.new("RGB", (300, 200), "teal").save(path)
    return path


def staged(files: list[tuple[Path, str]], paths: str = "") -> list[str]:
    """The places of what was laid out."""
    folder = uploads.stage(files, paths, ".txt")
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_files_keep_the_places_that_they_were_dropped_with(picture: Path) -> None:
    """In sub-folders where the script tells them; by name alone where that does not fit."""
    files = [(picture, "one.png"), (picture, "two.png")]
    assert staged(files, json.dumps(["a/one.png", "a/b/two.png"])) == ["a/b/two.png", "a/one.png"]
    assert staged(files, json.dumps(["a/other.png", "b.png"])) == ["one.png", "two.png"]
    assert staged(files, "nonsense") == ["one.png", "two.png"]


def test_a_zip_is_unpacked_pictures_and_captions_alone(tmp_path: Path, picture: Path) -> None:
    data = picture.read_bytes()
    members = {"a/1.png": data, "a/1.txt": b"1girl", "run.exe": b"MZ", "__MACOSX/1.png": data}
    path = zipped(tmp_path / "in.zip", members)
    assert staged([(path, "in.zip")]) == ["a/1.png", "a/1.txt"]


@pytest.mark.parametrize("name", ["../1.png", "/etc/1.png", "a/../../1.png", "C:\\1.png"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, picture: Path, name: str) -> None:
    path = zipped(tmp_path / "in.zip", {name: picture.read_bytes()})
    with pytest.raises(UsageError, match="inside what was dropped"):
        staged([(path, "in.zip")])
    with pytest.raises(UsageError, match="inside what was dropped"):
        staged([(picture, PurePosixPath(name).name)], json.dumps([name]))


def test_a_zip_bomb_is_refused_by_what_it_unpacks_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "FREE_BYTES", 1000)
    path = zipped(tmp_path / "in.zip", {"1.png": bytes(10_000_000)})
    with pytest.raises(UsageError, match="unpacks to less"):
        staged([(path, "in.zip")])


def test_a_link_or_a_password_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.zip"
    link = zipfile.ZipInfo("1.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UsageError, match="got a link"):
        staged([(path, "in.zip")])
    data = bytearray(zipped(path, {"1.png": b"x"}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag of an encrypted member
    path.write_bytes(data)
    with pytest.raises(UsageError, match="password"):
        staged([(path, "in.zip")])


def test_what_is_no_zip_is_told(tmp_path: Path) -> None:
    path = tmp_path / "in.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(UsageError, match="damaged"):
        staged([(path, "in.zip")])
    with pytest.raises(UsageError, match="got nothing"):
        staged([])


def test_captions_come_back_under_the_names_of_their_pictures(picture: Path) -> None:
    folder = uploads.stage([(picture, "one.png")], json.dumps(["a/one.png"]), ".txt")
    (folder / "a" / "one.txt").write_text("1girl")
    with zipfile.ZipFile(uploads.pack(folder, ".txt")) as archive:
        assert archive.namelist() == ["a/one.txt"]


# ---------------------------------------------------------------- presets


def test_a_preset_comes_back_as_it_was_saved(own_home: Path) -> None:
    mine = Preset("demo", Settings(Selection(threshold=0.4)), Folder(on_existing="append"))
    presets.save("my lora", mine)
    assert presets.names() == ["my lora"]
    assert presets.load("my lora") == mine
    presets.delete("my lora")
    assert presets.names() == []
    with pytest.raises(UsageError, match="got none"):
        presets.load("my lora")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "<b>", "nul", "x" * 65, ".hidden", "a."])
def test_a_name_that_is_no_files_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="expected a name"):
        presets.save(name, Preset())


def test_the_last_is_kept_apart_from_the_named_ones() -> None:
    assert presets.load_last() == Preset()
    presets.keep_last(model="demo", settings=Settings(Selection(threshold=0.4)))
    assert presets.load_last().settings.selection.threshold == 0.4
    assert presets.names() == []


def test_boxes_are_kept_beside_the_options_of_the_last_alone() -> None:
    """Each by its name; what a page began with stays where only a box was left."""
    first = Preset("demo", Settings(Selection(threshold=0.4)))
    presets.keep_last(first, typed={"path": "/a", "name": "mine"})
    presets.keep_last(first, typed={"path": "/b"})
    kept = presets.load_last()
    assert kept.typed == {"path": "/b", "name": "mine"}
    assert (kept.model, kept.settings) == (first.model, first.settings)
    text = part("presets").joinpath("last.json").read_text()
    assert not presets.read_foreign(text, "last.json").typed


def test_the_predecessors_presets_are_read() -> None:
    """By the labels of toriato's and picobyte's tabs; what means nothing here is left out."""
    old = {
        "Single process/Threshold": {"value": 0.5, "visible": True},
        "Additional tags (split by comma)": {"value": "a, b"},
        "Exclude tags (split by comma)": {"value": "solo"},
        "Sort by alphabetical order": {"value": True},
        "Escape brackets": {"value": True},
        "x/Search tag, .. ->": {"value": "grey hair"},
        "x/-> Replace tag, ..": {"value": "silver hair"},
        "x/Action on existing caption": {"value": "copy"},
        "x/Cumulative mean": {"value": 3},
    }
    found = presets.read_foreign(json.dumps(old), "old.json")
    assert found.settings.selection == Selection(threshold=0.5, exclude=("solo",))
    assert found.settings.format.prefix == ("a", "b")
    assert found.settings.format.order == "alphabetical"
    assert found.settings.format.escape
    assert found.settings.format.replace == (("grey hair", "silver hair"),)
    assert found.folder.on_existing == "overwrite"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 9}', '{"a": 1}'])
def test_what_is_no_preset_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"old\.json"):
        presets.read_foreign(text, "old.json")


def test_the_controls_give_back_the_settings_that_they_show() -> None:
    """For the defaults and for settings of every kind."""
    for settings in (
        Settings(),
        Settings(
            Selection("topk", top_k=5, exclude=("*_background",), categories=("general", "meta")),
            presets.CaptionFormat(prefix=("a",), replace=(("b", "c"),), max=7, separator=" "),
            implied="remove",
        ),
    ):
        assert form.show(form.read(settings, form.show(settings))) == form.show(settings)


def test_a_list_shows_words_for_every_value_that_a_preset_may_bring() -> None:
    """And no value: gradio 3 would show that where Python sets it anew."""
    hints = {"method": Selection, "order": presets.CaptionFormat, "implied": Settings}
    lists = {each.place.rpartition(".")[2]: each for each in CONTROLS if each.kind == "choice"}
    assert lists.keys() == hints.keys()
    for name, control in lists.items():
        assert set(control.names) == set(get_args(get_type_hints(hints[name])[name]))
        shown = form.show(Settings())[CONTROLS.index(control)]
        assert shown in control.names.values()
    assert "by threshold" in form.show(Settings())


def test_a_mistake_in_a_control_is_named_by_its_label() -> None:
    values = form.show(Settings())
    values[[control.place for control in CONTROLS].index("format.max")] = "many"
    with pytest.raises(OptionError, match="At most"):
        form.read(Settings(), values)


# ---------------------------------------------------------------- pictures


def test_thumbnails_are_small_kept_and_bounded(picture: Path, tmp_path: Path) -> None:
    kept = Thumbnails(most_bytes=600)
    first = kept.of(picture)
    assert first.startswith("data:image/webp;base64,")
    assert kept.of(picture) is first
    for number in range(9):
        other = tmp_path / f"{number}.png"
        Image.new("RGB", (300, 200), (number, 0, 0)).save(other)
        kept.of(other)
    assert kept.of(picture) is not first  # it had to go meanwhile
    assert kept.of(tmp_path / "nothing.png") == ""


def test_a_picture_arrives_as_its_file_was(picture: Path) -> None:
    """As a data URL of gradio 3, as an uploaded file of gradio 4; an address is not fetched."""
    data = picture.read_bytes()
    import base64

    url = "data:image/png;base64," + base64.b64encode(data).decode()
    for value in (url, {"path": str(picture), "orig_name": "one.png"}, str(picture)):
        found = original(value)
        assert found is not None
        assert found.data == data
    for nothing in (None, "", "data:image/png;base64,%%%", {"path": "http://host/one.png"}):
        assert original(nothing) is None
