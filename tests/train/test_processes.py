"""Several processes train as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")
pytest.importorskip("accelerate")

from tagger.train import loop
from tagger.train.__main__ import run

MakeDataset = Callable[..., Path]
TWO = """
import os, socket, sys
from tagger.train import loop
from tagger.train.__main__ import run

loop.finish = lambda *_: None  # a model folder takes longer than all steps
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = str(free.getsockname()[1])
os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
children = []
for rank in ("0", "1"):  # as torchrun sets them up, but libraries are imported once
    child = os.fork()
    if not child:
        os.environ |= {"RANK": rank, "LOCAL_RANK": rank}
        code = 1
        try:
            code = run(sys.argv[1:])
        finally:
            sys.stderr.flush()
            os._exit(code)
    children.append(child)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""
VIT = {"img_size": 28, "patch_size": 7, "embed_dim": 24, "depth": 2, "num_heads": 2}


HEADS = {
    "rating": {"kind": "ordinal", "labels": ["rating"]},
    "who": {"labels": ["character"], "hidden": 8, "loss": "cross_entropy"},
    "rest": {"labels": ["general", "copyright"], "loss": "asl", "weight": 0.5},
}
TRIALS = {
    "plain": (50, 0, []),
    # pictures that know different tags, three losses, one of them over a picture's labels; every
    # step is clipped; four pictures fill no step, and 17 are judged by two
    "all at once": (52, 30, ["--heads", json.dumps(HEADS), "--clip", "0.1", "--optimizer", "sgd"]),
}


def words(dataset: Path, out: Path, batch: int, accumulate: int) -> list[str]:
    """A training of three steps by a network whose normalisation knows one picture only."""
    found = [str(dataset), "--out", str(out), "--architecture", "vit_tiny_patch16_224"]
    found += ["--pool", "16", "--model-args", json.dumps(VIT), "--epochs", "1", "--threads", "1"]
    found += ["--batch-size", str(batch), "--accumulate", str(accumulate), "--log-every", "1"]
    return [*found, "--track", "none", "--samples", "0", "--device", "cpu"]


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "progress.jsonl").open()]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="two processes are made by fork")
@pytest.mark.parametrize("trial", TRIALS)
def test_two_processes_have_the_losses_of_one_with_twice_the_batch(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trial: str
) -> None:
    """Step by step to 1e-5 of their size, and in the epoch's judgement, which they share out."""
    count, unknown, more = TRIALS[trial]
    dataset = make_dataset(count, ratings="gsqe", unknown=unknown)
    monkeypatch.setattr(loop, "finish", lambda *_: None)
    assert run([*words(dataset, tmp_path / "one", 16, 1), *more]) == 0
    script = tmp_path / "two.py"
    script.write_text(TWO)
    command = [sys.executable, str(script), *words(dataset, tmp_path / "two", 4, 2), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = records(tmp_path / "one"), records(tmp_path / "two")
    assert [each["kind"] for each in one] == [each["kind"] for each in two]
    assert sum(each["kind"] == "step" for each in one) == 3
    for own, other in zip(one, two, strict=True):
        for name in {"loss", "calibration_loss", "calibration_map", "norm"} & own.keys():
            assert other[name] == pytest.approx(own[name], rel=1e-5)
