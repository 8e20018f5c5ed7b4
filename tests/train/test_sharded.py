"""A network that is sharded (FSDP2): its average, its checkpoint, on a mesh of one processor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
distributed = pytest.importorskip("torch.distributed")
fsdp = pytest.importorskip("torch.distributed.fsdp")

from torch import nn  # noqa: E402

from tagger.train import checkpoint  # noqa: E402
from tagger.train.average import Average  # noqa: E402
from tagger.train.checkpoint import State  # noqa: E402
from tagger.train.sharding import passed_over  # noqa: E402


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Any]:
    """One process that talks to itself."""
    if not hasattr(fsdp, "fully_shard") or not distributed.is_gloo_available():
        pytest.skip("this torch has no FSDP2 on a processor")
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        yield distributed.device_mesh.init_device_mesh("cpu", (1,))
    finally:
        distributed.destroy_process_group()


def steps(network: nn.Module, optimizer: Any, average: Average, count: int) -> None:
    for step in range(count):
        images = torch.linspace(-1, 1, 24).reshape(4, 6) + step
        optimizer.zero_grad()
        network(images).square().mean().backward()
        optimizer.step()
        average.update(network, step)


def learner() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 3))


def test_shards_are_averaged_saved_and_restored_as_one_piece(mesh: Any) -> None:
    """The tensors of a checkpoint are those of the same training unsharded, and go back in."""
    plain, sharded = learner(), fsdp.fully_shard(learner(), mesh=mesh)
    saved = []
    for network in (plain, sharded):
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
        average = Average(network, 0.9)
        steps(network, optimizer, average, 3)
        saved.append(checkpoint.collect(network, average.tensors, optimizer))
    assert saved[0].keys() == saved[1].keys()
    for name, value in saved[0].items():
        torch.testing.assert_close(saved[1][name], value)
    other = fsdp.fully_shard(learner(), mesh=mesh)
    optimizer, average = torch.optim.AdamW(other.parameters(), lr=0.1), Average(other, 0.9)
    state = State(groups=[{"lr": 0.1}])
    checkpoint.restore(saved[1], other, average.tensors, optimizer, state)
    again = checkpoint.collect(other, average.tensors, optimizer)
    assert all(torch.equal(again[name], value) for name, value in saved[1].items())
    with average.swapped(other):
        inside = checkpoint.collect(other, average.tensors, optimizer)
    assert torch.equal(inside["network.0.weight"], saved[1]["average.0.weight"])
    after = checkpoint.collect(other, average.tensors, optimizer)
    assert torch.equal(after["network.0.weight"], saved[1]["network.0.weight"])


def test_sharding_that_was_asked_for_and_does_not_happen_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Accelerate passes it over on processors without a word."""
    accelerate = pytest.importorskip("accelerate")
    monkeypatch.delenv("ACCELERATE_USE_FSDP", raising=False)
    assert not passed_over(accelerate.Accelerator(cpu=True))
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert passed_over(accelerate.Accelerator(cpu=True))
