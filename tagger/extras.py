"""How an extra of ours is installed here: from the clone, the address or the index we came from."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

EXTRAS = {
    "dataset": {"duckdb", "pyarrow", "yaml"},
    "report": {"matplotlib"},
    "evaluate": {"scipy"},
    "ui": {"gradio", "fastapi", "uvicorn"},
    "embed": {"sklearn"},
    "export": {"onnx"},
    "train": {"torch", "torchvision", "timm", "safetensors", "accelerate"},
}
"""What is not installed with the rest: the extra of `pyproject.toml` that brings a module."""
_NAME = "sd-webui-tagger"
_ABOVE = Path(__file__).resolve().parent.parent


def install(extra: str = "") -> str:
    """The command that brings an extra, or without one ourselves: `pip install "/clone[ui]"`.

    Where a package came from is told by its `direct_url.json` (PEP 610); one that was not
    installed at all, as in a WebUI, lies in its clone.
    """
    extras, told = f"[{extra}]" if extra else "", _origin()
    url = urlsplit(told.get("url", ""))
    if told and url.scheme != "file":
        vcs = told.get("vcs_info", {}).get("vcs")
        return f'pip install "{_NAME}{extras} @ {f"{vcs}+" if vcs else ""}{told["url"]}"'
    clone = Path(url2pathname(url.path)) if told else _ABOVE
    if (clone / "pyproject.toml").is_file():  # still there
        return f'pip install "{clone}{extras}"'
    return f'pip install "{_NAME}{extras}"'


def bringing(module: str) -> str:
    """The command that brings a module, by the extra that does, else ourselves once more."""
    return install(next((extra for extra, modules in EXTRAS.items() if module in modules), ""))


def _origin() -> dict[str, Any]:
    """What pip wrote down of where we came from; nothing for an index, or where it did not."""
    try:
        told = distribution(_NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    return json.loads(told) if told else {}
