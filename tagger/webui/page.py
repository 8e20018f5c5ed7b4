"""The stand-alone page: the tab alone, as a host would show it, on a FastAPI app of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .app import App
from .compat import make, mount
from .tab.tab import build

TITLE = "Tagger"
_PACKAGED = Path(__file__).with_name("static")
_CHECKOUT = Path(__file__).resolve().parents[2]


def page(app: App) -> Any:
    """The page as gradio Blocks: the tab inside what hosts put around it."""
    tab = build(lambda: app, named=app.default_model)
    blocks = make("Blocks", title=TITLE, analytics_enabled=False, fill_width=True)
    with blocks, make("Column", elem_id="tab_tagger"):
        tab.render()
    return blocks


def mount_page(app: App, api: Any, path: str = "/") -> Any:
    """Put the page on a FastAPI app, under `path`; gives the app that serves both."""
    return mount(api, page(app), path, style(), scripts())


def style() -> str:
    """The tab's style sheet, with what a host's page has around it."""
    return _read("style.css") + _AROUND


def scripts() -> list[str]:
    """The tab's scripts, in the order in which hosts load them, and what hosts have besides."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT / "javascript"
    own = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))]
    return [*own, _PASTE]


def _read(name: str) -> str:
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    return (folder / name).read_text(encoding="utf-8")


_AROUND = """
.gradio-container { padding: 0 !important; }
.gradio-container > main {
  box-sizing: border-box; width: 100% !important; max-width: 1560px !important;
  margin: 0 auto !important; padding: 14px 20px 24px !important;
}
footer { display: none !important; }
"""

# hosts take a pasted picture to the image box that is in view; here there is one
_PASTE = """
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
  const input = document.querySelector("#tagger_picture input[type=file]");
  if (!file || !input?.closest("#tagger_picture").offsetParent) return;
  event.preventDefault();
  const carrier = new DataTransfer();
  carrier.items.add(file);
  input.files = carrier.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
"""
