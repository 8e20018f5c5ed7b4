"""`preload.py`: our flag, and the predecessors' where nobody else names them."""

from __future__ import annotations

import importlib.util
import sys
import types
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest
import standin

PREDECESSOR = """
def preload(parser):
    parser.add_argument("--onnxtagger-path", type=str)
    parser.add_argument("--deepdanbooru-projects-path", type=str)
"""


@pytest.fixture
def extensions(tmp_path: Path) -> Iterator[Path]:
    """A host's folder of extensions with ours in it, as a folder of its own."""
    ours = tmp_path / "extensions" / "sd-webui-tagger"
    ours.mkdir(parents=True)
    text = (standin.EXTENSION / "preload.py").read_text(encoding="utf-8")
    (ours / "preload.py").write_text(text, encoding="utf-8")
    finders = list(sys.meta_path)
    yield ours.parent
    sys.meta_path[:] = finders
    sys.modules.pop("launch", None)


def preload(extensions: Path, *names: str) -> ArgumentParser:
    """As hosts do it: each extension's `preload.py`, in the order of their names."""
    parser = ArgumentParser()
    for name in sorted(names):
        path = extensions / name / "preload.py"
        spec = importlib.util.spec_from_file_location("preload.py", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.preload(parser)
    return parser


def add_predecessor(extensions: Path, name: str) -> None:
    (extensions / name).mkdir()
    (extensions / name / "preload.py").write_text(PREDECESSOR, encoding="utf-8")


def test_a_switch_from_a_predecessor_does_not_stop_the_webui(extensions: Path) -> None:
    """Its flags are still on the command line, and its extension is gone."""
    parser = preload(extensions, "sd-webui-tagger")

    given = parser.parse_args(
        ["--onnxtagger-path", "a", "--additional-device-ids", "gpu:1", "--tagger-root", "b",
         "--deepdanbooru-projects-path", "c", "--tagger-root", "d"]
    )  # fmt: skip

    assert given.onnxtagger_path == "a"
    assert given.tagger_root == ["b", "d"]


@pytest.mark.parametrize("name", ["a-wd14-tagger", "z-wd14-tagger"])
def test_a_predecessor_beside_us_keeps_its_flags(extensions: Path, name: str) -> None:
    """argparse takes each once: whoever comes second would lose all of its flags."""
    add_predecessor(extensions, name)

    parser = preload(extensions, "sd-webui-tagger", name)

    given = parser.parse_args(["--onnxtagger-path", "a", "--additional-device-ids", "gpu:1"])
    assert (given.onnxtagger_path, given.additional_device_ids) == ("a", "gpu:1")


def test_a_predecessor_that_is_switched_off_names_no_flags(extensions: Path) -> None:
    """The host loads no `preload.py` of it, so nobody else would know them."""
    add_predecessor(extensions, "wd14-tagger")
    launch = types.ModuleType("launch")
    launch.args = types.SimpleNamespace(ui_settings_file="config.json")  # type: ignore[attr-defined]
    launch.list_extensions = lambda path: ["sd-webui-tagger"]  # type: ignore[attr-defined]
    sys.modules["launch"] = launch

    parser = preload(extensions, "sd-webui-tagger")

    assert parser.parse_args(["--onnxtagger-path", "a"]).onnxtagger_path == "a"


@pytest.mark.parametrize("regular", [True, False])
def test_another_package_of_our_name_is_found_before_ours(
    extensions: Path, monkeypatch: pytest.MonkeyPatch, regular: bool
) -> None:
    """Forge leaves all extensions on the path; without this it would load ours as theirs."""
    ours, theirs = extensions / "sd-webui-tagger", extensions / "wd14-tagger"
    for folder in (ours, theirs):
        (folder / "tagger").mkdir(parents=True)
    (ours / "tagger" / "__init__.py").write_text("", encoding="utf-8")
    (theirs / "tagger" / "api.py").write_text("", encoding="utf-8")
    if regular:
        (theirs / "tagger" / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tagger"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(theirs), str(ours)])

    preload(extensions, "sd-webui-tagger")
    found = importlib.util.find_spec("tagger.api")

    assert found
    assert Path(str(found.origin)) == theirs / "tagger" / "api.py"
