"""What changes while a training runs, and one step of it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from timm.layers import convert_sync_batchnorm
from torch import nn

from ..errors import UsageError
from . import checkpoint
from .augment import augment
from .average import Average
from .begin import begin
from .checkpoint import State
from .config import TrainConfig
from .freezing import set_frozen
from .loader import Batch
from .material import Material
from .mixup import weight
from .model import TaggerNetwork
from .objective import Objective
from .optim import make_optimizer, set_rate
from .pixels import to_images
from .schedule import Plateau
from .sharding import gathered, shards
from .whole import Whole


@dataclass(eq=False)
class Learner:
    """Network, average, optimizer and how far they are.

    whole: as it is called, wrapped for several processes. network: the same weights, bare.
    in_parts: whether this process holds a part of each weight.
    """

    config: TrainConfig
    accelerator: Accelerator
    whole: nn.Module
    network: TaggerNetwork
    objective: Objective
    average: Average
    optimizer: torch.optim.Optimizer
    scaler: Any
    in_parts: bool = False
    state: State = field(default_factory=State)

    def save(self, folder: Path, best: bool = False) -> None:
        """Write a checkpoint; every process asks, the first one writes."""
        tensors = checkpoint.collect(self.network, self.average.tensors, self.optimizer)
        state = checkpoint.beside(self.state, self.network, self.optimizer)
        state = replace(state, scaler=self.scaler.state_dict() if self.scaler.is_enabled() else {})
        if self.accelerator.is_main_process:
            checkpoint.write(folder, tensors, state, best)
        self.accelerator.wait_for_everyone()

    def load(self, path: Path) -> None:
        """Go back to a checkpoint. Raises UsageError where it is of another network."""
        state, tensors = checkpoint.read(path)
        try:
            checkpoint.restore(tensors, self.network, self.average.tensors, self.optimizer, state)
        except (RuntimeError, KeyError, ValueError) as error:
            raise UsageError(
                f"{path}: expected a checkpoint of this network, got another's: --resume with the "
                f"settings of the run"
            ) from error
        if self.scaler.is_enabled() and state.scaler:
            self.scaler.load_state_dict(dict(state.scaler))
        self.state = state

    def begin_epoch(self) -> None:
        """Set what goes by epochs: frozen layers are released, the loss may change its mind."""
        self.objective.epoch = self.state.epoch
        done = self.state.epoch / self.config.optim.epochs
        changed = set_frozen(self.network, self.config.network, done)
        if changed and isinstance(self.whole, nn.parallel.DistributedDataParallel):
            bare = self.accelerator.unwrap_model(self.whole)
            self.whole = self.accelerator.prepare_model(bare)

    def step(self, batches: list[Batch], rate: float, side: int) -> dict[str, torch.Tensor]:
        """One step of the optimizer over batches whose gradients are added.

        Gives the mean of the loss's parts over batches and processes, and the gradients' norm,
        scalars still on the device: whoever reads them waits for it.
        """
        config, state = self.config, self.state
        # chance inside the network (dropout, dropped paths) is this step's and this process's own
        seed = [config.run.seed, state.step, self.accelerator.process_index]
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1))
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad()
        parts: dict[str, torch.Tensor] = {}
        for number, batch in enumerate(batches):
            last = number == len(batches) - 1
            with self.accelerator.no_sync(self.whole) if not last else nullcontext():
                found = self._forward(batch, side)
                self.scaler.scale(found["loss"] / len(batches)).backward()
            for name, value in found.items():
                parts[name] = parts.get(name, 0) + value.detach() / len(batches)
        parts = {name: self._mean(value) for name, value in parts.items()}
        parts["norm"] = self._update()
        return parts

    def _forward(self, batch: Batch, side: int) -> dict[str, torch.Tensor]:
        config, device = self.config, self.accelerator.device
        images = to_images(batch.pixels, device, side)
        chance = batch.chance.to(device, non_blocking=True)
        images = augment(images, chance, config.augment)
        images = images.contiguous(memory_format=torch.channels_last)
        truth, known = (each.to(device, non_blocking=True) for each in (batch.truth, batch.known))
        share = weight(
            config.augment.mixup,
            config.run.seed,
            self.state.epoch,
            self.state.step,
            self.accelerator.process_index,
        )
        teacher = None if batch.teacher is None else batch.teacher.to(device, non_blocking=True)
        with autocast(config, device):
            at = config.augment.mixup_at
            return self.whole(images, truth, known, share, at, teacher=teacher)

    def _update(self) -> torch.Tensor:
        """Clip, step, average; gives the gradients' norm before clipping."""
        self.scaler.unscale_(self.optimizer)
        norm: Any = torch.zeros(())  # in parts, where the network is
        if self.config.optim.clip:
            weights = list(self.whole.parameters())
            norm = self.accelerator.clip_grad_norm_(weights, self.config.optim.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update(self.network, self.state.step)
        return torch.as_tensor(gathered(norm))

    def _mean(self, value: torch.Tensor) -> torch.Tensor:
        """Over the processes."""
        if self.accelerator.num_processes == 1:
            return value
        mean: Any = self.accelerator.reduce(value, "mean")
        return mean


def make_learner(material: Material, accelerator: Accelerator) -> Learner:
    """Build the network and what teaches it, on every process alike."""
    config = material.config
    torch.manual_seed(config.run.seed)
    made, objective = begin(config, material.targets, material.training, material.plan.former)
    network: Any = made.to(accelerator.device)
    in_parts = shards(accelerator)
    if not in_parts:  # FSDP2 takes weights in their plain order alone
        network = network.to(memory_format=torch.channels_last)
    objective = objective.to(accelerator.device)
    if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
        network = convert_sync_batchnorm(network)  # torch's own would drop what timm's activate
    optimizer = make_optimizer(network, config.optim)
    set_frozen(network, config.network, 0.0)  # which the optimizer need not know
    whole: Any = Whole(network, objective)
    if config.run.compile:
        whole.compile()
    whole, wrapped = accelerator.prepare(whole, optimizer)
    bare: Any = accelerator.unwrap_model(whole, keep_torch_compile=False)
    raw: Any = getattr(wrapped, "optimizer", wrapped)
    scaler = torch.amp.GradScaler(  # pyright: ignore[reportPrivateImportUsage]
        accelerator.device.type, enabled=config.run.precision == "fp16"
    )
    state = State(plateau=Plateau.begin(config.optim.stages))
    average = Average(bare.network, config.optim.ema)
    return Learner(
        config,
        accelerator,
        whole,
        bare.network,
        bare.objective,
        average,
        raw,
        scaler,
        in_parts,
        state,
    )


def autocast(config: TrainConfig, device: torch.device) -> Any:
    """The context in which the network computes as `precision` says."""
    kind = torch.float16 if computed_in(config, device) == "fp16" else torch.bfloat16
    return torch.autocast(device.type, dtype=kind, enabled=config.run.precision != "fp32")


def computed_in(config: TrainConfig, device: torch.device) -> str:
    """The precision of the network's arithmetic there.

    A processor's float16 takes hundreds of times as long as its bfloat16, of the same size.
    """
    wanted = config.run.precision
    return "bf16" if wanted == "fp16" and device.type == "cpu" else wanted
