"""Truth out of a DATASET: one split is judged, thresholds are fitted on another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...counts import TagCounts, count
from ...dataset.index import Dataset
from ...dataset.splits import Split
from ...errors import DatasetError
from ...labels import LabelSet
from ...relationfiles import home_relations, join
from ...relations import Relations
from ...scores import RATING
from .known import RATINGS, PartName, Picture, Truth

_COLUMNS = ["path", "rating", "group", "tags", "unknown"]


def read_dataset(folder: Path, split: Split, images: Path | None = None) -> Truth:
    """Read a DATASET; `images` is where its one source lies now, if it was moved.

    Raises DatasetError.
    """
    dataset = _opened(folder, images)
    relations = join([dataset.relations, home_relations()])
    canonical = [relations.canonical(label.name) for label in dataset.vocabulary]
    left_out: Counter[str] = Counter()
    pictures = (
        *_pictures(dataset, split, "judged", canonical, left_out),
        *(_pictures(dataset, "calibration", "calibration", canonical, left_out)
          if split != "calibration" else ()),
    )  # fmt: skip
    names, company = _company(dataset, canonical)
    return Truth(
        name=folder.name or str(folder),
        pictures=pictures,
        kinds=_kinds(dataset.vocabulary, canonical),
        vocabulary=frozenset(canonical),
        relations=relations,
        names=names,
        company=company,
        heads=_heads(dataset, relations),
        left_out=left_out,
        about=f"DATASET, split {split}, content {dataset.content}",
    )


def _opened(folder: Path, images: Path | None) -> Dataset:
    dataset = Dataset.open(folder)
    if images is None:
        return dataset
    if len(dataset.roots) != 1:
        raise DatasetError(
            f"--images: expected a DATASET of one source, got {', '.join(dataset.roots)}: it says "
            f"itself where its pictures lie"
        )
    return Dataset.open(folder, dict.fromkeys(dataset.roots, images))


def _pictures(
    dataset: Dataset,
    split: Split,
    part: PartName,
    canonical: Sequence[str],
    left_out: Counter[str],
) -> Iterator[Picture]:
    rows = dataset.rows(split)
    table: list[dict[str, Any]] = dataset.index.select(_COLUMNS).take(rows).to_pylist()
    for row, own in zip(rows.tolist(), table, strict=True):
        path = dataset.image_path(row)
        if not path.is_file():
            left_out["pictures that are not there"] += 1
            continue
        yield Picture(
            name=own["path"],
            path=path,
            tags=_named(own["tags"], canonical),
            rating=RATINGS.get(own["rating"] or "", ""),
            unknown=_named(own["unknown"], canonical),
            group=own["group"],
            part=part,
        )


def _named(labels: Sequence[int], canonical: Sequence[str]) -> frozenset[str]:
    return frozenset([canonical[label] for label in labels])


def _kinds(vocabulary: LabelSet, canonical: Sequence[str]) -> Mapping[str, str]:
    pairs = zip(canonical, vocabulary, strict=True)
    return {tag: label.category.name for tag, label in pairs if label.category.name != RATING}


def _company(dataset: Dataset, canonical: Sequence[str]) -> tuple[tuple[str, ...], TagCounts]:
    """Names, and how often they are together in all rows of whatever split."""
    places = {tag: at for at, tag in enumerate(dict.fromkeys(canonical))}
    rows = ([places[canonical[label]] for label in own] for own in _tags(dataset))
    return tuple(places), count(rows, len(places))


def _tags(dataset: Dataset) -> Iterator[list[int]]:
    for part in dataset.index["tags"].chunks:
        yield from part.to_pylist()


def _heads(dataset: Dataset, relations: Relations) -> Mapping[str, str]:
    """The head of each tag, where the recipe that made the DATASET has several."""
    said = dataset.about.get("heads")
    if not isinstance(said, Mapping):
        return {}
    return {
        relations.canonical(str(tag)): str(head)
        for head, tags in said.items()
        if isinstance(tags, (list, tuple))
        for tag in tags
    }
