"""Draws the README's pictures: examples with the tags the demo model gives, and the drawn cast.

    python docs/pictures.py

Needs Chromium. The look is the tab's own, `style.css`.
"""

from __future__ import annotations

import html
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tagger.demo.examples import draw_cast  # noqa: E402 - the checkout beside us, installed or not

SHOWN = ("balloon.png", "stargazer.jpg")
WIDTH, HEIGHT = 1180, 820


def main() -> None:
    """Tag, lay out, photograph; draw."""
    draw_cast(160).quantize(256).save(ROOT / "docs" / "cast.png", optimize=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(document([tagged(ROOT / "examples" / name) for name in SHOWN]), "utf-8")
        photograph(page, ROOT / "docs" / "captioned.png")


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
img {{ width: 260px; border-radius: 8px; display: block; }}
.caption {{ margin: 0 0 14px; }}
</style><body class="tg-page">{cards}"""


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
        f'<p class="caption">{caption}</p>{rows}</div></div>'
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
