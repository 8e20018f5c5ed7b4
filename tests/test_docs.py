"""What the documents say is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tagger
from tagger.cli import VERBS
from tagger.cli.caption import FolderFlags
from tagger.cli.tag import TagFlags
from tagger.groups import settings
from tagger.options import describe
from tagger.train.config import TrainConfig

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


OF_OTHER_VERBS = frozenset(
    # no settings; of other verbs; of accelerate and torchrun, before a _
    """config print-config dry-run recipe resume show-augmentation
    count minimum-count landscape page model all all-scores help output to method
    multi cpu num nproc""".split()  # noqa: SIM905 - as they are read there
)


def _of_animesion() -> set[str]:
    """Its options, as its README and `utilities/misc.py` list them."""
    return set(
        """dataset_name dataset_path model_name results_dir image_size batch_size no_epochs
        learning_rate lr_scheduler epoch_decay warmup_steps pretrained checkpoint_path
        transfer_learning load_partial_mode log_freq save_checkpoint_freq no_cpu_workers seed
        interm_features_fc debugging exclusion_loss temperature exclusion_weight exc_layers_dist
        multimodal max_text_seq_len mask_schedule mask_wu_percent mask_cd_percent ret_attn_scores
        tokenizer masking_behavior shuffle_tokens mode test_path save_results vis_arch
        eval_imagebyimage split data_vis_full labels display_images stats_partial""".split()  # noqa: SIM905 - as they are read there
    )


def test_every_flag_of_training_exists() -> None:
    """Beside what others' options are called, a flag is a setting of a training."""
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    prose, table = text.split("## Options of others, and ours")
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
    ours = prose + "".join(row[2] for row in rows)
    known = {each.name.rstrip("_").replace("_", "-") for each in settings(TrainConfig)}

    said = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", ours))

    assert said - known <= OF_OTHER_VERBS
    assert len(said & known) > 50


OF_THE_OTHERS = {
    # notebooks and modules have names, not options
    "anime-art-tagger": """less-images Resize(224) Resize(384) 0.9 0.1 efficientnet_b4
    efficientnet_v2_s leaky_relu BatchNorm1d Dropout clamp MSELoss finetune=False AdamW lr
    ReduceLROnPlateau min_delta reload backup_ losses.csv sample-images torchinfo""",
    "tagger-showdown": "data.db",
    "furry-image-model": """t safe_threshold explicit_threshold normalized predict_image_tags
    return_values return_concat image_latent_vector layer_order""",
    "Animesion": """build_vocab.py --df_path --vocab_path --threshold plot_mask_schedules.py
    calc_tokens_len.py visualize_loss.py demo_ro.py demo_rt.py data_exploration.py inference.py""",
}


def _rows() -> list[tuple[str, str]]:
    """Theirs and ours, of each row of the table of options."""
    table = (ROOT / "docs" / "training.md").read_text("utf-8").split("Options of others, and")[1]
    return [
        (theirs, ours)
        for theirs, ours in re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE)
        if theirs != "theirs"
    ]


def test_each_option_of_animesion_has_its_row() -> None:
    """With ours beside it, or in the row of what is not there yet."""
    theirs = " ".join(row[0] for row in _rows())

    assert _of_animesion() <= set(re.findall(r"--([a-z_]+)", theirs))
    assert all(ours.strip() for _theirs, ours in _rows())


@pytest.mark.parametrize("name", OF_THE_OTHERS)
def test_what_others_let_one_set_has_its_row(name: str) -> None:
    """Among the rows of its own program, each word of theirs as code."""
    of, program = [], ""
    for theirs, _ours in _rows():
        program = (re.findall(r"\*\*(.+?)\*\*", theirs) or [program])[0]
        of += [theirs] if program == name else []
    spans = " ".join(re.findall(r"`([^`]+)`", " ".join(of))).split()

    assert [each for each in OF_THE_OTHERS[name].split() if each not in spans] == []


def test_the_model_of_pictures_and_words_is_said_to_be_missing() -> None:
    """Its options are in one row, and nothing of ours is beside them."""
    missing = next(theirs for theirs, ours in _rows() if ours == "not there yet")

    assert {"multimodal", "tokenizer", "mask_schedule", "shuffle_tokens"} <= set(
        re.findall(r"--([a-z_]+)", missing)
    )


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
