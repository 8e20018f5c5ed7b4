"""Model folders in other tools' layouts: each is run as those tools do and held to its source."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tagger.errors import ModelError, UsageError  # noqa: E402
from tagger.export.compare import compare  # noqa: E402
from tagger.export.layouts import write_layout  # noqa: E402
from tagger.export.source import Export, Layout  # noqa: E402
from tagger.labels import read_selected_tags  # noqa: E402
from tagger.models.local import examine  # noqa: E402
from tagger.models.manifest import read_manifest, write_manifest  # noqa: E402
from tagger.models.spec import Contract, Model, ModelSpec  # noqa: E402
from tagger.preprocess import WD, Preprocess  # noqa: E402
from tagger.relationfiles import read_relations, write_relations  # noqa: E402
from tagger.relations import Relations  # noqa: E402
from tagger.thresholds import Thresholds  # noqa: E402

MIXED = '''tag_id,name,category,count
7,highres,5,50
1,hat,0,5
2,explicit,9,0
3,ann_(squares),4,8
4,"say_""hi""",0,50
,,,
5,zoë,4,90
6,safe,9,0
8,hat,0,3
9,squares,3,70
'''
PLAIN = "tag_id,name,category,count\n1,hat,0,5\n2,smile,0,9\n"
SAFETENSORS = (2).to_bytes(8, "little") + b"{}"  # of no tensor
PLANES = Preprocess(
    channels="rgb", layout="nchw", scale=1 / 255, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)
)


def weights(labels: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(labels)
    return chance.normal(0, 0.01, (3, labels)), chance.normal(0, 1, labels)


def write_graph(path: Path, labels: int, planes: bool = False) -> None:
    """The mean colour through one layer; with `planes` RGB around 0 and logits, else WD's way."""
    matrix, bias = weights(labels)
    if planes:  # the same of the pixels themselves
        std, mean = np.array(PLANES.std)[:, None], np.array(PLANES.mean)
        bias = bias + (255 * mean) @ matrix[::-1]
        matrix = matrix[::-1] * std * 255
    make, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        # one axis after the other: 200,000 float32 in one sum would lose four digits
        make.make_node("ReduceMean", ["input"], ["rows"], axes=[3 if planes else 2], keepdims=0),
        make.make_node("ReduceMean", ["rows"], ["mean"], axes=[2 if planes else 1], keepdims=0),
        make.make_node("Gemm", ["mean", "w", "b"], ["output" if planes else "logits"]),
    ]
    if not planes:
        nodes.append(make.make_node("Sigmoid", ["logits"], ["output"]))
    shape = ["N", 3, 448, 448] if planes else ["N", 448, 448, 3]
    graph = make.make_graph(
        nodes,
        "mean",
        [make.make_tensor_value_info("input", kinds.FLOAT, shape)],
        [make.make_tensor_value_info("output", kinds.FLOAT, ["N", labels])],
        [
            onnx.numpy_helper.from_array(matrix.astype(np.float32), "w"),
            onnx.numpy_helper.from_array(bias.astype(np.float32), "b"),
        ],
    )
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), path)


def model(folder: Path, labels: str = MIXED, planes: bool = False, **changed: Any) -> Model:
    folder.mkdir()
    (folder / "selected_tags.csv").write_text(labels, encoding="utf-8")
    count = len(read_selected_tags(folder / "selected_tags.csv"))
    write_graph(folder / "model.onnx", count, planes)
    contract = Contract(
        preprocess=PLANES if planes else WD, activation="sigmoid" if planes else "none"
    )
    contract = replace(contract, **changed)
    spec = ModelSpec("mean", (contract,), thresholds=Thresholds(0.4, tags={"hat": 0.7}))
    return Model("mean", spec, folder, (contract,))


def with_safetensors(own: Model) -> Model:
    (own.path("") / "model.safetensors").write_bytes(SAFETENSORS)
    (own.path("") / "config.json").write_text("{}")
    both = (*own.contracts, Contract("timm", "model.safetensors", activation="sigmoid"))
    return replace(own, contracts=both)


def pixels() -> np.ndarray:
    return np.random.default_rng(3).uniform(0, 255, (3, 448, 448, 3)).astype(np.float32)


def meant(labels: int) -> np.ndarray:
    """The model restated: float64 [N, labels] of BGR pixels of 0 to 255."""
    matrix, bias = weights(labels)
    return 1 / (1 + np.exp(-(pixels().astype(np.float64).mean((1, 2)) @ matrix + bias)))


def answers(path: Path, fed: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": fed.astype(np.float32)})


def names(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [row["name"] for row in csv.DictReader(file)]


def exported(own: Model, to: Layout, out: Path, bake: bool = False) -> Path:
    return write_layout(Export(own, to, bake), out)


def column(values: np.ndarray, labels: Sequence[str], name: str) -> np.ndarray:
    return values[:, list(labels).index(name)]


SOURCE = ["highres", "hat", "explicit", "ann_(squares)", 'say_"hi"', "", "zoë", "safe", "hat"]


@pytest.mark.parametrize("planes", [False, True], ids=["wd", "nchw rgb logits"])
def test_wd_rows_are_strict_and_each_says_what_its_label_said(planes: bool, tmp_path: Path) -> None:
    """Ratings, general by count, character by count, ASCII; the others in a second output."""
    folder = exported(model(tmp_path / "mine", planes=planes), "wd", tmp_path / "wd")
    strict = names(folder / "selected_tags.csv")
    assert strict == [
        *("general", "sensitive", "questionable", "explicit"),
        *('say_"hi"', "hat", "ann_(squares)"),
    ]
    assert names(folder / "labels/all.csv")[len(strict) :] == ["highres", "zoë", "squares"]
    assert [path.name for path in folder.glob("*.csv")] == ["selected_tags.csv"]
    output, every = answers(folder / "model.onnx", pixels())
    wanted = meant(10)
    for name in strict[4:]:
        np.testing.assert_allclose(
            column(output, strict, name), column(wanted, SOURCE, name), atol=1e-5
        )
    np.testing.assert_allclose(output[:, 0], column(wanted, SOURCE, "safe"), atol=1e-5)
    np.testing.assert_allclose(output[:, 3], column(wanted, SOURCE, "explicit"), atol=1e-5)
    assert (output[:, 1:3] == 0).all()
    np.testing.assert_array_equal(every[:, : len(strict)], output)
    np.testing.assert_allclose(every[:, -1], wanted[:, 9], atol=1e-5)


def test_what_has_no_row_is_named(tmp_path: Path) -> None:
    """Not a slot without a name: nobody misses that."""
    assert Export(model(tmp_path / "mine"), "wd").left_out == ("hat",)
    foreign = "tag_id,name,category,count\n1,sfw,9,5\n2,hat,0,9\n"
    assert Export(model(tmp_path / "other", foreign), "wd").left_out == ("sfw",)


def test_a_model_without_ratings_and_characters_gets_them(tmp_path: Path) -> None:
    """`general` for certain, and a character that nobody is."""
    folder = exported(model(tmp_path / "mine", PLAIN), "wd", tmp_path / "wd")
    assert names(folder / "selected_tags.csv")[4:] == ["smile", "hat", "unknown_character"]
    (output,) = answers(folder / "model.onnx", pixels())
    np.testing.assert_array_equal(output[:, [0, 1, 2, 3, 6]], [[1, 0, 0, 0, 0]] * 3)
    np.testing.assert_allclose(output[:, [5, 4]], meant(2), atol=1e-5)


@pytest.mark.parametrize("to", ["wd", "cl"])
def test_the_graph_is_one_that_old_tools_load(to: Layout, tmp_path: Path) -> None:
    """One input with N open, opset 18 or lower, IR 9, one file."""
    folder = exported(model(tmp_path / "mine"), to, tmp_path / "out")
    (path,) = folder.glob("*.onnx")
    graph = onnx.load(path, load_external_data=False)
    assert graph.ir_version == 9
    assert all(one.version <= 18 for one in graph.opset_import)
    (source,) = graph.graph.input
    sides = [448, 448, 3] if to == "wd" else [3, 448, 448]
    assert [dim.dim_value for dim in source.type.tensor_type.shape.dim] == [0, *sides]
    assert not any(one.external_data for one in graph.graph.initializer)


def test_cl_gives_logits_of_bgr_planes_and_names_them_in_json(tmp_path: Path) -> None:
    """As kohya's script reads cl_tagger: (x / 127.5 - 1), sigmoid outside."""
    folder = exported(model(tmp_path / "mine"), "cl", tmp_path / "cl")
    fed = (pixels() / 127.5 - 1).transpose(0, 3, 1, 2)
    (logits,) = answers(folder / "model_optimized.onnx", fed)
    mapping = json.loads((folder / "tag_mapping.json").read_text(encoding="utf-8"))
    assert mapping["0"] == {"tag": "general", "category": "Rating"}
    found = {one["tag"]: int(at) for at, one in mapping.items()}
    kinds = {one["tag"]: one["category"] for one in mapping.values()}
    assert (kinds["squares"], kinds["highres"], kinds["hat"]) == ("Copyright", "Meta", "General")
    for name in ("hat", "zoë", "squares", "ann_(squares)"):
        wanted = column(meant(10), [*SOURCE, "squares"], name)
        np.testing.assert_allclose(1 / (1 + np.exp(-logits[:, found[name]])), wanted, atol=1e-5)


def test_timm_keeps_the_weights_and_adds_what_imgutils_reads(tmp_path: Path) -> None:
    """RGB planes around 0 in, `prediction` out, in the source's order; thresholds by tag."""
    own = with_safetensors(model(tmp_path / "mine", PLAIN))
    folder = exported(own, "timm", tmp_path / "timm")
    assert (folder / "model.safetensors").read_bytes() == SAFETENSORS
    fed = (pixels()[..., ::-1] / 127.5 - 1).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    assert [one.name for one in session.get_outputs()] == ["prediction"]
    (prediction,) = answers(folder / "model.onnx", fed)
    np.testing.assert_allclose(prediction, meant(2), atol=1e-5)
    with (folder / "selected_tags.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], float(row["best_threshold"])) for row in rows] == [
        ("hat", 0.7),
        ("smile", 0.4),
    ]
    assert json.loads((folder / "categories.json").read_text()) == [
        {"category": 0, "name": "general"}
    ]
    assert (folder / "thresholds.csv").read_text() == "category,name,threshold\n0,general,0.4\n"


def test_baked_scores_pick_at_035_what_the_model_picks(tmp_path: Path) -> None:
    """The graph says what the formula says; ratings stay as they are."""
    own = model(tmp_path / "mine")
    folder = exported(own, "wd", tmp_path / "wd", bake=True)
    plain = exported(own, "wd", tmp_path / "plain")
    labels = names(folder / "selected_tags.csv")
    # flat pictures of many greys, so that scores lie on both sides
    flat = np.ones((40, 448, 448, 3), np.float32) * np.linspace(0, 255, 40)[:, None, None, None]
    baked, scores = (answers(one / "model.onnx", flat)[0] for one in (folder, plain))
    np.testing.assert_array_equal(baked[:, :4], scores[:, :4])
    limits = np.float32([0.7 if name == "hat" else 0.4 for name in labels[4:]])
    np.testing.assert_array_equal(baked[:, 4:] >= 0.35, scores[:, 4:] >= limits)
    assert examine(folder).spec.thresholds == Thresholds(0.35)


@pytest.mark.parametrize(("to", "bake"), [("wd", False), ("wd", True), ("cl", True)])
def test_a_folder_loads_as_a_model_and_says_what_its_source_says(
    to: Layout, bake: bool, tmp_path: Path
) -> None:
    """By its own tagger.json, and as WD's readers take it."""
    export = Export(model(tmp_path / "mine", planes=True), to, bake)
    found = compare(export, write_layout(export, tmp_path / "out"))
    assert len(found) == (2 if to == "wd" else 1)
    assert max(found.values()) < 1e-5


def test_what_can_not_be_run_here_is_said_to_be_unchecked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safetensors, where torch is not installed."""
    export = Export(with_safetensors(model(tmp_path / "mine", PLAIN)), "timm")
    folder = write_layout(export, tmp_path / "out")
    monkeypatch.setattr("tagger.export.compare._torch_is_here", lambda: False)
    found = compare(export, folder)
    assert found["model.safetensors"] is None
    assert found["model.onnx"] is not None
    assert found["model.onnx"] < 1e-5


def test_the_comparison_finds_other_weights(tmp_path: Path) -> None:
    """A graph of other numbers under the same names."""
    export = Export(model(tmp_path / "mine", PLAIN), "wd")
    folder = write_layout(export, tmp_path / "out")
    graph = onnx.load(folder / "model.onnx")
    (bias,) = (one for one in graph.graph.initializer if one.name == "model/b")
    bias.CopyFrom(onnx.numpy_helper.from_array(weights(2)[1].astype(np.float32) + 1, bias.name))
    onnx.save(graph, folder / "model.onnx")
    told = folder / "tagger.json"
    write_manifest(told, read_manifest(told))  # its hashes
    assert min(compare(export, folder).values()) > 0.01


def test_a_disk_that_fills_up_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half of a folder, and none of the folders above it; the sentence names what was asked."""
    own = model(tmp_path / "mine")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tagger.export.layouts.write_manifest", full)
    with pytest.raises(UsageError, match=r"new/deep/out: can't be written: the disk is full"):
        exported(own, "wd", tmp_path / "new" / "deep" / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_half_precision_graphs_are_fed_as_the_others(tmp_path: Path) -> None:
    """float16 throughout, its input and output too: the export takes and gives float32."""
    own = model(tmp_path / "mine", PLAIN)
    graph = onnx.load(own.weights)
    for one in graph.graph.initializer:
        half = onnx.numpy_helper.to_array(one).astype(np.float16)
        one.CopyFrom(onnx.numpy_helper.from_array(half, one.name))
    for one in (*graph.graph.input, *graph.graph.output):
        one.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    onnx.save(graph, own.weights)
    folder = exported(own, "wd", tmp_path / "wd")
    (output,) = answers(folder / "model.onnx", pixels())
    assert output.dtype == np.float32
    np.testing.assert_allclose(output[:, [5, 4]], meant(2), atol=2e-3)


def test_the_readme_says_what_it_was_made_of_and_keeps_the_models_own(tmp_path: Path) -> None:
    """Its licence and credits go along."""
    own = model(tmp_path / "mine")
    spec = replace(own.spec, licence="CC-BY-4.0", repo="some/mean", redistributable=False)
    own.path("README.md").write_text("---\nlicense: x\n---\n# Mean\n\nBy Zoë.\n", "utf-8")
    folder = exported(replace(own, spec=spec), "wd", tmp_path / "wd", bake=True)
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith('---\nlicense: "cc-by-4.0"\n')
    assert "from https://huggingface.co/some/mean" in text
    assert "Weights: CC-BY-4.0, not to be passed on." in text
    assert "0.35 is each tag's own threshold" in text
    assert text.endswith("## The model's own README\n\n# Mean\n\nBy Zoë.\n")


def test_relations_go_along(tmp_path: Path) -> None:
    """They belong to the labels."""
    own = model(tmp_path / "mine")
    write_relations(own.path("relations.json"), Relations({}, {"hat": ("headwear",)}))
    folder = exported(own, "wd", tmp_path / "wd")
    assert read_relations(folder / "relations.json").ancestors("hat") == ("headwear",)


def test_what_can_not_be_exported_is_one_sentence(tmp_path: Path) -> None:
    """And leaves nothing behind."""
    own = model(tmp_path / "mine")
    stretched = model(tmp_path / "stretched", preprocess=replace(WD, fit="stretch"))
    gated = model(tmp_path / "gated", activation="gated")
    modern = model(tmp_path / "modern")
    graph = onnx.load(modern.weights)
    graph.opset_import[0].version = 21
    onnx.save(graph, modern.weights)
    parted = model(tmp_path / "parted")  # weights beside the graph, and not all of them
    beside = {"save_as_external_data": True, "location": "w.data", "size_threshold": 0}
    onnx.save_model(onnx.load(parted.weights), parted.weights, **beside)
    parted.path("w.data").write_bytes(b"few")
    (tmp_path / "mine too").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    for one, to, bake, out, sentence in (
        (own, "wd", False, "mine too", "expected a new folder"),
        (own, "timm", True, "out", "--to wd or --to cl"),
        (own, "timm", False, "out", "timm can't take an ONNX file, export --to wd"),
        (own, "universal", False, "new/out", "expected model.safetensors and config.json"),
        (with_safetensors(own), "universal", False, "out", "labels in WD's order"),
        (replace(own, contracts=()), "wd", False, "out", "with a network of its own"),
        (stretched, "wd", False, "out", "bicubic.* got 448 BGR NHWC 0..255, stretch, bicubic"),
        (with_safetensors(stretched), "timm", False, "out", "padded with white"),
        (gated, "wd", False, "out", "got gated ones"),
        (parted, "wd", False, "new/out", "got a truncated or foreign one: fetch it again"),
        (modern, "wd", False, "out", "expected opset 9 to 18, got 21"),
    ):
        with pytest.raises((ModelError, UsageError), match=sentence):
            exported(one, to, tmp_path / out, bake)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_model_is_cut_down_to_the_categories_asked_for(tmp_path: Path) -> None:
    """Their labels say what they said; thresholds of others go, and nobody is told they lack."""
    export = Export(model(tmp_path / "mine"), "wd", only=("general",))
    folder = write_layout(export, tmp_path / "wd")
    assert names(folder / "selected_tags.csv") == [
        *("general", "sensitive", "questionable", "explicit"),
        *('say_"hi"', "hat", "unknown_character"),
    ]
    assert export.left_out == ("hat",), "the second of that name"
    (output, *_) = answers(folder / "model.onnx", pixels())
    wanted = meant(10)
    np.testing.assert_allclose(output[:, 4:6], wanted[:, [4, 1]], atol=1e-5)
    assert compare(export, folder)["model.onnx"] < 1e-4
    people = Export(model(tmp_path / "again"), "wd", only=("character",))
    write_layout(people, tmp_path / "people")
    assert read_manifest(tmp_path / "people" / "tagger.json").thresholds.tags == {}


def test_only_categories_that_are_there_can_be_kept(tmp_path: Path) -> None:
    """And not of safetensors, which hold every label."""
    own = with_safetensors(model(tmp_path / "mine"))
    with pytest.raises(UsageError, match="got 'genral'"):
        write_layout(Export(own, "wd", only=("genral",)), tmp_path / "wd")
    with pytest.raises(UsageError, match="got 'artist'"):
        write_layout(Export(own, "wd", only=("artist",)), tmp_path / "wd")
    with pytest.raises(UsageError, match="expected --to wd or --to cl"):
        write_layout(Export(own, "timm", only=("general",)), tmp_path / "timm")
