"""The page Training: a Python to train with, a form, and the trainings as they go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..compat import listen, make
from .fragments import common
from .fragments.common import NEW, NONE
from .later import later
from .letters import box as letter_box
from .parts import html, press, told
from .shared import Shared

if TYPE_CHECKING:
    from .acts.training import Acts

SET_UP = (
    "A training needs torch and other libraries, and gets a Python of its own for them: the one "
    "that runs this page is left as it is. It takes about 3 GB to download and 7 GB on disk with a "
    "graphics card's libraries, a tenth without, and ten minutes to half an hour on a usual line; "
    "it can be cancelled, and goes on while this page is closed."
)


@dataclass(frozen=True)
class TrainingPage:
    """The page's components that others write to.

    given: what `look` takes. lists: the form's choices. form: all of it.
    """

    shown: list[Any]
    given: list[Any]
    look: Callable[..., list[Any]]
    choices: Callable[[], dict[str, list[str]]]
    lists: list[Any]
    form: list[Any]
    news: Callable[[], bool]


def build(shared: Shared) -> TrainingPage:
    """Make the page, inside the tab that is open, with its listeners."""
    acts: Acts = later("training", shared)
    seen = make("State", value=("", ""))
    with make("Column", elem_classes=["tg-card", "tg-python"]):
        make("HTML", value=common.section("Python", SET_UP), elem_classes=["tg-html"])
        python = html("tagger_python")
        with make("Row", elem_classes=["tg-row"]):
            set_up = press("Make a Python for training", "tagger_python_make")
            cancel = press("Cancel", "tagger_python_cancel", interactive=False)
            named = _box("Or the path of a Python that has them", "tagger_python_path", "")
    form, check, start = _form()
    note = told("tagger_train_note")
    plan = html("tagger_train_plan")
    with make("Column", elem_classes=["tg-card", "tg-training"]):
        names, head = html("tagger_runs"), html("tagger_train_head")
        curves, sheet, log = (html(f"tagger_train_{n}") for n in ("curves", "samples", "log"))
    box = letter_box("training")

    shown = [python, set_up, cancel, names, head, curves, sheet, log, seen]
    listen(set_up.click, acts.set_up, [seen], [note, *shown])
    listen(cancel.click, acts.cancel, [seen], shown)
    first = listen(check.click, lambda: common.note("Asking the training…"), [], [note])
    listen(first.then, acts.rehearse, [named, *form], [note, plan])
    first = listen(start.click, lambda: common.note("Asking the training…"), [], [note])
    listen(first.then, acts.start, [seen, named, *form], [note, plan, *shown])
    listen(box.input, acts.hear, [box, seen], [box, note, *shown])
    whole = [named, *form]
    return TrainingPage(shown, [seen], acts.look, acts.choices, form[2:4], whole, acts.news)


def _form() -> tuple[list[Any], Any, Any]:
    """The common options; gives their components, and the two buttons."""
    with make("Column", elem_classes=["tg-card", "tg-options"]):
        said = "What is learned, from what, and how long. The rest is the recipe's."
        make("HTML", value=common.section("Training", said), elem_classes=["tg-html"])
        with make("Row", elem_classes=["tg-row"]):
            dataset = _box("Dataset folder", "tagger_train_dataset", "made by tagger dataset build")
            name = _box("Name", "tagger_train_name", "my-tagger")
        with make("Row", elem_classes=["tg-row"]):
            recipe = _list("Recipe", "tagger_train_recipe", [NONE])
            former = _list("Start from", "tagger_train_from", [NEW])
            epochs = _box("Epochs", "tagger_train_epochs", "the recipe's")
            batch = _box("Pictures in a batch", "tagger_train_batch", "the recipe's")
            device = _box("Device", "tagger_train_device", "auto, cpu, cuda, cuda:1")
        more = _box("Further flags", "tagger_train_more", "--lr 0.001 --mixup 0.2 ...")
        with make("Row", elem_classes=["tg-row"]):
            start = press("Start", "tagger_train_start", "primary")
            check = press("Check", "tagger_train_check")
    return [dataset, name, recipe, former, epochs, batch, device, more], check, start


def _box(label: str, elem_id: str, placeholder: str) -> Any:
    return make(
        "Textbox", label=label, elem_id=elem_id, placeholder=placeholder, lines=1, max_lines=1,
        interactive=True, min_width=120,
    )  # fmt: skip


def _list(label: str, elem_id: str, choices: list[str]) -> Any:
    return make(
        "Dropdown", label=label, elem_id=elem_id, choices=choices, value=choices[0],
        interactive=True, min_width=140,
    )  # fmt: skip
