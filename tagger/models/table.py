"""The catalogue as words: a model's lines for a person, and the page `docs/models.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..bytecount import readable
from ..preprocess import Preprocess
from ..thresholds import Thresholds
from .contract import Contract
from .files import download_size
from .spec import Model, ModelSpec

HEAD = (
    "model",
    "family",
    "tags",
    "size",
    "input",
    "output",
    "operating point",
    "recipe",
    "licence",
    "also called",
)


_PAGE = """# The models

Every tagger that Tagger knows by name, with what decides its scores.
`tagger models` lists them with what is on this machine, `tagger models show NAME` says everything
about one, `tagger models get NAME` fetches it. A gated model asks you to accept its licence on its
page first, and for your access token in `HF_TOKEN`. See also [own models](own-models.md).

Size is what a download brings, and a link leads to the revision that is fetched; other tools' names
for a model ("also called") mean it here, too.

Input: size, order of colours and axes, the range the network sees, how the picture gets its shape,
the filter of the resize. The operating point is the author's, with where it comes from in brackets;
`?` and "unknown" are what no author says. The recipe is whose preprocessing is followed.

This page is written by `tagger models --markdown`.

"""


def markdown(specs: Sequence[ModelSpec]) -> str:
    """A page with a Markdown table, a line for a model, the columns of HEAD."""
    rows = [HEAD, ("---",) * len(HEAD), *map(_cells, specs)]
    return _PAGE + "".join("| " + " | ".join(row) + " |\n" for row in rows)


def lines(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    """What is known of a model, as name and value; what is not known says so."""
    yield "title", spec.title or spec.name
    yield "family", spec.family or "unknown"
    yield (
        "source",
        spec.source or (f"https://huggingface.co/{spec.repo}" if spec.repo else "unknown"),
    )
    yield "revision", spec.revision if spec.repo else "-"
    yield "licence", licence(spec)
    yield "tags", f"{spec.tags:,}" if spec.tags else "unknown"
    yield "categories", ", ".join(category.name for category in spec.categories)
    yield "operating point", operating_point(spec)
    yield "recipe", spec.recipe or "unknown"
    yield "aliases", ", ".join(spec.aliases) or "-"
    for contract in spec.contracts:
        yield "runs as", f"{contract.runtime}: {taken(contract)} -> {given(contract)}"
    for path in spec.paths:
        file = spec.file(path)
        size = "size unknown" if file.size is None else f"{file.size:,} bytes"
        yield "file", f"{path}, {size}" + (f", {file.sha256[:12]}..." if file.sha256 else "")


def licence(spec: ModelSpec) -> str:
    """The licence, and what stands between a person and the weights."""
    marks = [(spec.gated, "gated"), (not spec.redistributable, "not to be passed on")]
    return ", ".join([spec.licence, *(word for holds, word in marks if holds)])


def size(spec: ModelSpec) -> str:
    """What a download brings, `467 MB`; empty where nobody says."""
    found = download_size(spec)
    return readable(found) if found else ""


def in_force(model: Model) -> str:
    """The thresholds of a model on disk, with what its files say of categories and tags."""
    known = model.thresholds
    own = set(known.tags)
    own |= {label.name for label in model.labels if label.threshold is not None}
    rest = f", else {known.overall:g}" if known.categories else ""
    return _said(known, rest, len(own))


def operating_point(spec: ModelSpec) -> str:
    """The thresholds and where they come from."""
    said = _said(spec.thresholds, "", len(spec.thresholds.tags))
    return f"{said} ({spec.point})" if spec.point else said


def taken(contract: Contract) -> str:
    """How a picture goes in, in a few words: `448 BGR NHWC 0..255, pad white, bicubic`."""
    pixels = contract.preprocess
    if pixels.fit == "patches":
        most = f"longest {pixels.longest}, " if pixels.longest else f"{pixels.max_patches} "
        shape, fit = f"{most}patches of {pixels.patch}", "native shape"
    else:
        width, height = pixels.size
        shape = str(width) if width == height else f"{width}x{height}"
        padded = pixels.fit in ("pad", "letterbox")
        fit = f"{pixels.fit} {_colour(pixels)}" if padded else pixels.fit
    order = f"{pixels.channels.upper()} {pixels.layout.upper()}"
    mask = " with a mask" if contract.mask else ""
    return f"{shape} {order} {_range(pixels)}, {fit}, {pixels.resample}{mask}"


def given(contract: Contract) -> str:
    """What comes out: `probabilities`, or what is made of it."""
    names = {"none": "probabilities", "sigmoid": "logits", "gated": "gated logits"}
    said = names.get(contract.activation, contract.activation)
    return said if contract.output == 0 else f"{said}, output {contract.output}"


def _cells(spec: ModelSpec) -> tuple[str, ...]:
    way = spec.contract
    kept = " (its files say more)" if spec.stages else ""
    return (
        f"[`{spec.name}`]({_address(spec)})",
        spec.family,
        f"{spec.tags:,}" if spec.tags else "?",
        size(spec) or "?",
        taken(way) + kept,
        ", ".join(f"{one.runtime}: {given(one)}" for one in spec.contracts),
        operating_point(spec),
        spec.recipe,
        licence(spec),
        ", ".join(f"`{alias}`" for alias in spec.aliases),
    )


def _address(spec: ModelSpec) -> str:
    """Its page, at the revision that is fetched."""
    pinned = spec.repo and spec.revision != "main"
    return f"{spec.source}/tree/{spec.revision}" if pinned else spec.source


def _said(thresholds: Thresholds, rest: str, tags: int) -> str:
    kinds = ", ".join(f"{name} {value:g}" for name, value in thresholds.categories.items())
    own = f"; {tags:,} tags have their own" if tags else ""
    return (kinds or f"{thresholds.overall:g}") + rest + own


def _colour(pixels: Preprocess) -> str:
    fill = pixels.fill
    return fill if isinstance(fill, str) else "#{:02x}{:02x}{:02x}".format(*fill)


def _range(pixels: Preprocess) -> str:
    """The lowest and highest value that the network sees."""
    low, high = min(pixels.offset), max(pixels.offset + 255 * pixels.gain)
    return f"{low + 0.0:.3g}..{high:.3g}"  # not -0
