"""`tagger dataset build SOURCE... --out DATASET`: a training set from a booru's metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..argv import parse, value_of
from ..dataset.build import BuildSummary, build
from ..dataset.buildoptions import BuildOptions
from ..errors import UsageError
from ..options import option
from ..recipes import read_recipe, recipe_defaults
from . import DONE
from .screen import progress


@dataclass(frozen=True, kw_only=True)
class BuildFlags(BuildOptions):
    """Build a DATASET: a parquet index, a vocabulary and splits, from a booru's metadata."""

    recipe: str | None = option(
        None, help="Take the defaults from a recipe of Tagger's, or from the path of one."
    )


def run(argv: Sequence[str], prog: str) -> int:
    """Build."""
    if not argv or argv[0] != "build":
        if argv and argv[0] in ("-h", "--help"):
            parse(BuildFlags, ["--help"], f"{prog} build", positional=["sources"])
        raise UsageError(f"expected `{prog} build SOURCE... --out DATASET`, got {' '.join(argv)!r}")
    flags = parse(
        BuildFlags,
        argv[1:],
        f"{prog} build",
        positional=["sources"],
        defaults=_defaults(value_of(argv, "--recipe")),
    )
    with progress("Building", "pictures looked at") as tell:
        summary = build(flags, lambda _, done, total: tell(done, total) if total else None)
    _print_summary(summary)
    return DONE


def _defaults(recipe: str | None) -> dict[str, Any]:
    if recipe is None:
        return {}
    section = read_recipe(recipe)["dataset"]
    return recipe_defaults(BuildOptions, section, f"{recipe}: dataset", but=("sources", "out"))


def _print_summary(summary: BuildSummary) -> None:
    rows = ", ".join(f"{count:,} {split}" for split, count in summary.rows.items())
    print(f"{summary.out}: {rows}; {len(summary.vocabulary):,} labels")
    for sentence in summary.said:
        print(sentence)
    dropped = {**summary.dropped, "unreadable": summary.unreadable}
    said = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count)
    print(f"of {summary.posts:,} posts left out: {said or 'none'}")
    if summary.strays:
        print(f"{summary.strays:,} pictures are of no post")
    print(f"content {summary.content}")
