"""Folders somebody dropped somewhere: what they are, where they are looked for, what to do."""

from __future__ import annotations

import json
import pickle  # noqa: TID251 - writes what must be refused
import zipfile
from pathlib import Path

import pytest

from tagger.errors import ModelError
from tagger.home import home, part
from tagger.models import hub, layouts, manifest
from tagger.models.catalog import DEFAULT
from tagger.models.registry import Registry, Row, default_registry
from tagger.models.spec import ModelSpec

CSV = "tag_id,name,category,count\n9999999,general,9,5\n470575,1girl,0,4\n1,hatsune_miku,4,3\n"


def graph(*shape: int | str, outputs: tuple[str, ...] = ("y",)) -> bytes:
    onnx = pytest.importorskip("onnx", reason="builds the graphs that are looked at here")
    kind, value = onnx.TensorProto.FLOAT, onnx.helper.make_tensor_value_info
    nodes = [onnx.helper.make_node("Identity", ["x"], [name]) for name in outputs]
    out = [value(name, kind, ["N", 3]) for name in outputs]
    built = onnx.helper.make_graph(nodes, "g", [value("x", kind, shape)], out)
    return onnx.helper.make_model(built).SerializeToString()


def safetensors(size: int) -> bytes:
    """A file of one tensor of so many bytes."""
    tensor = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "x": tensor}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size)


def fill(folder: Path, **files: str | bytes) -> Path:
    """Write files; `model_onnx` becomes model.onnx."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / ".".join(name.rsplit("_", 1))
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def row(name: str, registry: Registry | None = None) -> Row:
    (found,) = [one for one in (registry or default_registry()).list() if one.name == name]
    return found


def test_one_csv_of_any_name_will_do_and_two_are_refused() -> None:
    """Tools name it like the weights; which of two counts is not guessed."""
    folder = fill(part("models") / "mine", model_onnx=graph("N", 32, 32, 3), mine_csv=CSV)
    assert row("mine").on_disk
    (folder / "thresholds.csv").write_text("category,name,threshold\n0,general,0.4\n")
    assert row("mine").on_disk

    (folder / "selected_tags.csv").write_text(CSV)

    assert "expected one CSV of labels, got mine.csv, selected_tags.csv" in row("mine").reason


def test_a_keras_project_says_how_to_convert_it() -> None:
    """What project.json and tags.txt say is repeated, so that one knows what was found."""
    project = {"image_width": 512, "image_height": 512, "model": "resnet_custom_v3"}
    fill(
        part("models") / "deepdanbooru-v3",
        project_json=json.dumps(project),
        tags_txt="1girl\nsolo\nrating:safe\n",
    )

    reason = row("deepdanbooru-v3").reason

    assert "keras project of DeepDanbooru (resnet_custom_v3, 512x512, 3 tags)" in reason
    assert "tf2onnx.convert --keras model-resnet_custom_v3.keras" in reason


def test_the_webuis_torch_deepdanbooru_is_a_model_and_other_checkpoints_are_not() -> None:
    """Told by its tags, which are read without running anything."""
    torch = pytest.importorskip("torch")
    known, other = part("models") / "dd", part("models") / "lora"
    for folder, state in ((known, {"tags": ["1girl", "rating:safe"]}), (other, {"a": 1})):
        folder.mkdir(parents=True)
        torch.save(state, folder / "model.pt")

    assert row("dd").contracts[0].architecture == "torchdeepdanbooru"
    assert "expected TorchDeepDanbooru's checkpoint" in row("lora").reason


def test_a_timm_folder_is_a_model() -> None:
    """Size, mean and std are timm's own words; the rest is WD's."""
    config = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": 3,
        "pretrained_cfg": {"input_size": [3, 64, 96], "mean": [0.5] * 3, "std": [0.25] * 3},
    }
    fill(
        part("models") / "mine",
        config_json=json.dumps(config),
        model_safetensors=safetensors(16),
        selected_tags_csv=CSV,
    )

    (contract,) = row("mine").contracts

    pixels = contract.preprocess
    assert (contract.runtime, contract.activation, pixels.size) == ("timm", "sigmoid", (96, 64))
    assert (pixels.channels, pixels.layout, pixels.std) == ("bgr", "nchw", (0.25, 0.25, 0.25))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "expected a safetensors file, got other bytes"),
        (b"\x89PNG", "expected a safetensors file, got other bytes"),
        (b"\xff" * 8 + b"{}", "expected a safetensors file, got other bytes"),
        ("16", "expected a whole safetensors file, got 5 bytes too few"),
        ("x", "expected safetensors, got a header with"),
    ],
)
def test_weights_that_are_no_whole_file_are_a_reason(content: bytes | str, sentence: str) -> None:
    """Read by its header alone, before anybody waits for it to load."""
    config = {"architecture": "vit_tiny_patch16_224", "num_classes": 3}
    if content == "16":
        content = safetensors(16)[:-5]
    elif content == "x":
        content = safetensors(16).replace(b"data_offsets", b"data_offsetz")
    files = {"config_json": json.dumps(config), "model_safetensors": content}
    fill(part("models") / "mine", selected_tags_csv=CSV, **files)

    assert not row("mine").on_disk
    assert sentence in row("mine").reason


def test_code_behind_the_tags_of_a_checkpoint_is_a_reason() -> None:
    """A `.pt` is looked at to its end, and never unpickled."""
    folder = part("models") / "mine"
    folder.mkdir(parents=True)
    content = pickle.dumps({"tags": ["1girl", "hat"], "trap": folder.rmdir}, protocol=2)
    with zipfile.ZipFile(folder / "model-resnet_custom_v3.pt", "w") as archive:
        archive.writestr("archive/data.pkl", content)

    assert "got a checkpoint with code in it" in row("mine").reason


def test_what_needs_a_manifest_is_offered_one_that_fits_the_files() -> None:
    """Planes and two outputs: the prefilled tagger.json makes a model of the folder."""
    folder = fill(
        part("models") / "planes",
        model_onnx=graph("N", 3, 64, 48, outputs=("logits", "prediction")),
        selected_tags_csv=CSV,
    )
    assert "`tagger models show planes` prints one" in row("planes").reason

    text = manifest.format_manifest(layouts.suggest(folder))
    (folder / "tagger.json").write_text(text, encoding="utf-8")

    (contract,) = row("planes").contracts
    assert (contract.output, contract.preprocess.size) == ("prediction", (48, 64))
    assert contract.preprocess.layout == "nchw"


def test_places_are_searched_in_order(own_home: Path) -> None:
    """The host's folders first, then our home, then the cache; there a model has its repository."""
    wd = {"model_onnx": graph("N", 32, 32, 3), "selected_tags_csv": CSV}
    first, second = own_home / "models" / "tagger", own_home / "models" / "TaggerOnnx"
    spec = ModelSpec("published", repo="me/published", aliases=("old-name",))
    snapshot = hub.cache() / "models--me--published" / "snapshots" / "1"
    registry = Registry((first, second), specs=(spec,), demo=None)
    assert not registry.find("published").on_disk

    places = (
        snapshot,
        part("models") / "published",
        second / "models--me--published" / "snapshots" / "2",
        second / "old-name",
        first / "published",
    )
    for place in places:
        fill(place, **wd)
        assert registry.find("published").folder == place


def test_an_unknown_repository_in_the_cache_is_a_model_by_its_files() -> None:
    """What is no tagger is no fault; by its name only the command line may ask for others."""
    cache = hub.cache()
    wd = {"model_onnx": graph("N", 32, 32, 3), "selected_tags_csv": CSV}
    fill(cache / "models--me--tagger" / "snapshots" / "1", **wd)
    fill(cache / "models--me--diffusion" / "snapshots" / "1", model_safetensors=b"")
    registry = Registry(specs=(), demo=None)

    assert [one.name for one in registry.list()] == ["me/tagger"]
    assert registry.find("me/tagger").labels.names == ("general", "1girl", "hatsune_miku")
    with pytest.raises(ModelError, match=r"expected a model\.onnx"):
        registry.find("me/diffusion", allow_paths=True)
    with pytest.raises(ModelError, match="hf download me/nothing"):
        registry.find("me/nothing", allow_paths=True)
    with pytest.raises(ModelError, match="expected a model's name"):
        registry.find("me/nothing")


def test_the_hosts_own_folder_of_a_model_is_known(own_home: Path) -> None:
    """The WebUI keeps TorchDeepDanbooru beside the folders of others."""
    torch = pytest.importorskip("torch")
    models = own_home / "models"
    (models / "torch_deepdanbooru").mkdir(parents=True)
    path = models / "torch_deepdanbooru" / "model-resnet_custom_v3.pt"
    torch.save({"tags": ["1girl", "solo"]}, path)

    found = Registry((models / "tagger",)).find("torchdeepdanbooru")

    assert found.weights == path
    assert found.labels.names == ("1girl", "solo")


def test_models_json_changes_and_adds_lines(own_home: Path) -> None:
    """A threshold of one's own for a published model, and a repository of one's own."""
    entry = {"repo": "me/mine", "licence": "MIT", "contracts": [{"weights": "mine.onnx"}]}
    changed = {"thresholds": {"overall": 0.5}}
    fill(home(), models_json=json.dumps({DEFAULT: changed, "mine": entry}))

    published, mine = default_registry().find(DEFAULT), default_registry().find("mine")

    assert (published.spec.tags, published.thresholds.overall) == (10_861, 0.5)
    assert (mine.spec.repo, mine.contract.weights) == ("me/mine", "mine.onnx")


@pytest.mark.parametrize(
    "content",
    ["[]", "{", '{"a": 1}', '{"a": {"treshold": 1}}', '{"a": {"repo": 5}}', '{"../a": {}}'],
)
def test_a_wrong_models_json_is_a_row_with_its_reason(own_home: Path, content: str) -> None:
    """The published models are there all the same."""
    fill(home(), models_json=content)

    assert "models.json" in row("models.json").reason
    assert default_registry().find(DEFAULT).name == DEFAULT


def test_stages_that_lie_beside_the_weights_decide(own_home: Path) -> None:
    """deepghs' preprocess.json: onto a square first, then to the network's size."""
    test = [
        {"type": "pad_to_size", "size": [512, 512], "background_color": "white"},
        {"type": "resize", "size": 384, "interpolation": "bicubic"},
        {"type": "center_crop", "size": [384, 384]},
        {"type": "maybe_to_tensor"},
        {"type": "normalize", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]},
    ]
    folder = fill(
        part("models") / "caformer_b36.dbv4-full",
        model_onnx=b"",
        selected_tags_csv=CSV,
        preprocess_json=json.dumps({"test": test}),
        thresholds_csv="category,name,threshold\n0,general,0.39\n4,character,0.47\n",
    )

    model = default_registry().find("caformer_b36.dbv4-full")

    pixels = model.contract.preprocess
    assert (pixels.size, pixels.canvas, pixels.std) == ((384, 384), (512, 512), (0.4, 0.5, 0.6))
    assert (pixels.resample, pixels.canvas_resample) == ("bicubic", "bilinear")
    assert model.thresholds.categories == {"general": 0.39, "character": 0.47}

    (folder / "preprocess.json").write_text('{"stages": [{"type": "rotate"}]}')
    assert "got 'rotate'" in row("caformer_b36.dbv4-full").reason
