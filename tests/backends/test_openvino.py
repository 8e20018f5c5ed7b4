"""OpenVINO on the processor: the same scores in float32, near ones in bf16, and only when asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
pytest.importorskip("onnxruntime")

from tagger.backends import open_backend  # noqa: E402
from tagger.errors import BackendError, ModelError  # noqa: E402
from tagger.models.spec import Model  # noqa: E402
from tagger.settings import Runtime  # noqa: E402

As = Callable[..., Model]
HAS_BF16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.mark.parametrize("batch", [1, "N"])
def test_float32_is_the_graphs(
    write_graph: As,
    pictures: np.ndarray,
    expected: Callable[[np.ndarray], np.ndarray],
    batch: int | str,
) -> None:
    """Asked for by name, it says who it is; a fixed batch goes one by one."""
    backend = open_backend(write_graph(batch=batch), Runtime(device="openvino", threads=1))
    assert backend.library.startswith("OpenVINO 2")
    assert (backend.device, backend.dtype, backend.best_batch) == ("cpu", "float32", 1)
    np.testing.assert_allclose(backend.run(pictures), expected(pictures), rtol=0, atol=1e-5)
    backend.close()
    with pytest.raises(BackendError, match="got a closed one"):
        backend.run(pictures)


def test_it_is_never_chosen_unasked(write_graph: As) -> None:
    """ONNX Runtime in float32 is the rule."""
    backend = open_backend(write_graph(), Runtime(device="cpu", threads=1))
    assert (backend.library[:4], backend.dtype) == ("ONNX", "float32")


@pytest.mark.skipif(not HAS_BF16, reason="this processor has no bf16 arithmetic")
def test_bf16_is_read_back_and_near(
    write_graph: As, pictures: np.ndarray, expected: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Stated as such; scores within some hundredths."""
    backend = open_backend(write_graph(), Runtime(precision="bf16", threads=1))
    assert (backend.library[:8], backend.dtype) == ("OpenVINO", "bfloat16")
    np.testing.assert_allclose(backend.run(pictures), expected(pictures), rtol=0, atol=0.05)


def test_a_processor_without_bf16_is_told(write_graph: As, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the way out, instead of float32 under another name."""
    from tagger.backends import openvinort

    class Core:
        def get_property(self, *_: str) -> list[str]:
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvinort.openvino, "Core", Core)
    with pytest.raises(BackendError, match=r'with bfloat16 .* FP32, INT8: use precision "fp32"'):
        open_backend(write_graph(), Runtime(precision="bf16"))


def test_a_truncated_graph_is_one_sentence(write_graph: As, folder: Path) -> None:
    """As everywhere."""
    model = write_graph()
    path = folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match=r"model\.onnx: expected a"):
        open_backend(model, Runtime(device="openvino"))
