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
TWO = '''
import os, pathlib, socket, sys, traceback
from tagger.train import loop
from tagger.train.__main__ import run

loop.finish = lambda *_: None  # a model folder takes longer than all steps
if "sharded" in os.environ:
    # Accelerate shards on cards alone: here it is done as it does it there, by torch's own
    import accelerate
    from torch.distributed.fsdp import fully_shard

    def prepare(self, whole, optimizer):
        names = {weight: name for name, weight in whole.named_parameters()}
        for block in whole.network.trunk.blocks:
            fully_shard(block)
        fully_shard(whole)
        parts = dict(whole.named_parameters())
        for group in optimizer.param_groups:  # frozen ones too: they are released later
            group["params"] = [parts[names[weight]] for weight in group["params"]]
        return whole, optimizer

    def finish(material, network, progress):
        from safetensors.torch import save_file
        save_file(network.state_dict(), material.config.out / "network.safetensors")

    from tagger.train import learner
    learner.shards = lambda _: True
    accelerate.Accelerator.prepare = prepare
    loop.finish = finish
def together(words):
    """The command in two processes, as torchrun sets them up; libraries are imported once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    children = []
    for rank in ("0", "1"):
        child = os.fork()
        if not child:
            os.environ |= {"RANK": rank, "LOCAL_RANK": rank}
            code = 1
            try:
                code = run(words)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        children.append(child)
    return any([os.waitpid(child, 0)[1] for child in children])

failed = together(sys.argv[1:])
if "sharded" in os.environ and not failed:  # and again, from what was saved after the first epoch
    out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
    (out / "checkpoints" / "last.safetensors").unlink()
    failed = together([*sys.argv[1:], "--resume"])
sys.exit(failed)
'''
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
    assert done.returncode == 0, done.stderr[-9000:]
    one, two = records(tmp_path / "one"), records(tmp_path / "two")
    assert [each["kind"] for each in one] == [each["kind"] for each in two]
    assert sum(each["kind"] == "step" for each in one) == 3
    for own, other in zip(one, two, strict=True):
        for name in {"loss", "calibration_loss", "calibration_map", "norm"} & own.keys():
            assert other[name] == pytest.approx(own[name], rel=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="two processes are made by fork")
def test_a_network_in_shards_trains_like_a_whole_one(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FSDP2's, of two processes: losses, norms, judgement; resumed from one file, given whole.

    Clipped, layers with rates of their own and half of them frozen until the second epoch.
    """
    import torch
    from safetensors.torch import load_file

    if not hasattr(pytest.importorskip("torch.distributed.fsdp"), "fully_shard"):
        pytest.skip("this torch has no FSDP2")
    dataset = make_dataset(52, unknown=20)
    more = ["--freeze", "0.5", "--release-from", "0.5", "--release-until", "0.5"]
    more += ["--layer-decay", "0.8", "--clip", "0.5", "--lr", "0.01", "--epochs", "2"]
    whole: list[Any] = []
    monkeypatch.setattr(loop, "finish", lambda _, network, __: whole.append(network.state_dict()))
    one = [*words(dataset, tmp_path / "one", 16, 1), *more]
    assert run(one) == 0
    script = tmp_path / "two.py"
    script.write_text(TWO)
    environment = {**os.environ, "sharded": "yes"}
    out = tmp_path / "two"
    command = [sys.executable, str(script), *words(dataset, out, 4, 2), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-5000:]
    for own, other in zip(records(tmp_path / "one"), records(out), strict=True):
        for name in {"loss", "calibration_loss", "calibration_map", "norm"} & own.keys():
            assert other[name] == pytest.approx(own[name], rel=1e-5)
    assert "continuing after epoch 1" in done.stderr
    found = load_file(out / "network.safetensors")
    for name, value in whole[0].items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
