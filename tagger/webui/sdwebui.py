"""The WebUIs as `Host`: AUTOMATIC1111, Forge, reForge, Classic, Neo, SD.Next.

What they call their things differs; nothing here is asked before it is needed, and what one of
them lacks is taken as not set.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..models.places import host_roots
from ..settings import Folder, Settings
from . import flags, memory
from .host import Credentials
from .preferences import (
    Preferences,
    inherited_models,
    inherited_settings,
    read_preferences,
)

log = logging.getLogger(__name__)

_YIELD_S = 0.005
"""Seconds in which a thread that was woken to take the lock does take it."""


class WebUI:
    """The WebUI that this process is."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._held = 0
        self._told: set[str] = set()

    @property
    def name(self) -> str:
        """What it calls itself, with its version where it says one."""
        if "installer" in sys.modules and "modules.sd_offload" in sys.modules:
            return "SD.Next"
        if "ldm_patched.modules.model_management" in sys.modules:
            return "reForge"
        forge = sys.modules.get("modules_forge.forge_version")
        if forge is not None:
            return f"Forge {getattr(forge, 'version', '')}".strip()
        return f"AUTOMATIC1111 {_automatic1111_version()}".strip()

    def preferences(self) -> Preferences:
        """As set on its settings page; a wrong value is told once and keeps its default."""
        return read_preferences(_stored().get, self._tell_once)

    def inherited(self) -> tuple[Settings, Folder]:
        """As the predecessors of our tab were set, as far as the host still knows."""
        return inherited_settings(_stored())

    def device(self) -> str:
        """Where it runs its own interrogators: `--use-cpu` and `--device-id` are honoured.

        Its first card is "auto": a model that no library here can run there may run elsewhere.
        """
        if {"interrogate", "all"} & set(_flag("use_cpu") or ()):
            return "cpu"
        from modules import devices

        ask = getattr(devices, "get_device_for", None)
        found = ask("interrogate") if ask else devices.get_optimal_device()
        kind, _, number = str(found).partition(":")
        if kind == "cpu":
            return "cpu"
        return f"cuda:{number}" if kind == "cuda" and number not in ("", "0") else "auto"

    def model_folders(self) -> tuple[Path, ...]:
        """Among its models: ours and the predecessors'; then where those were told to look."""
        from modules import paths

        folders = [*host_roots(Path(paths.models_path)), *inherited_models(_stored())]
        if named := _flag("onnxtagger_path"):
            folders.append(Path(named))
        return tuple(dict.fromkeys(folders))

    def make_room(self, size: int) -> bool:
        """Free so many bytes under its lock, taken without waiting."""
        with self.turn() as got:
            if got:
                memory.make_room(size)
            return got

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        """Its lock, asked for without waiting; whoever waits for it already goes first."""
        if getattr(self._own, "turns", 0):  # this thread has it: it can't be taken twice
            yield True
            return
        lock = _queue_lock()
        if _waiting(lock) or not lock.acquire(False):
            yield False
            return
        self._held = self._own.turns = 1
        try:
            yield True
        finally:
            self._held = self._own.turns = 0
            awaited = _waiting(lock)
            lock.release()
            if awaited:  # its lock is not fair: else we might take it again before the one woken
                time.sleep(_YIELD_S)

    def generating(self) -> bool:
        """Whether its lock is held by another than us, or awaited."""
        lock = _queue_lock()
        inner = getattr(lock, "_lock", lock)
        return bool(_waiting(lock)) or (inner.locked() and not self._held)

    def credentials(self) -> Credentials:
        """Of `--api-auth`; without it those of the page."""
        return flags.credentials(_flag)

    def exposed(self) -> bool:
        """Whether its flags let other machines reach it, or do not say where it listens."""
        return flags.exposed(_flag)

    def roots(self) -> tuple[Path, ...] | None:
        """What `--tagger-root` names; without it all, or where others reach it none."""
        return flags.roots(_flag)

    def allow_urls(self) -> bool:
        """As its own API does."""
        return bool(getattr(_shared().opts, "api_enable_requests", False))

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            log.warning("%s", sentence)


def add_options(fields: Mapping[str, Mapping[str, Any]], section: tuple[str, str]) -> None:
    """Put settings on the host's settings page; each with default, label, info, kind, args,
    and what is called when it is changed."""
    import gradio

    shared = _shared()
    for name, field in fields.items():
        kind = getattr(gradio, field["kind"])
        info = shared.OptionInfo(
            field["default"], field["label"], kind, field["args"], field["onchange"], section
        )
        shared.opts.add_option(name, info.info(field["info"]))


def image_to_image() -> Any:
    """The component of img2img's picture, None where the host has none."""
    for module in ("infotext_utils", "generation_parameters_copypaste"):
        found = sys.modules.get(f"modules.{module}")
        fields = getattr(found, "paste_fields", {})
        if "img2img" in fields:
            return fields["img2img"].get("init_img")
    return None


def register(listeners: Mapping[str, Callable[..., Any]]) -> None:
    """Have the host call each of these at its event, by name: "ui_tabs", "app_started".

    From a thread, whose stack is short: hosts look through all of it for the file that calls, and
    search every imported module for each frame that belongs to none. From a script, loaded by its
    path, that took as long as all else we do in a start.
    """
    from modules import script_callbacks

    def enter() -> None:
        for event, listener in listeners.items():
            getattr(script_callbacks, f"on_{event}")(listener)

    with ThreadPoolExecutor(1) as one:
        one.submit(enter).result()


def callbacks(kind: str) -> list[tuple[str, Callable[..., Any]]]:
    """What is registered with the host for an event: file and function of each."""
    from modules import script_callbacks

    found = script_callbacks.callback_map.get(f"callbacks_{kind}", [])
    return [(str(one.script), one.callback) for one in found]


def without_page() -> bool:
    """Whether the host was started with `--nowebui`."""
    return bool(_flag("nowebui"))


def _shared() -> Any:
    from modules import shared

    return shared


def _flag(name: str) -> Any:
    """A flag of the host's command line; None where it has no such flag."""
    return getattr(_shared().cmd_opts, name, None)


def _stored() -> Mapping[str, Any]:
    """The host's settings by name, of extensions that are gone, too."""
    return getattr(_shared().opts, "data", None) or {}


def _queue_lock() -> Any:
    from modules import call_queue

    return call_queue.queue_lock


def _waiting(lock: Any) -> int:
    """How many threads wait for the host's lock; 0 where it can't tell."""
    return len(getattr(lock, "_pending_threads", ()))


def _automatic1111_version() -> str:
    launch = sys.modules.get("modules.launch_utils")
    tag = launch.git_tag().lstrip("v") if launch else ""  # the host asks it too, and keeps it
    return tag if tag[:1].isdigit() else ""
