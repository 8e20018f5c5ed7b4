"""What is known of how a model's tags relate, where the settings of a caption ask for it."""

from __future__ import annotations

from ..errors import UsageError
from ..relationfiles import home_relations, join
from ..relations import EMPTY, Relations
from ..settings import Settings
from .spec import Model


def relations_for(model: Model, settings: Settings) -> Relations:
    """What is known of the model's tags, its own relations before those of our home.

    Nothing is read where the settings need none.

    Raises:
        UsageError: implied tags are asked for, and nothing is known of any.
    """
    if settings.implied == "off" and not settings.series:
        return EMPTY
    known = join([model.relations, home_relations()])
    if settings.implied != "off" and not known.implications:
        raise UsageError(
            f"implied {settings.implied}: expected to know which tags imply others, got nothing in "
            f"{model.name} or from the sites: run `tagger relations update FILE...` with a site's "
            f"export of aliases and implications"
        )
    return known
