"""Why a tag: over the picture's foot while it is looked for, over the picture once it is found."""

from __future__ import annotations

from dataclasses import dataclass

from ..markup import Child, Markup, button, el
from . import common
from .picture import kind

METHODS = {
    "Grad-CAM": "what its score hangs on",
    "gradient-weighted roll-out": "what its score hangs on",
    "occlusion": "where covering it lowers the score",
}
"""What was done, in plain words."""

_SLIM = "tg-button tg-slim"


@dataclass(frozen=True)
class Found:
    """An answer. overlay: a data URI; empty where nothing in the picture speaks for the tag."""

    tag: str
    category: str
    score: float
    method: str
    overlay: str


def looking(tag: str, done: int, total: int, eta_s: float | None) -> Markup:
    """It is being looked for; `total` is 0 while nothing can be said of how long."""
    line = (el("span", "Where is ", el("strong", tag), "?"), button("Stop", "close", class_=_SLIM))
    shown = [el("div", line, class_="tg-line")]
    if total:
        left = f"about {common.duration(eta_s)} left" if eta_s is not None and done > 1 else ""
        far = (el("span", f"{done} of {total} looks"), el("span", left, class_="tg-right"))
        shown.append(common.bar(done / total, f"Looking for {tag}"))
        shown.append(el("div", far, class_="tg-line tg-soft tg-small"))
    else:
        shown.append(el("span", "Waiting for the model", class_="tg-soft tg-small"))
    return _panel(shown, "tg-strip", tag, data_looking="1")


def failed(tag: str, sentence: str) -> Markup:
    """It can't be said, and why."""
    line = el("div", common.note(sentence, "bad"), _close(), class_="tg-line")
    return _panel(line, "tg-strip", tag)


def found(answer: Found) -> Markup:
    """The picture under its heat, or that there is none."""
    title = (
        el("strong", answer.tag),
        el("span", f"{100 * answer.score:.0f}", class_="tg-percent", title=f"{answer.score:.3f}"),
        _close(),
    )
    plain = METHODS.get(answer.method, answer.method)
    if not answer.overlay:
        said = "Nothing in the picture speaks for it: no one part decides its score."
        told = el("p", said, class_="tg-soft tg-small", title=answer.method)
        return _panel((el("div", title, class_="tg-line"), told), _named(answer, "tg-strip"))
    image = el(
        "img", src=answer.overlay, alt=f"{answer.tag}: {plain}, in colour", draggable="false"
    )
    scale = el("span", "little", el("i"), "most", class_="tg-scale", aria_hidden="true")
    told = (el("span", plain.capitalize(), title=answer.method), scale)
    lines = el("div", title, class_="tg-line"), el("div", told, class_="tg-line tg-soft tg-small")
    foot = el("figcaption", lines)
    return _panel(el("figure", image, foot), _named(answer, "tg-heat"), answer.tag)


def _named(answer: Found, class_: str) -> str:
    return f"{class_} {kind(answer.category)}"


def _close() -> Markup:
    return button(
        "Back to the picture",
        "close",
        class_=_SLIM,
        title="Escape does it, too",
    )


def _panel(inner: Child, class_: str, tag: str = "", **more: str) -> Markup:
    return el("div", inner, class_=f"tg-why {class_}", data_box="why", data_why=tag, **more)
