"""Each published family, from a folder of its own layout to scores, against its author's recipe.

The networks are tiny and mix every pixel; files, tensors, names and labels are those of the real
models. The recipes are said again here, with Pillow and NumPy alone. Families that torch runs are
tried in `test_torch_families.py` and beside their networks, in `tests/backends`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tagger.backends import open_backend
from tagger.engine import Tagger
from tagger.errors import ModelError
from tagger.models.catalog import CATALOG
from tagger.models.registry import Registry
from tagger.models.spec import Model, ModelSpec
from tagger.models.table import in_force
from tagger.preprocess import fit, stack

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tagger.export.compare import compare  # noqa: E402
from tagger.export.layouts import write_layout  # noqa: E402
from tagger.export.source import Export  # noqa: E402

Pixels = np.ndarray
Prepare = Callable[[Image.Image], Any]

SPECS = {spec.name: spec for spec in CATALOG}
TAGS = [("safe", "rating"), ("1girl", "general"), ("long_hair", "general"), ("miku", "character")]
NUMBERS = {"general": 0, "character": 4, "rating": 9}
HALF = [0.5, 0.5, 0.5]
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


# ------------------------------------------------------------------ recipes, said again


def on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    canvas = Image.new("RGBA", image.size, (255, 255, 255, 255))
    canvas.alpha_composite(image)
    return canvas.convert("RGB")


def resized(image: Image.Image, size: tuple[int, int], kernel: Image.Resampling) -> Image.Image:
    """Across, then down: as every Pillow before 13, with which the authors worked."""
    return image.resize((size[0], image.height), kernel).resize(size, kernel)


def white_square(image: Image.Image, side: int) -> Image.Image:
    image = on_white(image)
    longest = max(image.size)
    square = Image.new("RGB", (longest, longest), (255, 255, 255))
    square.paste(image, ((longest - image.width) // 2, (longest - image.height) // 2))
    return resized(square, (side, side), Image.Resampling.BICUBIC)


def boxed(
    image: Image.Image, inner: tuple[int, int], side: int, fill: Any, kernel: Image.Resampling
) -> Image.Image:
    canvas = Image.new("RGB", (side, side), fill)
    corner = ((side - inner[0]) // 2, (side - inner[1]) // 2)
    canvas.paste(resized(image, inner, kernel), corner)
    return canvas


def planes(image: Image.Image, mean: Any = 0.0, std: Any = 1.0) -> Pixels:
    values = (np.asarray(image, np.float64) / 255 - mean) / std
    return values.transpose(2, 0, 1)[None].astype(np.float32)


def wd(image: Image.Image) -> Pixels:
    return np.asarray(white_square(image, 448), np.float32)[None, :, :, ::-1]


def canary(image: Image.Image) -> Pixels:
    return planes(white_square(image, 448), HALF, HALF)


def cl_v1(image: Image.Image) -> Pixels:
    return planes(white_square(image, 448), HALF, HALF)[:, ::-1]


def cl_v2(image: Image.Image) -> Pixels:
    return planes(resized(on_white(image), (384, 384), Image.Resampling.BICUBIC), HALF, HALF)


def joytag(image: Image.Image) -> Pixels:
    mean = [0.48145466, 0.4578275, 0.40821073]
    return planes(white_square(image, 448), mean, [0.26862954, 0.26130258, 0.27577711])


def camie_box(image: Image.Image, fill: tuple[int, int, int]) -> Image.Image:
    image = on_white(image)
    aspect = image.width / image.height
    inner = (512, int(512 / aspect)) if aspect > 1 else (int(512 * aspect), 512)
    return boxed(image, inner, 512, fill, Image.Resampling.LANCZOS)


def camie_v1(image: Image.Image) -> Pixels:
    return planes(camie_box(image, (0, 0, 0)))


def camie_v2(image: Image.Image) -> Pixels:
    return planes(camie_box(image, (124, 116, 104)), *IMAGENET)


def pixai_v09(image: Image.Image) -> Pixels:
    return planes(resized(on_white(image), (448, 448), Image.Resampling.BILINEAR), HALF, HALF)


def pixai_v1(image: Image.Image) -> Pixels:
    image = on_white(image)
    scale = min(1008 / image.height, 1008 / image.width)
    inner = int(image.width * scale), int(image.height * scale)
    return planes(boxed(image, inner, 1008, (0, 0, 0), Image.Resampling.BILINEAR), HALF, HALF)


def ml_danbooru(side: int) -> Prepare:
    def prepare(image: Image.Image) -> Pixels:
        return planes(resized(on_white(image), (side, side), Image.Resampling.BILINEAR))

    return prepare


def near(image: Image.Image, side: int) -> tuple[int, int]:
    scale = min(side / image.width, side / image.height)
    return round(image.width * scale), round(image.height * scale)


def animetimm(image: Image.Image) -> Pixels:
    image = on_white(image)
    canvas = boxed(image, near(image, 512), 512, "white", Image.Resampling.BILINEAR)
    return planes(resized(canvas, (384, 384), Image.Resampling.BICUBIC), *IMAGENET)


def deepgelbooru(image: Image.Image) -> Pixels:
    image = on_white(image)
    box = boxed(image, near(image, 512), 512, "white", Image.Resampling.BILINEAR)
    return planes(box).transpose(0, 2, 3, 1)


def oppaioracle(image: Image.Image) -> dict[str, Pixels]:
    image = on_white(image)
    width, height = near(image, 448)
    box = boxed(image, (width, height), 448, (114, 114, 114), Image.Resampling.BICUBIC)
    mask = np.ones((1, 448, 448), bool)
    left, top = (448 - width) // 2, (448 - height) // 2
    mask[:, top : top + height, left : left + width] = False
    return {"pixel_values": planes(box, HALF, HALF), "padding_mask": mask}


def deepdanbooru(image: Image.Image) -> Pixels:
    """TensorFlow's area resize; then moved by half the rest with edges repeated, linearly."""
    pixels = np.asarray(on_white(image), np.float64)
    inner = near(image, 512)
    for axis, size in ((0, inner[1]), (1, inner[0])):
        pixels = area(pixels, axis, size)
        rest = (512 - size) / 2
        at = np.arange(512) - rest
        low = np.clip(np.floor(at), 0, size - 1).astype(int)
        high = np.clip(np.ceil(at), 0, size - 1).astype(int)
        pixels = (pixels.take(low, axis) + pixels.take(high, axis)) / 2
    return (pixels / 255)[None].astype(np.float32)


def area(pixels: Pixels, axis: int, size: int) -> Pixels:
    """The integral of the pixels over each new pixel, by differences of the running sum."""
    pixels = np.moveaxis(pixels, axis, 0)
    total = np.concatenate([np.zeros((1, *pixels.shape[1:])), pixels.cumsum(axis=0)])
    edges = np.arange(size + 1) * len(pixels) / size
    whole = np.minimum(edges.astype(int), len(pixels) - 1)
    share = (edges - whole)[:, None, None]
    at = total[whole] * (1 - share) + total[whole + 1] * share
    return np.moveaxis(np.diff(at, axis=0) * size / len(pixels), 0, axis)


# ------------------------------------------------------------------ files of the families


def csv(*columns: str) -> str:
    known: dict[str, Callable[[int, str, str], object]] = {
        "tag_id": lambda at, name, kind: at,
        "name": lambda at, name, kind: name,
        "category": lambda at, name, kind: NUMBERS[kind],
        "count": lambda at, name, kind: 100 - at,
        "best_threshold": lambda at, name, kind: 0.3 + at / 10,
        "ips": lambda at, name, kind: '"[""vocaloid""]"' if kind == "character" else "[]",
        "real_name": lambda at, name, kind: name,
    }
    rows = [[str(known[c](at, *tag)) for c in columns] for at, tag in enumerate(TAGS)]
    return "\n".join(",".join(row) for row in [list(columns), *rows]) + "\n"


WD_CSV = csv("tag_id", "name", "category", "count")
INDEXED = {
    "idx_to_tag": {str(at): name for at, (name, _) in enumerate(TAGS)},
    "tag_to_category": dict(TAGS),
}
MAPPED = {str(at): {"tag": n, "category": k.title()} for at, (n, k) in enumerate(TAGS)}
GROUPED = {
    "num_classes": 4,
    "categories": [
        {"name": "rating", "offset": 0, "count": 1, "tags": ["safe"]},
        {"name": "general", "offset": 1, "count": 2, "tags": ["1girl", "long_hair"]},
        {"name": "character", "offset": 3, "count": 1, "tags": ["miku"]},
    ],
}
PAD = {"type": "pad_to_size", "size": [512, 512], "background_color": "white"}
TO_384 = [
    {"type": "resize", "size": 384, "interpolation": "bicubic"},
    {"type": "center_crop", "size": [384, 384]},
    {"type": "maybe_to_tensor"},
    {"type": "normalize", "mean": IMAGENET[0], "std": IMAGENET[1]},
]


@dataclass(frozen=True)
class Family:
    """One family: its recipe, its graph's outputs in order, its files beside the graph."""

    prepare: Prepare
    files: dict[str, Any]
    outputs: tuple[str, ...] = ("predictions_sigmoid",)
    answer: int = 0
    logits: bool = False
    input: str = "input"
    tolerance: float = 1e-5
    external: bool = False


DEEPGHS = ("embedding", "logits", "prediction")
CAMIE = ("embedding", "logits", "output")
FAMILIES = {
    "wd-swinv2-tagger-v3": Family(wd, {"selected_tags.csv": WD_CSV}),
    "wd-v1-4-moat-tagger-v2": Family(wd, {"selected_tags.csv": WD_CSV}),
    "idolsankaku-eva02-large-tagger-v1": Family(wd, {"selected_tags.csv": WD_CSV}),
    "wd-eva02-tagger-2026-canary": Family(canary, {"selected_tags.csv": WD_CSV}),
    "z3d-e621-convnext": Family(wd, {"tags-selected.csv": WD_CSV}),
    "deepdanbooru": Family(
        deepdanbooru,
        {"deepdanbooru/deepdanbooru_tags.csv": csv("name", "real_name", "category")},
        tolerance=2e-3,
    ),
    "ml-danbooru-caformer": Family(
        ml_danbooru(448), {"classes.json": [name for name, _ in TAGS]}, logits=True
    ),
    "ml-danbooru-tresnet-d": Family(
        ml_danbooru(640),
        {"classes.json": {str(at): name for at, (name, _) in enumerate(TAGS)}},
        logits=True,
    ),
    "joytag": Family(
        joytag, {"top_tags.txt": "\n".join(name for name, _ in TAGS) + "\n"}, logits=True
    ),
    "camie-tagger": Family(camie_v1, {"model_initial_metadata.json": INDEXED}, logits=True),
    "camie-tagger-refined": Family(
        camie_v1,
        {
            "refined/selected_tags.csv": WD_CSV,
            "refined/threshold.json": {
                kind: {"balanced": {"threshold": at}, "high_recall": {"threshold": 0.1}}
                for kind, at in (("general", 0.3), ("character", 0.2), ("year", 0.5))
            },
        },
        outputs=tuple(f"{stage}{name}" for stage in ("initial/", "") for name in CAMIE),
        answer=5,
    ),
    "camie-tagger-v2": Family(
        camie_v2,
        {"camie-tagger-v2-metadata.json": {"dataset_info": {"tag_mapping": INDEXED}}},
        outputs=("initial_predictions", "refined_predictions"),
        answer=1,
        logits=True,
    ),
    "pixai-tagger-v0.9": Family(
        pixai_v09,
        {"selected_tags.csv": csv("tag_id", "name", "category", "count", "ips")},
        outputs=DEEPGHS,
        answer=2,
    ),
    "pixai-tagger-v1.0": Family(pixai_v1, {"tags.json": GROUPED}, logits=True, external=True),
    "cl-tagger-1.02": Family(cl_v1, {"cl_tagger_1_02/tag_mapping.json": MAPPED}, logits=True),
    "cl-tagger-v2.01a": Family(
        cl_v2,
        {"v2_01a/model_vocabulary.json": INDEXED},
        logits=True,
        input="pixel_values",
        external=True,
    ),
    "caformer_b36.dbv4-full": Family(
        animetimm,
        {
            "selected_tags.csv": csv("tag_id", "name", "category", "count", "best_threshold"),
            "preprocess.json": {"test": [PAD, *TO_384], "val": [PAD, *TO_384]},
            "thresholds.csv": "category,name,threshold\n0,general,0.39\n4,character,0.47\n",
        },
        outputs=DEEPGHS,
        answer=2,
    ),
    "deepgelbooru": Family(
        deepgelbooru,
        {
            "tags.csv": csv("tag_id", "name", "category"),
            "preprocessor.json": {"stages": [PAD, {"type": "maybe_to_tensor"}]},
        },
        outputs=("prediction",),
    ),
    "oppaioracle-v1.1": Family(
        oppaioracle,
        {"V1.1_onnx/selected_tags.csv": WD_CSV},
        outputs=("probabilities",),
        input="pixel_values",
    ),
}


def pictures() -> list[Image.Image]:
    """RGB, RGBA with half transparent colours, grey, and two extreme strips."""
    rng = np.random.default_rng(8)

    def noise(width: int, height: int, channels: int) -> Pixels:
        coarse = rng.integers(0, 256, (7, 9, channels), np.uint8)
        image = Image.fromarray(coarse[..., 0] if channels == 1 else coarse)
        return image.resize((width, height), Image.Resampling.BICUBIC)

    return [
        noise(301, 200, 3),
        noise(130, 257, 4),
        noise(500, 500, 1),
        noise(12, 700, 3),
        noise(900, 21, 3),
    ]


# ------------------------------------------------------------------ tiny networks


def write_graph(path: Path, family: Family, spec: ModelSpec) -> None:
    """A graph with the family's names and shapes: blocks of 16 pixels, then one matrix."""
    helper, kinds = onnx.helper, onnx.TensorProto
    rng = np.random.default_rng(3)
    example = family.prepare(Image.new("RGB", (40, 30), (200, 90, 30)))
    feeds = example if isinstance(example, dict) else {family.input: example}
    pixels = feeds[family.input]
    nhwc = pixels.shape[3] == 3
    side = pixels.shape[1] if nhwc else pixels.shape[2]
    loud = 255.0 if np.abs(pixels).max() > 8 else 1.0
    inside = 4 * (side // 16) ** 2
    kernel = rng.normal(0, 0.4 / 16 / loud, (4, 3, 16, 16)).astype(np.float32)
    nodes, last = [], family.input
    tensors = [onnx.numpy_helper.from_array(kernel, "kernel")]
    if nhwc:
        nodes.append(helper.make_node("Transpose", [last], ["planes"], perm=[0, 3, 1, 2]))
        last = "planes"
    nodes += [
        helper.make_node("Conv", [last, "kernel"], ["blocks"], strides=[16, 16]),
        helper.make_node("Tanh", ["blocks"], ["tanh"]),
        helper.make_node("Flatten", ["tanh"], ["flat"]),
    ]
    last = "flat"
    if "padding_mask" in feeds:
        nodes += [
            helper.make_node("Cast", ["padding_mask"], ["said"], to=kinds.FLOAT),
            helper.make_node("Flatten", ["said"], ["whole"]),
            helper.make_node("Concat", ["flat", "whole"], ["both"], axis=1),
        ]
        last, inside = "both", inside + side * side
    for number, name in enumerate(family.outputs):
        matrix = rng.normal(0, 2 / np.sqrt(inside), (inside, len(TAGS))).astype(np.float32)
        tensors.append(onnx.numpy_helper.from_array(matrix, f"matrix{number}"))
        bare = family.logits or name.split("/")[-1] in ("embedding", "logits")
        out = name if bare else f"raw{number}"
        nodes.append(helper.make_node("MatMul", [last, f"matrix{number}"], [out]))
        if not bare:
            nodes.append(helper.make_node("Sigmoid", [out], [name]))
    types = {name: kinds.BOOL if one.dtype == bool else kinds.FLOAT for name, one in feeds.items()}
    ins = [
        helper.make_tensor_value_info(name, types[name], ["N", *one.shape[1:]])
        for name, one in feeds.items()
    ]
    outs = [
        helper.make_tensor_value_info(name, kinds.FLOAT, ["N", len(TAGS)])
        for name in family.outputs
    ]
    graph = helper.make_graph(nodes, "tiny", ins, outs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = {"save_as_external_data": True, "location": f"{path.name}.data", "size_threshold": 0}
    onnx.save_model(model, path, **(beside if family.external else {}))


def folder(root: Path, family: Family, spec: ModelSpec) -> None:
    """Write the whole of a family's folder."""
    for name, content in family.files.items():
        path = root / spec.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
    write_graph(root / spec.name / spec.contract.weights, family, spec)


def expected(path: Path, family: Family, image: Image.Image) -> Pixels:
    """The recipe, the graph run as it is, and a sigmoid where the author has one outside."""
    prepared = family.prepare(image)
    feeds = prepared if isinstance(prepared, dict) else {family.input: prepared}
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {name: np.ascontiguousarray(value) for name, value in feeds.items()}
    values = session.run([family.outputs[family.answer]], feeds)[0][0]
    return 1 / (1 + np.exp(-values.astype(np.float64))) if family.logits else values


@pytest.mark.parametrize("name", FAMILIES)
def test_scores_are_those_of_the_authors_recipe(name: str, tmp_path: Path) -> None:
    """Over RGB, RGBA, grey and extreme strips, within the family's tolerance.

    By Pillow, with which the authors worked; where another library that is imported resizes, a
    level may differ by one.
    """
    family, spec = FAMILIES[name], replace(SPECS[name], files=(), tags=None)
    folder(tmp_path, family, spec)
    model = Registry((tmp_path,), specs=(spec,), demo=None).find(name)
    tagger = Tagger(model, open_backend(model))
    try:
        fitted = stack([fit(one, tagger.preprocess) for one in pictures()], tagger.preprocess)
        found = np.stack([one.values for one in tagger.run(fitted)])
        near = np.stack([one.values for one in tagger.scores(pictures())])
    finally:
        tagger.close()

    wanted = np.stack([expected(model.weights, family, image) for image in pictures()])
    assert np.ptp(wanted, axis=0).max() > 0.05  # the pictures differ, so a mistake would show
    np.testing.assert_allclose(found, wanted, atol=family.tolerance, rtol=0)
    np.testing.assert_allclose(near, wanted, atol=2e-3, rtol=0)
    assert list(model.labels.names) == [tag for tag, _ in TAGS]


AS_WD = {"wd-swinv2-tagger-v3", "wd-v1-4-moat-tagger-v2", "idolsankaku-eva02-large-tagger-v1"}
AS_WD |= {"wd-eva02-tagger-2026-canary", "z3d-e621-convnext", "joytag", "cl-tagger-1.02"}


@pytest.mark.parametrize("name", FAMILIES)
def test_what_sees_pictures_as_wd_does_can_be_exported(name: str, tmp_path: Path) -> None:
    """To WD's and cl_tagger's readers, saying the same; the others would be fed wrongly there."""
    family, spec = FAMILIES[name], replace(SPECS[name], files=(), tags=None)
    folder(tmp_path, family, spec)
    model = Registry((tmp_path,), specs=(spec,), demo=None).find(name)

    for layout, ways in (("wd", 2), ("cl", 1)):
        export = Export(model, layout)
        if name not in AS_WD:
            with pytest.raises(ModelError, match="expected pictures of 448 x 448, padded with"):
                write_layout(export, tmp_path / "new" / layout)
            continue
        found = compare(export, write_layout(export, tmp_path / "new" / layout))
        assert len(found) == ways
        assert max(found.values()) < 1e-5
    for layout in ("timm", "universal"):
        with pytest.raises(ModelError, match=r"model.safetensors|448 x 448"):
            write_layout(Export(model, layout), tmp_path / "new" / layout)
    if name not in AS_WD:
        assert not (tmp_path / "new").exists()


def test_every_family_that_onnx_runs_is_tried() -> None:
    """Those that torch alone runs are tried in `test_torch_families.py`."""
    run = {spec.family for spec in CATALOG for way in spec.contracts if way.runtime == "onnx"}

    assert {SPECS[name].family for name in FAMILIES} == run


def placed(name: str, root: Path) -> Model:
    """A family's folder, found."""
    spec = replace(SPECS[name], files=(), tags=None)
    folder(root, FAMILIES[name], spec)
    return Registry((root,), specs=(spec,), demo=None).find(name)


def test_thresholds_come_from_the_models_own_files(tmp_path: Path) -> None:
    """animetimm: a tag's `best_threshold`, and the category's from `thresholds.csv`."""
    model = placed("caformer_b36.dbv4-full", tmp_path)

    assert model.thresholds.categories == {"general": 0.39, "character": 0.47}
    assert model.labels.thresholds.tolist() == pytest.approx([0.3, 0.4, 0.5, 0.6])


def test_camies_thresholds_are_its_balanced_preset(tmp_path: Path) -> None:
    """By category; its other categories keep the author's one figure."""
    model = placed("camie-tagger-refined", tmp_path)

    assert model.thresholds.categories == {"general": 0.3, "character": 0.2, "year": 0.5}
    assert model.thresholds.overall == 0.2616


def test_cl_taggers_thresholds_are_its_metrics(tmp_path: Path) -> None:
    """For each output that of best F1, where the archive is there; else the author's one figure."""
    model = placed("cl-tagger-v2.01a", tmp_path)
    assert model.thresholds == SPECS["cl-tagger-v2.01a"].thresholds

    best = np.array([0.75, 0.5, 0.25, np.nan], np.float32)
    np.savez(model.path("v2_01a/model_tag_metrics.npz"), best_thr=best)

    found = Registry((tmp_path,), specs=(model.spec,), demo=None).find(model.name).thresholds
    assert (found.overall, found.tags) == (0.55, {"safe": 0.75, "1girl": 0.5, "long_hair": 0.25})


def test_oppaioracles_thresholds_are_where_precision_is_recall(tmp_path: Path) -> None:
    """For each tag, from the file that lies beside the graph."""
    model = placed("oppaioracle-v1.1", tmp_path)
    points = {"support_ge_1": {"pr_breakeven": {"threshold": 0.75}}}
    tags = {"1girl": {"pr_threshold": 0.8}, "miku": {"pr_threshold": 0.4}}
    told = {"micro": {}, "macro_single_threshold": points, "per_tag": {"per_tag": tags}}
    model.path("V1.1_onnx/pr_thresholds.json").write_text(json.dumps(told), encoding="utf-8")

    found = Registry((tmp_path,), specs=(model.spec,), demo=None).find(model.name).thresholds
    assert (found.overall, found.tags) == (0.75, {"1girl": 0.8, "miku": 0.4})


def test_the_thresholds_in_force_are_shown(tmp_path: Path) -> None:
    """Of a model on disk, with what its files say; of a category, of tags, of the rest."""
    deepghs = placed("caformer_b36.dbv4-full", tmp_path)
    metrics = placed("cl-tagger-v2.01a", tmp_path)
    best = np.array([0.75, 0.5, 0.25, np.nan], np.float32)
    np.savez(metrics.path("v2_01a/model_tag_metrics.npz"), best_thr=best)
    wd = placed("wd-swinv2-tagger-v3", tmp_path)

    assert in_force(deepghs) == "general 0.39, character 0.47, else 0.4; 4 tags have their own"
    assert in_force(metrics) == "0.55; 3 tags have their own"
    assert in_force(wd) == "0.2653"
