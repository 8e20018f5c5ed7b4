"""The page Folder: choose, preview, run; uploads, too."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

from tagger.images import EXTENSIONS

EXAMPLE = Path(__file__).parents[2] / "examples" / "balloon.png"
MARKUP = "<img src=x onerror=tgPwned=1>"


def preview(tab: Any, path: str) -> Any:
    """Name a folder and look at it."""
    tab.turn("Folder")
    tab.box("tagger_path").fill(path)
    tab.page.locator("#tagger_preview").click()
    figures = tab.page.locator(".tg-figures").first
    figures.wait_for()
    return figures


def run(tab: Any) -> None:
    """Write, and wait for the end of this run: an earlier one is shown until it begins."""
    tab.page.evaluate(
        "document.querySelectorAll('.tg-run').forEach((run) => (run.dataset.old = 1))"
    )
    tab.page.locator("#tagger_run").click()
    ended = tab.page.locator(".tg-run[data-live='0']:not([data-old]) .tg-line", has_text="Done")
    ended.wait_for()


def test_a_folder_is_previewed_captioned_and_undone(tab: Any, pictures: Path) -> None:
    """With quotes around its path, a picture left on the other page, a name of markup."""
    tab.drop(EXAMPLE)
    (pictures / "winter.txt").write_text(f"my own words, {MARKUP}")
    (pictures / f"broken {MARKUP}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    figures = preview(tab, f'"{pictures}"')
    assert [int(word) for word in figures.inner_text().split() if word.isdigit()] == [
        13,
        12,
        0,
        1,
        0,
    ]
    assert tab.page.locator(".tg-sample").count() >= 1
    assert [path.name for path in pictures.rglob("*.txt")] == ["winter.txt"]
    assert tab.page.locator("#tagger_run").inner_text() == "Write 12 captions"
    run(tab)
    written = sorted(pictures.rglob("*.txt"))
    assert len(written) == 12
    assert (pictures / "winter.txt").read_text() == f"my own words, {MARKUP}"
    assert "1girl" in (pictures / "balloon.txt").read_text()
    assert MARKUP in tab.page.locator(".tg-reasons").inner_text()
    assert 1 <= tab.page.locator(".tg-passing figure").count() <= 8
    tab.page.locator("#tagger_undo").click()
    tab.until(lambda: len(list(pictures.rglob("*.txt"))) == 1, "the captions taken back")


def test_a_run_survives_a_reload_and_can_be_cancelled(tab: Any, tmp_path: Path) -> None:
    """The new page finds it, still counting; Cancel stops it, and what is written can be undone."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3000):
        shutil.copyfile(EXAMPLE, folder / f"{number}.png")
        with (folder / f"{number}.png").open("ab") as file:
            file.write(str(number).encode())  # another content each, so that all are inferred
    preview(tab, str(folder))
    tab.page.locator("#tagger_run").click()
    tab.page.locator(".tg-run[data-live='1']").wait_for()
    tab.open()
    tab.turn("Folder")
    tab.page.locator(".tg-run[data-live='1'] .tg-line", has_text="of 3,000").wait_for()
    assert tab.box("tagger_path").input_value() == str(folder)
    tab.page.locator("#tagger_cancel").click()
    tab.page.locator(".tg-run[data-live='0'] .tg-line", has_text="Stopped").wait_for()
    assert 0 < len(list(folder.glob("*.txt"))) < 3000
    tab.page.locator("#tagger_undo").click()
    tab.until(lambda: not list(folder.glob("*.txt")), "the captions taken back")


def test_where_captions_go_comes_back_on_a_page_that_is_opened_anew(tab: Any) -> None:
    """Without a run, as soon as a box is left; Enter is enough for that."""
    tab.turn("Folder")
    tab.box("tagger_path").fill("/nowhere")
    tab.box("tagger_path").press("Enter")
    tab.page.locator("#tagger_folder_note .tg-bad").wait_for()
    tab.open()
    tab.turn("Folder")
    tab.until(lambda: tab.box("tagger_path").input_value() == "/nowhere", "the path")
    tab.page.get_by_role("button", name="Where captions go").click()
    tab.box("tagger_folder_extension").fill(".caption")
    tab.box("tagger_folder_extension").press("Tab")
    tab.page.get_by_label("Go into sub-folders").uncheck()
    tab.page.wait_for_timeout(500)
    tab.open()
    tab.turn("Folder")
    tab.page.get_by_role("button", name="Where captions go").click()
    assert tab.box("tagger_folder_extension").input_value() == ".caption"
    assert not tab.page.get_by_label("Go into sub-folders").is_checked()
    assert tab.box("tagger_path").input_value() == "/nowhere"


def test_what_can_not_be_captioned_is_said(tab: Any, tmp_path: Path) -> None:
    """A folder that is not there, names that collide, options changed after the preview."""
    tab.turn("Folder")
    tab.box("tagger_path").fill(str(tmp_path / "nothing"))
    tab.page.locator("#tagger_preview").click()
    tab.page.locator("#tagger_folder_note .tg-bad", has_text="nothing of that name").wait_for()
    assert tab.page.locator("#tagger_run").is_disabled()
    for name in ("1.png", "1.jpg"):
        shutil.copyfile(EXAMPLE, tmp_path / name)
    preview(tab, str(tmp_path))
    tab.page.locator(".tg-amber", has_text="1.png").wait_for()
    assert tab.page.locator("#tagger_run").is_enabled()
    tab.page.get_by_role("button", name="Caption options").click()
    tab.page.get_by_label("Escape brackets").check()
    tab.page.locator("#tagger_folder_note", has_text="preview again").wait_for()
    assert tab.page.locator("#tagger_run").is_disabled()
    tab.page.get_by_label("Escape brackets").uncheck()


def test_a_zip_comes_back_as_captions(tab: Any, pictures: Path, tmp_path: Path) -> None:
    packed = tmp_path / "drawn.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(pictures.rglob("*.*")):
            archive.write(path, path.relative_to(pictures))
    tab.turn("Folder")
    tab.page.locator("#tagger_files input[type=file]").set_input_files(str(packed))
    tab.page.locator(".tg-figure", has_text="12").first.wait_for()
    run(tab)
    link = tab.page.locator("#tagger_back a[download]").first
    with tab.page.expect_download() as download:
        link.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        assert len(names) == 12
        assert "town/buns.txt" in names
        assert b"1girl" in archive.read("balloon.txt")


def test_a_folder_keeps_its_sub_folders(tab: Any, pictures: Path) -> None:
    """Browsed for; the same paths as a dropped one's reach Python."""
    tab.turn("Folder")
    tab.page.locator("#tagger_browse input[type=file]").set_input_files(str(pictures))
    tab.page.locator(".tg-figure", has_text="12").first.wait_for()
    run(tab)
    with tab.page.expect_download() as download:
        tab.page.locator("#tagger_back a[download]").first.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert any(name.endswith("town/buns.txt") for name in archive.namelist())


def test_a_zip_that_leads_out_is_refused(tab: Any, tmp_path: Path) -> None:
    packed = tmp_path / "evil.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.png", EXAMPLE.read_bytes())
    tab.turn("Folder")
    tab.page.locator("#tagger_files input[type=file]").set_input_files(str(packed))
    tab.page.locator("#tagger_folder_note .tg-bad", has_text="inside what was dropped").wait_for()


def test_a_dropped_folder_keeps_its_sub_folders(tab: Any, pictures: Path) -> None:
    """As a browser drops one, from outside it: captions come back under the same places."""
    deep = pictures / "inner" / "deeper"
    deep.mkdir(parents=True)
    for number, picture in enumerate(sorted(pictures.glob("*.png"))):
        picture.rename((deep if number % 2 else pictures / "inner") / picture.name)
    there = {
        path.relative_to(pictures.parent).with_suffix(".txt").as_posix()
        for path in pictures.rglob("*")
        if path.suffix in EXTENSIONS
    }
    tab.turn("Folder")
    zone = tab.page.locator("#tagger_files").bounding_box()
    at = {"x": zone["x"] + zone["width"] / 2, "y": zone["y"] + zone["height"] / 2}
    devtools = tab.page.context.new_cdp_session(tab.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(pictures)], "dragOperationsMask": 1}
        devtools.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    tab.page.locator(".tg-figure", has_text=str(len(there))).first.wait_for()
    run(tab)
    with tab.page.expect_download() as fetched:
        tab.page.locator("#tagger_back a[download]").first.click()
    with zipfile.ZipFile(fetched.value.path()) as archive:
        assert set(archive.namelist()) == there
