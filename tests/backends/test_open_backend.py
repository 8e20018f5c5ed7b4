"""The best way that a model's files and this machine allow."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger import backends
from tagger.backends import FakeBackend, open_backend
from tagger.backends.place import Place
from tagger.errors import BackendError, ModelError
from tagger.models.spec import Contract, Model, ModelSpec
from tagger.settings import Runtime

As = Callable[..., Model]


def test_the_same_picture_has_the_same_scores(pictures: np.ndarray) -> None:
    """The fake depends on pixels alone: not on the batch, not on the order, not on the run."""
    one, other = FakeBackend(9), FakeBackend(9)
    alone = np.concatenate([one.run(pictures[i : i + 1]) for i in range(7)])
    np.testing.assert_array_equal(alone, other.run(pictures))
    np.testing.assert_array_equal(alone[::-1], other.run(pictures[::-1]))
    assert (alone[0] != alone[1]).all()
    assert alone.min() >= 0
    assert alone.max() < 1
    assert (one.batches, other.batches) == ([1] * 7, [7, 7])


def test_the_fake_can_fail(pictures: np.ndarray) -> None:
    """It raises what it is told to, counts the run, and refuses once closed."""

    def broken(batch: np.ndarray) -> None:
        raise BackendError("no device")

    backend = FakeBackend(3, on_run=broken)
    with pytest.raises(BackendError, match="no device"):
        backend.run(pictures)
    backend.close()
    with pytest.raises(BackendError, match="got a closed one"):
        backend.run(pictures)
    assert backend.batches == [7, 7]


def test_a_model_runs_where_it_can(
    write_graph: As, pictures: np.ndarray, expected: Callable[[np.ndarray], np.ndarray]
) -> None:
    """An ONNX file alone goes to ONNX Runtime."""
    pytest.importorskip("onnxruntime")
    backend = open_backend(write_graph(), Runtime(device="cpu"))
    assert backend.library.startswith("ONNX Runtime")
    np.testing.assert_allclose(backend.run(pictures), expected(pictures), atol=1e-6)


def test_a_device_that_refuses_is_replaced_in_one_line(
    as_model: As, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Unless it was named: then it is an error."""
    tried: list[str] = []

    def refuse(model: Model, contract: Contract, place: Place, runtime: Runtime) -> FakeBackend:
        tried.append(place.device)
        if place.device != "cpu":
            raise BackendError("the driver is too old")
        return FakeBackend(6)

    def card(device: str, precision: str, libraries: object) -> Place:
        name = "cuda:0" if device != "cpu" else "cpu"
        return Place("onnxruntime", name, asked=device != "auto")

    monkeypatch.setattr(backends, "pick", card)
    monkeypatch.setattr(backends, "_open", refuse)
    monkeypatch.setattr(backends, "_ways", lambda model: {"onnxruntime": Contract()})
    with caplog.at_level(logging.WARNING):
        open_backend(as_model(Contract()), Runtime())
    assert tried == ["cuda:0", "cpu"]
    (line,) = caplog.messages
    assert line == "tiny: cuda:0 refused (the driver is too old), running on the processor"
    with pytest.raises(BackendError, match="too old"):
        open_backend(as_model(Contract()), Runtime(device="cuda"))


def test_a_model_that_no_library_here_runs_says_which_would(
    as_model: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch weights without torch: one sentence with what to install."""
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        BackendError, match="tiny: expected torch with timm with safetensors to run"
    ):
        open_backend(as_model(Contract(runtime="timm", weights="model.safetensors")))


@pytest.mark.parametrize(
    ("library", "fault", "said"),
    [
        # on Windows, a missing C++ runtime
        (
            "onnxruntime",
            ImportError("DLL load failed"),
            "expected onnxruntime to load, got DLL load failed",
        ),
        # timm asks for torchvision, whose compiled part looks for the torch it was made with
        (
            "torch",
            RuntimeError("operator torchvision::nms does not exist"),
            "expected torch and torchvision of one kind, got torch",
        ),
    ],
)
def test_a_library_that_does_not_load_is_one_sentence(
    as_model: As, monkeypatch: pytest.MonkeyPatch, library: str, fault: Exception, said: str
) -> None:
    """Installed, and broken."""

    def broken(name: str, package: str) -> None:
        raise fault

    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.0")  # installed or not
    monkeypatch.setattr(backends, "_ways", lambda model: {library: model.contract})
    monkeypatch.setattr(backends.importlib, "import_module", broken)
    with pytest.raises(BackendError, match=said):
        open_backend(as_model(Contract()), Runtime(device="cpu"))


def test_a_model_that_is_not_on_disk_says_how_to_get_it() -> None:
    """Before any library is looked for."""
    with pytest.raises(ModelError, match="tagger models get absent"):
        open_backend(Model("absent", ModelSpec("absent")))


def test_importing_the_room_imports_no_library() -> None:
    """The libraries are heavy; naming a device or a fake needs none."""
    import subprocess
    import sys

    code = (
        "import sys, tagger.backends, tagger.backends.devices\n"
        "heavy = {'torch', 'onnxruntime', 'timm', 'onnx', 'safetensors'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    root = Path(backends.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
