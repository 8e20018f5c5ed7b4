"""The published models, one line each; a module for each kind of author.

    wd          SmilingWolf's WD taggers, idolsankaku, and what keeps their contract
    danbooru    other taggers of Danbooru's tags
    camie       Camie's, of 70,527 tags
    cl          cl_tagger, which is gated
    deepghs     models that bring their preprocessing and thresholds as files
    furry       taggers of e621's tags
    shapes      what these share: how pixels are prepared

A model whose author says nothing of something says nothing here. Sizes and hashes are those of
the revision named; where they are not known, the hub's own are checked at download. `recipe` says
whose preprocessing is followed where people who publish a model disagree.
"""

from __future__ import annotations

from ..default import DEFAULT
from ..spec import ModelSpec
from . import camie, cl, danbooru, deepghs, furry, wd

__all__ = ["CATALOG", "DEFAULT"]

CATALOG: tuple[ModelSpec, ...] = (
    *wd.MODELS,
    *danbooru.MODELS,
    *camie.MODELS,
    *cl.MODELS,
    *deepghs.MODELS,
    *furry.MODELS,
)
