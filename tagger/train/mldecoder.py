"""ML-Decoder: a few queries look at all places of a picture, each answers for a group of labels.

Ridnik 2021, arXiv 2111.12933; Alibaba-MIIL/ML_Decoder. timm has the same as `MLDecoder`, which
fails on every torch that trains here: it hands `nn.TransformerDecoder` a layer of another form.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

FORWARD = 2048
"""Width of the feed-forward layer."""
DROPOUT = 0.1
ATTENTION_HEADS = 8


class MlDecoder(nn.Module):
    """Places, [N, places, d] -> logits, [N, labels].

    The queries are fixed numbers, not learned, and attend to places, not to each other. A group's
    labels share a query, so the cost grows with groups, not labels.
    """

    def __init__(self, labels: int, groups: int, width: int, features: int) -> None:
        super().__init__()
        groups = min(groups, labels)
        self.labels = labels
        self.project = nn.Linear(features, width)
        self.queries = nn.Parameter(torch.randn(groups, width), requires_grad=False)
        self.first = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, ATTENTION_HEADS, DROPOUT, batch_first=True)
        self.second = nn.LayerNorm(width)
        self.forward_1 = nn.Linear(width, FORWARD)
        self.forward_2 = nn.Linear(FORWARD, width)
        self.third = nn.LayerNorm(width)
        self.drop = nn.Dropout(DROPOUT)
        # each query's labels: its own matrix
        self.weight = nn.Parameter(torch.empty(groups, width, -(-labels // groups)))
        self.bias = nn.Parameter(torch.zeros(labels))
        nn.init.xavier_normal_(self.weight)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        """Logits, [N, labels]."""
        places = F.relu(self.project(places))
        asked = self.queries.expand(len(places), -1, -1)
        asked = self.first(asked + self.drop(asked))
        seen, _ = self.attention(asked, places, places, need_weights=False)
        asked = self.second(asked + self.drop(seen))
        thought = self.forward_2(self.drop(F.relu(self.forward_1(asked))))
        asked = self.third(asked + self.drop(thought))
        answers = torch.einsum("ngd,gdk->ngk", asked, self.weight).flatten(1)
        return answers[:, : self.labels] + self.bias
