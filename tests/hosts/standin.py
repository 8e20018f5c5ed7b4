"""A stand-in for the WebUIs' `modules`: what they promise extensions, and in what order they call.

Written from what was seen in AUTOMATIC1111 1.10.1, Forge and SD.Next; nothing of theirs is copied.
It also runs by itself in a Python that has a host's gradio and nothing of ours.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import inspect
import json
import sys
import threading
import types
from pathlib import Path
from typing import Any

EXTENSION = Path(__file__).parents[2]

# The flags of a host that Tagger looks at; SD.Next's differ.
FLAGS: dict[str, Any] = {
    "api_auth": None,
    "gradio_auth": None,
    "gradio_auth_path": None,
    "listen": False,
    "share": False,
    "ngrok": None,
    "server_name": None,
    "subpath": None,
    "nowebui": False,
    "use_cpu": [],
    "device_id": None,
    "tagger_root": None,
    "onnxtagger_path": None,
    "deepdanbooru_projects_path": None,
    "additional_device_ids": None,
}


class FifoLock:
    """The hosts' lock: first come, first served, not to be taken twice by one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inner_lock = threading.Lock()
        self._pending_threads: collections.deque[threading.Event] = collections.deque()

    def acquire(self, blocking: bool = True) -> bool:
        with self._inner_lock:
            if self._lock.acquire(False):
                return True
            if not blocking:
                return False
            turn = threading.Event()
            self._pending_threads.append(turn)
        turn.wait()
        return self._lock.acquire()

    def release(self) -> None:
        with self._inner_lock:
            if self._pending_threads:
                self._pending_threads.popleft().set()
            self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class OptionInfo:
    """A setting on a host's page."""

    def __init__(
        self,
        default: Any = None,
        label: str = "",
        component: Any = None,
        component_args: Any = None,
        onchange: Any = None,
        section: Any = None,
    ) -> None:
        self.default, self.label, self.section = default, label, section
        self.component, self.component_args, self.onchange = component, component_args, onchange
        self.comment_after = ""

    def info(self, text: str) -> OptionInfo:
        self.comment_after += f"<span class='info'>({text})</span>"
        return self


class Options:
    """A host's settings: those of extensions are there from the second start on."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.__dict__.update(data=data, data_labels={})

    def add_option(self, key: str, info: OptionInfo) -> None:
        self.data_labels[key] = info
        self.data.setdefault(key, info.default)

    def __getattr__(self, name: str) -> Any:
        if name in self.data:
            return self.data[name]
        raise AttributeError(name)


def module(name: str, **content: Any) -> types.ModuleType:
    """Put a module in `sys.modules`, and in its package."""
    made = types.ModuleType(name)
    made.__dict__.update(content)
    made.__path__ = []  # type: ignore[attr-defined]
    sys.modules[name] = made
    package, _, own = name.rpartition(".")
    if package in sys.modules:
        setattr(sys.modules[package], own, made)
    return made


def forget() -> None:
    """Take the host and our mounted package away."""
    tops = ("modules", "backend", "ldm_patched", "modules_forge", "launch", "installer")
    for name in list(sys.modules):
        if name.partition(".")[0] in (*tops, "sd_webui_tagger"):
            del sys.modules[name]


class StandIn:
    """One host's process. `kind`: a1111, forge, reforge or sdnext."""

    def __init__(
        self,
        root: Path,
        kind: str = "a1111",
        flags: dict[str, Any] | None = None,
        stored: dict[str, Any] | None = None,
    ) -> None:
        self.root, self.kind = root, kind
        self.calls: list[str] = []
        self.registered: dict[str, list[Any]] = collections.defaultdict(list)
        self.scripts: list[Path] = []
        self.state = types.SimpleNamespace(job="")
        self.opts = Options(stored if stored is not None else {})
        self.cmd_opts = argparse.Namespace(**FLAGS)
        if kind == "sdnext":
            del self.cmd_opts.gradio_auth, self.cmd_opts.gradio_auth_path
            self.cmd_opts.auth = self.cmd_opts.auth_file = None
        self.cmd_opts.__dict__.update(flags or {})
        self.lock = threading.Lock() if kind == "sdnext" else FifoLock()
        self._modules()

    def _modules(self) -> None:
        forget()
        module("modules")
        module("modules.shared", opts=self.opts, cmd_opts=self.cmd_opts, OptionInfo=OptionInfo,
               state=self.state, sd_loaded=False, sd_model=None)  # fmt: skip
        module("modules.paths", models_path=str(self.root / "models"))
        module("modules.call_queue", queue_lock=self.lock)
        self.devices = module("modules.devices", get_optimal_device=lambda: "cuda",
                              torch_gc=lambda **_: self.calls.append("gc"))  # fmt: skip
        if self.kind != "sdnext":
            self.devices.get_device_for = lambda task: "cuda"
        events = ("ui_tabs", "ui_settings", "app_started", "after_component", "script_unloaded")
        self.callbacks = module(
            "modules.script_callbacks", callback_map={f"callbacks_{event}": [] for event in events}
        )
        for event in events:
            setattr(self.callbacks, f"on_{event}", self._registrar(event))
        pasting = "generation_parameters_copypaste" if self.kind == "sdnext" else "infotext_utils"
        self.pasting = module(f"modules.{pasting}", paste_fields={})
        getattr(self, f"_as_{self.kind}")()

    def _registrar(self, event: str) -> Any:
        def on(callback: Any, **_: Any) -> None:
            script = inspect.stack()[1].filename  # as the hosts find out who calls
            entry = types.SimpleNamespace(script=script, callback=callback)
            self.callbacks.callback_map[f"callbacks_{event}"].append(entry)

        return on

    def _as_a1111(self) -> None:
        calls = self.calls
        module("modules.lowvram", module_in_gpu="unet",
               send_everything_to_cpu=lambda: calls.append("lowvram"))  # fmt: skip
        data = types.SimpleNamespace(sd_model="used", loaded_sd_models=["used", "spare"])
        module("modules.sd_models", model_data=data,
               send_model_to_cpu=lambda model: calls.append(f"cpu {model}"))  # fmt: skip

    def _as_forge(self) -> None:
        self._as_manager("backend", "backend.memory_management")
        module("modules_forge")
        module("modules_forge.forge_version", version="2.0.1v1.10.1")

    def _as_reforge(self) -> None:
        module("ldm_patched")
        self._as_manager("ldm_patched.modules", "ldm_patched.modules.model_management")

    def _as_manager(self, package: str, name: str) -> None:
        module(package)
        device = types.SimpleNamespace(type="cuda")
        module(name, get_torch_device=lambda: device, minimum_inference_memory=lambda: 1000,
               free_memory=lambda size, where: self.calls.append(f"free {size}"))  # fmt: skip

    def _as_sdnext(self) -> None:
        module("installer")
        module("modules.sd_offload")
        shared = sys.modules["modules.shared"]
        shared.sd_loaded, shared.sd_model = True, "pipe"  # type: ignore[attr-defined]

        def offload(pipe: str) -> str:
            self.calls.append(f"offload {pipe}")
            return pipe

        module("modules.sd_models", apply_balanced_offload=offload)

    # what a host does, in its order

    def load(self, *scripts: Path) -> None:
        """Execute extensions' scripts, each with its folder in front of the path meanwhile."""
        self.scripts = list(scripts)
        if self.kind == "forge":  # it leaves all of them there for good
            folders = [str(script.parent.parent) for script in scripts]
            sys.path[:0] = [folder for folder in folders if folder not in sys.path]
        for script in scripts:
            folder = str(script.parent.parent)
            sys.path.insert(0, folder)
            try:
                spec = importlib.util.spec_from_file_location(script.name, script)
                assert spec
                assert spec.loader
                spec.loader.exec_module(importlib.util.module_from_spec(spec))
            finally:
                sys.path.remove(folder)

    def call(self, event: str, *given: Any, **named: Any) -> list[Any]:
        """Call who registered for an event."""
        found = self.callbacks.callback_map[f"callbacks_{event}"]
        return [one.callback(*given, **named) for one in found]

    def build(self) -> Any:
        """The host's page: settings, prompts, then the tabs that extensions bring."""
        import gradio as gr

        self.call("ui_settings")
        with gr.Blocks(analytics_enabled=False) as page:
            settings = [self._setting(key, info) for key, info in self.opts.data_labels.items()]
            assert len(settings) == len(self.opts.data_labels)
            for name in ("txt2img", "img2img"):
                box = gr.Textbox(label="Prompt", elem_id=f"{name}_prompt")
                self.call("after_component", box, elem_id=f"{name}_prompt")
            picture = gr.Image(type="pil", elem_id="img2img_image")
            self.pasting.paste_fields["img2img"] = {"init_img": picture, "fields": []}
            tabs = [tab for tabs in self.call("ui_tabs") for tab in tabs or []]
            with gr.Tabs(elem_id="tabs"):
                for content, label, name in tabs:
                    with gr.TabItem(label, id=name, elem_id=f"tab_{name}"):
                        content.render()
        self.tabs = [(label, name) for _, label, name in tabs]
        return page

    def _setting(self, key: str, info: OptionInfo) -> Any:
        args = info.component_args
        args = (args() if callable(args) else args) or {}
        value = self.opts.data[key]
        return info.component(label=info.label, value=value, elem_id=f"setting_{key}", **args)

    def serve(self, page: Any) -> tuple[Any, str]:
        """Listen, then tell extensions, as hosts do: (application, address)."""
        page.queue(64)
        auth = self.cmd_opts.__dict__.get("gradio_auth") or self.cmd_opts.__dict__.get("auth")
        pairs = [tuple(pair.split(":")) for pair in auth.split(",")] if auth else None
        app, address, _ = page.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, auth=pairs,
            show_api=False, share=False,
        )  # fmt: skip
        self.call("app_started", page, app)
        return app, address

    def reload(self) -> Any:
        """`Reload UI`: all callbacks go, the scripts run again, a new page is built."""
        for one in reversed(self.callbacks.callback_map["callbacks_script_unloaded"]):
            one.callback()
        for found in self.callbacks.callback_map.values():
            found.clear()
        self.pasting.paste_fields.clear()
        self.load(*self.scripts)
        return self.build()


def rival(root: Path) -> Path:
    """Another extension with a package `tagger`, our tab's id and our routes; its script.

    The package has no `__init__.py`, as picobyte's.
    """
    folder = root / "extensions" / "wd14-tagger"
    (folder / "scripts").mkdir(parents=True)
    (folder / "tagger").mkdir()
    (folder / "tagger" / "ui.py").write_text(
        "import gradio as gr\n"
        "def on_ui_tabs():\n"
        "    with gr.Blocks() as page:\n"
        "        gr.Textbox(elem_id='theirs')\n"
        "    return [(page, 'Tagger', 'tagger')]\n"
        "def on_app_started(_, app):\n"
        "    app.add_api_route('/tagger/v1/interrogate', lambda: 'theirs', methods=['POST'])\n",
        encoding="utf-8",
    )
    script = folder / "scripts" / "tagger.py"
    script.write_text(
        "from modules import script_callbacks\n"
        "from tagger.ui import on_app_started, on_ui_tabs\n"
        "script_callbacks.on_ui_tabs(on_ui_tabs)\n"
        "script_callbacks.on_app_started(on_app_started)\n",
        encoding="utf-8",
    )
    return script


def plain(value: Any) -> str:
    """As one line of JSON."""
    return json.dumps(value, default=str)
