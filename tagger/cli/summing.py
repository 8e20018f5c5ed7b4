"""What a captioning run came to, said in lines."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice

from ..folder.recall import Recall
from ..folder.summary import Summary
from .screen import say

SHOWN = 20
"""Failures that the summary names one by one."""
_KINDS = 8
"""Endings of other files that it names."""


def print_summary(summary: Summary, recall: Recall) -> None:
    """Say how many captions were written, what failed and what was left alone."""
    counts = {
        "written": summary.written,
        "unchanged": summary.same,
        "skipped": summary.skipped - summary.edited,
        "edited since and left": summary.edited,
        "failed": summary.failed,
    }
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    stopped = summary.interrupted or summary.stopped
    say(f"{'Stopped: ' if stopped else ''}{said or 'nothing to do'}")
    if recall.known:
        say(f"{recall.known:,} of them from kept scores, {recall.inferred:,} inferred")
    if summary.ignored:
        say(f"other files, left alone: {_kinds(summary.ignored)}")
    if summary.stopped:
        say(f"stopped, and the next run does the rest: {summary.stopped}")
    named = chain(summary.failures, summary.unreadable, summary.left)
    for path, reason in islice(named, SHOWN):
        say(f"  {path}: {reason}")
    rest = len(summary.failures) + len(summary.unreadable) + len(summary.left) - SHOWN
    if rest > 0:
        say(f"  and {rest:,} more")


def _kinds(ignored: Counter[str]) -> str:
    """How many files of each ending, the most frequent ones."""
    said = [f"{count:,} {ending or 'without'}" for ending, count in ignored.most_common(_KINDS)]
    rest = ignored.total() - sum(count for _, count in ignored.most_common(_KINDS))
    return ", ".join([*said, f"{rest:,} of other kinds"] if rest else said)
