"""The training: pictures in batches, loss, step, average; checkpoint and figures every epoch.

On a processor with the same thread count, a training that was broken off and resumed goes on
exactly as if it had not been.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TextIO

from accelerate import Accelerator

from . import checkpoint, unreadable
from .begin import make_network
from .checkpoint import BEST, LAST
from .config import TrainConfig
from .devices import make_accelerator
from .epoch import run_epoch, stop_if_asked
from .finish import finish
from .judge import Judged, judge
from .learner import Learner, computed_in, make_learner
from .material import Material, gather
from .model import TaggerNetwork
from .plan import Plan, make_plan
from .progress import Progress
from .report import supported_labels
from .run import alone, describe_run, opened
from .samples import samples_of, spread, write_sheet
from .sharding import passed_over
from .stopping import Asked, listening
from .tracking import make_trackers
from .underway import Training


def train(config: TrainConfig, screen: TextIO | None = None) -> Path:
    """Train as `config` says and write the universal folder; gives its path, RUN/model.

    Raises UsageError before anything is written where the run can't be, TaggerError where the
    training came to numbers that are none, Stopped where it was asked to stop.
    """
    accelerator = make_accelerator(config)
    plan = make_plan(config)
    with alone(config.out) if accelerator.is_main_process else nullcontext(), listening() as asked:
        return _train(plan, accelerator, screen, asked)


def _train(plan: Plan, accelerator: Accelerator, screen: TextIO | None, asked: Asked) -> Path:
    first = accelerator.is_main_process
    progress = Progress(plan.config.out, screen, quiet=not first)
    with opened(plan) if first else nullcontext():
        with accelerator.main_process_first():  # it prepares pictures, the others find them
            material = gather(plan, accelerator.device, progress)
        training = _begin(material, accelerator, progress, asked)
    try:
        with asked.waiting():  # for the step's end, and a checkpoint
            _run(training)
    finally:
        progress.close()
    learner = training.learner
    learner.load(training.folder / BEST)
    network = _finished(material, learner)
    folder = plan.config.out / "model"
    if first:
        folder = finish(material, network, progress)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return folder


def _begin(
    material: Material, accelerator: Accelerator, progress: Progress, asked: Asked
) -> Training:
    """All that can be refused is, before the first step; then what is run is written down."""
    learner = make_learner(material, accelerator)
    labels = supported_labels(material.targets, material.training)
    training = Training(material, learner, progress, asked, labels)
    _resume(training)
    if accelerator.is_main_process:
        describe_run(material, _in_one_piece(learner, material), labels)
        progress.trackers = make_trackers(material.config, learner.state.step, progress.say)
    if (precision := computed_in(material.config, material.device)) != "fp32":
        progress.say(f"the network computes in {precision}")
    if passed_over(accelerator):
        progress.say(
            "FSDP was asked for, and Accelerate does not shard on processors: every process holds "
            "the whole network"
        )
    unreadable.tell(training)
    return training


def _resume(training: Training) -> None:
    found = checkpoint.find(training.folder)
    if training.config.resume and found:
        training.learner.load(found)
        if found.name != LAST and (training.folder / LAST).exists():
            training.progress.say(f"{LAST} is broken: going on from {found.name}")
            if training.learner.accelerator.is_main_process:
                (training.folder / LAST).unlink()  # or it would be kept in that one's place
        state = training.learner.state
        training.progress.rewind(state.epoch, state.step)
        training.progress.say(f"continuing after epoch {state.epoch}, step {state.step:,}")


def _finished(material: Material, learner: Learner) -> TaggerNetwork:
    """The averaged network on the processor, in one piece; of one in parts all have to ask."""
    learner.average.swap(learner.network)
    made = _in_one_piece(learner, material)
    if learner.in_parts:
        state = learner.network.state_dict()
        made.load_state_dict({name: checkpoint.full(value) for name, value in state.items()})
    return made.cpu()


def _in_one_piece(learner: Learner, material: Material) -> TaggerNetwork:
    """The network, or, of one in parts, which can't be copied, another built like it."""
    if not learner.in_parts:
        return learner.network
    made = make_network(material.config, material.targets, material.plan.former)
    for own, other in zip(made.parameters(), learner.network.parameters(), strict=True):
        own.requires_grad_(other.requires_grad)
    return made


def _run(training: Training) -> None:
    """Epoch after epoch, until all are done, nothing gets better, time is up or `stop` is there."""
    learner = training.learner
    while learner.state.epoch < training.config.optim.epochs and not _over(training):
        learner.begin_epoch()
        loss = run_epoch(training)
        judged = judge(training.material, learner, training.material.calibration, training.labels)
        better = _count(training, judged)
        learner.save(training.folder, best=better)
        _tell_epoch(training, loss, judged)
        stop_if_asked(training)


def _over(training: Training) -> bool:
    """Whether the training is done before its epochs are."""
    options, state = training.config.optim, training.learner.state
    limit = 60 * training.config.run.time_limit
    time_up = training.elapsed() >= limit if limit and state.epoch else False
    bored = bool(options.patience) and state.waited >= options.patience
    if options.schedule == "plateau":
        over = state.plateau.over(options.stages)
        bored = over and (bored or not options.patience)
    asked = (training.config.out / "stop").exists()
    return bool(training.agreed(time_up or bored or asked))


def _count(training: Training, judged: Judged) -> bool:
    """Count the epoch as done; whether it is the best so far: of equal ones, that of less loss."""
    state, options = training.learner.state, training.config.optim
    figure = judged.mean_average_precision
    better = figure > state.best + (options.min_delta if state.best >= 0 else 0)
    surer = figure == state.best and judged.loss < state.best_loss  # kept, and yet waited for
    plateau = state.plateau.after(judged.loss, options.stages)
    # epochs count as waited for only when the plateau's stages are done
    waiting = options.schedule != "plateau" or state.plateau.over(options.stages)
    training.settle(
        epoch=state.epoch + 1,
        batch=0,
        total=0.0,
        best=figure if better else state.best,
        best_loss=judged.loss if better or surer else state.best_loss,
        waited=0 if better or not waiting else state.waited + 1,
        plateau=plateau,
    )
    return better or surer


def _tell_epoch(training: Training, loss: float, judged: Judged) -> None:
    """Write the epoch's figures and its sheet of samples."""
    state, config, progress = training.learner.state, training.config, training.progress
    values = {
        "epoch": state.epoch,
        "step": state.step,
        "loss": loss,
        "calibration_loss": judged.loss,
        "calibration_map": judged.mean_average_precision,
        "lr": training.learner.optimizer.param_groups[-1]["lr"],
        "seconds": state.seconds,
    }
    progress.epoch(values)
    unreadable.tell(training)
    progress.say(
        f"epoch {state.epoch} of {config.optim.epochs}: loss {loss:.4g}, calibration "
        f"{judged.loss:.4g}, mAP {judged.mean_average_precision:.4f}, best {state.best:.4f}"
    )
    if config.tracking.samples and training.learner.accelerator.is_main_process:
        rows = training.material.calibration
        places = spread(rows, config.tracking.samples)
        labels = training.material.targets.rows.labels
        samples = samples_of(rows[places], judged.found.rows(places), labels)
        name = f"epoch-{state.epoch:04}"
        path = write_sheet(config.out / "samples", name, samples, training.material.pictures)
        progress.picture("samples", path, state.step)
