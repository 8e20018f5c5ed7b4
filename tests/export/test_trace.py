"""A model that has safetensors alone gets its ONNX from torch."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
safetensors = pytest.importorskip("safetensors.torch")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from tagger.errors import ModelError  # noqa: E402
from tagger.export.compare import compare  # noqa: E402
from tagger.export.layouts import write_layout  # noqa: E402
from tagger.export.source import Export, Layout  # noqa: E402
from tagger.models.local import examine  # noqa: E402
from tagger.models.spec import Model  # noqa: E402

TAGS = """tag_id,name,category,count
9999999,general,9,0
9999998,sensitive,9,0
9999997,questionable,9,0
9999996,explicit,9,0
1,hat,0,9
2,smile,0,5
3,ann,4,8
"""
NETWORKS = {
    "resnet10t": {"channels": [8, 16, 24, 32], "stem_width": 8},
    "vit_base_patch16_224": {
        "img_size": 448,
        "patch_size": 56,
        "embed_dim": 24,
        "depth": 2,
        "num_heads": 2,
    },
    "swinv2_base_window8_256": {
        "img_size": 448,
        "window_size": 14,
        "embed_dim": 8,
        "depths": [1, 1],
        "num_heads": [1, 2],
        "patch_size": 16,
    },
}


def network(name: str) -> Any:
    torch.manual_seed(3)
    own = timm.create_model(name, num_classes=7, **NETWORKS[name]).eval()
    torch.nn.init.normal_(own.get_classifier().weight, 0, 0.5)
    return own


def model(folder: Path, name: str = "resnet10t") -> tuple[Model, Any]:
    """A folder as WD v3's timm files have it, with no ONNX."""
    own = network(name)
    folder.mkdir()
    safetensors.save_file(own.state_dict(), folder / "model.safetensors")
    kept = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "input_size": [3, 448, 448]}
    config = {"architecture": name, "num_classes": 7, "model_args": NETWORKS[name]}
    (folder / "config.json").write_text(json.dumps({**config, "pretrained_cfg": kept}))
    (folder / "selected_tags.csv").write_text(TAGS)
    found = examine(folder)
    assert not found.reason
    return Model(folder.name, found.spec, folder, found.contracts), own


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_writes_the_graph_that_wds_readers_take(name: str, tmp_path: Path) -> None:
    """BGR of 0 to 255 in, what the network says of it in -1 to 1 out, at any batch."""
    source, own = model(tmp_path / "mine", name)
    folder = write_layout(Export(source, "wd"), tmp_path / "wd")
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    for batch in (1, 3):
        pixels = np.random.default_rng(batch).uniform(0, 255, (batch, 448, 448, 3))
        planes = torch.from_numpy((pixels / 127.5 - 1).transpose(0, 3, 1, 2).astype(np.float32))
        with torch.inference_mode():
            wanted = own(planes).sigmoid().numpy()
        assert np.ptp(wanted) > 0.05
        (found,) = session.run(None, {"input": pixels.astype(np.float32)})
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("to", ["universal", "timm", "cl"])
def test_every_layout_can_be_made_of_safetensors(to: Layout, tmp_path: Path) -> None:
    """And says what torch says of the source."""
    export = Export(model(tmp_path / "mine")[0], to)
    folder = write_layout(export, tmp_path / "out")
    found = compare(export, folder)
    assert len(found) == {"universal": 3, "timm": 2, "cl": 1}[to]
    assert max(found.values()) < 1e-5
    listed = folder / ("labels/all.csv" if to == "cl" else "selected_tags.csv")
    with listed.open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)][4:] == ["hat", "smile", "ann"]


def test_a_graph_that_says_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where an architecture freezes the batch it was traced with."""
    own, _ = model(tmp_path / "mine")
    monkeypatch.setattr("tagger.export.trace.TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="does not survive the export"):
        write_layout(Export(own, "wd"), tmp_path / "wd")
    assert not (tmp_path / "wd").exists()
