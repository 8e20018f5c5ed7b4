"""Models that deepghs trained or converted: preprocessing and thresholds come as files.

`preprocess.json` is read where the model lies, so a line here need not know its network's size.
"""

from __future__ import annotations

from typing import Any

from ...thresholds import Thresholds
from ..contract import Contract
from ..spec import ModelSpec
from .shapes import ADVISED, IMAGENET, files, hub, signed, square

_PREDICTION: dict[str, Any] = {"input": "input", "output": "prediction"}
# What animetimm's preprocess.json says of its 384-pixel networks; each model's own counts.
_DBV4 = square(
    384,
    fit="letterbox",
    canvas=(512, 512),
    mean=IMAGENET[0],
    std=IMAGENET[1],
)


def _animetimm(network: str, revision: str = "main", **known: Any) -> ModelSpec:
    return ModelSpec(
        f"{network}.dbv4-full",
        (Contract(preprocess=_DBV4, **_PREDICTION),),
        revision=revision,
        stages="preprocess.json",
        calibration="thresholds.csv",
        optional=("thresholds.csv",),
        tags=12_476,
        title=f"animetimm {network}",
        family="animetimm",
        gated=True,
        thresholds=Thresholds(0.4),
        point="per tag, else per category",
        recipe="the model's own preprocess.json",
        **known,
        **hub(f"animetimm/{network}.dbv4-full"),
    )


def _pixai() -> ModelSpec:
    return ModelSpec(
        "pixai-tagger-v0.9",
        (Contract(preprocess=signed(448, fit="stretch", resample="bilinear"), **_PREDICTION),),
        revision="d8cf666911a2c3d10d586d7823259192313c7eb7",
        files=files(
            (
                "model.onnx",
                1_271_365_854,
                "a8d479098b5e23f253543c93df42391736abbb77c21c2efd3a513b9cda7b3657",
            ),
            (
                "selected_tags.csv",
                596_868,
                "76b5dd39354a7a4d9baefb94d63b44a09a4934ee15303b7eb86c38f2128eb68a",
            ),
        ),
        calibration="thresholds.csv",
        optional=("thresholds.csv",),
        tags=13_461,
        title="PixAI v0.9, as ONNX by deepghs",
        family="pixai",
        licence="Apache-2.0",
        thresholds=Thresholds(0.3, {"general": 0.3, "character": 0.85}),
        point=ADVISED,
        recipe="deepghs': stretched, bilinear",
        **hub("deepghs/pixai-tagger-v0.9-onnx"),
    )


def _deepgelbooru() -> ModelSpec:
    return ModelSpec(
        "deepgelbooru",
        (Contract(preprocess=square(512, layout="nhwc"), **_PREDICTION),),
        labels="tags.csv",
        stages="preprocessor.json",
        title="DeepGelbooru",
        family="deepgelbooru",
        thresholds=Thresholds(0.3),
        point="deepghs' default",
        recipe="the model's own preprocessor.json",
        **hub("deepghs/deepgelbooru_onnx"),
    )


MODELS: tuple[ModelSpec, ...] = (
    _animetimm("caformer_b36", "aac0699c88553d50eb673b41a81d8222936b22b2"),
    _animetimm("caformer_s36"),
    _animetimm("eva02_large_patch14_448", "7f11ec9fdb54dfbfd7cd7fad2ecc452a25b57acb"),
    _animetimm("swinv2_base_window8_256", "e09b265f59b8cec01101f01ec380a7a6dd4db733"),
    _animetimm("convnext_base"),
    _animetimm("convnextv2_huge", "18177355d1448a69bafb0410a0608e144f714e8b"),
    _animetimm("vit_base_patch16_224", "055ad45c6c2531561e59b054ddef216ba204e407"),
    _animetimm("mobilenetv3_large_150d", "89c7ef44d18398714f61fbc2629740e51f012b89"),
    *(_animetimm(f"resnet{depth}") for depth in (18, 34, 50, 101, 152)),
    _pixai(),
    _deepgelbooru(),
)
