"""`tagger dataset`: a training set from a booru's metadata, fetched, downloaded and built."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..argv import parse, value_of
from ..booru.download import DONE as CAME
from ..booru.download import HERE, NONE, DownloadOptions, download
from ..booru.fetch import FetchOptions, fetch
from ..booru.files import metadata_files
from ..booru.sites import SITES, site_of
from ..dataset.account import BROKEN, UNREADABLE
from ..dataset.build import BuildSummary, build
from ..dataset.buildoptions import BuildOptions
from ..dataset.estimate import check_room, estimate
from ..dataset.overviewpage import write_report
from ..dataset.reportoptions import ReportOptions
from ..dataset.shards import ShardOptions, write_shards
from ..errors import UsageError
from ..home import part
from ..options import option
from ..recipes import read_recipe, recipe_defaults
from . import DONE, FAILED
from .addresses import brought, check_images, looked_at, still_to_come
from .screen import line, progress, say


@dataclass(frozen=True, kw_only=True)
class BuildFlags(BuildOptions):
    """Build a DATASET: a parquet index, a vocabulary and splits, from a booru's metadata."""

    recipe: str | None = option(
        None, help="Take the defaults from a recipe of Tagger's, or from the path of one."
    )
    dry_run: bool = option(
        False, help="Only say what the build will need of disk, memory and time."
    )
    fresh: bool = option(
        False,
        help="Read and look at everything anew: take over nothing of earlier builds, and leave "
        "nothing for later ones.",
    )


@dataclass(frozen=True, kw_only=True)
class FetchFlags(FetchOptions):
    """Fetch posts of a site into an SQLite file, to be gone on with at any time."""

    site: str = option(help=f"The site: {' or '.join(SITES)}.", metavar="SITE")


@dataclass(frozen=True, kw_only=True)
class DownloadFlags(DownloadOptions):
    """Bring the pictures of posts to a folder; what is there stays."""


@dataclass(frozen=True, kw_only=True)
class ShardFlags(ShardOptions):
    """Cut a DATASET into WebDataset shards, for sets that outgrow a disk."""


@dataclass(frozen=True, kw_only=True)
class ReportFlags(ReportOptions):
    """Write a page about a DATASET: what to look at before training."""


def run(argv: Sequence[str], prog: str) -> int:
    """Run one of the acts."""
    acts: Mapping[str, Callable[[Sequence[str], str], int]] = {
        "build": _build,
        "fetch": _fetch,
        "download": _download,
        "report": _report,
        "shard": _shard,
    }
    name = argv[0] if argv else ""
    if name in acts:
        return acts[name](argv[1:], f"{prog} {name}")
    if name in ("-h", "--help"):
        print(_HELP.format(prog=prog), end="")
        raise SystemExit(DONE)
    raise UsageError(f"expected `{prog} {'|'.join(acts)} ...`, got {' '.join(argv)!r}")


_HELP = """usage: {prog} build|fetch|download|report|shard ...

  {prog} fetch danbooru|e621 --out FILE    posts of a site, into an SQLite file
  {prog} download SOURCE --images DIR      the pictures of posts
  {prog} build SOURCE... --out DATASET     a training set from posts and pictures
  {prog} report DATASET                    a page: what to look at before training
  {prog} shard DATASET --out DIR           the same as WebDataset tars

`{prog} build --help` and so on list the settings of each.
"""


def _build(argv: Sequence[str], prog: str) -> int:
    flags = parse(
        BuildFlags,
        argv,
        prog,
        positional=["sources"],
        defaults=_defaults(value_of(argv, "--recipe")),
    )
    found = looked_at(argv, flags.sources)
    check_images(flags.images, found, unseen=flags.unseen)
    if flags.dry_run and (said := still_to_come(found)):
        line(said)
        return DONE
    flags = replace(flags, sources=brought(flags.sources, found))
    if flags.dry_run:
        expected = estimate(flags, [metadata_files(source) for source in flags.sources])
        line(expected)
        check_room(expected, flags.out)
        return DONE
    with progress("Building", "pictures looked at") as tell:
        summary = build(
            flags,
            lambda _, done, total: tell(done, total) if total else None,
            say,
            None if flags.fresh else part("cache") / "builds",
        )
    _print_summary(summary)
    return DONE


def _fetch(argv: Sequence[str], prog: str) -> int:
    flags = parse(FetchFlags, argv, prog, positional=["site"])
    with progress("Fetching", "posts") as tell:
        count = fetch(site_of(flags.site), flags, tell=tell)
    print(f"{flags.out}: {count:,} posts of {flags.site}")
    return DONE


def _download(argv: Sequence[str], prog: str) -> int:
    flags = parse(DownloadFlags, argv, prog, positional=["source"])
    (source,) = brought((flags.source,), looked_at(argv, (flags.source,)))
    flags = replace(flags, source=source)
    with progress("Downloading", "pictures") as tell:
        outcomes = download(flags, tell=tell)
    print(f"{flags.images}: {', '.join(f'{count:,} {what}' for what, count in outcomes.items())}")
    return FAILED if set(outcomes) - {CAME, HERE, NONE} else DONE


def _report(argv: Sequence[str], prog: str) -> int:
    flags = parse(ReportFlags, argv, prog, positional=["dataset"])
    out, verdicts = write_report(flags)
    for verdict in verdicts:
        print(verdict.text)
    print(out)
    return FAILED if any(verdict.state == "bad" for verdict in verdicts) else DONE


def _shard(argv: Sequence[str], prog: str) -> int:
    flags = parse(ShardFlags, argv, prog, positional=["dataset"])
    with progress("Sharding", "pictures") as tell:
        shards, missing = write_shards(flags, tell)
    samples = sum(shard.samples for shard in shards)
    print(f"{flags.out}: {samples:,} pictures in {len(shards):,} shards")
    if missing:
        print(f"{missing:,} pictures are not there")
    return FAILED if missing else DONE


def _defaults(recipe: str | None) -> dict[str, Any]:
    if recipe is None:
        return {}
    section = dict(read_recipe(recipe)["dataset"])
    if not isinstance(section.get("heads", ""), str):  # structured in YAML, JSON on a flag
        section["heads"] = json.dumps(section["heads"], ensure_ascii=False)
    return recipe_defaults(BuildOptions, section, f"{recipe}: dataset", but=("sources", "out"))


def _print_summary(summary: BuildSummary) -> None:
    rows = ", ".join(f"{count:,} {split}" for split, count in summary.rows.items())
    print(f"{summary.out}: {rows}; {len(summary.vocabulary):,} labels")
    for sentence in filter(None, (*summary.said, summary.taken_over)):
        print(sentence)
    dropped = {**summary.dropped, "unreadable": summary.unreadable}
    said = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count)
    print(f"of {summary.posts:,} posts left out: {said or 'none'}")
    for name in (UNREADABLE, BROKEN):
        if (summary.out / name).is_file():
            print(f"named in {summary.out / name}")
    if summary.strays:
        few = "picture is" if summary.strays == 1 else "pictures are"
        print(f"{summary.strays:,} {few} of no post")
    print(f"content {summary.content}")
