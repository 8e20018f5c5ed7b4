"""What is known of a model before it is opened, and one found on this machine, not loaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..errors import ModelError
from ..labels import DANBOORU, Category, LabelSet
from ..relationfiles import NAME as RELATIONS
from ..relationfiles import read_relations
from ..relations import EMPTY, Relations
from ..thresholds import Thresholds
from .boundary import inside
from .calibrations import read_calibration
from .contract import Contract, check_contract, check_probabilities, digest, input_shape
from .hashes import sha256
from .labelfiles import read_labels
from .labeltables import read_implications
from .onnxheader import external_files, freed

__all__ = [  # a backend needs nothing of this room but these
    "Contract",
    "File",
    "Model",
    "ModelSpec",
    "check_contract",
    "check_probabilities",
    "digest",
    "external_files",
    "freed",
    "input_shape",
    "inside",
]


@dataclass(frozen=True)
class File:
    """One file of a model: `path` inside its folder, bytes and SHA-256 where known."""

    path: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class ModelSpec:
    """What is known of a model: enough to list, download and describe it.

    Attributes:
        name: how a person calls it, unique in a registry.
        contracts: the ways to run it, the preferred one first.
        labels: the label file, inside the model's folder.
        categories: the label file's numbering.
        tags: number of labels, where known.
        thresholds: the author's operating point, and `point`: where it comes from.
        calibration: a file in the folder that says thresholds more narrowly, where it is there.
        stages: a file in the folder that says how pictures are prepared, for every contract.
        extra: further files that it can't be run without.
        optional: files that are fetched with the others and can be missed.
        implications: a file in the folder that says which tags imply which.
        recipe: whose preprocessing is followed.
        repo, revision: where it is published on the Hugging Face hub.
        source: where it comes from, for a person.
        gated: the hub asks for a licence to be accepted first.
        redistributable: whether the licence lets others pass the weights on.
        about: bytes to download, roughly, where exact sizes aren't known.
        beside: a folder beside the roots in which hosts keep it.
        precision: of the stored weights, as the author states it.
    """

    name: str
    contracts: tuple[Contract, ...] = (Contract(),)
    labels: str = "selected_tags.csv"
    categories: tuple[Category, ...] = DANBOORU
    tags: int | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    point: str = ""
    calibration: str | None = None
    stages: str | None = None
    extra: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    implications: str | None = None
    recipe: str = ""
    family: str = ""
    title: str = ""
    repo: str | None = None
    revision: str = "main"
    files: tuple[File, ...] = ()
    source: str = ""
    licence: str = "unknown"
    gated: bool = False
    redistributable: bool = True
    about: int | None = None
    beside: str = ""
    precision: str = "fp32"
    aliases: tuple[str, ...] = ()

    @property
    def contract(self) -> Contract:
        """The preferred way to run it."""
        return self.contracts[0]

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file it names: weights, configurations, labels, and the others known."""
        named = [name for contract in self.contracts for name in contract.files]
        files = (file.path for file in self.files)
        return tuple(dict.fromkeys([*named, *self._shared, *self.optional, *files]))

    @property
    def _shared(self) -> tuple[str, ...]:
        """The files every way of running needs."""
        return (self.labels, *self.extra, *((self.stages,) if self.stages else ()))

    def needs(self, contract: Contract) -> tuple[str, ...]:
        """Every file that one way to run it needs: its own, the labels, what no other claims."""
        others = {name for one in self.contracts if one != contract for name in one.files}
        own = (*contract.files, *self._shared)
        others |= set(self.optional)
        shared = (file.path for file in self.files if file.path not in others)
        return tuple(dict.fromkeys((*own, *shared)))

    def file(self, path: str) -> File:
        """What is known of one file; an unknown one has neither size nor hash."""
        return next((file for file in self.files if file.path == path), File(path))


@dataclass(frozen=True)
class Model:
    """A model found on this machine, or known but not here (`folder` is None). Not loaded.

    Attributes:
        name: its name in the registry that found it.
        contracts: the ways to run it whose files are here, the preferred one first.
    """

    name: str
    spec: ModelSpec
    folder: Path | None = None
    contracts: tuple[Contract, ...] = ()

    @property
    def on_disk(self) -> bool:
        """Whether it can be opened without a network."""
        return self.folder is not None

    @property
    def contract(self) -> Contract:
        """The preferred way to run it, of those whose files are here."""
        return (self.contracts or self.spec.contracts)[0]

    def path(self, name: str) -> Path:
        """One of its files; an empty name is their folder.

        Raises:
            ModelError: the model is not on disk, or the name leads out of its folder.
        """
        if self.folder is None:
            raise ModelError(absent(self.name))
        return inside(self.folder, name) if name else self.folder

    @property
    def weights(self) -> Path:
        """The weights of the preferred way to run it."""
        return self.path(self.contract.weights)

    @cached_property
    def labels(self) -> LabelSet:
        """Its labels, read when first asked for.

        Raises:
            LabelFileError: the label file is not what its name says.
        """
        return read_labels(self.path(self.spec.labels), self.spec.categories)

    @cached_property
    def relations(self) -> Relations:
        """What its `relations.json`, or else its table of implications, says; EMPTY without one.

        Raises:
            RelationError, LabelFileError: the file is not what its name says.
        """
        path = self.path(RELATIONS)
        if path.is_file():
            return read_relations(path)
        table = self.spec.implications
        if table is None:
            return EMPTY
        # a cycle in a published table is its author's; the rest is of use
        return Relations.from_rows((), read_implications(self.path(table)), dropped=[])

    @cached_property
    def thresholds(self) -> Thresholds:
        """The author's operating point, with what its calibration file says.

        Raises:
            LabelFileError: the calibration file is not what its name says.
        """
        spec = self.spec
        path = self.path(spec.calibration) if spec.calibration and self.on_disk else None
        if path is None or not path.is_file():
            return spec.thresholds
        return read_calibration(path, spec.thresholds, self.labels)

    def verify(self, contract: Contract) -> None:
        """Hold the files of one way to run it against the hashes that are known of them.

        A hash is computed once for as long as a file stays as it is.

        Raises:
            ModelError: a file has other bytes than it should.
        """
        for name in self.spec.needs(contract):
            path, wanted = self.path(name), (self.spec.file(name).sha256 or "").lower()
            if not wanted or not path.is_file():
                continue
            found = sha256(path)
            if found != wanted:
                raise ModelError(
                    f"{path}: expected SHA-256 {wanted[:12]}..., got {found[:12]}...: copy or "
                    f"download it again"
                )

    def identity(self, contract: Contract | None = None) -> str:
        """What decides its scores for given pixels, as hex: weights and how they are read.

        Where it lies, its name and its preprocessing do not count.
        """
        contract = contract or self.contract
        parts = [contract.runtime, str(contract.output), contract.activation, *contract.softmax]
        parts += [str(contract.pool), *filter(None, (contract.architecture, contract.mask))]
        parts += [sha256(self.path(name)) for name in contract.files]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def absent(name: str) -> str:
    """The sentence for a model that is known and not on disk."""
    return f"{name}: expected on disk, got nothing there: run `tagger models get {name}`"
