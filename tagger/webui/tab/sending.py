"""Sending a caption to the host's prompts: straight into the component, the rest left alone.

The host's own paste machinery would lose weighted tags and wipe the negative prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..compat import listen, make, update
from .shared import Shared
from .view import Picture

_SWITCH = {
    "txt2img": "() => { switch_to_txt2img(); return []; }",
    "img2img": "() => { switch_to_img2img(); return []; }",
}


def build(shared: Shared, state: Any, caption: Any, prompt: Callable[..., str]) -> None:
    """The row of buttons, where the host has prompts; `prompt` writes the caption as one."""
    targets = {name: getattr(shared.prompts, name, None) for name in _SWITCH}
    if not any(target is not None for target in targets.values()):
        return
    with make("Row", elem_classes=["tg-row", "tg-send"]):
        how = make(
            "Radio", choices=["Replace", "Append"], value="Replace", label="Prompt",
            show_label=False, container=False, elem_id="tagger_send_how", interactive=True,
        )  # fmt: skip
        buttons = {
            name: make(
                "Button", value=f"Send to {name}", elem_id=f"tagger_send_{name}",
                variant="primary" if name == "txt2img" else "secondary", elem_classes=["tg-press"],
            )
            for name in _SWITCH
            if targets[name] is not None
        }  # fmt: skip
        image = getattr(shared.prompts, "img2img_image", None)
        along = make(
            "Checkbox", value=True, label="with the picture", container=False,
            elem_id="tagger_send_picture", interactive=True, visible=image is not None,
        )  # fmt: skip

    def put(how: str, old: str, caption: str, picture: Picture, *given: Any) -> str:
        return joined(how, old, prompt(caption, picture, *given))

    for name, button in buttons.items():
        inputs = [how, targets[name], caption, state, *shared.inputs]
        sent = listen(button.click, put, inputs, [targets[name]])
        if name == "img2img" and image is not None:
            sent = listen(sent.then, attached, [along, state], [image])
        listen(sent.then, None, [], [], js=_SWITCH[name])


def joined(how: str, old: str | None, new: str) -> str:
    """The prompt afterwards."""
    before = (old or "").rstrip().rstrip(",")
    if how != "Append" or not before:
        return new
    return f"{before}, {new}" if new else before


def attached(along: bool, picture: Picture) -> Any:
    """The picture for img2img, upright, as PNG would keep it; nothing changes without one."""
    if not along or picture.original is None:
        return update()
    from ...images import open_image  # no start waits for it

    opened = open_image(picture.original.data)
    return opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
