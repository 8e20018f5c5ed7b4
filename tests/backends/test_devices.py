"""What is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tagger.backends import devices
from tagger.backends.devices import cores, lanes


def test_the_list_names_what_reaches_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row for a card though two libraries reach it; the processor is last."""
    monkeypatch.setattr(devices, "torch_names", lambda: ["cpu"])
    built = ("OpenVINOExecutionProvider", "CPUExecutionProvider")
    monkeypatch.setattr(devices, "providers", lambda: built)
    rows = devices.devices()
    assert [row.name for row in rows] == ["openvino", "cpu"]
    assert rows[-1].libraries == ("torch", "onnxruntime")
    assert rows[-1].memory >= rows[-1].free > 0 or rows[-1].memory == 0


def test_a_machine_without_libraries_has_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which nothing reaches yet."""
    monkeypatch.setattr(devices, "torch_names", list)
    monkeypatch.setattr(devices, "providers", tuple)
    (row,) = devices.devices()
    assert (row.name, row.libraries) == ("cpu", ())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_cores_are_those_this_process_may_use() -> None:
    """A process tied to one core has one, whatever the machine has."""
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("text", "count"),
    [("150000 100000", 2), ("100000 100000", 1), ("max 100000", None), ("", None), ("1 0", None)],
)
def test_a_containers_quota_counts(tmp_path: Path, text: str, count: int | None) -> None:
    """A share of cores is rounded up; no quota and no file say nothing."""
    (tmp_path / "cpu.max").write_text(text, encoding="ascii")
    assert devices._quota(tmp_path / "cpu.max") == count
    assert devices._quota(tmp_path / "absent") is None


def test_every_thread_is_a_stream_of_its_own() -> None:
    """By default as many as cores."""
    assert lanes(5) == (5, 1)
    assert lanes() == (cores(), 1)
