"""Mounts the package under a name no other extension has, and has it register with the WebUI."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

NAME = "sd_webui_tagger"


def mount(package: Path) -> None:
    """Import the package as NAME: other extensions ship a `tagger`, and all share one process."""
    if NAME in sys.modules:  # the host's "Reload UI" runs this file again
        return
    init = package / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        NAME, init, submodule_search_locations=[str(package)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module  # before it is run: relative imports look it up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[NAME]
        raise


mount(Path(__file__).resolve().parents[1] / "tagger")
extension = importlib.import_module(f"{NAME}.webui.extension")
extension.on_script()
extension.register()
