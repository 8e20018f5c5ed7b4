"""The page Folder: the heads of its three steps, the preview, the progress, the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..markup import Markup, el
from .common import bar, diff, duration, figures, note, plural, reasons, thumbnail


@dataclass(frozen=True)
class Sample:
    """One caption that would change.

    thumb: a data URI, perhaps empty. said: what happens to it. before, after: its tags.
    """

    name: str
    thumb: str
    said: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Passing:
    """One of the last pictures of a run."""

    name: str
    thumb: str
    caption: str


@dataclass(frozen=True)
class Progress:
    """A run as it stands; `state` is a job's."""

    title: str
    state: str
    done: int
    total: int
    written: int = 0
    skipped: int = 0
    failed: int = 0
    rate: float = 0.0
    eta_s: float | None = None
    message: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    latest: tuple[Passing, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it is under way."""
        return self.state in ("queued", "running", "cancelling")


def step(number: int, title: str, said: str) -> Markup:
    """The head of a step: its number in a ring, its title, one sentence."""
    ring = el("span", number, class_="tg-ring", aria_hidden="true")
    return el("div", ring, el("h3", title), el("p", said), class_="tg-step")


def preview(
    counts: Sequence[tuple[int, str]],
    collisions: Sequence[tuple[str, str]],
    samples: Sequence[Sample],
    changes: int,
) -> Markup:
    """What a run would do. collisions: pictures that can have no caption, each with the reason."""
    return el(
        "div",
        figures(counts),
        _collisions(collisions),
        el("div", map(_sample, samples), class_="tg-samples") if samples else None,
        el("p", _closing(len(samples), changes), class_="tg-soft"),
    )


def _closing(shown: int, changes: int) -> str:
    if not changes:
        return "Nothing would be written: every picture has a caption that stays."
    some = f"{shown:,} of {plural(changes, 'change')} shown" if shown else plural(changes, "change")
    return f"{some}. Nothing has been written."


def _collisions(pairs: Sequence[tuple[str, str]]) -> Markup | None:
    if not pairs:
        return None
    head = el("strong", f"{plural(len(pairs), 'picture')} can have no caption. ")
    (name, reason), more = pairs[0], len(pairs) - 1
    rest = f" And {more:,} more." if more else ""
    return el("p", head, el("code", name), f": {reason}.", rest, class_="tg-amber")


def _sample(sample: Sample) -> Markup:
    name = el("div", el("strong", sample.name), el("span", sample.said), class_="tg-sample-name")
    change = diff(sample.before, sample.after)
    return el("div", thumbnail(sample.thumb), name, change, class_="tg-sample")


def progress(run: Progress | None) -> Markup:
    """A run under way, or how the last one ended; nothing before the first.

    `data-live` tells our script whether to ask again.
    """
    if run is None:
        return el("div", class_="tg-run", data_live="0")
    parts = (
        _head(run),
        bar(run.done / run.total if run.total else float(not run.live), run.title),
        el("div", map(_passing, run.latest), class_="tg-passing") if run.latest else None,
        note(run.message, "bad" if run.state == "failed" else "plain"),
        reasons("Could not be captioned", run.errors),
    )
    live, said = "1" if run.live else "0", f"{_STATES.get(run.state, run.state)}: {run.title}"
    if not run.live:
        said += f", {plural(run.written, 'caption')} written, {run.failed:,} failed"
    return el("div", parts, class_="tg-run", data_live=live, data_say=said)


_STATES = {
    "queued": "Waiting",
    "running": "Tagging",
    "cancelling": "Stopping",
    "done": "Done",
    "cancelled": "Stopped",
    "failed": "Failed",
}


def _head(run: Progress) -> Markup:
    state = el("strong", _STATES.get(run.state, run.state.capitalize()))
    count = el("span", f"{run.done:,} of {run.total:,}" if run.total else "")
    right: list[str] = []
    if run.live:
        if run.rate:
            right.append(f"{run.rate:.1f} pictures/s")
        if run.eta_s is not None:
            right.append(f"about {duration(run.eta_s)} left")
    else:
        right.append(f"{plural(run.written, 'caption')} written")
        right += [
            f"{n:,} {word}" for n, word in ((run.skipped, "kept"), (run.failed, "failed")) if n
        ]
    tail = el("span", " · ".join(right), class_="tg-right")
    return el("div", state, count, el("span", run.title, class_="tg-soft"), tail, class_="tg-line")


def _passing(one: Passing) -> Markup:
    told = f"{one.name}\n{one.caption}"
    return el("figure", thumbnail(one.thumb, told), el("figcaption", one.name))
