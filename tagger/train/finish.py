"""The end of a training: from the best weights to the universal folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..export.card import Card
from ..export.folders import Finished, write_universal
from ..export.graph import round_weights
from . import halving
from .former import kept_thresholds
from .material import Material
from .model import EMBEDDING, SCALAR, TaggerNetwork
from .progress import Progress
from .report import limits, make_report
from .written import write_json


def finish(material: Material, network: TaggerNetwork, progress: Progress) -> Path:
    """Fit thresholds, measure, write RUN/model and RUN/report.json; gives the model's folder.

    Everything is measured on the weights as they are stored.
    """
    config = material.config
    score = material.score_with(network)
    half = config.card.weights == "fp16"
    asked = material.validation[: halving.PICTURES]
    exact = score(asked) if half else None
    if half:
        round_weights(network)
    progress.say("fitting thresholds, measuring")
    splits = {"calibration": material.calibration, "validation": material.validation}
    report = make_report(score, material.targets, material.training, splits)
    labels = material.targets.rows.labels
    halved: dict[str, Any] = {}
    if exact is not None:
        found = halving.compare(exact, score(asked), limits(report.thresholds, material.targets))
        progress.say(found.sentence)
        halved = found.plain()
    about = material.targets.dataset.about
    write_json(config.out / "report.json", report.figures)
    progress.record("report", **report.figures["all"])
    name = config.card.name or config.out.name
    card = Card(
        name=name,
        title=config.card.title,
        licence=config.card.licence,
        credits=config.card.credits,
        notes=config.card.notes,
        figures=report.figures,
        dataset=about,
        half=halved,
    )
    finished = Finished(
        network=network,
        architecture=network.architecture,
        arguments=network.arguments,
        plain=network.as_timm() if network.whole_categories(labels) else None,
        exclusive=network.exclusive(labels),
        own={**network.describe(labels), "pool": config.network.block},
        rows=material.targets.rows,
        thresholds=kept_thresholds(report.thresholds, material.targets, material.plan.former),
        pool=config.network.block,
        weights=config.card.weights,
        card=card,
        relations=material.targets.dataset.relations,
        extras=_extras(network, config.card.embeddings),
    )
    folder = write_universal(finished, config.out / "model")
    overall = report.figures["all"]
    progress.say(
        f"{folder}: micro-F1 {overall['micro_f1'][0]:.3f}, "
        f"mAP {overall['mean_average_precision']:.3f} on {overall['pictures']:,} pictures"
    )
    return folder


def _extras(network: TaggerNetwork, embeddings: bool) -> tuple[str, ...]:
    """What the graph gives beside probabilities: the rating's scalar always, vectors if asked."""
    groups = network.contract().groups
    scalar = [SCALAR] if any(group.kind == "ordinal" for group in groups) else []
    own = [f"{EMBEDDING}_{group.name}" for group in groups if group.hidden]
    return (*scalar, *([EMBEDDING, *own] if embeddings else []))
