"""How near a training's step comes to what network and decoding take alone.

    python benchmarks/training.py DATASET --architecture resnet18 --batch-size 32 --cache off

On a processor both share the cores, so the least that a step can take is step + data, each alone on
all of them; on a card they run beside each other, so it is the larger. All three are measured here,
in turns, on the same pictures: `step` on a batch that lies in memory, `data` by the loader with
nobody to feed, `whole` by the training's own loop. Seconds are by the clock, and of all threads on
the processor: the latter mean something on a busy machine, too. Any flag of `tagger train` may
follow.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from tagger.train.arguments import read_arguments
from tagger.train.devices import make_accelerator
from tagger.train.learner import Learner, make_learner
from tagger.train.loader import Batch
from tagger.train.material import Material, gather
from tagger.train.plan import make_plan
from tagger.train.progress import Progress
from tagger.train.run import processor
from tagger.train.sampling import steps_of

ROUNDS, STEPS, WARM = 3, 8, 2


def main(argv: list[str]) -> int:
    """Measure and print one JSON object."""
    with TemporaryDirectory() as folder:
        config = read_arguments([*argv, "--out", str(Path(folder) / "run")], "benchmark")
        accelerator = make_accelerator(config)
        quiet = Progress(Path(folder), io.StringIO(), quiet=True)
        material = gather(make_plan(config), accelerator.device, quiet)
        learner = make_learner(material, accelerator)
    steps = steps_of(material.sampler.order(0), config.optim.batch_size)
    if len(steps) < STEPS:
        steps = (steps * STEPS)[:STEPS]
    steps = steps[:STEPS]
    rounds = [measure(material, learner, steps) for _ in range(ROUNDS)]
    clock = Spent(*(min(one.clock for one in each) for each in zip(*rounds, strict=True)))
    cpu = Spent(*(min(one.cpu for one in each) for each in zip(*rounds, strict=True)))
    on_cpu = accelerator.device.type == "cpu"
    bound = clock.step + clock.data if on_cpu else max(clock.step, clock.data)
    print(
        json.dumps(
            {
                "architecture": config.network.built,
                "pixels": config.network.side,
                "batch": config.optim.batch_size,
                "precision": config.run.precision,
                "pictures": type(material.pictures).__name__,
                **{f"{name}_ms": round(1e3 * value, 1) for name, value in asdict(clock).items()},
                "share_of_the_bound": round(bound / clock.whole, 3),
                **{f"{name}_cpu_ms": round(1e3 * v, 1) for name, v in asdict(cpu).items()},
                "share_by_cpu": round((cpu.step + cpu.data) / cpu.whole, 3),
                "pictures_a_second": round(config.optim.batch_size / clock.whole, 1),
                "device": str(accelerator.device),
                "processor": processor(),
                "cores": os.cpu_count(),
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
            },
            indent=1,
        )
    )
    return 0


@dataclass(frozen=True)
class Spent:
    """Seconds of a step alone, of a batch's data alone, and of both as the loop has them."""

    step: float
    data: float
    whole: float


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, and of all threads on the processor."""

    clock: float
    cpu: float


def measure(
    material: Material, learner: Learner, steps: list[np.ndarray]
) -> tuple[Took, Took, Took]:
    """What a step alone takes, a batch's data alone, and both as the loop has them."""
    config = material.config

    def stream(epoch: int) -> Iterator[Batch]:
        rows = [each for step in steps for each in step[:, 0]]
        return material.loader.training(rows, 0, epoch, config.augment, material.plan.flips)

    def learn(batch: Batch) -> None:
        learner.step([batch], 1e-4, 0)["loss"].item()

    first = next(iter(stream(0)))
    for _ in range(WARM):
        learn(first)
    return (
        timed(lambda: [learn(first) for _ in steps], len(steps)),
        timed(lambda: [None for _ in stream(1)], len(steps)),
        timed(lambda: [learn(batch) for batch in stream(2)], len(steps)),
    )


def timed(act: Callable[[], object], times: int) -> Took:
    """What doing it takes, a time."""
    clock, cpu = time.perf_counter(), time.process_time()
    act()
    return Took((time.perf_counter() - clock) / times, (time.process_time() - cpu) / times)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
