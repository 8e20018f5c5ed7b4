"""What is exported: a model, the one way to run it that is made over, its labels in WD's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, UsageError
from ..labels import Label, LabelSet
from ..models.spec import Contract, Model, ModelSpec
from ..models.table import taken
from ..preprocess import WD
from ..thresholds import Thresholds, operating_point
from .baking import GLOBAL
from .edit import Graph, fed_alike
from .heads import heads_of
from .rows import RATINGS, Rows, constant_rows, model_rows

Layout = Literal["wd", "timm", "cl", "universal"]
WITH_SAFETENSORS = ("timm", "universal")


@dataclass(frozen=True)
class Export:
    """What is asked for: which model, in which layout, with its thresholds baked in or not.

    only: the categories that are kept, of a model cut down to them; none are all. heads: likewise,
    the heads, by the names that network.json gives them.
    """

    model: Model
    to: Layout
    bake: bool = False
    only: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()

    def check(self) -> None:
        """Say what stands against it before anything is written.

        Raises:
            UsageError: thresholds can't be baked into this layout.
            ModelError: the model lacks what the layout needs.
        """
        if self.bake and self.to in WITH_SAFETENSORS:
            raise UsageError(
                f"--bake-thresholds: expected --to wd or --to cl, got --to {self.to}: it would "
                f"part model.onnx from model.safetensors"
            )
        self._check_cut()
        activation = self.contract.activation
        if activation not in ("none", "sigmoid"):
            raise ModelError(
                f"{self.model.name}: expected outputs that are probabilities or logits, got "
                f"{activation} ones: it can't be exported"
            )
        if self.to in WITH_SAFETENSORS and self.safetensors is None:
            raise ModelError(self._lacking())
        if self.to == "universal" and not self._in_order:
            raise ModelError(
                f"{self.model.name}: expected labels in WD's order, since its safetensors keep "
                f"theirs, got others: export --to wd"
            )

    @cached_property
    def contract(self) -> Contract:
        """The way to run it that becomes the layout's graph: its ONNX, else its safetensors.

        Raises:
            ModelError: there is none, or its pictures are prepared in another way than WD's.
        """
        ways = self.model.contracts
        found = next(
            (one for kind in ("onnx", "timm") for one in ways if one.runtime == kind), None
        )
        if found is None:
            raise ModelError(
                f"{self.model.name}: expected a model that ONNX Runtime or timm runs, got one with "
                f"a network of its own: it can't be exported"
            )
        if not fed_alike(found.preprocess, WD):
            raise ModelError(
                f"{self.model.name}: expected pictures of 448 x 448, padded with white and resized "
                f"bicubically, as tools that take WD's models prepare them, got {taken(found)}: "
                f"they would prepare them wrongly"
            )
        return found

    @cached_property
    def safetensors(self) -> Contract | None:
        """The way to run it with timm, where it is here."""
        return next((one for one in self.model.contracts if one.runtime == "timm"), None)

    @cached_property
    def rows(self) -> Rows:
        """The labels in the order that WD's readers ask for, the others behind them."""
        labels = self.model.labels
        if not self.cut:
            return model_rows(labels)
        # what has no name has no row
        kept = (one if self._keeps(one) else replace(one, name="") for one in labels)
        return model_rows(LabelSet(tuple(kept)))

    @property
    def left_out(self) -> tuple[str, ...]:
        """The labels of the model that have no row: of a name met before, or a foreign rating."""
        kept = set(self.rows.vocabulary.tolist())
        asked = ((at, one) for at, one in enumerate(self.model.labels) if self._keeps(one))
        return tuple(one.name for at, one in asked if one.name and at not in kept)

    @cached_property
    def limits(self) -> NDArray[np.float32]:
        """The threshold of each row, float32[rows], NaN for ratings and for nobody."""
        own = operating_point(self.model.labels, self.model.thresholds)
        picked = np.where(self.rows.vocabulary < 0, np.nan, own[self.rows.vocabulary])
        picked[: len(RATINGS)] = np.nan
        return picked.astype(np.float32)

    @cached_property
    def thresholds(self) -> Thresholds:
        """What the folder's tagger.json says."""
        if self.bake:
            return Thresholds(GLOBAL)
        own = self.model.thresholds
        labelled = {
            label.name: label.threshold
            for label in self.model.labels
            if label.name and label.threshold is not None
        }
        tags = {**labelled, **own.tags}
        if self.cut:
            there = set(self.rows.labels.names)
            tags = {name: limit for name, limit in tags.items() if name in there}
        return replace(own, tags=tags)

    @property
    def cut(self) -> bool:
        """Whether some labels are left out."""
        return bool(self.only or self.heads)

    def graph(self) -> Graph:
        """The graph to be edited; of safetensors alone, torch makes one."""
        graph = self._whole_graph()
        graph.slim = self.cut
        return graph

    def _whole_graph(self) -> Graph:
        if self.contract.runtime == "onnx":
            return Graph.read(self.model, self.contract)
        from .trace import trace  # torch, which the others do without

        way = Contract(preprocess=self.contract.preprocess, activation=self.contract.activation)
        return Graph(trace(self.model, self.contract), way)

    def scores(self, graph: Graph) -> str:
        """The probabilities of `rows`, in their order."""
        known = constant_rows(self.rows)
        scores = graph.arrange(graph.probabilities(), self.rows.vocabulary, known)
        return graph.bake(scores, self.limits) if self.bake else scores

    def describe(self, file: str, labels: LabelSet, *contracts: Contract) -> ModelSpec:
        """What tagger.json says of a folder whose `labels` are in `file`."""
        spec = self.model.spec
        return ModelSpec(
            name=self.model.name.removesuffix(" (local)"),  # that is said beside another here
            contracts=contracts,
            labels=file,
            categories=labels.numbering,
            tags=len(labels),
            thresholds=self.thresholds,
            family=spec.family,
            title=spec.title,
            source=self.origin,
            licence=spec.licence,
            precision=spec.precision,
        )

    @property
    def origin(self) -> str:
        """Where the model comes from, where that is known."""
        spec = self.model.spec
        return spec.source or (f"https://huggingface.co/{spec.repo}" if spec.repo else "")

    def _keeps(self, label: Label) -> bool:
        if not self.cut:
            return True
        return label.category.name in self.only or label.name in self._of_heads

    @cached_property
    def _of_heads(self) -> frozenset[str]:
        """The names that the heads asked for give."""
        there = heads_of(self.model)
        return frozenset(name for head in self.heads for name in there.get(head, ()))

    def _check_cut(self) -> None:
        labels = self.model.labels
        kinds = [kind.name for kind in labels.categories if len(labels.of(kind.name))]
        self._check_among("--category", "categories", self.only, kinds)
        self._check_among("--head", "heads", self.heads, [*heads_of(self.model)])
        if self.cut and self.to in WITH_SAFETENSORS:
            flag = "--category" if self.only else "--head"
            raise UsageError(
                f"{flag}: expected --to wd or --to cl, got --to {self.to}: safetensors hold every "
                f"label"
            )

    def _check_among(
        self, flag: str, what: str, asked: Sequence[str], there: Sequence[str]
    ) -> None:
        for name in asked:
            if name not in there:
                raise UsageError(
                    f"{flag}: expected {what} of {self.model.name} "
                    f"({', '.join(there) or 'it names none'}), got {name!r}"
                )

    @property
    def _in_order(self) -> bool:
        return np.array_equal(self.rows.vocabulary, np.arange(len(self.model.labels)))

    def _lacking(self) -> str:
        name = self.model.name
        said = f"{name}: expected model.safetensors and config.json for --to {self.to}, got none"
        if any(one.runtime == "timm" for one in self.model.spec.contracts):
            return f"{said} here: run `tagger models get {name} --all`"
        return f"{said}: timm can't take an ONNX file, export --to wd or --to cl"
