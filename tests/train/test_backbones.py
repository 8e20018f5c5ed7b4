"""Each family of backbones, by a small member: it learns, and is written as it was.

The members that people train are built without memory in test_network, and take the same road.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
pytest.importorskip("pyarrow")
pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tagger.dataset.index import Dataset  # noqa: E402
from tagger.errors import OptionError  # noqa: E402
from tagger.export.graph import WdContract, write_onnx  # noqa: E402
from tagger.train.begin import begin  # noqa: E402
from tagger.train.config import NetworkOptions, OptimOptions, TrainConfig  # noqa: E402
from tagger.train.freezing import set_frozen  # noqa: E402
from tagger.train.optim import make_optimizer  # noqa: E402
from tagger.train.targets import make_targets  # noqa: E402
from tagger.train.trunk import make_trunk  # noqa: E402

SMALL_VIT = {"embed_dim": 32, "depth": 2, "num_heads": 2}
WINDOWS = {"embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2]}
FAMILIES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "ResNet-18": ("resnet10t", 16, {"channels": [8, 8, 8, 16], "stem_width": 8}),
    "ResNet-50, 152": ("resnet14t", 16, {"channels": [8, 8, 8, 16], "stem_width": 8}),
    "EfficientNet and V2": ("test_efficientnet", 14, {}),
    "MobileNetV3": ("mobilenetv3_small_050", 14, {}),
    "MobileNetV4": ("mobilenetv4_conv_small_035", 14, {}),
    "ConvNeXt": ("convnext_atto", 14, {"depths": [1, 1, 1, 1], "dims": [8, 8, 16, 16]}),
    "ViT/16": ("vit_base_patch16_224", 14, SMALL_VIT),
    "ViT/32": ("vit_base_patch32_224", 14, SMALL_VIT),
    "SwinV2": ("swinv2_tiny_window8_256", 14, WINDOWS),
    "EVA02": ("eva02_base_patch14_224", 16, SMALL_VIT),
    "NaFlex": ("naflexvit_base_patch16_gap", 14, SMALL_VIT),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_learns_and_is_written_as_it_was(
    make_dataset: Callable[..., Path], tmp_path: Path, family: str
) -> None:
    """A step moves every weight that is free; timm's own network and the graph say the same."""
    architecture, pool, own = FAMILIES[family]
    path = make_dataset(6)
    dataset = Dataset.open(path)
    rows = dataset.rows("train")
    targets = make_targets(dataset)
    torch.manual_seed(0)
    settings: dict[str, Any] = {"architecture": architecture, "pool": pool, "freeze": 0.5}
    config = TrainConfig.of(path, path, model_args=json.dumps(own), **settings)
    network, objective = begin(config, targets, rows)
    optimizer = make_optimizer(network, OptimOptions(layer_decay=0.7, lr=0.1))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(
        [*network.parameters()]
    )
    set_frozen(network, config.network, 0.0)
    assert {weight.requires_grad for weight in network.parameters()} == {True, False}
    assert set_frozen(network, TrainConfig.of(path, path, freeze=0.0).network, 0.0)
    pixels = np.random.default_rng(1).uniform(0, 255, (3, 448, 448, 3)).astype(np.float32)
    planes = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    images = torch.nn.functional.avg_pool2d(planes, pool) / 127.5 - 1
    truth, known = (torch.from_numpy(each) for each in targets.of(rows[:3]))
    network.train()
    objective(network.outputs(network.features(images)), truth, known)["loss"].backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert not still
    optimizer.step()
    network.eval()
    with torch.no_grad():
        wanted = network(images)
    assert torch.isfinite(wanted).all()
    plain = timm.create_model(architecture, num_classes=wanted.shape[1], **network.arguments)
    plain.load_state_dict(network.as_timm().state_dict())
    with torch.no_grad():
        torch.testing.assert_close(plain.eval()(images), wanted)
    write_onnx(WdContract(plain, pool, wanted.shape[1]), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    for batch in (1, 3):
        found = session.run(["all"], {"input": pixels[:batch]})[0]
        np.testing.assert_allclose(found, wanted[:batch].sigmoid(), atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "pool", "fits"),
    [
        ("vit_base_patch32_224", 4, "1 \\(448 pixels\\), 2 \\(224 pixels\\), 7 \\(64"),
        ("eva02_base_patch14_224", 7, "1 .448 pixels., 2 .224 pixels., 4 .112"),
        ("naflexvit_base_patch16_gap", 16, "7 .64 pixels., 14 .32 pixels.$"),
    ],
)
def test_patches_that_would_leave_a_strip_unseen_are_refused(
    architecture: str, pool: int, fits: str
) -> None:
    """timm cuts the picture's right and bottom off, and says nothing."""
    with torch.device("meta"), pytest.raises(OptionError, match=f"patches of .*--pool .*{fits}"):
        make_trunk(NetworkOptions(architecture=architecture, pool=pool))


def test_patches_of_a_padded_picture_leave_nothing_unseen() -> None:
    own = {**SMALL_VIT, "dynamic_img_pad": True, "dynamic_img_size": True}
    options = NetworkOptions("vit_base_patch32_224", model_args=json.dumps(own), pool=4)
    network = make_trunk(options).network
    images = torch.zeros(1, 3, 112, 112)
    images[..., -1, -1] = 5.0
    with torch.no_grad():
        found = network.forward_features(torch.cat([torch.zeros_like(images), images]))
    assert found.shape[1] == 1 + 4 * 4
    assert not torch.allclose(found[0, -1], found[1, -1])
