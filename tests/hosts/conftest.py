"""A host's stand-in for each test that asks for one, and its traces taken away afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import standin


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Make a host: `host("forge", {"listen": True}, {"sd_tagger_keep": "none"})`."""
    before = set(sys.modules)

    def make(
        kind: str = "a1111", flags: dict[str, Any] | None = None, stored: Any = None
    ) -> standin.StandIn:
        return standin.StandIn(tmp_path, kind, flags, stored)

    yield make
    standin.forget()
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "tagger" and not name.startswith("tagger."):
            del sys.modules[name]
