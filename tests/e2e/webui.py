"""A page with the components of a WebUI that the tab writes to, and the tab in it.

python tests/e2e/webui.py --port 7861
"""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from typing import Any

import fastapi
import gradio as gr
import uvicorn

from tagger.webui.app import App
from tagger.webui.compat import mount
from tagger.webui.host import StandAlone
from tagger.webui.page import scripts, style
from tagger.webui.preferences import Preferences
from tagger.webui.tab.tab import build

SWITCHES = """
window.switched = [];
function switch_to_txt2img() { switched.push("txt2img"); }
function switch_to_img2img() { switched.push("img2img"); }
"""


def page(app: App) -> Any:
    """Prompts above, the tab below: each built apart and put in, as hosts do it."""
    prompts = SimpleNamespace()
    with gr.Blocks() as generation:
        prompts.txt2img = gr.Textbox(label="Prompt", elem_id="txt2img_prompt")
        gr.Textbox("keepme", label="Negative", elem_id="txt2img_neg_prompt")
        prompts.img2img = gr.Textbox(label="Prompt", elem_id="img2img_prompt")
        prompts.img2img_image = gr.Image(type="pil", elem_id="img2img_image", height=160)
    tab = build(lambda: app, prompts, "demo")
    with gr.Blocks() as host:
        generation.render()
        with gr.Column(elem_id="tab_tagger"):
            tab.render()
    return host


def main() -> None:
    """Serve it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    app = App(StandAlone(preferred=Preferences(default_model="demo")))
    web = mount(fastapi.FastAPI(), page(app), "/", style(), [*scripts(), SWITCHES])
    uvicorn.run(web, host="127.0.0.1", port=parser.parse_args().port, log_level="warning")


if __name__ == "__main__":
    main()
