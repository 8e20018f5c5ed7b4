"""`tagger doctor`: what this machine has, and which of it Tagger would use."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..argv import parse
from ..backends.devices import cores, devices, providers
from ..bytecount import readable
from ..home import home
from ..images import EXTENSIONS
from ..models import hub
from ..models.registry import DEFAULT, default_registry
from ..options import option
from . import DONE

PACKAGES = (
    "numpy", "pillow", "onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "torch", "timm",
    "huggingface-hub", "isal", "opencv-python", "opencv-python-headless", "torchvision", "gradio",
    "duckdb", "pyarrow",
)  # fmt: skip


@dataclass(frozen=True)
class DoctorFlags:
    """Show devices, the libraries that reach them, versions and free space."""

    json: bool = option(False, help="As JSON, to attach to a report.")


def run(argv: Sequence[str], prog: str) -> int:
    """Print what was found; never fails because something is missing."""
    flags = parse(DoctorFlags, argv, prog)
    found = examine()
    if flags.json:
        print(json.dumps(found, indent=2))
        return DONE
    for name, value in found.items():
        rows = value if isinstance(value, list) else [value]
        for at, row in enumerate(rows or ["none"]):
            print(f"{name if not at else '':<13} {row}")
    return DONE


def examine() -> dict[str, Any]:
    """What this machine has, as a person would list it: words to a word or a list of them."""
    registry = default_registry()
    here = [row.name for row in registry.list() if row.on_disk]
    place = home()
    return {
        "tagger": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": platform.platform(),
        "cores": cores(),
        "devices": [_device(device) for device in devices()],
        "providers": list(providers()),
        "packages": _versions(),
        "home": f"{place} ({_free(place)} free)",
        "model folders": [_folder(place) for place in (*registry.roots, hub.cache())],
        "models": here or [f"none on disk: `tagger models get {DEFAULT}`"],
        "pictures": " ".join(sorted(EXTENSIONS)),
    }


def _device(device: Any) -> str:
    memory = f", {readable(device.free)} of {readable(device.memory)} free" if device.memory else ""
    reached = ", ".join(device.libraries) or "no library"
    return f"{device.name}: {device.title}{memory} (by {reached})"


def _folder(place: Path) -> str:
    return str(place) if place.is_dir() else f"{place} (not there)"


def _versions() -> list[str]:
    found: list[str] = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _free(folder: Path) -> str:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return readable(shutil.disk_usage(there).free)
