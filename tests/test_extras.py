"""The command that is advised where a package is missing brings it."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tagger import extras


@pytest.fixture
def came_from(monkeypatch: pytest.MonkeyPatch):
    """Have the package come from an address, as PEP 610 says; None: from an index."""

    class Ours:
        def __init__(self, told: dict[str, object] | None) -> None:
            self.told = told

        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return json.dumps(self.told) if self.told else None

    def say(told: dict[str, object] | None) -> None:
        monkeypatch.setattr(extras, "distribution", lambda name: Ours(told))

    return say


def test_a_clone_that_is_there_is_named_by_its_folder(came_from, tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    clone.mkdir()
    (clone / "pyproject.toml").touch()
    came_from({"url": clone.as_uri(), "dir_info": {}})
    assert extras.install("ui") == f'pip install "{clone}[ui]"'


def test_of_a_clone_that_is_gone_the_name_is_left(came_from, tmp_path: Path) -> None:
    came_from({"url": (tmp_path / "gone").as_uri(), "dir_info": {}})
    assert extras.install("ui") == 'pip install "sd-webui-tagger[ui]"'


def test_an_address_is_named_as_pip_reads_it(came_from) -> None:
    came_from({"url": "https://host.example/tagger", "vcs_info": {"vcs": "git", "commit_id": "1"}})
    expected = 'pip install "sd-webui-tagger[train] @ git+https://host.example/tagger"'
    assert extras.install("train") == expected
    came_from({"url": "https://host.example/tagger.zip", "archive_info": {}})
    assert extras.install() == 'pip install "sd-webui-tagger @ https://host.example/tagger.zip"'


def test_what_an_index_gave_is_named_by_its_name(
    came_from, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    came_from(None)
    monkeypatch.setattr(extras, "_ABOVE", tmp_path)
    assert extras.install("ui") == 'pip install "sd-webui-tagger[ui]"'


def test_what_was_never_installed_is_named_by_the_folder_it_lies_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "distribution", absent)
    here = Path(__file__).resolve().parent.parent
    assert extras.install("train") == f'pip install "{here}[train]"'


def test_extras_are_those_of_the_package() -> None:
    """Each module that is named with an extra is one of its requirements."""
    path = Path(__file__).parents[1] / "pyproject.toml"
    text = path.read_text("utf-8").replace("pyyaml", "yaml").replace("scikit-learn", "sklearn")
    for extra, modules in extras.EXTRAS.items():
        (listed,) = re.findall(rf"^{extra} = \[(.*?)\]$", text, re.MULTILINE | re.DOTALL)
        assert all(f'"{module}>=' in listed for module in modules)
