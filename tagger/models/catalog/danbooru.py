"""Other taggers of Danbooru's tags, each with a preprocessing of its own."""

from __future__ import annotations

from typing import Any

from ...thresholds import Thresholds
from ..contract import Contract
from ..spec import File, ModelSpec
from .shapes import ADVISED, CLIP, P_IS_R, files, hub, signed, square

_PIXAI_V1 = {"general": 0.17, "character": 0.27, "artist": 0.15, "copyright": 0.24}
_JOYTAG = square(448, mean=CLIP[0], std=CLIP[1])
_TORCH_DEEPDANBOORU = square(512, fit="stretch", layout="nhwc")


def _deepdanbooru() -> ModelSpec:
    pixels = square(512, fit="letterbox", fill="edge", resample="area", layout="nhwc")
    return ModelSpec(
        "deepdanbooru",
        (Contract(weights="deepdanbooru/deepdanbooru.onnx", preprocess=pixels),),
        labels="deepdanbooru/deepdanbooru_tags.csv",
        title="DeepDanbooru, as ONNX",
        family="deepdanbooru",
        licence="MIT",
        thresholds=Thresholds(0.5),
        point=ADVISED,
        recipe="KichangKim's, which it was trained with: by area, edges repeated; deepghs' port "
        "pads with black",
        **hub("deepghs/imgutils-models"),
    )


def _torch_deepdanbooru() -> ModelSpec:
    weights = "model-resnet_custom_v3.pt"
    contract = Contract(
        "torch",
        weights,
        _TORCH_DEEPDANBOORU,
        activation="sigmoid",
        architecture="torchdeepdanbooru",
    )
    return ModelSpec(
        "torchdeepdanbooru",
        (contract,),
        labels=weights,
        title="DeepDanbooru, as the WebUI's own torch model",
        family="deepdanbooru",
        licence="MIT",
        thresholds=Thresholds(0.5),
        point=ADVISED,
        recipe="TorchDeepDanbooru's test.py: stretched",
        source="https://github.com/AUTOMATIC1111/TorchDeepDanbooru",
        beside="torch_deepdanbooru",
    )


def _ml_danbooru(name: str, network: str, weights: str, side: int, alias: str) -> ModelSpec:
    pixels = square(side, fit="stretch", resample="bilinear")
    return ModelSpec(
        name,
        (Contract(weights=weights, preprocess=pixels, activation="sigmoid"),),
        labels="classes.json",
        tags=12_547,
        title=f"ML-Danbooru {network}",
        family="ml-danbooru",
        thresholds=Thresholds(0.7),
        point=ADVISED,
        recipe="the author's: stretched; picobyte's extension keeps the shape instead",
        aliases=(alias,),
        **hub("deepghs/ml-danbooru-onnx"),
    )


def _pixai_v1() -> ModelSpec:
    how: Any = {"fit": "letterbox", "rounding": "floor", "fill": "black", "resample": "bilinear"}
    return ModelSpec(
        "pixai-tagger-v1.0",
        (Contract(preprocess=signed(1008, **how), activation="sigmoid"),),
        labels="tags.json",
        revision="68e8f4f02dd56a5f40c1b7474489fa0f599dec34",
        files=files(
            (
                "model.onnx",
                2_633_225,
                "563f4576c2668560c20f403b957f0ec4a7bd6a2275da2c2aa7f82f898ad34e5c",
            ),
            (
                "model.onnx.data",
                1_955_123_200,
                "4de1c25a38d1f2a2172fbcb0d2485b5f02a058b6e67bedd7bbbcfdf4de9329dc",
            ),
            (
                "tags.json",
                816_539,
                "0d34f2078016798808dc066dc206b18fb6ce7622f64241002ecd24172a4da068",
            ),
        ),
        tags=30_877,
        title="PixAI v1.0, as ONNX by noaione",
        family="pixai",
        licence="Apache-2.0",
        thresholds=Thresholds(0.17, {**_PIXAI_V1, "meta": 0.17, "rating": 0.41}),
        point=ADVISED,
        recipe="the author's pipeline, with Pillow's bilinear",
        **hub("noaione/pixai-tagger-v1.0-onnx"),
    )


def _joytag() -> ModelSpec:
    torch = Contract(
        "torch", "model.safetensors", _JOYTAG, activation="sigmoid", architecture="joytag"
    )
    return ModelSpec(
        "joytag",
        (Contract(preprocess=_JOYTAG, activation="sigmoid"), torch),
        labels="top_tags.txt",
        revision="6b7f16331a6ccf0fdce37d5a9564715f6e772b22",
        tags=5_813,
        title="JoyTag",
        family="joytag",
        licence="Apache-2.0",
        thresholds=Thresholds(0.4),
        point=ADVISED,
        recipe="the author's: white square, Pillow's bicubic",
        about=366_116_154,
        **hub("fancyfeast/joytag"),
    )


def _oppaioracle(version: str, side: int, threshold: float, *sums: str) -> ModelSpec:
    grey = (114, 114, 114)
    pixels = signed(side, fit="letterbox", fill=grey, alpha="mask", background="white")
    folder = f"{version}_onnx"
    names = (f"{folder}/model.onnx", f"{folder}/selected_tags.csv")
    contract = Contract(
        weights=names[0],
        preprocess=pixels,
        input="pixel_values",
        mask="padding_mask",
        output="probabilities",
    )
    return ModelSpec(
        f"oppaioracle-{version.lower()}",
        (contract,),
        labels=names[1],
        calibration=f"{folder}/pr_thresholds.json",
        optional=(f"{folder}/pr_thresholds.json",),
        revision="96992fa30568c386e9fe7c8a1a68f798a3202c09",
        files=tuple(File(name, sha256=one) for name, one in zip(names, sums, strict=False)),
        tags=19_294,
        title=f"OppaiOracle {version}",
        family="oppaioracle",
        licence="Apache-2.0",
        thresholds=Thresholds(threshold),
        point=f"{P_IS_R}, per tag",
        about=993_000_000,
        recipe="the author's letterbox, with a mask of the padding",
        **hub("Grio43/OppaiOracle"),
    )


MODELS: tuple[ModelSpec, ...] = (
    _deepdanbooru(),
    _torch_deepdanbooru(),
    _ml_danbooru(
        "ml-danbooru-caformer",
        "CAFormer-M36",
        "ml_caformer_m36_dec-5-97527.onnx",
        448,
        "mld-caformer.dec-5-97527",
    ),
    _ml_danbooru(
        "ml-danbooru-tresnet-d",
        "TResNet-D",
        "TResnet-D-FLq_ema_6-30000.onnx",
        640,
        "mld-tresnetd.6-30000",
    ),
    _joytag(),
    _pixai_v1(),
    _oppaioracle("V1", 320, 0.614),
    _oppaioracle(
        "V1.1",
        448,
        0.753,
        "8567852deb135eccfe4b8445d48e4476ee8846436486679adc0642cfeda07d13",
        "6e51d4a4023d52e5b6485123be113515ba70d137150d7976168f4d5b243e5da8",
    ),
)
