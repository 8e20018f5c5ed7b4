"""Models among a WebUI's, in our home, in a Hugging Face cache, and where `TAGGER_MODELS` says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tagger.home import part
from tagger.models import hub
from tagger.models.places import host_roots
from tagger.models.registry import Registry, default_registry
from tagger.models.spec import ModelSpec

onnx = pytest.importorskip("onnx", reason="builds the graphs that are looked at here")

PUBLISHED = ModelSpec("wd-test", repo="author/wd-test", aliases=("old-name",))


def put(folder: Path) -> Path:
    """Write a folder with WD's two files, for three labels."""
    folder.mkdir(parents=True)
    kind = onnx.TensorProto.FLOAT
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    x = onnx.helper.make_tensor_value_info("x", kind, ["N", 448, 448, 3])
    y = onnx.helper.make_tensor_value_info("y", kind, ["N", 3])
    graph = onnx.helper.make_graph([node], "g", [x], [y])
    (folder / "model.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    rows = "9999999,general,9,5\n470575,1girl,0,4\n1,hatsune_miku,4,3\n"
    text = f"tag_id,name,category,count\n{rows}"
    (folder / "selected_tags.csv").write_text(text, encoding="utf-8")
    return folder


def snapshot(cache: Path, repo: str) -> Path:
    """Write a repository of a cache, with one snapshot."""
    return put(cache / f"models--{repo.replace('/', '--')}" / "snapshots" / "0123abcd")


def local(registry: Registry) -> list[str]:
    """The names of the rows that can be used, in their order."""
    return [row.name for row in registry.list() if row.on_disk]


def test_a_host_is_looked_through_before_our_home_and_the_cache(tmp_path: Path) -> None:
    """Its four folders in their order; the first that has a published model holds it."""
    registry = Registry(host_roots(tmp_path), specs=(PUBLISHED,), demo=None)
    places = [
        snapshot(hub.cache(), "author/wd-test"),
        put(part("models") / "wd-test"),
        snapshot(tmp_path / "interrogators", "author/wd-test"),
        put(tmp_path / "deepdanbooru" / "wd-test"),
        put(tmp_path / "TaggerOnnx" / "old-name"),
        put(tmp_path / "tagger" / "wd-test"),
    ]

    while places:
        first = places.pop()
        assert registry.find("wd-test").folder == first
        shutil.rmtree(first)

    assert not registry.find("wd-test").on_disk


def test_a_folder_that_is_dropped_in_appears_and_goes(tmp_path: Path) -> None:
    """With no restart, whether the host's folder was there at the start or not."""
    registry = Registry(host_roots(tmp_path / "models"), specs=(), demo=None)
    assert registry.list() == ()

    mine = put(tmp_path / "models" / "TaggerOnnx" / "mine")
    put(part("models") / "mine")
    assert local(registry) == ["mine", "mine (local)"]
    assert registry.find("mine").folder == mine
    shutil.rmtree(mine)
    assert registry.find("mine").folder == part("models") / "mine"


def test_other_models_of_the_host_are_none_of_ours(tmp_path: Path) -> None:
    """Checkpoints lie beside our four folders, and are not even bad rows."""
    (tmp_path / "Stable-diffusion" / "anime").mkdir(parents=True)
    put(tmp_path / "Lora" / "style")

    assert Registry(host_roots(tmp_path), specs=(), demo=None).list() == ()


def test_a_deepdanbooru_project_says_how_to_convert(tmp_path: Path) -> None:
    """As the extension before us kept them, with Keras' weights."""
    project = tmp_path / "deepdanbooru" / "v4"
    project.mkdir(parents=True)
    (project / "project.json").write_text('{"image_width": 512, "image_height": 512}')
    (project / "tags.txt").write_text("1girl\n")
    (project / "model-resnet_custom_v4.h5").write_bytes(b"\x89HDF")

    (row,) = Registry(host_roots(tmp_path), specs=(), demo=None).list()

    assert (row.name, row.on_disk) == ("v4", False)
    assert "tf2onnx" in row.reason


def test_what_an_extension_before_us_fetched_is_found_by_its_repository(tmp_path: Path) -> None:
    """Its folder `interrogators` is a Hugging Face cache; a repository in both is one row."""
    registry = Registry(host_roots(tmp_path), specs=(), demo=None)
    held = snapshot(tmp_path / "interrogators", "someone/tagger")
    snapshot(hub.cache(), "someone/tagger")
    snapshot(hub.cache(), "someone/other")

    assert local(registry) == ["someone/tagger", "someone/other"]
    assert registry.find("someone/tagger").folder == held


def test_the_command_line_is_told_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A WebUI's folder of models, and one that holds folders of models, before our home."""
    put(tmp_path / "webui" / "models" / "tagger" / "first")
    put(tmp_path / "webui" / "models" / "Lora" / "style")
    put(tmp_path / "taggers" / "second")
    put(part("models") / "third")
    named = [str(tmp_path / "webui" / "models"), "", str(tmp_path / "taggers")]
    monkeypatch.setenv("TAGGER_MODELS", os.pathsep.join(named))

    found = local(default_registry())

    assert [name for name in found if name != "demo"] == ["first", "second", "third"]
