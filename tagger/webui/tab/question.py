"""The place of the question "why this tag?" on the page Picture, and what closes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..compat import listen, make
from .later import later
from .letters import box as letter_box
from .markup import Markup
from .parts import told
from .shared import Shared
from .view import Picture

if TYPE_CHECKING:
    from .acts.why import Acts


class Question:
    """The components, and what closes the question from elsewhere on the page."""

    def __init__(self, shared: Shared) -> None:
        """Make them, where the answer is to stand."""
        self._acts: Acts = later("why", shared)
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
