"""What every test stands on: a home of its own, no network but loopback, the trying-out data."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import hypothesis
import pytest

# A machine that is busy with a training is slow, not wrong.
hypothesis.settings.register_profile(
    "tagger",
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tagger")

LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0"}


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty TAGGER_HOME and an empty Hugging Face cache."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TAGGER_HOME", str(home / "tagger"))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.delenv("TAGGER_MODELS", raising=False)
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HUGGINGFACE_HUB_CACHE", raising=False)
    return home


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"
        if host not in LOOPBACK:
            raise OSError(f"a test tried to reach {host}: only loopback is allowed")
        connect(self, address)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_faster_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no long run of a test import torch beside it, for all tests that follow."""
    monkeypatch.setattr("tagger.pipeline.decoding.load", lambda: None)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of trying-out data, or a skip that says how to name it."""
    folder = os.environ.get("TAGGER_TEST_DATA")
    if not folder:
        pytest.skip("TAGGER_TEST_DATA is not set: no trying-out data here")
    return Path(folder)
