"""What the listeners of the page Picture do: a picture asked about, its caption made and shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....errors import TaggerError
from ....images import open_image
from ....images.kinds import HEAD, recognise
from ....settings import Settings
from ...app import AbsentError
from ...compat import Original, update
from .. import presets, tokens, view
from ..controls import CONTROLS
from ..fragments import common
from ..fragments import picture as fragments
from ..letters import letters
from ..markup import Markup, anew
from ..shared import Asked, Shared
from ..turns import Turns
from ..view import Picture


class Acts:
    """What the page's listeners do; each gives the values of its outputs."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._app = shared.app
        self._turns = Turns()

    def receive(self, original: Original | None, model: str | None) -> list[Any]:
        """A picture arrived: show what file it is, and that it is being tagged."""
        if original is None:
            said = "expected a picture, got something that can't be read: drop a file"
            return [Picture(), "", common.note(said, "bad")]
        name = model or self._app.default_model
        try:
            facts = _facts(original)
            loaded = self._app.status(name).state == "loaded"
        except TaggerError as error:
            return [Picture(), "", common.note(str(error), "bad")]
        said = "Tagging…" if loaded else f"Loading {name}…"
        return [Picture(original, facts=facts), facts, common.note(said)]

    def tag(self, picture: Picture, *given: Any) -> list[Any]:
        """Ask the model, if there is a picture, and show what it says."""
        if not picture.original:
            return [picture, *([update()] * 5)]
        try:
            asked = self._shared.ask(*given)
            picture = self._tagged(picture, asked)
        except AbsentError:
            return [picture, *self._empty(given, _absent(given[0] or self._app.default_model))]
        except TaggerError as error:
            return [picture, *self._empty(given, common.note(str(error), "bad"))]
        self._kept(asked)
        return [picture, *self._shown(picture, asked)]

    def await_model(self, picture: Picture, *given: Any) -> list[Any]:
        """Tag a picture that waited for its model, once that is here."""
        name = given[0] or self._app.default_model
        if not picture.waits or self._app.status(name).state not in ("on disk", "loaded"):
            return [update()] * 6
        return self.tag(picture, *given)

    def clear(self, *given: Any) -> list[Any]:
        """The picture was taken away."""
        return [Picture(), "", *self._empty(given, "")]

    def refresh(self, picture: Picture, *given: Any) -> list[Any]:
        """Something was set: select and write again, without inference where that suffices."""
        try:
            asked = self._shared.ask(*given)
            self._kept(asked)
            if picture.scores is None or picture.model != asked.model:
                return [update(), update(), update(), "", self._limits(asked)]
            return self._shown(self._tagged(picture, asked), asked)
        except TaggerError as error:
            return [*([update()] * 3), common.note(str(error), "bad"), update()]

    def refresh_in_turn(self, turn: str, picture: Picture, *given: Any) -> list[Any]:
        """As `refresh`; nothing changes where the page has changed again meanwhile."""
        self._turns.begin(turn)
        shown = [update()] * 5 if self._turns.is_old(turn) else self.refresh(picture, *given)
        return [update()] * 5 if self._turns.is_old(turn) else shown

    def hear(
        self,
        letter: str,
        turn: str,
        picture: Picture,
        model: str | None,
        base: Settings | None,
        *values: Any,
    ) -> list[Any]:
        """What our script heard: chips, thresholds, keep and exclude; empties the box.

        What was set meanwhile was not known here, nor was this there: then the page asks again.
        """
        self._turns.begin(turn)
        base, kept = base or Settings(), [update(), update()]
        drawn = False
        for each in letters(letter):
            if each.get("do") == "toggle":
                picture = picture.toggled(str(each.get("tag", "")), bool(each.get("on")))
                continue
            drawn = True
            if each.get("do") in ("keep", "exclude"):
                values = self._marked(each, values, kept)
            base = _limited(base, each)
        shown = self.refresh(picture, model, base, *values)
        if not drawn:
            shown[1] = update()  # the chips stay, and with them the focus
        if all(each.get("do") == "threshold" for each in letters(letter)):
            shown[4] = update()  # so that a slider can go on being dragged
        again = Markup('<i data-again="1"></i>') if self._turns.is_old(turn) else ""
        return ["", again, picture, base, *shown, *kept]

    def prompt(self, caption: str, picture: Picture, *given: Any) -> str:
        """The caption as a prompt: as it would be written there, or as it was edited, escaped."""
        asked = self._shared.ask(*given)
        if picture.scores is not None and picture.model == asked.model:
            made = self._view(picture, asked)
            if made.caption.text == (caption or "").strip():
                return made.prompt
        return view.as_prompt(caption or "", asked.settings.format)

    # the parts

    def _kept(self, asked: Asked) -> None:
        presets.keep_last(self._shared.first(), model=asked.model, settings=asked.settings)

    def _tagged(self, picture: Picture, asked: Asked) -> Picture:
        original = picture.original
        if original is None:
            return picture
        if picture.model != asked.model:
            picture = replace(picture, scores=None, on=frozenset(), off=frozenset())
        labels = self._app.labels(asked.model)
        settings = view.clicked(asked.settings, picture, labels)
        captioner = self._app.captioner(asked.model, settings)
        if picture.scores is None or not captioner.decides(picture.scores):
            waited = self._app.submit(asked.model, original.data, enough=captioner.decides)
            scores = waited.result()
            picture = replace(picture, model=asked.model, scores=scores)
        return picture

    def _view(self, picture: Picture, asked: Asked) -> view.View:
        assert picture.scores is not None
        labels = picture.scores.labels
        settings = view.clicked(asked.settings, picture, labels)
        captioner = self._app.captioner(asked.model, settings)
        caption = captioner(picture.scores)
        prompt = self._app.captioner(asked.model, view.prompting(settings))(picture.scores)
        own = self._app.thresholds(asked.model)
        chips = view.chips(picture.scores, caption, captioner, own)
        return view.View(caption, prompt.text, chips, view.categories(labels))

    def _shown(self, picture: Picture, asked: Asked) -> list[Any]:
        made = self._view(picture, asked)
        counted = tokens.count(made.caption.text)
        tags = len(made.caption.tags)
        return [
            made.caption.text,
            fragments.groups(made.chips, made.categories),
            fragments.foot(tags, counted.tokens, counted.exact, made.prompt),
            common.note(fragments.summary(tags, made.caption.left_out), "warn"),
            self._limits(asked),
        ]

    def _limits(self, asked: Asked) -> Markup:
        try:
            labels = self._app.labels(asked.model)
            own = self._app.thresholds(asked.model)
        except TaggerError:
            return fragments.thresholds([])
        sliders = view.sliders(labels, own, asked.settings.selection)
        return anew(fragments.thresholds(sliders))

    def _empty(self, given: tuple[Any, ...], note: str) -> list[Any]:
        try:
            limits = self._limits(self._shared.ask(*given))
        except TaggerError:
            limits = update()
        return ["", fragments.NOTHING, fragments.foot(0, 0, True, ""), note, limits]

    def _marked(
        self, letter: dict[str, Any], values: tuple[Any, ...], kept: list[Any]
    ) -> tuple[Any, ...]:
        """The visible tags go into the box Keep or Exclude."""
        box = ("keep", "exclude").index(letter["do"])
        place = [control.place for control in CONTROLS].index(f"selection.{letter['do']}")
        tags = (view.literal(str(tag)) for tag in letter.get("tags", ()))
        text = ", ".join(dict.fromkeys((*presets.words(values[place] or ""), *tags)))
        kept[box] = text
        return (*values[:place], text, *values[place + 1 :])


def _limited(base: Settings, letter: dict[str, Any]) -> Settings:
    """The settings after a slider was moved, or the model's own thresholds were asked for."""
    selection = base.selection
    if letter.get("do") == "own":
        return replace(base, selection=replace(selection, threshold=None, category_thresholds={}))
    if letter.get("do") == "threshold":
        limits = dict(selection.category_thresholds)
        limits[str(letter.get("category"))] = float(letter.get("value", 0))
        return replace(base, selection=replace(selection, category_thresholds=limits))
    return base


def _facts(original: Original) -> str:
    size = open_image(original.data).size
    kind = recognise(original.data[:HEAD])
    name = "" if isinstance(kind, str) else kind.name
    return fragments.facts(original.name, name, *size, len(original.data))


def _absent(model: str) -> str:
    return common.note(
        f"{model} is not on this machine yet. Fetch it on the page Models; the picture waits and "
        f"is tagged when it is there. Or choose another model above.",
        "warn",
    )
