"""Camie's taggers of 70,527 tags, the first also as deepghs converted it."""

from __future__ import annotations

from typing import Any

from ...thresholds import Thresholds
from ..contract import Contract
from ..spec import ModelSpec
from .shapes import ADVISED, IMAGENET, hub, square

_V1 = square(512, fit="letterbox", rounding="floor", fill="black", resample="lanczos")


def _v1() -> ModelSpec:
    weights = "model_initial.onnx"
    return ModelSpec(
        "camie-tagger",
        (Contract(weights=weights, preprocess=_V1, activation="sigmoid"),),
        labels="model_initial_metadata.json",
        revision="9afb19b5e21e7916f599edda74eb373cac63ba24",
        tags=70_527,
        title="Camie v1, its first stage",
        family="camie",
        licence="GPL-3.0",
        thresholds=Thresholds(0.2576),
        point=ADVISED,
        recipe="the author's: black padding",
        **hub("Camais03/camie-tagger"),
    )


def _refined() -> ModelSpec:
    contract = Contract(
        weights="refined/model.onnx", preprocess=_V1, input="input", output="output"
    )
    return ModelSpec(
        "camie-tagger-refined",
        (contract,),
        labels="refined/selected_tags.csv",
        calibration="refined/threshold.json",
        optional=("refined/threshold.json",),
        tags=70_527,
        title="Camie v1, its refined stage, as ONNX by deepghs",
        family="camie",
        licence="GPL-3.0",
        thresholds=Thresholds(0.2616),
        point="per category, else the author's advice",
        recipe="the author's: black padding",
        about=1_600_000_000,
        **hub("deepghs/camie_tagger_onnx"),
    )


def _v2() -> ModelSpec:
    grey = (124, 116, 104)
    how: Any = {"fit": "letterbox", "rounding": "floor", "fill": grey, "resample": "lanczos"}
    pixels = square(512, mean=IMAGENET[0], std=IMAGENET[1], **how)
    weights = "camie-tagger-v2.onnx"
    return ModelSpec(
        "camie-tagger-v2",
        (Contract(weights=weights, preprocess=pixels, output=1, activation="sigmoid"),),
        labels="camie-tagger-v2-metadata.json",
        revision="7d40c1b85b86ab4f607b2caf26b1b50c99db743e",
        tags=70_527,
        title="Camie v2, its refined output",
        family="camie",
        licence="GPL-3.0",
        thresholds=Thresholds(0.61),
        point="camie-tagger-quick's",
        recipe="the author's: padded with ImageNet's mean",
        **hub("Camais03/camie-tagger-v2"),
    )


MODELS: tuple[ModelSpec, ...] = (_v1(), _refined(), _v2())
