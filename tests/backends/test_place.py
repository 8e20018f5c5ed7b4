"""Where a model should run, with what is there and what was asked for."""

from __future__ import annotations

import pytest

from tagger.backends import place
from tagger.backends.devices import PROVIDERS
from tagger.backends.place import Place, pick
from tagger.errors import BackendError, OptionError

BOTH = ("onnxruntime", "torch")


@pytest.fixture(autouse=True)
def a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor and nothing else; the tests add cards."""
    monkeypatch.setattr(place, "torch_names", lambda: ["cpu"])
    set_providers(monkeypatch, "cpu")
    monkeypatch.setattr(place, "_fast_half", lambda name: True)


def set_providers(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    monkeypatch.setattr(
        place, "onnx_kinds", lambda wanted=tuple(PROVIDERS): [
            kind for kind in wanted if kind in kinds
        ]
    )  # fmt: skip


def test_on_a_processor_onnx_runtime_goes_first() -> None:
    """It is the faster one there, and spares the import of torch."""
    assert pick("auto", "auto", BOTH) == Place("onnxruntime", "cpu", "float32")
    assert pick("cpu", "auto", BOTH) == Place("onnxruntime", "cpu", "float32", asked=True)
    assert pick("auto", "auto", ("torch",)) == Place("torch", "cpu", "float32")


def test_on_a_card_torch_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half precision by itself there, float32 on request."""
    monkeypatch.setattr(place, "torch_names", lambda: ["cuda:0", "cuda:1", "cpu"])
    set_providers(monkeypatch, "cuda", "cpu")
    assert pick("auto", "auto", BOTH) == Place("torch", "cuda:0", "float16")
    assert pick("cuda:1", "fp32", BOTH) == Place("torch", "cuda:1", "float32", asked=True)
    assert pick("cuda", "bf16", BOTH) == Place("torch", "cuda:0", "bfloat16", asked=True)
    assert pick("auto", "auto", ("onnxruntime",)) == Place("onnxruntime", "cuda", "float32")
    assert pick("cuda:1", "auto", ("onnxruntime",)).device == "cuda:1"
    assert pick("cpu", "auto", BOTH).device == "cpu"


def test_slow_halves_are_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card older than Volta computes float16 slower than float32."""
    monkeypatch.setattr(place, "torch_names", lambda: ["cuda:0", "cpu"])
    monkeypatch.setattr(place, "_fast_half", lambda name: False)
    assert pick("auto", "auto", BOTH).dtype == "float32"


def test_a_provider_that_rounds_otherwise_is_used_only_when_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OpenVINO and TensorRT are there to be asked for."""
    set_providers(monkeypatch, "openvino", "tensorrt", "cpu")
    assert pick("auto", "auto", BOTH).device == "cpu"
    assert pick("openvino", "auto", BOTH) == Place("onnxruntime", "openvino", asked=True)


def test_a_device_that_is_not_there_is_refused() -> None:
    """A named device is never replaced in silence; the sentence says what there is."""
    with pytest.raises(BackendError, match=r"expected a device cuda .*got cpu"):
        pick("cuda", "auto", BOTH)


def test_half_precision_needs_torch() -> None:
    """ONNX Runtime computes in what the file holds."""
    assert pick("auto", "bf16", BOTH) == Place("torch", "cpu", "bfloat16")
    with pytest.raises(BackendError, match='use precision "fp32"'):
        pick("auto", "fp16", ("onnxruntime",))


@pytest.mark.parametrize(("device", "precision"), [("gpu0", "auto"), ("cuda:x", "auto")])
def test_an_unknown_device_is_a_wrong_option(device: str, precision: str) -> None:
    """Refused before anything is opened."""
    with pytest.raises(OptionError, match="device: expected auto or one of cuda"):
        pick(device, precision, BOTH)


def test_an_unknown_precision_is_a_wrong_option() -> None:
    """With the ones there are."""
    with pytest.raises(OptionError, match="precision: expected auto, fp32, fp16, bf16"):
        pick("auto", "int8", BOTH)
