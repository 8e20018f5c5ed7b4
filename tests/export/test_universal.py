"""The universal model folder: what other tools read of it, and that it says what torch says."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tagger.errors import ModelError, UsageError  # noqa: E402
from tagger.export.card import Card  # noqa: E402
from tagger.export.check import check_parity  # noqa: E402
from tagger.export.folders import Finished, write_universal  # noqa: E402
from tagger.export.graph import WdContract, round_weights, write_onnx  # noqa: E402
from tagger.export.rows import universal_rows  # noqa: E402
from tagger.labels import DANBOORU, Label, LabelSet, category, read_selected_tags  # noqa: E402
from tagger.models.manifest import read_manifest  # noqa: E402
from tagger.models.spec import Model  # noqa: E402
from tagger.relationfiles import read_relations  # noqa: E402
from tagger.relations import Relations  # noqa: E402
from tagger.thresholds import Thresholds  # noqa: E402

ARGUMENTS = {"channels": [8, 16, 24, 32], "stem_width": 8}
POOL = 16


def label(name: str, kind: int, count: int) -> Label:
    return Label(name, category(DANBOORU, kind), count)


VOCABULARY = LabelSet(
    (
        label("hat", 0, 5),
        label("squares", 3, 70),
        label('say_"hi"', 0, 50),
        label("zoë", 4, 90),
        label("anna_(squares)", 4, 8),
        label("smile", 0, 20),
        label("bert_(squares)", 4, 9),
    )
)


def network(labels: int, seed: int = 0) -> Any:
    """Random weights whose batch statistics and biases are not those of a new network."""
    torch.manual_seed(seed)
    own = timm.create_model("resnet10t", num_classes=labels, **ARGUMENTS)
    for module in own.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    torch.nn.init.normal_(own.get_classifier().weight, 0, 0.5)
    return own.eval()


def finished(weights: Any = "fp32", vocabulary: LabelSet = VOCABULARY) -> Finished:
    rows = universal_rows(vocabulary)
    own = network(len(rows.labels))
    if weights == "fp16":
        round_weights(own)
    card = Card("squares", licence="CC0-1.0", credits=("somebody's squares",))
    return Finished(
        own, "resnet10t", ARGUMENTS, rows, Thresholds(0.4), card, pool=POOL, weights=weights
    )


def reference(own: Any, pixels: np.ndarray) -> np.ndarray:
    """The WD contract restated: BGR 0..255 NHWC -> mean of blocks -> -1..1 -> sigmoid."""
    n, height, width, _ = pixels.shape
    blocks = pixels.reshape(n, height // POOL, POOL, width // POOL, POOL, 3)
    small = (blocks.mean((2, 4), dtype=np.float64) / 255 - 0.5) / 0.5
    with torch.no_grad():
        logits = own.double()(torch.from_numpy(small.transpose(0, 3, 1, 2).copy())).numpy()
    return 1 / (1 + np.exp(-logits))


def some_pixels(batch: int) -> np.ndarray:
    rng = np.random.default_rng(batch)
    base = rng.uniform(0, 255, (batch, 28, 28, 3)).astype(np.float32)
    return base.repeat(POOL, 1).repeat(POOL, 2)


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("weights", ["fp32", "fp16"])
def test_the_graph_says_what_torch_says_at_any_batch(weights: str, tmp_path: Path) -> None:
    """Within 1e-5 at 1, 3 and 7 pictures: output 0 WD's rows, output `all` every label."""
    model = finished(weights)
    folder = write_universal(model, tmp_path / "model")
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    for batch in (1, 3, 7):
        pixels = some_pixels(batch)
        wd, every = session.run(None, {"input": pixels})
        wanted = reference(model.network, pixels)
        np.testing.assert_allclose(every, wanted, atol=1e-5)
        np.testing.assert_array_equal(wd, every[:, : model.rows.wd])


def test_the_graph_keeps_the_wd_contract(tmp_path: Path) -> None:
    """One file; `input` float32 [N, 448, 448, 3], N open; opset and IR of onnxruntime 1.17."""
    folder = write_universal(finished(), tmp_path / "model")
    model = onnx.load(folder / "model.onnx")
    (source,) = model.graph.input
    assert source.name == "input"
    shape = source.type.tensor_type.shape.dim
    assert [dim.dim_value for dim in shape] == [0, 448, 448, 3]
    assert source.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert [output.name for output in model.graph.output] == ["output", "all"]
    assert model.graph.output[0].type.tensor_type.shape.dim[1].dim_value == 4 + 3 + 2
    assert model.ir_version <= 9
    assert all(own.version <= 17 for own in model.opset_import)
    assert not any(
        tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer
    )


def test_half_weights_take_half_the_room(tmp_path: Path) -> None:
    """Stored as float16 and computed with in float32."""
    sizes = {}
    for weights in ("fp32", "fp16"):
        folder = write_universal(finished(weights), tmp_path / weights)
        sizes[weights] = (folder / "model.onnx").stat().st_size
    assert sizes["fp16"] < 0.65 * sizes["fp32"]
    stored = onnx.load(tmp_path / "fp16" / "model.onnx")
    kinds = {len(tensor.dims) > 1: tensor.data_type for tensor in stored.graph.initializer}
    assert kinds[True] == onnx.TensorProto.FLOAT16
    assert kinds[False] == onnx.TensorProto.FLOAT


def test_selected_tags_keep_every_rule_of_their_readers(tmp_path: Path) -> None:
    """Four ratings, general by count, character by count, nothing else, ASCII."""
    folder = write_universal(finished(), tmp_path / "model")
    rows = csv_rows(folder / "selected_tags.csv")
    assert [row["name"] for row in rows] == [
        *("general", "sensitive", "questionable", "explicit"),
        *('say_"hi"', "smile", "hat"),
        *("bert_(squares)", "anna_(squares)"),
    ]
    assert [row["category"] for row in rows] == [*"9999", *"000", *"44"]
    assert list(rows[0]) == ["tag_id", "name", "category", "count"]


def test_labels_hold_everything_and_begin_like_selected_tags(tmp_path: Path) -> None:
    """Copyrights, and names that are not ASCII, follow."""
    folder = write_universal(finished(), tmp_path / "model")
    wd = read_selected_tags(folder / "selected_tags.csv")
    every = read_selected_tags(folder / "labels/all.csv")
    assert every.labels[: len(wd)] == wd.labels
    assert every.names[len(wd) :] == ("squares", "zoë")
    assert every[9].category.name == "copyright"


def test_a_vocabulary_without_characters_gets_a_row_for_nobody() -> None:
    """A reader that finds no character row takes every row for one."""
    rows = universal_rows(LabelSet((label("hat", 0, 5), label("zoë", 4, 9))))
    assert rows.labels.names == (
        *("general", "sensitive", "questionable", "explicit"),
        *("hat", "unknown_character", "zoë"),
    )
    assert rows.vocabulary.tolist() == [-1, -1, -1, -1, 0, -1, 1]
    assert rows.wd == 6


def test_timm_loads_the_folder(tmp_path: Path) -> None:
    """config.json builds the network and model.safetensors fills it: the same logits, BGR in."""
    model = finished("fp16")
    folder = write_universal(model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    own = timm.create_model(
        config["architecture"], num_classes=config["num_classes"], **config["model_args"]
    )
    from safetensors.torch import load_file

    own.load_state_dict(load_file(folder / "model.safetensors"))
    pixels = torch.rand(2, *config["pretrained_cfg"]["input_size"]) * 2 - 1
    with torch.no_grad():
        assert torch.equal(own.eval()(pixels), model.network.float()(pixels))
    assert config["pretrained_cfg"]["input_size"] == [3, 28, 28]
    assert config["num_features"] == 32


def test_timms_own_transform_shows_what_the_network_was_trained_on(tmp_path: Path) -> None:
    """The mean of each block of pixels, rounded across and then down."""
    pytest.importorskip("torchvision")
    from timm.data import create_transform, resolve_data_config

    folder = write_universal(finished(), tmp_path / "model")
    own = timm.create_model(f"local-dir:{folder}", pretrained=True)
    pixels = np.random.default_rng(1).integers(0, 256, (448, 448, 3), np.uint8)
    seen = create_transform(**resolve_data_config(own.pretrained_cfg))(Image.fromarray(pixels))
    blocks = pixels.reshape(28, POOL, 28, POOL, 3).mean((1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose((seen.numpy() + 1) * 127.5, blocks, atol=1.01)


def test_the_manifest_describes_both_ways_to_run_it(tmp_path: Path) -> None:
    """Over all labels, with hashes that hold."""
    folder = write_universal(finished(), tmp_path / "model")
    spec = read_manifest(folder / "tagger.json")
    for contract in spec.contracts:
        Model("model", spec, folder, spec.contracts).verify(contract)
    assert [contract.runtime for contract in spec.contracts] == ["onnx", "timm"]
    assert spec.contracts[0].output == "all"
    assert spec.contracts[1].pool == POOL
    assert spec.contracts[1].activation == "sigmoid"
    assert (spec.labels, spec.tags, spec.thresholds.overall) == ("labels/all.csv", 11, 0.4)


def test_the_card_names_licence_and_credits(tmp_path: Path) -> None:
    """As the hub reads them."""
    folder = write_universal(finished(), tmp_path / "model")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith('---\nlicense: "cc0-1.0"\n')
    assert "- somebody's squares" in card


def test_relations_among_the_labels_go_along(tmp_path: Path) -> None:
    """What the vocabulary lacks is left out; without any there is no file."""
    known = Relations({"cap": "hat", "x": "y"}, {"hat": ("headwear",), "smile": ("hat",)})
    folder = write_universal(replace(finished(), relations=known), tmp_path / "model")
    own = read_relations(folder / "relations.json")
    assert (own.aliases, own.implications) == ({"cap": "hat"}, {"smile": ("hat",)})
    plain = write_universal(finished(), tmp_path / "plain")
    assert not (plain / "relations.json").exists()


def test_a_folder_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is there is kept; one that fails leaves nothing."""
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="expected a new folder"):
        write_universal(finished(), tmp_path / "mine")

    def refuse(*_: object) -> None:
        raise ModelError("no")

    monkeypatch.setattr("tagger.export.folders.check_parity", refuse)
    with pytest.raises(ModelError):
        write_universal(finished(), tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_graph_of_another_network_is_found_out(tmp_path: Path) -> None:
    """The check runs both."""
    write_onnx(WdContract(network(9), POOL, 5), tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="expected the network's probabilities"):
        check_parity(tmp_path / "model.onnx", WdContract(network(9, seed=1), POOL, 5))
