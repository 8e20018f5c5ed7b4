"""What the question "why this tag?" does on the page Picture: asked, watched, answered, closed.

All of a page's letters about it come one after the other through one box, so that no answer
overtakes another; an answer to another picture or model than the page shows is not shown.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ...app import App
from ...reasons import Reason, Reasons
from ..fragments import why as fragments
from ..letters import letters
from ..markup import Markup
from ..shared import Shared
from ..view import Picture

PAGES = 64
"""Pages whose last question is remembered."""
GLANCE_S = 0.8
"""Seconds that a look at a question waits for its answer."""
_CLOSED = Markup("")


class Acts:
    """What the listeners do; each gives the values of its outputs."""

    def __init__(self, shared: Shared) -> None:
        self._app: App = shared.app
        self._reasons = Reasons(self._app)
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
        if asked not in self._asked:  # closed meanwhile: that it was cancelled is no answer
            return _CLOSED
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
