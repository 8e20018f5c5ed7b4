"""Boxes of the pages that are filled anew on a page that is opened anew: paths, a training's form.

They are kept with the caption options, in the preset `last`, when somebody leaves one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..compat import left, listen
from .later import later
from .shared import Shared

if TYPE_CHECKING:
    from .acts.typed import Acts


def watch(shared: Shared, boxes: Sequence[Any], where: Sequence[Any]) -> Acts:
    """Keep what is in the boxes, and `where` captions go, whenever one of these is left."""
    acts: Acts = later("typed", shared, [each.elem_id for each in boxes])
    for each in (*boxes, *where):
        listen(left(each), acts.keep, [*boxes, *where])
    return acts
