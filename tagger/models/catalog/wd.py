"""SmilingWolf's WD taggers, deepghs' idolsankaku, and models that keep their file names.

The ONNX graphs take [N, 448, 448, 3], BGR, 0 to 255 and give probabilities. Recipe: the author's
Space `wd-tagger` (white square, Pillow's bicubic), whatever other tools do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...preprocess import WD, Preprocess
from ...thresholds import Thresholds
from ..contract import Contract
from ..spec import File, ModelSpec
from .shapes import HALF, P_IS_R, UNKNOWN, files, hub, signed

ONNX = Contract()
# The timm weights of WD v3, after the author's and neggles' wdv3-timm: BGR as in the graph.
WD_TIMM: Preprocess = replace(WD, layout="nchw", scale=1 / 255, mean=HALF, std=HALF)
TIMM = Contract("timm", "model.safetensors", WD_TIMM, activation="sigmoid")
RECIPE = "SmilingWolf's Space wd-tagger"
# What that Space begins with, for the models whose cards name no threshold.
_SPACE = Thresholds(0.35, {"general": 0.35, "character": 0.85})

Pin = tuple[str, int, str]  # revision, bytes and SHA-256 of model.onnx

# Every repository of WD v3 has the same label file.
_V3_LABELS = File(
    "selected_tags.csv",
    308_468,
    "298633d94d0031d2081c0893f29c82eab7f0df00b08483ba8f29d1e979441217",
)


def _wd(name: str, network: str, threshold: float | None, aliases: str = "") -> ModelSpec:
    """One of SmilingWolf's taggers."""
    return ModelSpec(
        name=name,
        title=f"WD {network}",
        family="wd",
        licence="Apache-2.0",
        recipe=RECIPE,
        thresholds=_SPACE if threshold is None else Thresholds(threshold),
        point=f"the defaults of {RECIPE}" if threshold is None else P_IS_R,
        aliases=tuple(aliases.split()),
        **hub(f"SmilingWolf/{name}"),
    )


def _v3(name: str, network: str, threshold: float, aliases: str, pin: Pin) -> ModelSpec:
    """WD v3: tags up to 2024-02-28; timm weights beside the ONNX."""
    spec = replace(_wd(name, network, threshold, aliases), contracts=(ONNX, TIMM), tags=10_861)
    return _pinned(spec, pin, _V3_LABELS)


def _v2(name: str, network: str, threshold: float, aliases: str, about: int = 0) -> ModelSpec:
    """WD v1.4 v2: pictures up to number 5,944,504; some graphs are fixed to a batch of one."""
    spec = _wd(name, network, threshold, aliases)
    return replace(spec, tags=9_083, about=about or None)


def _pinned(spec: ModelSpec, pin: Pin, labels: File) -> ModelSpec:
    revision, size, sha256 = pin
    return replace(spec, revision=revision, files=(File("model.onnx", size, sha256), labels))


def _idolsankaku(name: str, network: str, threshold: float) -> ModelSpec:
    """deepghs' taggers of photographs, with the contract of WD v3."""
    title = f"IdolSankaku {network}, for photographs"
    spec = replace(_wd(name, network, threshold), title=title, family="idolsankaku")
    return replace(spec, licence="unknown", **hub(f"deepghs/{name}"))


def _canary(**how: Any) -> ModelSpec:
    """WD's file names, and planes of RGB from -1 to 1: told apart by the shape of the input."""
    return ModelSpec(
        contracts=(Contract(preprocess=signed(448)),),
        family="wd",
        thresholds=Thresholds(),
        point=UNKNOWN,
        recipe="a timm export: white square, bicubic",
        **how,
    )


# Aliases are the names that earlier extensions gave these models in their API.
MODELS: tuple[ModelSpec, ...] = (
    _v3(
        "wd-swinv2-tagger-v3",
        "SwinV2 v3",
        0.2653,
        "wd-swinv2-v3 wd-v1-4-swinv2-tagger.v3",
        (
            "627aef95638667ddcaa3ac8ae625e88ea5b02f51",
            467_460_978,
            "e6774bff34d43bd49f75a47db4ef217dce701c9847b546523eb85ff6dbba1db1",
        ),
    ),
    _v3(
        "wd-vit-tagger-v3",
        "ViT v3",
        0.2614,
        "wd-vit-v3 wd-v1-4-vit-tagger.v3",
        (
            "7f6b584d0bd3f55c4531f14ba3d4761b2bccdc0f",
            378_536_310,
            "35f23693620b668f4d53fd3c62bf65e40af739bc52c7eb0fbc49258b58d065b6",
        ),
    ),
    _v3(
        "wd-convnext-tagger-v3",
        "ConvNext v3",
        0.2682,
        "wd-convnext-v3 wd-v1-4-convnext-tagger.v3",
        (
            "d39e46de298d27340111b64965e20b8185c407e6",
            394_990_732,
            "1b8a7abf13d9b8368267df47501d523789c4aeae66b2296ad98483239dfa32eb",
        ),
    ),
    _v3(
        "wd-vit-large-tagger-v3",
        "ViT-Large v3",
        0.2606,
        "wd14-vit.v3.large",
        (
            "ae469aa2e4706a3af08d3673cf73a11d1add314c",
            1_260_645_673,
            "e4c8001b000a6c98f2db10794f7c406daa79873d071d6ca924330fa053fa1845",
        ),
    ),
    _v3(
        "wd-eva02-large-tagger-v3",
        "EVA02-Large v3",
        0.5296,
        "wd14-eva02.v3.large",
        (
            "b25b82a03f7282e41aa2f257a52c7583b710bd1c",
            1_260_435_999,
            "9e768793060c7939b277ccb382783e8670e8a042d29d77aa736be0c8cc898bfc",
        ),
    ),
    _v2(
        "wd-v1-4-vit-tagger-v2",
        "1.4 ViT v2",
        0.3537,
        "wd14-vit-v2 wd14-vit-v2-git wd14-vit.v2",
        373_000_000,
    ),
    _v2(
        "wd-v1-4-convnext-tagger-v2",
        "1.4 ConvNext v2",
        0.3685,
        "wd14-convnext-v2 wd14-convnext-v2-git wd14-convnext.v2",
        388_000_000,
    ),
    _v2(
        "wd-v1-4-convnextv2-tagger-v2",
        "1.4 ConvNextV2 v2",
        0.3710,
        "wd14-convnextv2-v2 wd14-convnextv2-v2-git wd14-convnextv2.v1",
        388_000_000,
    ),
    _v2(
        "wd-v1-4-swinv2-tagger-v2",
        "1.4 SwinV2 v2",
        0.3771,
        "wd14-swinv2-v2 wd14-swinv2-v2-git wd14-swinv2-v1",
    ),
    _pinned(
        _v2("wd-v1-4-moat-tagger-v2", "1.4 MOAT v2", 0.3771, "wd14-moat-v2 wd-v1-4-moat-tagger.v2"),
        (
            "8452cddf280b952281b6e102411c50e981cb2908",
            326_197_340,
            "b8cef913be4c9e8d93f9f903e74271416502ce0b4b04df0ff1e2f00df488aa03",
        ),
        File(
            "selected_tags.csv",
            253_906,
            "8c8750600db36233a1b274ac88bd46289e588b338218c2e4c62bbc9f2b516368",
        ),
    ),
    replace(
        _wd("wd-v1-4-vit-tagger", "1.4 ViT v1", None, "wd14-vit wd14-vit.v1"), about=365_000_000
    ),
    _wd("wd-v1-4-convnext-tagger", "1.4 ConvNext v1", None, "wd14-convnext wd14-convnext.v1"),
    _idolsankaku("idolsankaku-swinv2-tagger-v1", "SwinV2 v1", 0.3094),
    _idolsankaku("idolsankaku-eva02-large-tagger-v1", "EVA02-Large v1", 0.4985),
    _canary(
        name="wd-eva02-tagger-2026-canary",
        title="EVA02 2026 canary, by Misaka41Z",
        licence="unknown",
        revision="0a86acfa093b33b8818667820e52fc5eccf27ff8",
        files=files(
            (
                "model.onnx",
                1_309_248_037,
                "fd78fbdf9390cbd163e4dd28f754a5bbf83bc7a111c4d20270f22415a0f66c95",
            ),
            (
                "selected_tags.csv",
                467_782,
                "3f78c28ee0d50779edb320733f76aeaf4184694cbd09c631deef6889865f9178",
            ),
        ),
        **hub("Misaka41Z/wd-eva02-tagger-2026-canary-onnx-v2"),
    ),
)
