"""Draws the README's pictures: the tab with drawn pictures in it, the drawn cast, two captions.

    python docs/pictures.py

Needs Chromium, and the extra `e2e`: the tab is driven as its tests drive it.
"""

from __future__ import annotations

import html
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tagger.demo.examples import draw_cast  # noqa: E402 - the checkout beside us, installed or not

SHOWN = ("balloon.png", "stargazer.jpg")
WIDTH, HEIGHT = 1180, 740


def main() -> None:
    """Tag, lay out, photograph; draw."""
    draw_cast(160).quantize(256).save(ROOT / "docs" / "cast.png", optimize=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(document([tagged(ROOT / "examples" / name) for name in SHOWN]), "utf-8")
        photograph(page, ROOT / "docs" / "captioned.png")
        drive(Path(folder))


# ---------------------------------------------------------------- the tab


def drive(folder: Path) -> None:
    """Use the tab on drawn pictures, and keep what it looks like."""
    from playwright.sync_api import sync_playwright

    tests = _tests()
    pictures = Path(shutil.copytree(ROOT / "examples", folder / "drawn"))
    command = [sys.executable, "-m", "tagger", "serve", "--model", "demo"]
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        tests.serving(command, folder, folder / "server.txt") as server,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=browser, args=tests.FLAGS)
        page = chromium.new_page(viewport={"width": 1180, "height": 900})
        use(tests.Tab(page, server.url).open(), pictures)
        chromium.close()


def use(tab: Any, pictures: Path) -> None:
    """The three pages that the documents show."""
    page = tab.page
    tab.drop(pictures / "two-friends.jpeg")
    page.locator(".tg-state", has_text="Ready").wait_for()
    page.mouse.move(0, 0)
    page.locator(".tg-general button.tg-chip").nth(4).click()
    page.wait_for_timeout(1000)
    keep(page, "tab-picture", 760)
    (pictures / "winter.txt").write_text("1girl, my own words", "utf-8")
    tab.turn("Folder")
    tab.box("tagger_path").fill(str(pictures))
    page.locator("#tagger_preview").click()
    page.locator(".tg-sample").first.wait_for()
    tab.box("tagger_path").evaluate("box => { box.value = 'D:\\\\pictures\\\\drawn'; }")
    keep(page, "tab-folder", 900)
    page.locator("#tagger_run").click()
    page.locator(".tg-run[data-live='0'] .tg-line", has_text="Done").wait_for()
    tab.turn("Captions")
    tab.box("tagger_captions_path").fill(str(pictures))
    page.locator("#tagger_captions_show").click()
    page.locator(".tg-cell").nth(1).click()
    page.locator(".tg-cell").nth(3).click(modifiers=["Shift"])
    page.locator("#tagger_editor strong", has_text="3 pictures").wait_for()
    tab.box("tagger_captions_path").evaluate("box => { box.value = 'D:\\\\pictures\\\\drawn'; }")
    keep(page, "tab-captions", 860)


def keep(page: Any, name: str, height: int) -> None:
    """Save what the window shows."""
    path = ROOT / "docs" / f"{name}.png"
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1180, "height": height})
    Image.open(path).convert("RGB").save(path, optimize=True)


def _tests() -> Any:
    """What drives the page in its tests."""
    found = importlib.util.spec_from_file_location("driving", ROOT / "tests/e2e/conftest.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["driving"] = module  # dataclasses look there
    found.loader.exec_module(module)
    return module


# ---------------------------------------------------------------- two captions


def tagged(picture: Path) -> dict[str, Any]:
    """What `tagger tag --json` says of a picture."""
    command = [sys.executable, "-m", "tagger", "tag", str(picture), "--model", "demo", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def document(pictures: list[dict[str, Any]]) -> str:
    """The page: a card for each picture, as the tab shows one."""
    cards = "".join(card(each) for each in pictures)
    return f"""<!doctype html><meta charset="utf-8"><style>{(ROOT / "style.css").read_text("utf-8")}
body {{ margin: 0; padding: 24px; font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }}
.row {{ display: grid; grid-template-columns: 260px 1fr; gap: 24px; margin-bottom: 20px; }}
.row img {{ width: 260px; border-radius: 8px; display: block; }}
.row > div {{ display: grid; gap: 14px; align-content: start; }}
</style><body class="tg-root">{cards}"""


def card(found: dict[str, Any]) -> str:
    """The picture at the left; the caption and its tags by category at the right."""
    source = Path(found["path"])
    groups: dict[str, list[dict[str, Any]]] = {}
    for tag in sorted(found["tags"], key=lambda tag: -tag["score"]):
        groups.setdefault(tag["category"], []).append(tag)
    order = [name for name in ("character", "copyright", "general") if name in groups]
    rows = "".join(group(name, groups[name]) for name in order)
    caption = html.escape(found["caption"])
    return (
        f'<div class="tg-card row"><img src="{source.as_uri()}"><div>'
        f"<p>{caption}</p>{rows}</div></div>"
    )


def group(category: str, tags: list[dict[str, Any]]) -> str:
    """One category's chips."""
    chips = "".join(
        f'<span class="tg-chip" style="--s:{tag["score"]:.2f}">'
        f"{html.escape(tag['name'].replace('_', ' '))}"
        f'<span class="tg-percent">{100 * tag["score"]:.0f}</span></span>'
        for tag in tags
    )
    name = f'<span class="tg-name">{category.capitalize()}</span>'
    return f'<div class="tg-group tg-{category}">{name}<div class="tg-chips">{chips}</div></div>'


def photograph(page: Path, picture: Path) -> None:
    """Save what Chromium shows of a page."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise SystemExit("expected Chromium, got none: install it")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = f"--window-size={WIDTH},{HEIGHT}"
    command = [browser, *options, size, f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
