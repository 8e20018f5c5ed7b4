"""What the question "why this tag?" does on the page Picture: asked, watched, answered, closed.

All of a page's letters about it come one after the other through one box, so that no answer
overtakes another; an answer to another picture or model than the page shows is not shown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..app import App
from ..compat import listen, make
from .fragments import why as fragments
from .letters import box as letter_box
from .letters import letters
from .markup import Markup
from .parts import told
from .view import Picture

if TYPE_CHECKING:
    from ..reasons import Reason, Reasons

PAGES = 64
"""Pages whose last question is remembered."""
GLANCE_S = 0.8
"""Seconds that a look at a question waits for its answer."""
_CLOSED = Markup("")


class Acts:
    """What the listeners do; each gives the values of its outputs."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._asked: OrderedDict[str, Reason] = OrderedDict()

    def hear(self, post: str, asked: str, picture: Picture, model: str | None) -> list[Any]:
        """A question, a look at how far it is, or the wish to close it; empties the box."""
        model = model or self._app.default_model
        shown: Markup | None = None
        for each in letters(post):
            if each.get("do") == "why":
                self.close(asked)
                asked, shown = self._begin(str(each.get("tag", "")), picture, model)
            elif each.get("do") == "close":
                self.close(asked)
                asked, shown = "", _CLOSED
        if shown is None:
            shown = self._look(asked, picture, model)
        return ["", asked, shown]

    @cached_property
    def _reasons(self) -> Reasons:
        from ..reasons import Reasons  # a host's start can do without

        return Reasons(self._app)

    def close(self, asked: str) -> Markup:
        """Stop looking, if that still goes on; what the page shows then."""
        reason = self._asked.pop(asked, None)
        if reason:
            reason.job.cancel()
        return _CLOSED

    def _begin(self, tag: str, picture: Picture, model: str) -> tuple[str, Markup]:
        if picture.original is None:
            return "", fragments.failed(tag, "expected a picture, got none: drop it once more")
        if picture.scores is None or picture.model != model:
            return "", fragments.failed(tag, f"expected the tags of {model}: wait for them")
        reason = self._reasons.ask(picture.original.data, model, tag)
        self._asked[reason.job.id] = reason
        while len(self._asked) > PAGES:
            self.close(next(iter(self._asked)))
        return reason.job.id, fragments.looking(tag, 0, 0, None)

    def _look(self, asked: str, picture: Picture, model: str) -> Markup:
        reason = self._asked.get(asked)
        original = picture.original
        if reason is None or original is None:
            return self.close(asked)
        if (reason.picture, reason.model) != (original.data, model):
            return self.close(asked)
        reason.job.wait(GLANCE_S)
        return _shown(reason, picture)


def _shown(reason: Reason, picture: Picture) -> Markup:
    now = reason.job.snapshot()
    answer = reason.answer
    if not now.ended:
        return fragments.looking(reason.tag, now.done, now.total, now.eta_s)
    if answer is None:
        said = now.message or "expected an answer, got none: ask again"
        return fragments.failed(reason.tag, said)
    category = _category(answer.name, picture)
    found = fragments.Found(answer.name, category, answer.score, answer.method, answer.overlay)
    return fragments.found(found)


def _category(tag: str, picture: Picture) -> str:
    labels = picture.scores.labels if picture.scores else ()
    return next((each.category.name for each in labels if each.name == tag), "general")


class Question:
    """The components, and what closes the question from elsewhere on the page."""

    def __init__(self, app: App) -> None:
        """Make them, where the answer is to stand."""
        self._acts = Acts(app)
        self.asked = make("State", value="")
        self.place = told("tagger_why")
        self._box = letter_box("why")

    def connect(self, state: Any, model: Any, top: Any, state_of: Callable[..., Any]) -> None:
        """Hear our script; `state` is the page's Picture.

        `state_of` gives the line at the `top`: kept tags are shown without their model, and a
        question loads it.
        """

        def hear(post: str, asked: str, picture: Picture, model: str | None) -> list[Any]:
            return [*self._acts.hear(post, asked, picture, model), state_of(model)]

        given = [self._box, self.asked, state, model]
        listen(self._box.input, hear, given, [self._box, self.asked, self.place, top])

    def close(self, asked: str) -> Markup:
        """Something else is shown now: what stands in its place."""
        return self._acts.close(asked)
