"""The tab: the line at the top, the caption options, five pages, and what keeps them up to date."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...models.default import DEFAULT
from ...settings import Settings
from ..compat import edited, forget_values, gradio, listen, make, update
from . import (
    captions,
    destination,
    folder,
    form,
    models,
    options,
    picture,
    presets,
    training,
    typed,
)
from .later import later
from .markup import Markup, el
from .shared import Prompts, Shared
from .thumbnails import Thumbnails

if TYPE_CHECKING:
    from ..app import App
    from .acts.models import Acts
    from .acts.options import Acts as PresetActs
    from .acts.typed import Acts as TypedActs


def build(app: Callable[[], App], prompts: Prompts | None = None, named: str = DEFAULT) -> Any:
    """The tab as gradio Blocks, to be rendered in a host's page or in our own.

    Nothing is looked for on the disk, and `app` not called: the host's start waits for this, and
    a page that was just opened asks for what it should show.

    `prompts`: the host's components that captions are sent to, where there is a host. `named`:
    the model that is named until then.
    """
    blocks = gradio().Blocks(analytics_enabled=False)
    with blocks, make("Column", elem_classes=["tg-root"]):
        _build(app, prompts, named)
    forget_values(blocks)
    return blocks


def _build(app: Callable[[], App], prompts: Prompts | None, named: str) -> None:
    with make("Row", elem_classes=["tg-top"]):
        model = make(
            "Dropdown", label="Model", show_label=False, container=False, interactive=True,
            choices=[named], value=named, elem_id="tagger_model", elem_classes=["tg-model"],
        )  # fmt: skip
        top = make("HTML", value="", elem_classes=["tg-html"], elem_id="tagger_top")
        unload = make(
            "Button", value="Unload", elem_id="tagger_unload", elem_classes=["tg-press"], size="sm"
        )
    base = make("State", value=Settings())
    controls, row = options.build()
    shared = Shared(app, prompts, model, base, controls)
    acts: Acts = later("models", shared)
    thumbnails = Thumbnails()
    with make("Tabs", elem_id="tagger_pages"):
        with _page("Picture"):
            first = picture.build(shared, top, acts.top)
        with _page("Folder"):
            second = folder.build(shared, thumbnails)
        with _page("Captions"):
            third = captions.build(shared, thumbnails)
        with _page("Models"):
            last = models.build(shared, top, acts)
        with _page("Training"):
            fifth = training.build(shared)
    make("HTML", value=_hints(), elem_classes=["tg-html", "tg-hidden"])
    voice = el("div", class_="tg-voice", aria_live="polite", role="status")
    make("HTML", value=voice, elem_classes=["tg-html", "tg-hidden"])

    listen(unload.click, acts.unload, [model], [top, *last.shown])
    given = [first.state, *shared.inputs]
    refresh = (first.refresh, given, first.shown)
    told = options.connect(shared, row, second.where, refresh)
    changed = listen(edited(model), acts.top, [model], [top])
    listen(changed.then, first.retag, given, [first.state, *first.shown])
    boxes = [second.path, *third, *fifth.form]
    kept = typed.watch(shared, boxes, second.where)
    _hello(shared, (acts, told, kept), row, (first, second, last, fifth, top, boxes))
    tick = _hidden("tagger_tick")
    ticked = [top, *last.shown, *second.shown, first.state, *first.shown]
    listen(tick.click, _tick(acts, first, second, last), given, ticked)
    # apart, so that nothing of it is sent while no training is looked at
    news = [model, *last.shown, *fifth.lists]
    tock = _tock(acts, last, fifth)
    listen(_hidden("tagger_tock").click, tock, fifth.given, [*fifth.shown, *news])


def _page(name: str) -> Any:
    return make("Tab", label=name, id=name.lower(), elem_id=f"tagger_page_{name.lower()}")


def _hidden(elem_id: str) -> Any:
    return make("Button", value=elem_id, elem_id=elem_id, elem_classes=["tg-hidden"])


def _hello(
    shared: Shared,
    doers: tuple[Acts, PresetActs, TypedActs],
    row: options.Presets,
    parts: tuple[Any, ...],
) -> None:
    """A page that was just opened asks for what it should show: our script presses the button."""
    acts, told, kept = doers
    first, second, last, fifth, top, boxes = parts
    button = _hidden("tagger_hello")
    mark = make("HTML", value="", elem_classes=["tg-html", "tg-hidden"], elem_id="tagger_met")

    def meet() -> list[Any]:
        preset = presets.load_last(shared.first())
        shown = told.shown(preset)
        model = update(choices=acts.choices(), value=shown[0])
        listed = update(choices=presets.names())
        seen = [acts.top(shown[0]), *acts.look(), acts.folders(), listed, *second.look()]
        seen += [*fifth.look(), *kept.shown(preset.typed, fifth.choices())]
        return [Markup('<i data-met="1"></i>'), model, *shown[1:], *seen]

    filled = [shared.model, shared.base, *shared.controls, *second.where]
    outputs = [mark, *filled, top, *last.shown, last.folders, row.names, *second.shown]
    outputs += [*fifth.shown, *boxes]
    heard = "() => { window.taggerHeard(); return []; }"
    met = listen(button.click, meet, [], outputs, heard)
    listen(met.then, first.refresh, [first.state, *shared.inputs], first.shown)


def _tick(acts: Acts, first: Any, second: Any, last: Any) -> Callable[..., list[Any]]:
    """What is looked at again each second while something goes on."""

    def tick(state: Any, model: str | None, *given: Any) -> list[Any]:
        waited = first.await_model(state, model, *given)
        return [acts.top(model), *last.look(), *second.look(), *waited]

    return tick


def _tock(acts: Acts, last: Any, fifth: Any) -> Callable[..., list[Any]]:
    """What is looked at again each second while a training goes on."""

    def tock(*given: Any) -> list[Any]:
        shown = fifth.look(*given)
        if not fifth.news():
            return [*shown, *([update()] * (1 + len(last.shown) + len(fifth.lists)))]
        lists = [update(choices=each) for each in fifth.choices().values()]
        return [*shown, update(choices=acts.choices()), *last.look(), *lists]

    return tock


def _hints() -> Markup:
    """Sentences for our script to hang on the controls."""
    told = json.dumps({**form.hints(), **destination.hints()})
    return el("i", data_hints=told)
