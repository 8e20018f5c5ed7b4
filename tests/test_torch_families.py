"""Families that torch alone runs, from the catalogue's files to scores, against their recipes.

taggerine runs whole, with small weights under the names of the real ones. The networks of the
others are tried in `tests/backends/test_architectures.py`; here a probe stands in their place that
mixes every pixel, so that what is done to a picture before and to the output after is held.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

from torch.nn import functional  # noqa: E402

from tagger.backends import architectures, open_backend  # noqa: E402
from tagger.backends.architectures import dinov3  # noqa: E402
from tagger.engine import Tagger  # noqa: E402
from tagger.errors import ModelError  # noqa: E402
from tagger.models.catalog import CATALOG  # noqa: E402
from tagger.models.registry import Registry  # noqa: E402
from tagger.preprocess import fit, stack  # noqa: E402

SPECS = {spec.name: spec for spec in CATALOG}
TAGS = {"wolf": 5, "hat": 0, "by someone": 1, "long_hair": 0, "meta tag": 7, "smile": 0}


def pictures() -> list[Image.Image]:
    """RGB, RGBA with half transparent colours, grey, two strips, a dot."""
    rng = np.random.default_rng(8)

    def noise(width: int, height: int, channels: int) -> Image.Image:
        coarse = rng.integers(0, 256, (7, 9, channels), np.uint8)
        image = Image.fromarray(coarse[..., 0] if channels == 1 else coarse)
        return image.resize((width, height), Image.Resampling.BICUBIC)

    sizes = [(301, 200, 3), (130, 257, 4), (90, 90, 1), (12, 700, 3), (1300, 21, 3), (5, 3, 3)]
    return [noise(*size) for size in sizes]


def on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    canvas = Image.new("RGBA", image.size, (255, 255, 255, 255))
    canvas.alpha_composite(image)
    return canvas.convert("RGB")


# taggerine


WIDE, HIDDEN, DEPTH, REGISTERS = 128, 96, 2, 4


def taggerine_weights(head: str) -> dict[str, Any]:
    """The released names, with transformers' wrapper, its buffers and the token of training."""
    generator = torch.Generator().manual_seed(7)

    def draw(*shape: int, scale: float = 1.0) -> Any:
        fan = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        return torch.randn(*shape, generator=generator) * scale / fan**0.5

    state = {
        "embeddings.cls_token": draw(1, 1, WIDE, scale=4),
        "embeddings.mask_token": draw(1, 1, WIDE),
        "embeddings.register_tokens": draw(1, REGISTERS, WIDE, scale=4),
        "embeddings.patch_embeddings.weight": draw(WIDE, 3, 16, 16),
        "embeddings.patch_embeddings.bias": draw(WIDE),
        "model.rope_embeddings.inv_freq": draw(16),
        "norm.weight": 1 + draw(WIDE, scale=0.1),
        "norm.bias": draw(WIDE),
    }
    for number in range(DEPTH):
        at = f"model.layer.{number}"
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            state[f"{at}.attention.{name}.weight"] = draw(WIDE, WIDE, scale=2)
            if name != "k_proj":
                state[f"{at}.attention.{name}.bias"] = draw(WIDE)
        shapes = {"gate_proj": (HIDDEN, WIDE), "up_proj": (HIDDEN, WIDE)}
        for name, shape in {**shapes, "down_proj": (WIDE, HIDDEN)}.items():
            state[f"{at}.mlp.{name}.weight"] = draw(*shape)
            state[f"{at}.mlp.{name}.bias"] = draw(shape[0])
        for one in (1, 2):
            state[f"{at}.norm{one}.weight"] = 1 + draw(WIDE, scale=0.1)
            state[f"{at}.norm{one}.bias"] = draw(WIDE)
            state[f"{at}.layer_scale{one}.lambda1"] = 1 + draw(WIDE, scale=0.1)
    state = {f"backbone.{name}": value for name, value in state.items()}
    features = WIDE * (1 + REGISTERS)
    if head == "one":
        return {**state, "projection.weight": draw(len(TAGS), features, scale=3)}
    return {
        **state,
        "head.up.weight": draw(len(TAGS), 3, scale=2),
        "head.up.bias": draw(len(TAGS)),
        "head.down.weight": draw(3, features, scale=2),
    }


def taggerine_pixels(image: Image.Image) -> Any:
    """The author's `preprocess_image`, after white behind what is transparent."""
    image = on_white(image)
    width, height = image.size
    long = max(width, height)
    scale = max(16, min(long, 1024) // 16 * 16) / long
    size = tuple(max(16, max(16, round(side * scale)) // 16 * 16) for side in (width, height))
    values = np.asarray(image.resize(size, Image.Resampling.LANCZOS), np.float64) / 255
    values = (values - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return torch.from_numpy(values).float().permute(2, 0, 1)[None]


def taggerine_recipe(state: dict[str, Any], pixels: Any) -> Any:
    """One picture, float32 [1, 3, H, W]: token by token and head by head, in plain products."""
    state = {name.removeprefix("backbone."): value for name, value in state.items()}
    name = "embeddings.patch_embeddings"
    grid = functional.conv2d(pixels, state[f"{name}.weight"], state[f"{name}.bias"], stride=16)[0]
    rows, columns = grid.shape[1:]
    x = torch.cat(
        [
            state["embeddings.cls_token"][0],
            state["embeddings.register_tokens"][0],
            grid.flatten(1).T,
        ]
    )
    turns = torch.zeros(len(x), 32)
    for at in range(rows * columns):
        row, column = divmod(at, columns)
        y, across = 4 * (row + 0.5) / rows - 2, 4 * (column + 0.5) / columns - 2
        for k in range(16):
            speed = 2 * math.pi / 100 ** (k / 16)
            turns[1 + REGISTERS + at, k] = y * speed
            turns[1 + REGISTERS + at, 16 + k] = across * speed
    spin = torch.polar(torch.ones_like(turns), turns)

    def linear(name: str, x: Any) -> Any:
        return functional.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(name: str, x: Any) -> Any:
        return functional.layer_norm(x, (WIDE,), state[f"{name}.weight"], state[f"{name}.bias"])

    def turned(x: Any) -> Any:
        spun = torch.complex(x[:, :32], x[:, 32:]) * spin
        return torch.cat([spun.real, spun.imag], dim=1)

    for number in range(DEPTH):
        at = f"model.layer.{number}"
        y = norm(f"{at}.norm1", x)
        q, k, v = (linear(f"{at}.attention.{name}_proj", y) for name in "qkv")
        parts = []
        for part in (slice(0, 64), slice(64, 128)):
            shares = (turned(q[:, part]) @ turned(k[:, part]).T / 8).softmax(-1)
            parts.append(shares @ v[:, part])
        y = linear(f"{at}.attention.o_proj", torch.cat(parts, dim=1))
        x = x + y * state[f"{at}.layer_scale1.lambda1"]
        y = norm(f"{at}.norm2", x)
        gate = linear(f"{at}.mlp.gate_proj", y)
        y = linear(f"{at}.mlp.down_proj", gate * gate.sigmoid() * linear(f"{at}.mlp.up_proj", y))
        x = x + y * state[f"{at}.layer_scale2.lambda1"]
    features = norm("norm", x)[: 1 + REGISTERS].flatten()
    if "projection.weight" in state:
        return (state["projection.weight"] @ features).sigmoid()
    inner = state["head.down.weight"] @ features
    return (state["head.up.weight"] @ inner + state["head.up.bias"]).sigmoid()


def taggerine(root: Path, state: dict[str, Any]) -> Tagger:
    """Its published files in a folder of its name, found and opened."""
    spec = replace(SPECS["taggerine"], tags=None)
    (root / spec.name).mkdir()
    told = {"idx2tag": list(TAGS), "tag2category": TAGS, "alias2tag": {"canine": "wolf"}}
    (root / spec.name / spec.labels).write_text(json.dumps(told), encoding="utf-8")
    safetensors_torch.save_file(state, root / spec.name / spec.contract.weights)
    model = Registry((root,), specs=(spec,), demo=None).find(spec.name)
    return Tagger(model, open_backend(model))


@pytest.mark.parametrize("head", ["one", "two"])
def test_taggerines_scores_are_its_authors(head: str, tmp_path: Path) -> None:
    """Alone and with pictures of other shapes in one batch; a head of one matrix or of two."""
    state = taggerine_weights(head)
    tagger = taggerine(tmp_path, state)
    with torch.inference_mode():
        wanted = [taggerine_recipe(state, taggerine_pixels(one)).numpy() for one in pictures()]
    single = [one.values for one in tagger.scores(pictures())]
    together = tagger.run(stack([tagger.fit(one) for one in pictures()], tagger.preprocess))

    assert np.ptp(wanted, axis=0).min() > 0.02  # each tag tells the pictures apart
    np.testing.assert_allclose(single, wanted, atol=1e-5, rtol=0)
    np.testing.assert_allclose([one.values for one in together], wanted, atol=1e-5, rtol=0)
    kinds = {label.name: label.category.name for label in tagger.labels}
    assert (kinds["wolf"], kinds["by someone"]) == ("species", "artist")
    tagger.close()


def test_taggerines_head_stays_in_float32() -> None:
    """As its author keeps it, whatever the backbone computes in."""
    network, state = dinov3.build(taggerine_weights("one"), Path())
    network.load_state_dict(state, assign=True)

    network.to(dtype=torch.bfloat16)

    kinds = {name: value.dtype for name, value in network.state_dict().items()}
    assert kinds["head.0.weight"] == torch.float32
    assert {kind for name, kind in kinds.items() if name[:4] != "head"} == {torch.bfloat16}


@pytest.mark.parametrize("gone", ["backbone.norm.weight", "projection.weight"])
def test_weights_of_another_network_are_one_sentence(gone: str, tmp_path: Path) -> None:
    """Named by their file."""
    state = taggerine_weights("one")
    del state[gone]

    with pytest.raises(ModelError, match=r"tagger_proto\.safetensors: expected the tensors of"):
        taggerine(tmp_path, state)


# what the others' networks see, and what is made of what they say


class Probe(torch.nn.Module):
    """Blocks of 16 pixels, then one matrix: another picture gives other columns."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.kernel = torch.randn(6, 768, generator=generator) / 20
        self.matrix = torch.randn(columns, 6 * 4096, generator=generator) / 20
        self.num_classes = columns

    def forward(self, x: Any, places: Any = None, valid: Any = None) -> Any:
        if places is None:
            x = functional.unfold(x, 16, stride=16).transpose(1, 2)
            x = x.unflatten(-1, (3, 256)).transpose(2, 3).flatten(2)
            valid = torch.ones(x.shape[:2])
        features = (x @ self.kernel.T).tanh() * valid[..., None]
        if places is not None:  # where a patch stands counts too
            features = features * (1 + places.sum(-1, keepdim=True) / 7).sin()
        features = functional.pad(features, (0, 0, 0, 4096 - features.shape[1]))
        return features.flatten(1) @ self.matrix.T


def resized(image: Image.Image, size: tuple[int, int], kernel: Image.Resampling) -> Image.Image:
    """Across, then down: as every Pillow before 13, with which the authors worked."""
    return image.resize((size[0], image.height), kernel).resize(size, kernel)


def pilot(image: Image.Image) -> tuple[Any]:
    """Fit, ToTensor, CompositeAlpha(0.5), Normalize, CenterCrop, which pads with zeros.

    Pillow itself resizes RGBA with its colours multiplied by alpha.
    """
    image = image.convert("RGBA").convert("RGBa")
    scale = min(384 / image.width, 384 / image.height)
    size = tuple(max(1, min(round(side * scale), 384)) for side in image.size)
    image = resized(image, size, Image.Resampling.LANCZOS).convert("RGBA")
    values = np.asarray(image, np.float64) / 255
    colours = values[..., :3] * values[..., 3:] + (1 - values[..., 3:]) * 0.5
    canvas = np.zeros((384, 384, 3))
    left, top = (384 - size[0]) // 2, (384 - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = (colours - 0.5) / 0.5
    return (torch.from_numpy(canvas).float().permute(2, 0, 1)[None],)


def hydra_sides(width: int, height: int) -> tuple[int, int]:
    """The largest scale of a fine search at which whole patches, rounded up, are at most 1024."""
    across, down = max(width // 16, 1), max(height // 16, 1)
    if across * down <= 1024:
        return 16 * across, 16 * down
    low, high = 1e-5, 1.0
    while high - low >= 1e-5:
        middle = (low + high) / 2
        count = math.ceil(width * middle / 16) * math.ceil(height * middle / 16)
        low, high = (middle, high) if count <= 1024 else (low, middle)
    return 16 * math.ceil(width * low / 16), 16 * math.ceil(height * low / 16)


def hydra(image: Image.Image) -> tuple[Any, Any, Any]:
    """RGBa, which is black behind what is transparent; Lanczos after an average; patches."""
    image = image.convert("RGBA").convert("RGBa")
    size = hydra_sides(*image.size)
    image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(image)[..., :3]
    places = [(y, x) for y in range(size[1] // 16) for x in range(size[0] // 16)]
    tiles = [pixels[16 * y : 16 * y + 16, 16 * x : 16 * x + 16].reshape(-1) for y, x in places]
    patches = torch.from_numpy(np.stack(tiles)).float() / 127.5 - 1
    return patches[None], torch.tensor(places)[None], torch.ones(1, len(places)).bool()


def torch_deepdanbooru(image: Image.Image) -> tuple[Any]:
    """`resize((512, 512))`, Pillow's default being bicubic; white behind what is transparent."""
    values = np.asarray(resized(on_white(image), (512, 512), Image.Resampling.BICUBIC), np.float64)
    return (torch.from_numpy(values / 255).float().permute(2, 0, 1)[None],)


def checkpoint(path: Path) -> None:
    """The WebUI's own, whose tags lie beside its tensors."""
    torch.save({"n_Conv_0.weight": torch.zeros(1), "tags": list(TAGS)}, path)


def numbered(path: Path) -> None:
    path.write_text(json.dumps({tag: at for at, tag in enumerate(TAGS)}), encoding="utf-8")


def labelled(path: Path) -> None:
    """JTP-3's weights: the labels are in their metadata, the categories in a table."""
    said = {"classifier.labels": "\n".join(TAGS)}
    safetensors_torch.save_file({"x": torch.zeros(1)}, path, metadata=said)
    table = path.parent.parent / "data" / "jtp-3-hydra-tags.csv"
    table.parent.mkdir()
    rows = [f"{tag},{kind}," for tag, kind in TAGS.items()]
    table.write_text("\n".join(["tag,category,implications", *rows, ""]), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "prepare", "write", "columns"),
    [
        ("jtp-pilot", pilot, numbered, 6),
        ("jtp-pilot2", pilot, numbered, 12),
        ("jtp-3-hydra", hydra, labelled, 6),
        ("torchdeepdanbooru", torch_deepdanbooru, checkpoint, 6),
    ],
)
def test_what_a_network_sees_is_its_authors(
    name: str,
    prepare: Any,
    write: Any,
    columns: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the published file names to scores: RGB, RGBA, grey, strips, a dot."""
    probe = Probe(columns)
    monkeypatch.setattr(architectures, "build", lambda *_: probe)
    spec = replace(SPECS[name], tags=None)
    root = tmp_path / spec.name
    for file in (spec.labels, spec.contract.weights):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / spec.contract.weights).write_bytes(b"read by nobody here")
    write(root / spec.labels)

    model = Registry((tmp_path,), specs=(spec,), demo=None).find(name)
    tagger = Tagger(model, open_backend(model))
    fitted = [stack([fit(one, tagger.preprocess)], tagger.preprocess) for one in pictures()]
    found = np.stack([tagger.run(one)[0].values for one in fitted])
    near = np.stack([one.values for one in tagger.scores(pictures())])

    said = torch.cat([probe(*prepare(one)) for one in pictures()])
    wanted = said[:, :6].sigmoid() * (said[:, 6:].sigmoid() if columns > 6 else 1)
    assert np.ptp(wanted.numpy(), axis=0).min() > 0.02
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5, rtol=0)
    np.testing.assert_allclose(near, wanted.numpy(), atol=2e-3, rtol=0)
    assert tagger.labels.names == tuple(TAGS)
