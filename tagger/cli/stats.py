"""`tagger stats FOLDER...`: the tags of a folder: how often each, with which others, how many."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..argv import parse
from ..errors import UsageError
from ..folder.captions import Captions
from ..folder.duplicates import Duplicates, find_duplicates
from ..folder.stats import FolderStats, folder_stats
from ..folder.walk import walk
from ..options import option
from ..paths import cause_of, openable
from ..report.plots import Bar, plot_bars
from ..spelling import key
from . import DONE, FAILED
from .screen import line, table
from .selecting import SelectFlags, categories, rules


@dataclass(frozen=True)
class StatsFlags(SelectFlags):
    """Count the tags in the captions of a folder, by category; nothing is written there."""

    top: int = option(20, help="So many tags of each category, and pairs.", ge=1, metavar="N")
    beside: str = option("", help="Count only captions that have this tag.", metavar="TAG")
    pairs: bool = option(False, help="Count which tags stand together, too.")
    duplicates: bool = option(False, help="List pictures that are there twice, by content.")
    json: bool = option(False, help="Print everything as one JSON object.")
    csv: Path | None = option(None, help="Write every tag with its count.", metavar="FILE")
    plot: Path | None = option(None, help="Draw the most frequent tags as PNG.", metavar="FILE")


def run(argv: Sequence[str], prog: str) -> int:
    """Count and show; 1 if a file could not be read."""
    flags = parse(StatsFlags, argv, prog, positional=["folders"])
    captions, model = flags.captions(), flags.known_model()
    kinds = categories(model)
    with rules(flags, model, kinds) as meant:
        pairs = flags.top if flags.pairs else 0
        stats = folder_stats(captions, meant, kinds, pairs, key(flags.beside))
    stats.unread += captions.unreadable
    twice = _duplicates(captions) if flags.duplicates else Duplicates()
    if flags.csv is not None:
        _write_csv(flags.csv, stats)
    if flags.plot is not None:
        shown = stats.tags[: flags.top]
        bars = [Bar(tag.name, tag.count, tag.category) for tag in shown]
        plot_bars(flags.plot, bars, f"{stats.captions:,} captions")
    if flags.json:
        print(json.dumps(_as_json(stats, twice, flags), ensure_ascii=False))
    else:
        _print(stats, flags.top)
        _print_duplicates(twice, flags)
    return FAILED if stats.unread or twice.unread else DONE


def _duplicates(captions: Captions) -> Duplicates:
    found = walk(captions.roots, captions.folder.recursive)
    return find_duplicates(each.path for each in found)


def _print(stats: FolderStats, top: int) -> None:
    shares = max(stats.captions, 1)
    for category, tags in stats.by_category().items():
        line(f"{category}: {len(tags):,} {'tag' if len(tags) == 1 else 'tags'}")
        rows = [(f"{t.count:,}", f"{t.count / shares:.0%}", t.name) for t in tags[:top]]
        table(("captions", "share", "tag"), rows)
        print()
    if stats.pairs:
        rows = [(f"{p.count:,}", f"{p.first} + {p.second}") for p in stats.pairs]
        table(("captions", "together"), rows)
        print()
    print(f"{stats.captions:,} captions, {stats.mean_length:.1f} tags in each{_range(stats)}")
    for reason, number in stats.left.most_common():
        print(f"  not counted, {reason}: {number:,}")
    if stats.without:
        print(f"  pictures without a caption: {stats.without:,}")
    for path, reason in stats.unread:
        line(f"  {reason}" if str(path) in reason else f"  {path}: {reason}")


def _range(stats: FolderStats) -> str:
    return f", {min(stats.lengths)} to {max(stats.lengths)}" if stats.lengths else ""


def _print_duplicates(twice: Duplicates, flags: StatsFlags) -> None:
    if flags.duplicates:
        print(f"\n{len(twice.groups):,} pictures are there more than once")
    for group in twice.groups:
        line("  " + " = ".join(map(str, group)))
    for path, reason in twice.unread:
        line(f"  {path}: {reason}")


def _as_json(stats: FolderStats, twice: Duplicates, flags: StatsFlags) -> dict[str, Any]:
    told: dict[str, Any] = {
        "captions": stats.captions,
        "without": stats.without,
        "left": dict(stats.left),
        "unread": [{"path": str(path), "error": reason} for path, reason in stats.unread],
        "tags_in_a_caption": {str(n): stats.lengths[n] for n in sorted(stats.lengths)},
        "tags": [asdict(tag) for tag in stats.tags],
    }
    if flags.pairs:
        told["pairs"] = [asdict(pair) for pair in stats.pairs]
    if flags.duplicates:
        told["duplicates"] = [[str(path) for path in group] for group in twice.groups]
    return told


def _write_csv(path: Path, stats: FolderStats) -> None:
    try:
        with openable(path).open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("tag", "category", "captions"))
            rows.writerows((tag.name, tag.category, tag.count) for tag in stats.tags)
    except OSError as error:
        raise UsageError(f"{path}: expected to write a table, got {cause_of(error)}") from error
