"""Learning from another tagger's scores, out of the file that `tagger caption` writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("pyarrow")

from PIL import Image  # noqa: E402

from tagger.backends import open_backend  # noqa: E402
from tagger.dataset.index import Dataset  # noqa: E402
from tagger.errors import OptionError, UsageError  # noqa: E402
from tagger.folder.scoretable import Head, writing  # noqa: E402
from tagger.labels import DANBOORU, Label, LabelSet, category  # noqa: E402
from tagger.models.registry import Registry  # noqa: E402
from tagger.preprocess import WD, fit, stack  # noqa: E402
from tagger.scores import Scores  # noqa: E402
from tagger.train.config import TrainConfig  # noqa: E402
from tagger.train.flips import make_flips  # noqa: E402
from tagger.train.loop import train  # noqa: E402
from tagger.train.targets import Targets, make_targets  # noqa: E402
from tagger.train.teacher import open_teacher  # noqa: E402

MakeDataset = Callable[..., Path]
NAMES = ("unheard of", "green square", "framed")


def table(path: Path, pictures: list[str], values: np.ndarray) -> Path:
    """A file of scores of these pictures under NAMES."""
    labels = LabelSet(tuple(Label(name, category(DANBOORU, 0)) for name in NAMES))
    with writing(path, Head("somebody", labels)) as writer:
        scores = [Scores(row.astype(np.float32), labels, "somebody") for row in values]
        writer.write(pictures, ["0"] * len(pictures), scores)
    return path


def opened(path: Path) -> Targets:
    dataset = Dataset.open(path)
    return make_targets(dataset)


def test_scores_find_their_pictures_and_tags(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """By the whole path or the end of it, in any order; what is not scored is not known."""
    targets = opened(make_dataset(6))
    values = np.linspace(0, 1, 9).reshape(3, 3)
    whole = str(targets.dataset.image_path(4))
    file = table(tmp_path / "s.parquet", ["elsewhere/2.png", "no such.png", whole], values)
    found = open_teacher(file, targets).of(np.array([4, 0, 2]))
    wanted = np.full((3, len(targets.rows.labels)), np.nan)
    names = targets.rows.labels.names
    for column, name in ((1, "green_square"), (2, "framed")):
        wanted[0, names.index(name)] = values[2, column]
        wanted[2, names.index(name)] = values[0, column]
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_a_mirror_swaps_a_teachers_sides_too() -> None:
    names = ("looking left", "looking right", "left shoe")
    labels = LabelSet(tuple(Label(name, category(DANBOORU, 0)) for name in names))
    scores = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], np.float32)
    make_flips(labels).apply_scores(scores, np.array([True, False]))
    np.testing.assert_array_equal(scores, np.float32([[0.2, 0.1, np.nan], [0.4, 0.5, 0.6]]))


def test_a_table_of_something_else_is_refused(make_dataset: MakeDataset, tmp_path: Path) -> None:
    targets = opened(make_dataset(6))
    file = table(tmp_path / "s.parquet", ["a.png"], np.zeros((1, 3)))
    with pytest.raises(OptionError, match="expected scores of the DATASET's pictures"):
        open_teacher(file, targets)
    with pytest.raises(UsageError, match="table of scores"):
        open_teacher(targets.dataset.path / "index.parquet", targets)


def test_a_network_learns_what_only_its_teacher_says(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    """With all of the loss the teacher's, scores go where it points, whatever the tags say."""
    path = make_dataset(24)
    rows = range(len(Dataset.open(path)))
    values = np.tile(np.array([0.5, 0.9, 0.1]), (len(rows), 1))
    file = table(tmp_path / "s.parquet", [f"{row}.png" for row in rows], values)
    config = TrainConfig.of(
        path,
        tmp_path / "run",
        architecture="resnet10t",
        model_args='{"channels": [8, 8, 8, 8], "stem_width": 8}',
        pool=16,
        epochs=30,
        batch_size=12,
        lr=0.02,
        ema=0.0,
        device="cpu",
        threads=1,
        teacher=file,
        distill_weight=1.0,
    )
    folder = train(config)
    model = Registry(()).find(str(folder), allow_paths=True)
    with Image.open(Dataset.open(path).image_path(0)) as image:
        pixels = stack([fit(image, WD)], WD)
    scores = open_backend(model).run(pixels)[0]
    names = model.labels.names
    assert scores[names.index("green_square")] == pytest.approx(0.9, abs=0.2)
    assert scores[names.index("framed")] == pytest.approx(0.1, abs=0.2)
