"""What a folder without a `tagger.json` is, by its files; and a `tagger.json` to begin with.

    one ONNX of [N, height, width, 3] and one label file   WD's contract
    config.json of timm, safetensors and labels            a timm network fed as WD's are: BGR
    TorchDeepDanbooru's .pt                                 the WebUI's own
Everything else is refused with what to do. Headers are read, no weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ..errors import LabelFileError, ModelError, TaggerError
from ..preprocess import WD, Preprocess
from . import manifest
from .contract import Contract
from .labelfiles import READERS, read_labels
from .onnxheader import Header, Shape, read_header
from .spec import ModelSpec, inside
from .stages import read_stages

LABELS = "selected_tags.csv"
STAGES = "preprocess.json"
_NO_LABELS = ("thresholds.csv", "calibration.csv", "tags-character.txt", "tags-general.txt")
# Files of labels, likeliest first, where there is no CSV.
_LABELS = ("tags.txt", "top_tags.txt", "model_vocabulary.json", "tag_mapping.json", "tags.json")
_TORCH = Contract(
    "torch",
    preprocess=Preprocess((512, 512), "stretch", scale=1 / 255),
    architecture="torchdeepdanbooru",
)


def describe(folder: Path, weights: str | None = None) -> ModelSpec:
    """The model that a folder without a manifest holds; `weights` names one of several files.

    Raises:
        ModelError: it is none of the known layouts; the sentence says what to do.
    """
    if (folder / "project.json").is_file() and not _named(folder, ".onnx"):
        raise ModelError(_conversion(folder))
    if checkpoints := _named(folder, ".pt"):
        return _torch(folder, checkpoints[0])
    if not _named(folder, ".onnx") and _is_timm(folder):
        return _timm(folder)
    name = weights or _only_onnx(folder)
    labels = label_file(folder, name)
    header = read_header(inside(folder, name))
    return ModelSpec(folder.name, (_wd_contract(name, header, folder / name),), labels)


def label_file(folder: Path, weights: str = "the weights") -> str:
    """The name of a folder's one file of labels.

    Raises:
        ModelError: there is none, or there are two.
    """
    tables = [name for name in _named(folder, ".csv") if _may_name(name)]
    if len(tables) > 1:
        raise ModelError(
            f"{folder}: expected one CSV of labels, got {', '.join(tables)}: remove the others, or "
            f"name one in a {manifest.NAME}"
        )
    others = (name for name in _LABELS if (folder / name).is_file())
    found = tables[0] if tables else next(others, "")
    if not found:
        raise ModelError(
            f"{folder}: expected a {LABELS} beside {weights}, got none: add it, or describe the "
            f"model in a {manifest.NAME}"
        )
    return found


def suggest(folder: Path) -> ModelSpec:
    """What a `tagger.json` for a folder could say, as far as its files tell: to be corrected.

    Raises:
        ModelError: there is no ONNX file and no safetensors to describe.
    """
    weights = next(iter([*_named(folder, ".onnx"), *_named(folder, ".safetensors")]), "")
    if not weights:
        raise ModelError(f"{folder}: expected an ONNX or safetensors file, got none: add it")
    try:
        labels = label_file(folder)
    except ModelError:
        labels = next((name for name in _named(folder, ".csv") if _may_name(name)), LABELS)
    if not weights.endswith(".onnx"):
        way = replace(_timm_contract({}), weights=weights)
    else:
        way = _guess(folder, weights, read_header(inside(folder, weights)))
    return ModelSpec(folder.name, (way,), labels, title=folder.name)


def _guess(folder: Path, weights: str, header: Header) -> Contract:
    """RGB from -1 to 1 where the graph has planes, and the output that its name speaks for."""
    shapes = {name: shape for name, shape in header.inputs.items() if len(shape) == 4}
    name, shape = next(iter(shapes.items()), (next(iter(header.inputs), ""), ()))
    wanted = ("prediction", "probabilities", "output", "logits")
    output = next((one for one in wanted if one in header.outputs), next(iter(header.outputs)))
    nhwc = len(shape) == 4 and shape[3] == 3
    sides = [side for side in (shape[1:3] if nhwc else shape[2:4]) if isinstance(side, int)]
    size = (sides[1], sides[0]) if len(sides) == 2 else (448, 448)
    half = (0.5, 0.5, 0.5)
    planes = Preprocess(size, layout="nchw", scale=1 / 255, mean=half, std=half)
    pixels = replace(WD, size=size) if nhwc else planes
    if not nhwc and (folder / STAGES).is_file():
        pixels = read_stages(folder / STAGES)
    activation = "sigmoid" if "logit" in output.lower() else "none"
    return Contract("onnx", weights, pixels, input=name, output=output, activation=activation)


def _conversion(folder: Path) -> str:
    """What to do with a keras project of DeepDanbooru."""
    told = cast("Any", manifest.load_json(folder / "project.json"))
    told = told if isinstance(told, Mapping) else {}
    width, height = told.get("image_width", 512), told.get("image_height", 512)
    try:
        count = f"{len(read_labels(folder / 'tags.txt')):,} tags"
    except LabelFileError:
        count = "no tags.txt"
    kind = told.get("model", "?")
    weights = [*_named(folder, ".keras"), *_named(folder, ".h5")]
    source = weights[0] if weights else f"model-{kind}.keras"
    return (
        f"{folder}: expected ONNX, got a keras project of DeepDanbooru ({kind}, {width}x{height}, "
        f"{count}): convert it with `python -m tf2onnx.convert --keras {source} --output "
        f"model.onnx`, then run `tagger models show {folder.name}` for its {manifest.NAME}"
    )


def _torch(folder: Path, weights: str) -> ModelSpec:
    """The one checkpoint that is known; its tags are read without unpickling."""
    read_labels(inside(folder, weights))
    return ModelSpec(folder.name, (replace(_TORCH, weights=weights),), weights)


def _is_timm(folder: Path) -> bool:
    return (folder / "config.json").is_file() and bool(_named(folder, ".safetensors"))


def _timm(folder: Path) -> ModelSpec:
    config = manifest.load_json(folder / "config.json")
    if not isinstance(config, Mapping) or "architecture" not in config:
        raise ModelError(
            f"{folder}: expected a config.json of timm with an architecture, got another: describe "
            f"this model in a {manifest.NAME}"
        )
    weights = _named(folder, ".safetensors")
    name = "model.safetensors" if "model.safetensors" in weights else weights[0]
    contract = _timm_contract(cast("Mapping[str, Any]", config))
    return ModelSpec(folder.name, (replace(contract, weights=name),), label_file(folder, name))


def _timm_contract(config: Mapping[str, Any]) -> Contract:
    """Size, mean and std from timm's own words; white square and BGR as WD's."""
    told = config.get("pretrained_cfg") or {}
    try:
        _, height, width = told.get("input_size") or (3, 448, 448)
        pixels = replace(
            WD,
            size=(int(width), int(height)),
            layout="nchw",
            scale=1 / 255,
            mean=tuple(told.get("mean") or (0.5, 0.5, 0.5)),
            std=tuple(told.get("std") or (0.5, 0.5, 0.5)),
            resample=told.get("interpolation") or "bicubic",
        )
    except (TypeError, ValueError, TaggerError) as error:
        raise ModelError(f"config.json: expected timm's pretrained_cfg, got {error}") from error
    return Contract("timm", "model.safetensors", pixels, activation="sigmoid")


def _only_onnx(folder: Path) -> str:
    found = _named(folder, ".onnx")
    if "model.onnx" in found:
        return "model.onnx"
    if len(found) == 1:
        return found[0]
    got = ", ".join(found) or "none"
    raise ModelError(
        f"{folder}: expected a model.onnx with a {LABELS}, or a {manifest.NAME}, got {got}"
    )


def _wd_contract(weights: str, header: Header, path: Path) -> Contract:
    """WD's contract at the size of the graph's input.

    Raises:
        ModelError: the input is no [N, height, width, 3]: the same names, another contract.
    """
    pictures = [(name, shape) for name, shape in header.inputs.items() if len(shape) == 4]
    name, shape = pictures[0] if len(pictures) == 1 else ("", ())
    match shape:
        case (batch, int(height), int(width), 3) if height > 0 and width > 0:
            size = (width, height)
            fixed = batch if isinstance(batch, int) and batch > 0 else None
            return Contract(
                weights=weights, input=name, preprocess=replace(WD, size=size), batch=fixed
            )
        case _:
            got = ", ".join(_spell(one) for one in header.inputs.values()) or "no input"
            raise ModelError(
                f"{path}: expected an input of [N, height, width, 3] as WD's models have, got "
                f"{got}: describe this model in a {manifest.NAME} (`tagger models show "
                f"{path.parent.name}` prints one to begin with)"
            )


def _spell(shape: Shape) -> str:
    return f"[{', '.join(str(dim) for dim in shape)}]"


def _may_name(name: str) -> bool:
    return name.lower() not in _NO_LABELS and Path(name).suffix in READERS


def _named(folder: Path, ending: str) -> list[str]:
    return sorted(path.name for path in _files(folder) if path.suffix.lower() == ending)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file() or path.is_symlink())
