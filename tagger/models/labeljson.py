"""Labels in JSON, told by their shape.

{"idx_to_tag": .., "tag_to_category": ..}   Camie v1, cl_tagger v2; Camie v2 deeper inside
{"idx2tag": [..], "tag2category": ..}       taggerine; categories by number
{"tags": [..], "tags_split": [[kind, n]]}   PixAI v1.0's config.json
{"categories": [{"name", "tags"}, ..]}      PixAI v1.0's tags.json
{"0": {"tag": .., "category": ..}}          cl_tagger v1's tag_mapping.json
{"0": "tag"}, ["tag", ..]                   ML-Danbooru's class.json and classes.json
{"tag": 0}                                  JTP PILOT's tags.json
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from ..csvrows import read_text
from ..errors import LabelFileError
from ..labels import DANBOORU, Category, Label, LabelSet, category
from . import labelcategories as categories

_RATINGS = ("general", "sensitive", "questionable", "explicit")
Scheme = tuple[Category, ...]
Indexed = Iterator[tuple[int, Label]]


def read(path: Path, scheme: Scheme = DANBOORU) -> LabelSet:
    """Read a JSON file of labels.

    Raises:
        LabelFileError: not JSON, no shape that is known, or indices with gaps.
    """
    try:
        data: Any = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise LabelFileError(f"{path}: expected labels in JSON, got {error}") from error
    try:
        found = list(_labels(data, scheme))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LabelFileError(
            f"{path}: expected labels in a form of JSON that is known, got {error!r} in them"
        ) from error
    if not found:
        raise LabelFileError(
            f"{path}: expected labels (idx_to_tag, tags with tags_split, index to tag, or a list), "
            f"got other JSON"
        )
    return categories.ordered(found, str(path))


def _labels(data: Any, scheme: Scheme) -> Indexed:
    general = categories.named(scheme, "general")
    if isinstance(data, list):
        return _plain(enumerate(cast("list[Any]", data)), general)
    if not isinstance(data, Mapping):
        return iter(())
    told = cast("Mapping[str, Any]", data)
    mapping = (
        told.get("dataset_info", {}).get("tag_mapping", told) if "dataset_info" in told else told
    )
    if "idx_to_tag" in mapping:
        return _indexed(mapping, scheme)
    if "idx2tag" in told:
        return _numbered(told["idx2tag"], told.get("tag2category") or {}, scheme)
    if "tags_split" in told:
        return _split(told["tags"], told["tags_split"], scheme)
    if isinstance(told.get("categories"), list):
        groups = sorted(told["categories"], key=lambda group: group.get("offset", 0))
        tags = [tag for group in groups for tag in group["tags"]]
        return _split(tags, [(group["name"], len(group["tags"])) for group in groups], scheme)
    return _flat(told, scheme)


def _flat(told: Mapping[str, Any], scheme: Scheme) -> Indexed:
    """One entry for one label."""
    general = categories.named(scheme, "general")
    kinds = {type(value) for value in told.values()}
    if kinds == {int}:
        return _plain(((index, tag) for tag, index in told.items()), general)
    if not all(key.isdecimal() for key in told):
        return iter(())
    if kinds == {str}:
        return _plain(((int(index), tag) for index, tag in told.items()), general)
    return (
        (int(index), categories.label(one["tag"], categories.named(scheme, one["category"])))
        for index, one in told.items()
    )


def _plain(pairs: Any, general: Category) -> Indexed:
    return ((index, categories.label(_text(tag), general)) for index, tag in pairs)


def _indexed(told: Mapping[str, Any], scheme: Scheme) -> Indexed:
    tags, kinds = told["idx_to_tag"], told.get("tag_to_category") or {}
    pairs: Any = list(enumerate(tags) if isinstance(tags, list) else tags.items())
    names = {_text(tag) for _, tag in pairs}
    # cl_tagger v2's readers take these four for ratings, whatever category the file gives them
    unsaid = set(_RATINGS) if set(_RATINGS) <= names and "rating" not in _plain_kinds(kinds) else ()
    for index, tag in pairs:
        kind = "rating" if _text(tag) in unsaid else kinds.get(tag, "general")
        yield int(index), categories.label(_text(tag), categories.named(scheme, kind))


def _plain_kinds(kinds: Mapping[str, str]) -> set[str]:
    return {kind.strip().lower() for kind in kinds.values()}


def _numbered(tags: list[Any], kinds: Mapping[str, Any], scheme: Scheme) -> Indexed:
    for index, tag in enumerate(tags):
        yield index, categories.label(_text(tag), category(scheme, int(kinds.get(tag, 0))))


def _split(tags: list[Any], sizes: Any, scheme: Scheme) -> Indexed:
    kinds = [categories.named(scheme, name) for name, count in sizes for _ in range(count)]
    pairs = zip(tags, kinds, strict=True)
    return enumerate(categories.label(_text(tag), kind) for tag, kind in pairs)


def _text(tag: Any) -> str:
    if not isinstance(tag, str):
        raise TypeError(f"{tag!r} for a tag")
    return tag.strip()
