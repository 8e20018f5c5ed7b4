"""The learning rate, against torch's own schedulers."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from tagger.errors import OptionError  # noqa: E402
from tagger.train.config import OptimOptions  # noqa: E402
from tagger.train.schedule import Clock, Plateau, learning_rate  # noqa: E402


def one_weight(rate: float) -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def test_one_cycle_is_torchs() -> None:
    """With the same share of rise; torch counts steps from the first to the last."""
    options = OptimOptions(schedule="onecycle", warmup=0.3, lr=0.4)
    optimizer = one_weight(0.4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.4, total_steps=101, pct_start=31 / 101
    )
    for step in range(101):
        found = learning_rate(options, Clock(step / 100))
        assert found == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6)
        optimizer.step()
        if step < 100:
            scheduler.step()


def test_warm_up_in_steps_then_cosine_is_animesions() -> None:
    """LambdaLR of a linear rise, then half a cosine, step by step."""
    options = OptimOptions(lr=0.001, warmup_steps=1000)

    def author(step: int) -> float:
        if step < 1000:
            return step / 1000
        return max(0.0, 0.5 * (1 + math.cos(math.pi * (step - 1000) / (5000 - 1000))))

    for step in range(0, 5000, 71):
        found = learning_rate(options, Clock(step / 5000, step=step, steps=5000))
        assert found == pytest.approx(0.001 * author(step), abs=1e-12)


def test_steps_divide_the_rate_every_so_many_epochs() -> None:
    """Animesion's epochDecayConstant: by three every twenty; torch's StepLR."""
    options = OptimOptions(schedule="steps", warmup=0.0, lr=0.9)
    optimizer = one_weight(0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 20, 1 / 3)
    for epoch in range(60):
        found = learning_rate(options, Clock(epoch / 60, epoch=epoch))
        assert found == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


def test_the_end_of_a_cosine_may_be_above_nothing() -> None:
    """A share of the highest rate."""
    options = OptimOptions(lr=2.0, warmup=0.0, lr_end=0.01)
    assert learning_rate(options, Clock(1.0)) == pytest.approx(0.02)
    assert learning_rate(options, Clock(0.0)) == pytest.approx(2.0)


STAGES = (
    '[{"lr": 0.1, "threshold": 0.01, "patience": 1, "min": 0.02, "factor": 0.2},'
    ' {"lr": 0.02, "threshold": 0.001, "patience": 2, "min": 0.001, "factor": 0.5}]'
)


def test_a_plateau_stage_is_torchs_and_the_next_begins_where_it_ended() -> None:
    """Losses that stall: the rate falls as ReduceLROnPlateau's, refreshed at each stage's least."""
    stages = OptimOptions(schedule="plateau", plateau=STAGES).stages
    losses = [1.0, 0.9, 0.899, 0.898, 0.8, *[0.8] * 40]
    state, rates = Plateau.begin(stages), []
    optimizer, stage = one_weight(0.1), 0
    wanted = []
    scheduler = None
    for loss in losses:
        state = state.after(loss, stages)
        rates.append(state.lr)
        if stage < len(stages):
            own = stages[stage]
            scheduler = scheduler or torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=own.factor, patience=own.patience, threshold=own.threshold,
                min_lr=own.min,
            )  # fmt: skip
            scheduler.step(loss)
            if optimizer.param_groups[0]["lr"] <= own.min + 1e-8:
                stage, scheduler = stage + 1, None
        wanted.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx(wanted)
    assert state.over(stages)
    assert rates[-1] == 0.001


def test_plateau_needs_stages() -> None:
    """In JSON, each with all it needs."""
    with pytest.raises(OptionError, match="expected at least one stage"):
        OptimOptions(schedule="plateau")
    with pytest.raises(OptionError, match="plateau: expected stages such as"):
        OptimOptions(plateau='[{"lr": 0.1}]')
