"""`tagger models get` against a stand-in for the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tagger.cli import main

if TYPE_CHECKING:
    from conftest import Hub

REPO = "me/wd-mine"
CSV = b"tag_id,name,category,count\n1,hat,0,5\n"
FILES = {"selected_tags.csv": CSV, "model.onnx": b"o" * 900, "model.safetensors": b"s" * 5000}


@pytest.fixture
def listed(hub: Hub, own_home: Path) -> Path:
    """A user's models.json names a repository with ONNX and safetensors."""
    hub.files |= {f"{REPO}/{name}": content for name, content in FILES.items()}
    hub.files[f"{REPO}/config.json"] = b"{}"
    ways = [{"runtime": "onnx"}, {"runtime": "timm", "weights": "model.safetensors"}]
    text = json.dumps({"wd-mine": {"repo": REPO, "contracts": ways}})
    home = own_home / "tagger"
    home.mkdir()
    (home / "models.json").write_text(text)
    return home / "models" / "wd-mine"


def test_get_fetches_what_one_way_needs_and_with_all_the_others(
    listed: Path, hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest comes later, and what is here is not asked for again."""
    assert main(["models", "get", "wd-mine"]) == 0
    assert sorted(path.name for path in listed.iterdir()) == ["model.onnx", "selected_tags.csv"]
    hub.seen.clear()
    assert main(["models", "get", "wd-mine", "--all"]) == 0
    assert (listed / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert (listed / "config.json").read_bytes() == b"{}"
    assert not hub.asked("GET", "model.onnx")
    assert main(["models", "get", "wd-mine", "--all"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"wd-mine is here: {listed}",
        f"wd-mine is here: {listed}",
        f"wd-mine is here already: {listed}",
    ]
