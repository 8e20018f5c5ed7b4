"""What stood in the pages' boxes comes back, but no secret, and nothing where all is closed."""

from __future__ import annotations

from typing import Any

import pytest

from tagger.settings import Folder
from tagger.webui.tab import destination, presets
from tagger.webui.tab.acts.typed import MOST, Acts

from .conftest import Bench

WHERE = destination.show(Folder(recursive=False))


def values(shown: list[Any]) -> list[Any]:
    return [each.get("value") for each in shown]


def test_boxes_show_what_was_in_them(bench: Bench) -> None:
    """A list only what is still among its choices; a box that was empty stays as it is."""
    pytest.importorskip("gradio")
    acts = Acts(bench.shared(), ["path", "recipe", "name"])
    acts.keep("/data ", "gone", None, *WHERE)
    kept = presets.load_last()
    assert not kept.folder.recursive
    shown = acts.shown(kept.typed, {"recipe": ["none", "dafre"]})
    assert values(shown) == ["/data", None, None]
    assert shown[1]["choices"] == ["none", "dafre"]
    acts.keep("/data", "dafre", "", *WHERE)
    shown = acts.shown(presets.load_last().typed, {"recipe": ["none", "dafre"]})
    assert values(shown) == ["/data", "dafre", None]


@pytest.mark.parametrize(
    "text",
    [
        "--hub-token abc", "--wandb_api_key 1", "--PASSWORD x", "secret=1", "x" * (MOST + 1),
        "hf_abcdefghijkl", "https://me:word@example.org/data",
    ],
)  # fmt: skip
def test_what_may_be_a_secret_is_not_kept(bench: Bench, text: str) -> None:
    """Nor what is no text for a box."""
    acts = Acts(bench.shared(), ["path", "more"])
    acts.keep("/data", text, *WHERE)
    assert presets.load_last().typed == {"path": "/data", "more": ""}


def test_nothing_is_kept_where_no_folder_may_be_used(bench: Bench) -> None:
    """Others see the page then."""
    acts = Acts(bench.shared(listening=True), ["path"])
    acts.keep("/data", *WHERE)
    assert not presets.load_last().typed


def test_a_half_typed_extension_keeps_the_rest(bench: Bench) -> None:
    acts = Acts(bench.shared(), ["path"])
    acts.keep("/data", "Overwrite", "", "a/b", "", True)
    assert presets.load_last().typed == {"path": "/data"}
