"""A host's day, in a Python with its pins: start, requests, `Reload UI`; what was seen as JSON.

    python drive.py KIND FOLDER [beside | auth | nowebui]

Run by `test_in_hosts.py`, in a process of its own; knows no pytest.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import logging
import os
import runpy
import shutil
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
import standin

FLAGS: dict[str, dict[str, Any]] = {
    "auth": {"api_auth": "user:pass"},
    "nowebui": {"nowebui": True, "server_name": "127.0.0.1"},
}


class Log(logging.Handler):
    """Every warning of Tagger's."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("sd_webui_tagger"):
            self.lines.append(record.getMessage())


def picture() -> str:
    from PIL import Image

    kept = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 220, 255)).save(kept, "PNG")
    return base64.b64encode(kept.getvalue()).decode()


def ask(url: str, body: object = None, auth: str = "") -> tuple[int, Any]:
    """Status and answer of a request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    if auth:
        word = base64.b64encode(auth.encode()).decode()
        request.add_header("Authorization", f"Basic {word}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def extension(root: Path) -> Path:
    """Our extension as a folder of its own; its script."""
    ours = root / "extensions" / "sd-webui-tagger"
    for name in ("tagger", "scripts"):
        kept = shutil.ignore_patterns("__pycache__")
        shutil.copytree(standin.EXTENSION / name, ours / name, ignore=kept)
    shutil.copy(standin.EXTENSION / "preload.py", ours)
    runpy.run_path(str(ours / "preload.py"))["preload"](argparse.ArgumentParser())
    return ours / "scripts" / "tagger.py"


def loaded_of_ours() -> list[str]:
    """The modules of Tagger that are imported, without the mounted package's name."""
    own = (name.partition(".") for name in sys.modules)
    return sorted(rest for top, _, rest in own if top == "sd_webui_tagger" and rest)


def routes(app: Any) -> list[str]:
    """Every path of ours and of the rival, as often as it is there."""
    return sorted(f.path for f in app.routes if "/v1/inter" in getattr(f, "path", ""))


def serve_alone(host: standin.StandIn) -> tuple[Any, str]:
    """`--nowebui`: a plain application, and no page."""
    import fastapi
    import uvicorn

    app = fastapi.FastAPI()
    host.call("ui_settings")
    tabs = host.call("ui_tabs")
    assert tabs == [[]], tabs
    host.call("app_started", None, app)
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return app, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"


def drive(kind: str, root: Path, how: str) -> dict[str, Any]:
    """The day; `how` is plain, beside, auth or nowebui."""
    log = Log()
    logging.getLogger().addHandler(log)
    host = standin.StandIn(root, kind, FLAGS.get(how), {"tagger_repl_us": False})
    ours = extension(root)
    import fastapi  # noqa: F401 - the host has these before it loads an extension
    import gradio  # noqa: F401
    import numpy  # noqa: F401
    from PIL import Image  # noqa: F401

    scripts = [ours, standin.rival(root)] if how == "beside" else [ours]
    began = time.process_time()
    host.load(*scripts)
    loaded = time.process_time() - began
    if how == "nowebui":
        app, address = serve_alone(host)
        page = None
    else:
        page = host.build()
        app, address = host.serve(page)
    seen: dict[str, Any] = {"cost": {"load": loaded, **cost(host, app)}}
    seen["at_start"] = loaded_of_ours()
    seen["answers"] = answers(address, "sd_tagger" if how == "beside" else "tagger")
    seen["routes"], seen["tabs"] = routes(app), getattr(host, "tabs", None)
    if page is not None:
        seen["ids"] = ids(page)
        seen |= reloaded(host, page, ours)
    seen["log"] = log.lines
    return seen


def cost(host: standin.StandIn, app: Any) -> dict[str, float]:
    """Seconds of the processor that our callbacks take, once everything is imported."""
    spent = {}
    for event, given in (("ui_settings", ()), ("ui_tabs", ()), ("app_started", (None, app))):
        own = [
            one.callback
            for one in host.callbacks.callback_map[f"callbacks_{event}"]
            if one.callback.__module__.startswith("sd_webui_tagger")
        ]
        began = time.process_time()
        for callback in own:
            callback(*given)
        spent[event] = time.process_time() - began
    return spent


def answers(address: str, prefix: str) -> dict[str, Any]:
    """What the routes say, to whom."""
    base, body = f"{address}{prefix}/v1", {"image": picture(), "model": "demo", "threshold": 0.1}
    found = {
        "open": ask(f"{base}/interrogate", body),
        "user": ask(f"{base}/interrogate", body, "user:pass"),
        "stranger": ask(f"{base}/interrogate", body, "user:word"),
        "wrong": ask(f"{base}/interrogate", {**body, "image": "###"}, "user:pass"),
        "version": ask(f"{base}/version", auth="user:pass"),
        "schema": ask(f"{address}openapi.json")[0],
    }
    if prefix == "sd_tagger":
        found["theirs"] = ask(f"{address}tagger/v1/interrogate", {})
    return found


def ids(page: Any) -> list[str]:
    """The names of the components that stand out, for whoever styles or scripts the tab."""
    named = (getattr(block, "elem_id", None) for block in page.blocks.values())
    return [name for name in named if isinstance(name, str)]


def reloaded(host: standin.StandIn, page: Any, script: Path) -> dict[str, Any]:
    """`Reload UI` twice: while a job runs, then after it, with a file changed meanwhile."""
    import sd_webui_tagger.webui.extension as ours  # pyright: ignore[reportMissingImports]

    app, go_on = ours.app(), threading.Event()
    job = app.jobs.start("caption", "a folder", lambda job: go_on.wait(60) and None)
    page.close()
    page = host.reload()
    web, address = host.serve(page)
    ask(f"{address}openapi.json")
    busy = [job.state, [tagger.name for tagger in app.scoring.taggers.loaded()]]
    go_on.set()
    job.wait(10)
    after = {"tabs": host.tabs, "routes": routes(web), "same": ours.app() is app}
    page.close()
    changed = script.parent.parent / "tagger" / "caption.py"
    os.utime(changed, (1, 1))
    host.reload()
    idle = [tagger.name for tagger in app.scoring.taggers.loaded()]
    app.close()
    return {"reload": after, "busy": busy, "idle": idle, "job": job.state}


if __name__ == "__main__":
    kind, folder, how = [*sys.argv[1:], "plain"][:3]
    print(standin.plain(drive(kind, Path(folder), how)), flush=True)
    os._exit(0)  # gradio's threads would hold the process
