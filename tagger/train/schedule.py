"""The learning rate: of how far the training is, or of how the loss goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .config.optim import OptimOptions, Stage

START, END = 1 / 25, 1 / 25 / 1e4
"""Where one-cycle starts and ends, as shares of the highest rate (torch's OneCycleLR)."""


@dataclass(frozen=True)
class Clock:
    """How far a training is: the share done, 0 to 1; whole epochs; steps done and in all."""

    done: float
    epoch: int = 0
    step: int = 0
    steps: int = 1


def learning_rate(options: OptimOptions, clock: Clock) -> float:
    """The rate of a step, for every schedule but plateau's, which has `Plateau`."""
    warmup = options.warmup_steps / clock.steps if options.warmup_steps else options.warmup
    if options.schedule == "onecycle":
        return options.lr * _one_cycle(clock.done, warmup)
    if clock.done < warmup:
        return options.lr * clock.done / warmup
    if options.schedule == "steps":
        return options.lr * options.step_factor ** (clock.epoch // options.step_epochs)
    if options.schedule == "constant":
        return options.lr
    fall = (clock.done - warmup) / max(1e-9, 1 - warmup)
    share = 0.5 * (1 + math.cos(math.pi * min(1.0, fall)))
    return options.lr * (options.lr_end + (1 - options.lr_end) * share)


def _one_cycle(done: float, rise: float) -> float:
    """Smith's one cycle (arXiv 1708.07120), both halves cosines, as in fastai and torch."""
    if done < rise:
        return _between(START, 1.0, done / rise)
    return _between(1.0, END, min(1.0, (done - rise) / max(1e-9, 1 - rise)))


def _between(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))


@dataclass(frozen=True)
class Plateau:
    """Where the plateau schedule stands: a stage, its rate, the best loss, epochs since.

    A stage is torch's ReduceLROnPlateau (mode min, relative threshold); when its rate has come to
    its least, the next stage begins from there and forgets the best, as morshop's trainer does.
    """

    stage: int = 0
    lr: float = 0.0
    best: float = math.inf
    bad: int = 0

    @classmethod
    def begin(cls, stages: Sequence[Stage]) -> Plateau:
        """Before the first epoch."""
        return cls(lr=stages[0].lr) if stages else cls()

    def over(self, stages: Sequence[Stage]) -> bool:
        """Whether all stages are done."""
        return self.stage >= len(stages)

    def after(self, loss: float, stages: Sequence[Stage]) -> Plateau:
        """Where it stands after an epoch with this loss."""
        if self.over(stages):
            return self
        stage = stages[self.stage]
        if loss < self.best * (1 - stage.threshold):
            return replace(self, best=loss, bad=0)
        if self.bad < stage.patience:
            return replace(self, bad=self.bad + 1)
        lr = max(self.lr * stage.factor, stage.min)
        if lr > stage.min + 1e-8:  # 0.1 * 0.2 is a hair above 0.02
            return replace(self, lr=lr, bad=0)
        return Plateau(self.stage + 1, lr)
