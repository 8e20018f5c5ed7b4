"""Taggers of e621's tags: Z3D, RedRocket's JTP line, taggerine."""

from __future__ import annotations

from ...labels import E621, Category
from ...thresholds import Thresholds
from ..contract import Activation, Contract
from ..spec import ModelSpec
from .shapes import ADVISED, IMAGENET, hub, signed, square

_PILOT = signed(
    384,
    fit="letterbox",
    resample="lanczos",
    fill="grey",
    background="grey",
    alpha="after",
)
# v / 127.5 - 1; premultiplied alpha, which is black behind what is transparent
_HYDRA = square(
    384,
    scale=1 / 127.5,
    mean=(1.0, 1.0, 1.0),
    fit="patches",
    resample="lanczos",
    background="black",
    reducing_gap=3.0,
    max_patches=1024,
)
_DINOV3 = square(
    1024,
    mean=IMAGENET[0],
    std=IMAGENET[1],
    fit="patches",
    resample="lanczos",
    longest=1024,
)


def _z3d() -> ModelSpec:
    return ModelSpec(
        "z3d-e621-convnext",
        labels="tags-selected.csv",
        categories=E621,
        title="Z3D ConvNext, for furry art",
        family="z3d",
        licence="other",
        thresholds=Thresholds(0.35),
        point="picobyte's extension's",
        recipe="WD's; there are no ratings",
        aliases=("Z3D-E621-Convnext",),
        about=390_000_000,
        **hub("toynya/Z3D-E621-Convnext"),
    )


def _pilot(name: str, weights: str, activation: Activation) -> ModelSpec:
    folder = weights.partition("-")[0]
    contract = Contract(
        "torch", f"{folder}/{weights}", _PILOT, activation=activation, architecture="jtp"
    )
    return ModelSpec(
        name,
        (contract,),
        labels=f"{folder}/tags.json",
        categories=E621,
        tags=9_083,
        title=f"RedRocket {folder.replace('_', ' ')}",
        family="jtp",
        licence="Apache-2.0",
        thresholds=Thresholds(0.2),
        point=ADVISED,
        recipe="the author's: grey behind and around",
        **hub("RedRocket/JointTaggerProject"),
    )


def _hydra() -> ModelSpec:
    weights = "models/jtp-3-hydra.safetensors"
    contract = Contract("torch", weights, _HYDRA, activation="sigmoid", architecture="hydra")
    return ModelSpec(
        "jtp-3-hydra",
        (contract,),
        labels=weights,
        extra=("data/jtp-3-hydra-tags.csv",),
        implications="data/jtp-3-hydra-tags.csv",
        calibration="calibration.csv",
        categories=E621,
        tags=7_504,
        title="RedRocket JTP-3 Hydra",
        family="jtp",
        licence="Apache-2.0",
        # the author's 0.5 on a scale of -1 to 1
        thresholds=Thresholds(0.75),
        point=ADVISED,
        recipe="the author's: native shape in patches of 16",
        about=956_000_000,
        **hub("RedRocket/JTP-3"),
    )


def _taggerine() -> ModelSpec:
    weights = "tagger_proto.safetensors"
    contract = Contract("torch", weights, _DINOV3, activation="sigmoid", architecture="dinov3")
    return ModelSpec(
        "taggerine",
        (contract,),
        labels="tagger_vocab_with_categories_and_alias_updated.json",
        revision="ba76a13a17a9d1844298a68c142c5aae6191505d",
        categories=(*E621, Category(2, "contributor")),
        tags=74_625,
        title="taggerine, DINOv3 ViT-H by lodestones",
        family="taggerine",
        licence="Apache-2.0, on weights under the DINOv3 License",
        thresholds=Thresholds(),
        point="unknown: its author shows the 30 highest",
        recipe="the author's: native shape, at most 1,024 pixels; white behind what is transparent",
        about=5_270_000_000,
        **hub("lodestones/taggerine"),
    )


MODELS: tuple[ModelSpec, ...] = (
    _z3d(),
    _pilot("jtp-pilot", "JTP_PILOT-e4-vit_so400m_patch14_siglip_384.safetensors", "sigmoid"),
    _pilot("jtp-pilot2", "JTP_PILOT2-e3-vit_so400m_patch14_siglip_384.safetensors", "gated"),
    _hydra(),
    _taggerine(),
)
