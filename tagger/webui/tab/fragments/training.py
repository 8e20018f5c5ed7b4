"""The page Training: the Python that trains, how far a training is, its curves, its samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ....bytecount import readable
from ....report.lines import Line, lines
from ...following import Figures
from ..markup import Markup, button, el
from .common import bar, duration, empty, note, plural

NONE = empty("No training yet", "Fill in the form above and press Start.")
_STATES = {
    "running": "Training",
    "stopping": "Stopping",
    "done": "Done",
    "stopped": "Stopped",
    "failed": "Failed",
}
_STOPS = (
    "Stop and keep: ends with a model",
    "Stop at once: ends at the next step, and can go on",
    "End it now",
)
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Shown:
    """A training as the page shows it.

    asked: how often Stop was pressed. seconds_left: None where nobody knows. joined: whether its
    model is among the models.
    """

    name: str
    state: str
    figures: Figures
    dataset: str
    device: str
    asked: int = 0
    seconds_left: float | None = None
    said: str = ""
    joined: bool = False
    resumable: bool = False

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.state in ("running", "stopping")


def python(path: str, message: str = "", bytes_: str = "") -> Markup:
    """The Python that trains; `message`: what is done to make it, `bytes_`: how large it is."""
    if message:
        told = (el("strong", "Making it"), el("span", f"{message} {bytes_}".strip()))
        return el("div", told, class_="tg-line", data_live="1", role="status")
    if not path:
        return Markup("")
    return el("div", el("strong", "Ready"), el("code", path), class_="tg-line")


def names(runs: Sequence[tuple[str, str]], chosen: str) -> Markup:
    """The trainings there are, each with its state; a click shows one."""
    if len(runs) < 2:
        return Markup("")
    each = (
        button(
            (el("span", name), el("span", _STATES.get(state, state), class_="tg-count")),
            "show",
            class_="tg-button",
            data_run=name,
            aria_pressed="true" if name == chosen else "false",
        )
        for name, state in runs
    )
    return el("div", each, class_="tg-runs", data_box="training", role="group", aria_label="Runs")


def head(run: Shown | None) -> Markup:
    """A training under way, or how it ended; `data-live` tells our script to ask again."""
    if run is None:
        return NONE
    now = run.figures
    said = f"{run.name}: {_STATES.get(run.state, run.state)}"
    parts = (
        _line(run),
        bar(1.0 if run.state == "done" else now.share, run.name),
        el("div", _facts(run), class_="tg-figures"),
        note(run.said, "bad" if run.state == "failed" else "plain") if not run.live else None,
        el("div", _acts(run), class_="tg-acts", data_box="training"),
    )
    return el("div", parts, class_="tg-run", data_live="1" if run.live else "0", data_say=said)


def _line(run: Shown) -> Markup:
    now, right = run.figures, []
    if run.live and now.rate:
        right.append(f"{now.rate:.1f} pictures/s")
    if run.live and run.seconds_left is not None:
        right.append(f"about {duration(run.seconds_left)} left")
    if run.state == "done":
        right.append("among the models" if run.joined else "its model is here")
    count = f"epoch {now.epoch:.1f} of {now.epochs}" if now.epochs else "getting ready"
    return el(
        "div",
        el("strong", _STATES.get(run.state, run.state)),
        el("span", count),
        el("span", f"{run.name} · {run.device} · {run.dataset}", class_="tg-soft"),
        el("span", " · ".join(right), class_="tg-right"),
        class_="tg-line",
    )


def _facts(run: Shown) -> list[Markup]:
    now, found = run.figures, []
    if now.training_loss:
        found.append((f"{now.training_loss[-1][1]:.4g}", "loss"))
    if now.best is not None:
        found.append((f"{now.best:.3f}", "best mAP, on pictures kept apart"))
    if now.step:
        found.append((f"{now.step:,}", "steps"))
    if now.memory_gb:
        found.append((readable(1e9 * now.memory_gb), "memory"))
    if now.left_out:
        found.append((f"{now.left_out:,}", "pictures could not be read"))
    return [el("div", el("strong", figure), el("span", word), class_="tg-figure")
            for figure, word in found]  # fmt: skip


def _acts(run: Shown) -> list[Markup]:
    acts: list[Markup] = []
    if run.live:
        word = _STOPS[min(run.asked, 2)].partition(":")[0]
        acts.append(
            button(word, "stop", class_="tg-button", data_run=run.name,
                   title=_STOPS[min(run.asked, 2)])
        )  # fmt: skip
    if run.resumable:
        told = "Goes on from the last checkpoint"
        acts.append(button("Go on", "resume", class_="tg-button", data_run=run.name, title=told))
    return acts


def curves(figures: Figures) -> Markup:
    """Loss and mAP over the epochs; nothing before there are two points."""
    losses = [
        ("general", figures.training_loss, "training"),
        ("meta", figures.calibration_loss, "held out"),
    ]
    charts = (
        _chart("Loss", losses, None),
        _chart("mAP", [("character", figures.mean_average_precision, "mAP")], (0.0, 1.0)),
    )
    drawn = [chart for chart in charts if chart]
    return el("div", drawn, class_="tg-curves") if drawn else Markup("")


def _chart(
    title: str, drawn: Sequence[tuple[str, Points, str]], up: tuple[float, float] | None
) -> Markup | None:
    given = [(group, points, name) for group, points, name in drawn if len(points) > 1]
    if not given:
        return None
    last = max(point[0] for _, points, _ in given for point in points)
    across = (0.0, 5.0 * math.ceil(last / 5))  # five whole numbers below it
    up = up or _span([value for _, points, _ in given for _, value in points])
    told = [Line(group, points, f"{name}: {points[-1][1]:.4g}") for group, points, name in given]
    svg = Markup(lines(told, "epoch", title, across=across, up=up))  # escaped by its own room
    keys = (el("span", name, class_=f"tg-key tg-{group}") for group, _, name in given)
    key = el("span", keys, class_="tg-right") if len(given) > 1 else None
    return el("figure", el("div", el("h3", title), key, class_="tg-line"), svg, class_="tg-curve")


def _span(values: Sequence[float]) -> tuple[float, float]:
    """An axis in fifths that are round; the few highest, of the first steps, may leave it."""
    ordered = sorted(values)
    low, high = ordered[0], ordered[int(0.98 * (len(ordered) - 1))]
    low = 0.0 if 0 <= low < high / 2 else low
    wide = max(high - low, abs(high) / 100, 1e-9) / 4
    unit = 10 ** math.floor(math.log10(wide))
    step = next(n * unit for n in (1, 2, 2.5, 5, 10) if n * unit >= wide)
    first = round(math.floor(low / step) * step, 12)
    return first, round(first + 5 * step, 12)


def sheet(uri: str, epoch: str) -> Markup:
    """The last pictures of samples, with tags said and true; nothing before the first."""
    if not uri:
        return Markup("")
    told = f"Held-out pictures after {epoch}: green tags are right, red wrong, brown missed"
    picture = el("img", src=uri, alt=told, class_="tg-sheet", loading="lazy")
    return el("figure", el("h3", "Samples"), el("figcaption", told, class_="tg-soft"), picture)


def log(said: Sequence[str], open_: bool) -> Markup:
    """The last lines that the program wrote, one fold away unless it failed."""
    if not said:
        return Markup("")
    text = el("pre", "\n".join(said), class_="tg-log", tabindex=0)
    return el("details", el("summary", "What it said"), text, class_="tg-logs", open=open_)


def rehearsal(text: str) -> Markup:
    """What the training says of its arguments before it starts."""
    if not text.strip():
        return note("The training takes these settings.", "good")
    count = plural(len(text.splitlines()), "line")
    head_ = el("summary", "What it would do", el("span", count, class_="tg-count"))
    return el("details", head_, el("pre", text, class_="tg-log", tabindex=0), class_="tg-logs",
              open=True)  # fmt: skip
