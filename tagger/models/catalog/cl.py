"""cella110n's cl_tagger: v1 on WD's EVA02, v2 on SigLIP2."""

from __future__ import annotations

from ...thresholds import Thresholds
from ..contract import Contract
from ..spec import ModelSpec
from .shapes import hub, signed


def _cl_v1(version: str) -> ModelSpec:
    folder = f"cl_tagger_{version}"
    pixels = signed(448, channels="bgr")
    return ModelSpec(
        f"cl-tagger-{version.replace('_', '.')}",
        (Contract(weights=f"{folder}/model.onnx", preprocess=pixels, activation="sigmoid"),),
        labels=f"{folder}/tag_mapping.json",
        title=f"cl_tagger v{version.replace('_', '.')}",
        family="cl_tagger",
        licence="Apache-2.0",
        thresholds=Thresholds(0.55),
        point="the author's advice for v2",
        recipe="the author's: white square, bicubic, BGR",
        about=1_430_000_000,
        **hub("cella110n/cl_tagger"),
    )


def _cl_v2(version: str, tags: int | None) -> ModelSpec:
    weights, pixels = f"{version}/model.onnx", signed(384, fit="stretch")
    return ModelSpec(
        f"cl-tagger-{version.replace('_', '.')}",
        (Contract("onnx", weights, pixels, input="pixel_values", activation="sigmoid"),),
        labels=f"{version}/model_vocabulary.json",
        revision="b57909b8e9c63f71e208a26473e7aabdf45ed6b6",
        extra=(f"{version}/model.onnx.data",),
        calibration=f"{version}/model_tag_metrics.npz",
        optional=(f"{version}/model_tag_metrics.npz",),
        tags=tags,
        title=f"cl_tagger {version.replace('_', '.')}",
        family="cl_tagger",
        licence="cl-tagger-v2-model-license-v1.0",
        gated=True,
        redistributable=False,
        thresholds=Thresholds(0.55),
        point="per tag, else the author's advice",
        recipe="SigLIP2's: stretched",
        about=2_227_000_000,
        **hub("cella110n/cl_tagger_v2"),
    )


MODELS: tuple[ModelSpec, ...] = (
    _cl_v1("1_01"),
    _cl_v1("1_02"),
    _cl_v2("v2_00", None),
    _cl_v2("v2_01a", 108_036),
)
