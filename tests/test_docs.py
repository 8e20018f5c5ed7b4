"""What the documents say is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tagger
from tagger.cli import VERBS
from tagger.cli.caption import FolderFlags
from tagger.cli.tag import TagFlags
from tagger.options import describe

ROOT = Path(__file__).parents[1]
if not (ROOT / "README.md").is_file():
    pytest.skip("the documents are in the repository alone", allow_module_level=True)

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(text: str) -> list[str]:
    """Every `tagger ...` in a document, from the verb to the end of the line or of the code."""
    return re.findall(r"(?:^|[`/ ])tagger ([a-z][^\n`|]*)", text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_verb_in_a_document_exists(document: Path) -> None:
    """A command that a reader copies is one that the command line knows."""
    text = document.read_text("utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`(tagger [^`\n]+)`", text)
    code = "\n".join([*blocks, *spans])

    unknown = [line for line in commands(code) if line.split()[0] not in VERBS]

    assert unknown == []


def test_every_flag_in_the_readme_exists() -> None:
    """The flags of captioning, tagging, drawing and training."""
    readme = (ROOT / "README.md").read_text("utf-8")
    known = {
        each.name.replace("_", "-") for cls in (FolderFlags, TagFlags) for each in describe(cls)
    }
    known |= {"count", "recipe", "help"}  # of `tagger demo draw`, of training, of every verb

    assert set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", readme)) <= known


def test_contributing_shows_the_packages_own_map() -> None:
    """The map there is the one in `tagger/__init__.py`, word for word."""
    shown = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    described = tagger.__doc__ or ""

    assert described.split("The map, top to bottom\n")[1].strip("\n") in shown


def test_what_the_wheel_takes_from_outside_the_package_is_there() -> None:
    """The stand-alone page looks for these beside the package."""
    lines = (
        (ROOT / "pyproject.toml").read_text("utf-8").split("force-include]\n")[1].split("\n\n")[0]
    )
    taken = re.findall(r'^"([^"]+)" = "tagger/webui/static/', lines, re.MULTILINE)

    assert taken
    assert all((ROOT / name).is_file() for name in taken)


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link and picture exists."""
    broken = [
        f"{document.name}: {link}"
        for document in DOCUMENTS
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8"))
        if not (document.parent / link).exists()
    ]

    assert broken == []
