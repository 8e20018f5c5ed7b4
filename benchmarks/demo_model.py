"""How well the bundled model knows what it was made for: `python benchmarks/demo_model.py`.

Draws 1,000 pictures that no training saw and, where TAGGER_TEST_DATA is set, takes the sprites of
the recipe's validation split. The scores go the way that every caption goes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tagger.backends import open_backend  # noqa: E402 - the checkout beside us, installed or not
from tagger.dataset.build import build  # noqa: E402
from tagger.dataset.buildoptions import BuildOptions  # noqa: E402
from tagger.dataset.index import Dataset  # noqa: E402
from tagger.demo.dump import DumpOptions, draw_dump  # noqa: E402
from tagger.engine import Tagger  # noqa: E402
from tagger.evaluate.calibration import by_label  # noqa: E402
from tagger.evaluate.confusion import tag_counts  # noqa: E402
from tagger.evaluate.metrics import average_precision, mean, micro, top1  # noqa: E402
from tagger.evaluate.predictions import Predictions  # noqa: E402
from tagger.models.registry import default_registry  # noqa: E402
from tagger.pipeline import Pipeline  # noqa: E402
from tagger.recipes import read_recipe, recipe_defaults  # noqa: E402

FRESH_SEED = 20_000
COUNT = 1000
SUPPORT = 100
"""Training posts that a tag of the sprites needs to be judged."""


def main() -> None:
    """Print a line for each figure, with what it has to reach."""
    model = default_registry().find(sys.argv[1] if len(sys.argv) > 1 else "demo", allow_paths=True)
    tagger = Tagger(model, open_backend(model))
    with tempfile.TemporaryDirectory() as folder:
        judge_drawn(tagger, Path(folder))
        data = os.environ.get("TAGGER_TEST_DATA")
        if data:
            judge_sprites(tagger, Path(data, "sprites"), Path(folder))


def judge_drawn(tagger: Tagger, folder: Path) -> None:
    """Micro-F1 over every tag of the drawings, at the model's own thresholds."""
    draw_dump(folder / "drawn", DumpOptions(count=COUNT, seed=FRESH_SEED))
    dataset = Dataset.open(
        build(BuildOptions(sources=(folder / "drawn",), out=folder / "fresh")).out
    )
    found, labels = predict(tagger, dataset, np.arange(len(dataset)))
    thresholds = by_label(tagger.thresholds, tagger.labels)[labels]
    print(f"drawn, {len(dataset):,} fresh pictures, {len(labels)} tags")
    print(f"  micro-F1       {micro(tag_counts(found, thresholds)).f1:.4f}  (to reach: 0.93)")
    print(f"  mAP            {mean(average_precision(found)):.4f}")


def judge_sprites(tagger: Tagger, sprites: Path, folder: Path) -> None:
    """mAP of the supported tags and top-1 of the characters, on held-out sprites."""
    recipe = recipe_defaults(BuildOptions, read_recipe("demo")["dataset"], "demo")
    built = build(BuildOptions(sources=(sprites,), out=folder / "sprites", **recipe))
    dataset = Dataset.open(built.out)
    found, labels = predict(tagger, dataset, dataset.rows("validation"))
    truth, _ = dataset.targets(dataset.rows("train"))
    names = [tagger.labels[index].name for index in labels]
    support = truth[:, [dataset.vocabulary.find(name) for name in names]].sum(0)
    categories = np.array([tagger.labels[index].category.name for index in labels])
    tags = np.isin(categories, ("general", "copyright")) & (support >= SUPPORT)
    characters = found.columns(categories == "character")
    print(f"sprites, {len(found.scores):,} held out, {tags.sum()} tags")
    print(f"  mAP            {mean(average_precision(found.columns(tags))):.4f}  (to reach: 0.60)")
    thresholds = by_label(tagger.thresholds, tagger.labels)[labels][tags]
    print(f"  micro-F1       {micro(tag_counts(found.columns(tags), thresholds)).f1:.4f}")
    hit = top1(characters)
    print(f"  character top-1 {hit.value:.4f} of {hit.of} pictures  (to reach: 0.95)")


def predict(
    tagger: Tagger, dataset: Dataset, rows: NDArray[np.intp]
) -> tuple[Predictions, NDArray[np.intp]]:
    """What the model says of these rows, in the columns of the labels that both know."""
    pairs = [(tagger.labels.find(label.name), at) for at, label in enumerate(dataset.vocabulary)]
    ours = np.array([own for own, _ in pairs if own is not None], np.intp)
    theirs = np.array([at for own, at in pairs if own is not None], np.intp)
    with Pipeline(tagger) as pipeline:
        outcomes = pipeline.stream(dataset.image_path(row) for row in rows)
        scores = [outcome.scores.values[ours] for outcome in outcomes if outcome.scores]
    truth, known = dataset.targets(rows)
    return Predictions(np.stack(scores), truth[:, theirs], known[:, theirs]), ours


if __name__ == "__main__":
    main()
