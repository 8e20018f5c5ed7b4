"""What our script says to Python: letters as JSON in a hidden text box, several in one post.

Each listener empties its box when it has dealt with a post: the script waits for that.
"""

from __future__ import annotations

import json
from typing import Any

from ..compat import make

Letter = dict[str, Any]


def box(name: str) -> Any:
    """The hidden box of a page; fragments name it by `data-box`."""
    return make(
        "Textbox",
        elem_id=f"tagger_box_{name}",
        elem_classes=["tg-hidden"],
        show_label=False,
        container=False,
        interactive=True,
    )


def letters(post: str) -> list[Letter]:
    """The letters of one post; none in what is no post of ours."""
    try:
        found = json.loads(post or "{}").get("all", [])
    except (ValueError, AttributeError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
