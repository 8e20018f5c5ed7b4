"""What a WebUI calls of us: settings, its prompts, our tab, our routes, and when it starts anew.

`scripts/tagger.py` has these registered each time the WebUI loads its extensions; this module and
the App outlive that.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from ..models.default import DEFAULT
from ..options import Field, describe
from . import sdwebui
from .door import Door
from .preferences import PREFIX, Preferences

if TYPE_CHECKING:
    from .app import App

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).resolve().parents[1]
SECTION = ("sd_tagger", "Tagger")
TAB, ROUTES = "tagger", "/tagger/v1"
"""Where our predecessors' users and clients look; `sd_` goes before a name that is taken."""


@dataclass
class Prompts:
    """The WebUI's components that a caption is sent to; None where it has none."""

    txt2img: Any = None
    img2img: Any = None

    @property
    def img2img_image(self) -> Any:
        """The picture of img2img, known once that page is built."""
        return sdwebui.image_to_image()


@functools.cache
def app() -> App:
    """The process's one App, made at the first call: the start of a host needs none."""
    from .app import app_of

    return app_of(sdwebui.WebUI)


def register() -> None:
    """Have the WebUI call us; it forgets that when it starts anew."""
    sdwebui.register(
        {
            "ui_settings": on_ui_settings,
            "after_component": on_after_component,
            "ui_tabs": on_ui_tabs,
            "app_started": on_app_started,
            "script_unloaded": on_script_unloaded,
        }
    )


def on_script() -> None:
    """Our script is loaded, for the first time or by a reload: say where a restart is due."""
    if _stamps() != _at_mounting:
        log.warning("Tagger: its files have changed since the WebUI started; restart it")


def on_ui_settings() -> None:
    """Put our settings on the host's page."""
    fields = {PREFIX + field.name: _shown(field) for field in describe(Preferences)}
    fields[PREFIX + "hub_mirror"]["onchange"] = _use_mirror
    sdwebui.add_options(fields, SECTION)
    _use_mirror()


def on_after_component(component: Any, **told: Any) -> None:
    """Catch the prompts, as the host builds its pages."""
    name = str(told.get("elem_id") or getattr(component, "elem_id", None))
    if name in ("txt2img_prompt", "img2img_prompt"):
        setattr(_prompts, name.partition("_")[0], component)


def on_ui_tabs() -> list[tuple[Any, str, str]]:
    """Build our tab; none where there is no page."""
    if sdwebui.without_page():
        return []
    from .tab.tab import build

    other = claimant("ui_tabs", lambda word: word == TAB)
    if other:
        log.warning("Tagger: the tab `%s` is of %s; ours is `sd_%s`", TAB, other, TAB)
    page = build(app, _prompts, sdwebui.WebUI().preferences().default_model or DEFAULT)
    return [(page, "SD Tagger", f"sd_{TAB}") if other else (page, "Tagger", TAB)]


def on_app_started(page: Any, web: Any) -> None:
    """Add our routes to the application, which is another one after each reload."""
    other = claimant("app_started", lambda word: word.startswith(ROUTES))
    own = ROUTES.replace("/", "/sd_", 1)
    if other:
        log.warning("Tagger: %s answers under %s; ours is %s", other, ROUTES, own)
    prefix = own if other else ROUTES

    def mount() -> None:
        from .api import mount

        mount(app(), web, prefix)

    Door(web, prefix, mount)
    _started.set()


def on_script_unloaded() -> None:
    """The page goes: free the models, unless somebody waits for them."""
    if not app.cache_info().currsize:
        return
    from .jobs import ENDED

    ours = app()
    if all(job.state in ENDED for job in ours.jobs.list()) and not ours.scoring.waiting:
        ours.unload()


def claimant(event: str, wanted: Callable[[str], bool]) -> str | None:
    """Which other extension's function for an event holds a word that is wanted.

    A tab's or a route's name stands in the function that gives it, and is known nowhere else
    before all extensions have been asked.
    """
    for script, function in sdwebui.callbacks(event):
        if getattr(function, "__module__", "").partition(".")[0] == __name__.partition(".")[0]:
            continue
        if any(map(wanted, _words(_code(function)))):
            return Path(script).parent.parent.name
    return None


def _code(function: Any) -> CodeType | None:
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__wrapped__", function)
    return getattr(function, "__code__", None)


def _words(code: CodeType | None) -> Iterator[str]:
    for constant in code.co_consts if code else ():
        if isinstance(constant, CodeType):
            yield from _words(constant)
        for word in constant if isinstance(constant, tuple) else (constant,):
            if isinstance(word, str):
                yield word


def _shown(field: Field) -> dict[str, Any]:
    """A setting as the host's page needs it."""
    label = field.name.replace("_", " ").capitalize()
    kind, args = "Textbox", {}
    if field.name == "default_model":
        kind, args = "Dropdown", _models
    elif field.choices:
        kind, args = "Radio", {"choices": list(field.choices)}
    elif isinstance(field.default, bool):
        kind = "Checkbox"
    elif isinstance(field.default, float):
        kind, args = "Number", {"minimum": field.ge}
    return {
        "default": field.default, "label": label, "info": field.help.rstrip("."),
        "kind": kind, "args": args, "onchange": None,
    }  # fmt: skip


def _models() -> dict[str, Any]:
    """What hosts hand to the dropdown, when it is made and at each load of the page.

    While a host starts, the chosen one alone: nobody sees the page yet.
    """
    chosen = sdwebui.WebUI().preferences().default_model
    if not _started.is_set():
        return {"choices": [chosen]}
    rows = [row.name for row in app().registry.list() if row.spec.contracts]
    return {"choices": list(dict.fromkeys((chosen, *rows)))}


def _use_mirror() -> None:
    """Download from where the settings say, else from where the environment said."""
    address = sdwebui.WebUI().preferences().hub_mirror or _mirror_before
    if address:
        os.environ["HF_ENDPOINT"] = address
    else:
        os.environ.pop("HF_ENDPOINT", None)


def _stamps() -> dict[str, int]:
    """When each of our modules was written last; quickly, as a start waits for it."""
    found: dict[str, int] = {}
    waiting = [str(PACKAGE)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    found[entry.path] = entry.stat().st_mtime_ns
                elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                    waiting.append(entry.path)
    return found


_prompts = Prompts()
_started = threading.Event()
_mirror_before = os.environ.get("HF_ENDPOINT", "")
_at_mounting = _stamps()
