"""Networks of single models, each against its author's recipe said again in plain torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

from torch.nn import functional  # noqa: E402

from tagger.backends import architectures  # noqa: E402
from tagger.backends.place import Place  # noqa: E402
from tagger.backends.pytorch import open_model  # noqa: E402
from tagger.errors import BackendError, ModelError  # noqa: E402
from tagger.models.spec import Contract, Model  # noqa: E402
from tagger.preprocess import Preprocess, fit, stack  # noqa: E402
from tagger.settings import Runtime  # noqa: E402

from .conftest import explain  # noqa: E402

As = Callable[..., Model]
CPU = Place("torch", "cpu")
PLUS_MINUS: Any = {"layout": "nchw", "scale": 1 / 255, "mean": (0.5,) * 3, "std": (0.5,) * 3}
DANBOORU = Contract(
    "torch",
    "model.pt",
    Preprocess(size=(256, 256), fit="stretch", scale=1 / 255),
    activation="sigmoid",
    architecture="torchdeepdanbooru",
)
PILOT = Contract(
    "torch",
    "model.safetensors",
    Preprocess(
        size=(28, 28),
        fit="letterbox",
        alpha="after",
        background="grey",
        resample="lanczos",
        **PLUS_MINUS,
    ),
    activation="sigmoid",
    architecture="jtp",
)
HYDRA = Contract(
    "torch",
    "model.safetensors",
    Preprocess(
        fit="patches",
        background="black",
        resample="lanczos",
        reducing_gap=3.0,
        max_patches=20,
        **{**PLUS_MINUS, "scale": 1 / 127.5, "mean": (1.0,) * 3, "std": (1.0,) * 3},
    ),
    activation="sigmoid",
    architecture="hydra",
)
JOYTAG = Contract(
    "torch",
    "model.safetensors",
    Preprocess(size=(32, 32), layout="nchw", scale=1 / 255),
    activation="sigmoid",
    architecture="joytag",
)


def opened(model: Model, contract: Contract) -> Any:
    return open_model(model, contract, CPU, Runtime(threads=1))


def draws(seed: int) -> Callable[..., Any]:
    """Makes float32 tensors, large enough that scores spread."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, scale: float = 1.0) -> Any:
        fan = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        return torch.randn(*shape, generator=generator) * scale / fan**0.5

    return draw


def check_same(scores: np.ndarray, wanted: Any) -> None:
    np.testing.assert_allclose(scores, wanted.detach().numpy(), rtol=0, atol=1e-5)
    assert np.ptp(scores) > 0.1


# DeepDanbooru


def danbooru_weights() -> dict[str, Any]:
    """179 convolutions of the released file's numbers and strides, a few channels wide."""
    draw, state = draws(1), {}

    def conv(number: int, into: int, out: int, size: int, bias: bool = True) -> None:
        state[f"n_Conv_{number}.weight"] = draw(out, into, size, size)
        if bias:
            state[f"n_Conv_{number}.bias"] = draw(out, scale=0.2)

    conv(0, 3, 4, 7)
    number, into = 1, 4
    for blocks, wide, last in (
        (3, 6, False),
        (8, 8, False),
        (20, 10, False),
        (20, 10, True),
        (3, 8, False),
        (3, 6, False),
    ):
        for block in range(blocks):
            if block == 0 and not last:
                conv(number, into, wide, 1)
                number += 1
            for size, (a, b) in zip((1, 3, 1), ((into, 3), (3, 3), (3, wide)), strict=True):
                conv(number, a, b, size)
                number += 1
            if block == 0 and last:
                conv(number, into, wide, 1)
                number += 1
            into = wide
    assert number == 178
    conv(178, into, 6, 1, bias=False)
    return state


def danbooru_recipe(state: dict[str, Any], pixels: np.ndarray) -> Any:
    """The released network's steps in order; transitions where the released file has them."""
    shortcuts = {1: (1, 2), 11: (2, 12), 36: (2, 37), 100: (2, 97), 158: (2, 159), 168: (2, 169)}
    heads = {first: (number, stride) for number, (stride, first) in shortcuts.items()}

    def conv(number: int, x: Any, stride: int = 1) -> Any:
        name = f"n_Conv_{number}"
        bias = state.get(f"{name}.bias")
        return functional.conv2d(x, state[f"{name}.weight"], bias, stride=stride)

    x = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    x = conv(0, functional.pad(x, [2, 3, 2, 3]), 2).relu()
    x = functional.max_pool2d(functional.pad(x, [0, 1, 0, 1], value=float("-inf")), 3, 2)
    number = 1
    while number < 178:
        number += number in shortcuts
        shortcut, stride = heads.get(number, (None, 1))
        y = conv(number, x).relu()
        y = functional.pad(y, [1, 1, 1, 1] if stride == 1 else [0, 1, 0, 1])
        y = conv(number + 2, conv(number + 1, y, stride).relu())
        x = (y + (x if shortcut is None else conv(shortcut, x, stride))).relu()
        number += 3
        number += number in shortcuts and number == 100
    return torch.sigmoid(conv(178, x).mean(dim=(2, 3)))


@pytest.fixture
def danbooru(folder: Path, as_model: As) -> Model:
    """A folder with such a checkpoint, tags inside."""
    state = {**danbooru_weights(), "tags": ["a"] * 6}
    torch.save(state, folder / "model.pt")
    return as_model(DANBOORU)


def test_deepdanbooru_is_the_webuis(danbooru: Model) -> None:
    """Stretched to the size, RGB of 0 to 1, every padding where TensorFlow has it."""
    pixels = np.random.default_rng(2).integers(0, 256, (2, 256, 256, 3), np.uint8)
    check_same(opened(danbooru, DANBOORU).run(pixels), danbooru_recipe(danbooru_weights(), pixels))


class Trap:
    """What a hostile checkpoint holds: a call made by unpickling it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("trapped"),))


def test_a_checkpoint_with_code_is_refused(
    danbooru: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence; nothing in it has run."""
    monkeypatch.chdir(folder)
    torch.save({"tags": ["a"], "n_Conv_0.weight": Trap()}, folder / "model.pt")
    with pytest.raises(ModelError, match=r"model\.pt: expected tensors and tags alone, got a"):
        opened(danbooru, DANBOORU)
    assert not (folder / "trapped").exists()


def test_a_broken_checkpoint_is_named(danbooru: Model, folder: Path) -> None:
    """Half a download, an empty file, no tensors, another network's tensors."""
    path = folder / "model.pt"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"nothing"):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"model\.pt: expected a torch checkpoint, got a"):
            opened(danbooru, DANBOORU)
    torch.save([1], path)
    with pytest.raises(ModelError, match=r"model\.pt: expected tensors by name, got list"):
        opened(danbooru, DANBOORU)
    torch.save({"n_Conv_0.weight": torch.zeros(1, 3, 7, 7)}, path)
    with pytest.raises(ModelError, match=r"expected the tensors of torchdeepdanbooru, got others"):
        opened(danbooru, DANBOORU)


# JTP PILOT and PILOT2


def pilot_weights(columns: int) -> dict[str, Any]:
    """timm's own, of two blocks and two heads, with the released names."""
    timm = pytest.importorskip("timm")
    torch.manual_seed(3)
    network = timm.create_model(
        "vit_so400m_patch14_siglip_384",
        num_classes=columns,
        img_size=28,
        embed_dim=144,
        depth=2,
        num_heads=2,
        mlp_ratio=1.5,
    )
    torch.nn.init.normal_(network.head.weight, std=0.5)
    return {"network": network.eval(), "state": network.state_dict()}


@pytest.mark.parametrize("gated", [False, True])
def test_pilots_are_timms_with_their_head(folder: Path, as_model: As, gated: bool) -> None:
    """A sigmoid; or sigmoid of a tag's column times sigmoid of its gate's, behind all tags."""
    made = pilot_weights(12 if gated else 6)
    inside = "head.linear." if gated else "head."
    state = {
        name.replace("head.", inside) if name.startswith("head.") else name: value
        for name, value in made["state"].items()
    }
    safetensors_torch.save_file(state, folder / "model.safetensors")
    contract = replace(PILOT, activation="gated") if gated else PILOT
    pixels = np.random.default_rng(5).integers(0, 256, (3, 28, 28, 4), np.uint8)
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).double() / 255
    values = values[:, :3] * values[:, 3:] + (1 - values[:, 3:]) * 0.5
    with torch.inference_mode():
        logits = made["network"](((values - 0.5) / 0.5).float())
    wanted = logits.sigmoid()
    if gated:
        wanted = logits[:, :6].sigmoid() * logits[:, 6:].sigmoid()
    check_same(opened(as_model(contract), contract).run(pixels), wanted)


# JTP-3


def hydra_weights(folder: Path) -> tuple[Any, dict[str, Any]]:
    """A NaFlex ViT of timm's with two blocks, and the head's tensors under the released names."""
    timm = pytest.importorskip("timm")
    torch.manual_seed(4)
    backbone = timm.create_model(
        "naflexvit_so400m_patch16_siglip",
        num_classes=0,
        embed_dim=144,
        depth=2,
        num_heads=2,
        mlp_ratio=1.5,
        pos_embed_grid_size=(4, 4),
        pos_embed_interp_mode="bilinear",
    ).eval()
    backbone.attn_pool = None
    draw = draws(6)
    query = draw(2, 6, 72, scale=20)
    head = {
        "q": functional.rms_norm(query, (72,), eps=1e-5),
        "kv.weight": draw(288, 144),
        "ff_norm.weight": 1 + draw(144, scale=0.1),
        "ff_norm.bias": draw(144),
        "ff_in.weight": draw(400, 144),
        "ff_out.weight": draw(144, 200),
        "out_proj.weight": draw(6, 144, 2, scale=4),
        "cls": draw(2, 6, 72),
        "roots": draw(2, 3, 72),
    }
    rows = {f"attn_pool.{name}": value.contiguous() for name, value in head.items()}
    state = {**backbone.state_dict(), **rows}
    safetensors_torch.save_file(state, folder / "model.safetensors")
    return backbone, head


def hydra_recipe(backbone: Any, head: dict[str, Any], picture: np.ndarray) -> Any:
    """One picture alone, without padding or mask, head by head in plain products."""
    down, across = picture.shape[0] // 16, picture.shape[1] // 16
    tiles = [
        picture[16 * y : 16 * y + 16, 16 * x : 16 * x + 16].reshape(-1)
        for y in range(down)
        for x in range(across)
    ]
    patches = torch.from_numpy(np.stack(tiles)).float()[None] / 127.5 - 1
    places = torch.tensor([(y, x) for y in range(down) for x in range(across)])[None]
    x = backbone.forward_features(patches, places, torch.ones(1, len(tiles)).bool())["patches"][0]
    keys, values = (x @ head["kv.weight"].T).chunk(2, dim=-1)
    found = []
    for number in range(2):
        part = slice(72 * number, 72 * number + 72)
        key = keys[:, part]
        key = key / (key.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
        shares = (head["q"][number] @ key.T / 72**0.5).softmax(-1)
        found.append(shares @ values[:, part])
    y = torch.cat(found, dim=-1)
    normed = functional.layer_norm(y, (144,), head["ff_norm.weight"], head["ff_norm.bias"])
    first, second = (normed @ head["ff_in.weight"].T).chunk(2, dim=-1)
    y = y + (first * first.sigmoid() * second) @ head["ff_out.weight"].T
    pairs = torch.stack([y[tag] @ head["out_proj.weight"][tag] for tag in range(6)])
    return (pairs[:, 0] * pairs[:, 0].sigmoid() * pairs[:, 1]).sigmoid()


@torch.inference_mode()
def test_hydra_is_jtp_3s(folder: Path, as_model: As) -> None:
    """Pictures of other shapes beside it change nothing: padding is masked everywhere."""
    backbone, head = hydra_weights(folder)
    rng = np.random.default_rng(8)
    sizes = [(64, 80), (32, 16), (48, 48), (16, 160)]
    pictures = [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    backend = opened(as_model(HYDRA), HYDRA)
    wanted = torch.stack([hydra_recipe(backbone, head, picture) for picture in pictures])
    check_same(backend.run(stack(pictures, HYDRA.preprocess)), wanted)


def test_a_picture_goes_the_whole_road_in_patches(folder: Path, as_model: As) -> None:
    """Fitted, cut, scored: transparent parts are black, the shape stays."""
    from PIL import Image

    from tagger.engine import Tagger

    hydra_weights(folder)
    model = as_model(HYDRA)
    tagger = Tagger(model, opened(model, HYDRA))
    rng = np.random.default_rng(9)
    images = [
        Image.fromarray(rng.integers(0, 256, (h, w, 4), np.uint8)) for h, w in ((90, 70), (20, 200))
    ]
    assert tagger.fit(images[0]).shape == (80, 64, 3)
    for image, scores in zip(images, tagger.scores(images), strict=True):
        black = np.asarray(image.convert("RGBa"))[..., :3]
        alone = tagger.run(stack([fit(Image.fromarray(black), HYDRA.preprocess)], HYDRA.preprocess))
        np.testing.assert_allclose(scores.values, alone[0].values, atol=1e-5)


# JoyTag


def joytag_weights(stem: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two blocks of 64 channels in two heads; config and tensors under the released names."""
    draw = draws(7)
    config = {
        "class": "ViT",
        "n_tags": 6,
        "image_size": 32,
        "num_blocks": 2,
        "patch_size": 8,
        "d_model": 64,
        "mlp_dim": 96,
        "num_heads": 2,
        "stochdepth_rate": 0.05,
        "use_sine": not stem,
        "loss_type": "ce",
    }
    state = {"norm.weight": 1 + draw(64), "norm.bias": draw(64)}
    if stem:
        config["cnn_stem"] = "conv:c=12;ln;relu;conv:c=64,s=4,k=5,p=2;ln;gelu;conv:c=64,k=1,s=1,p=0"
        shapes = {"conv.0": (12, 3, 3, 3), "conv.3": (64, 12, 5, 5), "conv.6": (64, 64, 1, 1)}
        for name, shape in shapes.items():
            state[f"patch_embeddings.{name}.weight"] = draw(*shape, scale=3)
            state[f"patch_embeddings.{name}.bias"] = draw(shape[0])
        for name, width in (("conv.1", 12), ("conv.4", 64)):
            state[f"patch_embeddings.{name}.norm.weight"] = 1 + draw(width)
            state[f"patch_embeddings.{name}.norm.bias"] = draw(width)
        state["pos_embedding.embedding.weight"] = draw(16, 64)
        state["pos_embedding.position_ids"] = torch.arange(16)
    else:
        state["patch_embeddings.weight"] = draw(64, 3, 8, 8, scale=4)
        state["patch_embeddings.bias"] = draw(64)
    for block in range(2):
        shapes = {"qkv_proj": (192, 64), "out_proj": (64, 64)}
        shapes |= {"mlp.linear1": (96, 64), "mlp.linear2": (64, 96)}
        for name, shape in shapes.items():
            state[f"blocks.{block}.{name}.weight"] = draw(*shape, scale=2)
            state[f"blocks.{block}.{name}.bias"] = draw(shape[0])
        for name in ("norm1", "norm2"):
            state[f"blocks.{block}.{name}.weight"] = 1 + draw(64)
            state[f"blocks.{block}.{name}.bias"] = draw(64)
        for name in ("skip_init1", "skip_init2"):
            state[f"blocks.{block}.{name}.skip"] = draw(64)
    state["head.weight"], state["head.bias"] = draw(15, 64, scale=4), draw(15)
    return config, state


def joytag_recipe(state: dict[str, Any], pixels: np.ndarray, stem: bool) -> Any:
    """The author's forward pass in plain products, one head at a time."""
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255

    def norm(x: Any, name: str) -> Any:
        width = x.shape[-1]
        return functional.layer_norm(x, (width,), state[f"{name}.weight"], state[f"{name}.bias"])

    def conv(x: Any, name: str, **how: int) -> Any:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return functional.conv2d(x, weight, bias, **how)

    def channel_norm(x: Any, name: str) -> Any:
        return norm(x.permute(0, 2, 3, 1), name).permute(0, 3, 1, 2)

    if stem:
        prefix = "patch_embeddings.conv"
        x = channel_norm(conv(x, f"{prefix}.0", stride=2, padding=1), f"{prefix}.1.norm").relu()
        x = channel_norm(conv(x, f"{prefix}.3", stride=4, padding=2), f"{prefix}.4.norm")
        x = conv(functional.gelu(x), f"{prefix}.6")
        places = state["pos_embedding.embedding.weight"]
    else:
        x = conv(x, "patch_embeddings", stride=8)
        rows = [
            [np.sin(c * w), np.cos(c * w), np.sin(r * w), np.cos(r * w)]
            for r in range(4)
            for c in range(4)
            for w in [10_000.0 ** -(np.arange(16) / 15)]
        ]
        places = torch.from_numpy(np.array(rows).reshape(16, 64)).float()
    x = x.flatten(2).transpose(1, 2) + places
    for block in range(2):
        name = f"blocks.{block}"
        y = norm(x, f"{name}.norm1") @ state[f"{name}.qkv_proj.weight"].T
        y = y + state[f"{name}.qkv_proj.bias"]
        query, key, value = y.split(64, dim=-1)
        parts = [slice(0, 32), slice(32, 64)]
        found = [
            (query[..., p] @ key[..., p].transpose(1, 2) / 32**0.5).softmax(-1) @ value[..., p]
            for p in parts
        ]
        y = torch.cat(found, -1) @ state[f"{name}.out_proj.weight"].T
        x = x + (y + state[f"{name}.out_proj.bias"]) * state[f"{name}.skip_init1.skip"]
        y = norm(x, f"{name}.norm2") @ state[f"{name}.mlp.linear1.weight"].T
        y = functional.gelu(y + state[f"{name}.mlp.linear1.bias"])
        y = y @ state[f"{name}.mlp.linear2.weight"].T + state[f"{name}.mlp.linear2.bias"]
        x = x + y * state[f"{name}.skip_init2.skip"]
    x = norm(x, "norm").mean(1)
    return torch.sigmoid(x @ state["head.weight"][:6].T + state["head.bias"][:6])


@pytest.mark.parametrize("stem", [False, True])
def test_joytag_is_its_authors(folder: Path, as_model: As, stem: bool) -> None:
    """With waves or learned places, one convolution or a stem; what is behind the tags is cut."""
    config, state = joytag_weights(stem)
    (folder / "config.json").write_text(json.dumps(config))
    safetensors_torch.save_file(state, folder / "model.safetensors")
    pixels = np.random.default_rng(6).integers(0, 256, (3, 32, 32, 3), np.uint8)
    check_same(opened(as_model(JOYTAG), JOYTAG).run(pixels), joytag_recipe(state, pixels, stem))


# why a tag, and pictures as vectors


def test_deepdanbooru_is_asked_by_its_last_maps(danbooru: Model) -> None:
    """Grad-CAM under a classifier of places is the place's own score, what speaks against left out;
    the vector is what the classifier makes the scores of."""
    weights = danbooru_weights()
    backend = opened(danbooru, DANBOORU)
    pixels = np.random.default_rng(2).integers(0, 256, (256, 256, 3), np.uint8)
    last = weights["n_Conv_178.weight"][:, :, 0, 0]
    vector = torch.from_numpy(backend.embed(pixels[None]))
    check_same(backend.run(pixels[None]), (vector @ last.T).sigmoid())
    maps = backend._network.forward_features(backend._inputs(pixels[None])[0])[0].detach()
    column = int(backend.run(pixels[None])[0].argmax())
    wanted = torch.einsum("c,chw->hw", last[column], maps).clamp(min=0)
    (found,) = explain(backend, pixels, [column])
    assert found.method == "Grad-CAM"
    np.testing.assert_allclose(found.values, wanted / wanted.max(), atol=1e-4)


@pytest.mark.parametrize("stem", [False, True])
def test_joytag_is_asked_by_its_attention(folder: Path, as_model: As, stem: bool) -> None:
    """Seen where it is computed step by step, which gives the scores of the fused kernel."""
    config, state = joytag_weights(stem)
    (folder / "config.json").write_text(json.dumps(config))
    safetensors_torch.save_file(state, folder / "model.safetensors")
    backend = opened(as_model(JOYTAG), JOYTAG)
    pixels = np.random.default_rng(6).integers(0, 256, (32, 32, 3), np.uint8)
    before = backend.run(pixels[None])
    rolled, asked = (explain(backend, pixels, [0, 4], how) for how in ("rollout", "gradient"))
    assert [each.method for each in rolled] == ["attention roll-out"] * 2
    assert [each.method for each in asked] == ["gradient-weighted roll-out"] * 2
    assert np.array_equal(rolled[0].values, rolled[1].values)
    assert not np.allclose(asked[0].values, asked[1].values, atol=1e-3)
    assert len({each.values.shape for each in (*rolled, *asked)}) == 1
    assert np.array_equal(backend.run(pixels[None]), before)
    for block in backend._network.blocks:
        block.fused_attn = False
    np.testing.assert_allclose(backend.run(pixels[None]), before, atol=1e-6)
    vector = torch.from_numpy(backend.embed(pixels[None]))
    head = state["head.weight"][:6], state["head.bias"][:6]
    check_same(before, (vector @ head[0].T + head[1]).sigmoid())


@torch.inference_mode()
def test_a_network_of_patches_is_covered_and_gives_vectors(folder: Path, as_model: As) -> None:
    """It can't be asked by gradients, which is said; a vector is the mean of a picture's patches,
    whatever lies beside it in the batch."""
    backbone, _ = hydra_weights(folder)
    rng = np.random.default_rng(8)
    pictures = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((64, 80), (32, 16))]
    backend = opened(as_model(HYDRA), HYDRA)
    vectors = backend.embed(stack(pictures, HYDRA.preprocess))
    for picture, vector in zip(pictures, vectors, strict=True):
        alone = stack([picture], HYDRA.preprocess)
        patches, places, valid = backend._inputs(alone)
        kept = [each[:, valid[0]] for each in (patches, places, valid)]
        wanted = backbone.forward_features(*kept)["patches"][0].mean(0)
        np.testing.assert_allclose(vector, wanted.numpy(), atol=1e-5)
    (found,) = explain(backend, pictures[1], [2])
    assert found.method == "occlusion"
    with pytest.raises(BackendError, match='use "occlusion", which needs scores alone'):
        explain(backend, pictures[1], [2], "gradient")


# what all have in common


def test_labels_must_be_as_many_as_columns(folder: Path, as_model: As) -> None:
    """Seven columns beside six labels; a gated head where a plain one is promised."""
    for columns in (7, 12):
        safetensors_torch.save_file(pilot_weights(columns)["state"], folder / "model.safetensors")
        with pytest.raises(ModelError, match=r"model\.safetensors: expected an output of \[N, 6\]"):
            opened(as_model(PILOT), PILOT)


def test_an_unknown_network_is_named(folder: Path) -> None:
    """With those that are known."""
    with pytest.raises(ModelError, match="expected an architecture of torchdeepdanbooru, joytag"):
        architectures.build("resnet", folder / "x", folder / "config.json")


def test_truncated_weights_are_one_sentence(folder: Path, as_model: As) -> None:
    """As for timm's."""
    path = folder / "model.safetensors"
    safetensors_torch.save_file(pilot_weights(6)["state"], path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"model\.safetensors: expected safetensors, got a trunc"):
        opened(as_model(PILOT), PILOT)
