"""Pictures with known truth: a drawn DATASET, once for all tests, and truth written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from PIL import Image

from tagger.counts import count
from tagger.evaluate.comparison import CompareOptions, compare
from tagger.evaluate.comparison.result import Result
from tagger.evaluate.contestants import find_contestants
from tagger.evaluate.truth import Picture, Truth, read_truth
from tagger.relations import EMPTY, Relations
from tagger.settings import Runtime

MakeTruth = Callable[..., Truth]
Compare = Callable[..., Result]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for what is made once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("TAGGER_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def drawn(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DATASET of 48 drawn pictures, half of them for validation; `drawn.parent / dump` beside."""
    pytest.importorskip("duckdb")
    from tagger.dataset.build import build
    from tagger.dataset.buildoptions import BuildOptions
    from tagger.demo.dump import DumpOptions, draw_dump

    folder = tmp_path_factory.mktemp("drawn")
    draw_dump(folder / "dump", DumpOptions(count=48, size=128, seed=3, aliases=0.3))
    build(
        BuildOptions(
            sources=(folder / "dump",),
            out=folder / "dataset",
            minimum_count=1,
            maximum_share=1.0,
            validation=0.5,
            calibration=0.5,
        )
    )
    return folder / "dataset"


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of answers for all tests: no picture is inferred twice."""
    return tmp_path_factory.mktemp("answers")


@pytest.fixture
def run(drawn: Path, answers: Path) -> Compare:
    """Compare contestants on the drawn DATASET, with few draws and no time taken."""

    def compare_all(*words: str, truth: Truth | None = None, **options: object) -> Result:
        settings = {"work": answers, "timed": 0, "draws": 400, "support": 4, **options}
        asked = CompareOptions(dataset=drawn, contestant=words, **settings)  # pyright: ignore
        contestants = find_contestants(words, Runtime(), asked.timeout)
        return compare(contestants, asked, truth=truth)

    return compare_all


@pytest.fixture(scope="session")
def drawn_truth(drawn: Path) -> Truth:
    """What is true of the drawn DATASET."""
    return read_truth(CompareOptions(dataset=drawn))


@pytest.fixture
def make_truth(tmp_path: Path) -> MakeTruth:
    """Write a truth by hand: names of pictures with their tags, `rating:x` among them."""

    def make(
        said: Mapping[str, str],
        relations: Relations = EMPTY,
        vocabulary: Iterable[str] | None = None,
        calibration: Iterable[str] = (),
    ) -> Truth:
        folder = tmp_path / "true pictures"
        pictures: list[Picture] = []
        for at, (name, text) in enumerate(said.items()):
            path = folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (at % 256, at // 256, 90)).save(path)
            words = text.split()
            tags = frozenset(relations.closure(w for w in words if not w.startswith("rating:")))
            rating = next((w[7:] for w in words if w.startswith("rating:")), "")
            part = "calibration" if name in set(calibration) else "judged"
            pictures.append(Picture(f"{name}.png", path, tags, rating, group=at, part=part))
        names = tuple(sorted({tag for each in pictures for tag in each.tags}))
        rows = [[names.index(tag) for tag in each.tags] for each in pictures]
        return Truth(
            "by hand",
            tuple(pictures),
            dict.fromkeys(names, "general"),
            None if vocabulary is None else frozenset(vocabulary),
            relations,
            names,
            count(rows, len(names)),
        )

    return make


def write_captions(folder: Path, said: Mapping[str, Iterable[str]]) -> Path:
    """A folder of captions: names without ending, and tags."""
    for name, tags in said.items():
        path = folder / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(", ".join(tags) or " ", encoding="utf-8")
    return folder
