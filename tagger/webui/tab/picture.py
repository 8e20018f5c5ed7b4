"""The page Picture: a picture in, its tags as chips, its caption out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..compat import edited, image, listen, make
from . import sending
from .controls import CONTROLS
from .fragments import picture as fragments
from .later import later
from .letters import box as letter_box
from .parts import html, line, press, told
from .question import Question
from .shared import Shared
from .turns import numbered, turn_box
from .view import Picture

if TYPE_CHECKING:
    from .acts.picture import Acts


@dataclass(frozen=True)
class PicturePage:
    """The page's components that others write to."""

    state: Any
    shown: list[Any]
    refresh: Callable[..., list[Any]]
    retag: Callable[..., list[Any]]
    await_model: Callable[..., list[Any]]


def build(shared: Shared, top: Any, state_of: Callable[..., Any]) -> PicturePage:
    """Make the page, inside the tab that is open, with its listeners.

    `state_of` gives the line at the `top`, which changes when a model was loaded for a picture.
    """
    acts: Acts = later("picture", shared)
    state = make("State", value=Picture())
    with make("Row", elem_classes=["tg-picture"]):
        with make("Column", elem_classes=["tg-left"]):
            with make("Column", elem_classes=["tg-stage"]):
                picture = image(
                    label="Picture", show_label=False, elem_id="tagger_picture", height=380,
                    image_mode="RGBA",
                )  # fmt: skip
                question = Question(shared)
            facts = told("tagger_facts")
            with make("Column", elem_classes=["tg-card"]):
                limits = html("tagger_limits")
        with make("Column", elem_classes=["tg-main"]):
            with make("Column", elem_classes=["tg-card"]):
                caption = make(
                    "Textbox", value="", lines=3, max_lines=12, show_label=False, label="Caption",
                    elem_id="tagger_caption", elem_classes=["tg-caption"], container=False,
                    placeholder="The caption appears here.", interactive=True,
                )  # fmt: skip
                foot = html("tagger_foot", fragments.foot(0, 0, True, ""))
                sending.build(shared, state, caption, acts.prompt)
            note = told("tagger_note")
            _filter()
            groups = html("tagger_groups", fragments.NOTHING)
    box = letter_box("picture")

    shown = [caption, groups, foot, note, limits]
    question.connect(state, shared.model, top, state_of)
    why = [question.asked, question.place]

    def receive(asked: str, *given: Any) -> list[Any]:
        return ["", question.close(asked), *acts.receive(*given)]

    def tag(*given: Any) -> list[Any]:
        return [*acts.tag(*given), state_of(given[1])]

    def clear(asked: str, *given: Any) -> list[Any]:
        return ["", question.close(asked), *acts.clear(*given)]

    asked = [question.asked, picture, shared.model]
    arrived = listen(picture.upload, receive, asked, [*why, state, facts, note])
    listen(arrived.then, tag, [state, *shared.inputs], [state, *shown, top])
    listen(picture.clear, clear, [question.asked, *shared.inputs], [*why, state, facts, *shown])
    listen(edited(shared.model), question.close, [question.asked], [question.place])
    places = [control.place for control in CONTROLS]
    kept = [shared.controls[places.index(p)] for p in ("selection.keep", "selection.exclude")]
    _follow(acts, shared, box, (state, shown, kept))
    return PicturePage(state, shown, acts.refresh, acts.tag, acts.await_model)


def _follow(acts: Acts, shared: Shared, box: Any, parts: tuple[Any, list[Any], list[Any]]) -> None:
    """What changes the caption: letters of our script, and the caption options."""
    state, shown, kept = parts
    turn, again = turn_box(), html("tagger_again")
    ask = make("Button", value="again", elem_id="tagger_ask", elem_classes=["tg-hidden"])
    given = [turn, state, *shared.inputs]
    heard = [box, again, state, shared.base, *shown, *kept]
    spoken = [box, *given]
    listen(box.input, acts.hear, spoken, heard, numbered(spoken, turn))
    for event in (ask.click, *map(edited, shared.controls)):
        listen(event, acts.refresh_in_turn, given, shown, numbered(given, turn))


def _filter() -> None:
    with make("Row", elem_classes=["tg-row", "tg-filter"]):
        line("Filter tags", "Filter tags", "tagger_filter")
        for word in ("Keep", "Exclude"):
            press(f"{word} visible", f"tagger_{word.lower()}_visible")
