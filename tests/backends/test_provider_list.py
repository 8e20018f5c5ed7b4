"""Which of ONNX Runtime's providers are asked for, on builds that are not this machine's."""

from __future__ import annotations

import pytest

pytest.importorskip("onnxruntime")

from tagger.backends import sessions
from tagger.backends.place import Place

CPU = ("CPUExecutionProvider", {})


@pytest.mark.parametrize(
    ("device", "built", "wanted"),
    [
        ("cpu", "CUDA", []),
        ("cuda:1", "CUDA", [("CUDA", {"device_id": "1"})]),
        (
            "tensorrt",
            "Tensorrt CUDA",
            [("Tensorrt", {"device_id": "0"}), ("CUDA", {"device_id": "0"})],
        ),
        ("directml:2", "Dml", [("Dml", {"device_id": "2"})]),
        ("rocm", "MIGraphX", [("MIGraphX", {"device_id": "0"})]),
        ("rocm", "ROCM", [("ROCM", {"device_id": "0"})]),
        ("coreml", "CoreML", [("CoreML", {})]),
        ("openvino", "OpenVINO", [("OpenVINO", {})]),
    ],
)
def test_the_best_first_the_processor_last(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    built: str,
    wanted: list[tuple[str, dict[str, str]]],
) -> None:
    """TensorRT before CUDA for what it lacks; numbers where the provider takes them."""
    names = tuple(f"{name}ExecutionProvider" for name in [*built.split(), "CPU"])
    monkeypatch.setattr(sessions, "providers", lambda: names)
    found = sessions.provider_list(Place("onnxruntime", device))
    assert found == [*((f"{name}ExecutionProvider", own) for name, own in wanted), CPU]
