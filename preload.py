"""The WebUI's command line: our own flag, and the predecessors', which else would stop it.

A flag that another extension names is left to that one: argparse takes each only once.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

EARLIER = {
    "--deepdanbooru-projects-path": "folder of DeepDanbooru projects, of earlier taggers; not used",
    "--onnxtagger-path": "folder of ONNX taggers, a sub-folder each; searched for models",
    "--additional-device-ids": "of earlier taggers; not used",
}


class Aside:
    """Lets `import tagger` find every other extension's package before ours.

    Some WebUIs leave all extensions' folders on the path, and there a package with `__init__.py`,
    such as ours, is found before those without, such as picobyte's. Ours has a name of its own.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """As Python asks finders; only of the package's own name anything is known here."""
        if name != "tagger" or path is not None:
            return None
        here = Path(__file__).resolve().parent
        others = [entry for entry in sys.path if Path(entry).resolve() != here]
        return PathFinder.find_spec(name, others)


def preload(parser: ArgumentParser) -> None:
    """Called by the WebUI before it reads its command line, and before it loads extensions."""
    sys.meta_path.insert(0, Aside())
    parser.add_argument(
        "--tagger-root",
        action="append",
        metavar="DIR",
        help="folder that the Tagger tab and its API may read and write, and no other; repeatable",
    )
    named = "".join(map(_text, _neighbours()))
    for flag, meaning in EARLIER.items():
        if flag not in named and flag not in parser._option_string_actions:
            parser.add_argument(flag, type=str, default=None, help=meaning)


def _neighbours() -> list[Path]:
    """The `preload.py` of each extension that the WebUI will load beside this one."""
    here = Path(__file__).parent
    return [path for path in here.parent.glob("*/preload.py") if path.parent.name in _loaded(here)]


def _loaded(here: Path) -> set[str]:
    """The names of the others that are switched on; of all others where that is not known."""
    launch = sys.modules.get("launch")  # the WebUI's own
    try:
        return set(launch.list_extensions(launch.args.ui_settings_file)) - {here.name}
    except (AttributeError, OSError):
        return {path.name for path in here.parent.iterdir()} - {here.name}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
