"""The `tagger` command: a table of verbs, the exit codes, errors as one line.

A verb is a module in this folder with `run(argv, prog) -> int`; it is imported only when it is
called, so `tagger --help` costs next to nothing.

Exit codes: 0 done; 1 ran, but some pictures failed; 2 refused before anything ran; 130 after
Ctrl-C.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from ..errors import TaggerError, UsageError, unlike_torch

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130

VERBS: dict[str, tuple[str, str]] = {
    # verb: (module, sentence)
    "tag": ("tag", "Print the tags of pictures."),
    "caption": ("caption", "Write a caption beside every picture of a folder."),
    "explain": ("explain", "Show where in a picture a model sees a tag."),
    "embed": ("embed", "Find alike pictures of a folder, and groups of them."),
    "stats": ("stats", "Count the tags in the captions of a folder."),
    "edit": ("edit", "Edit all captions of a folder, shown first."),
    "import": ("imports", "Take up the scores that another tagger kept, without inference."),
    "runs": ("runs", "List the runs that changed files."),
    "undo": ("undo", "Give the files of a run what they held before."),
    "serve": ("serve", "Serve the page and the API to a browser and to programs."),
    "models": ("models", "List the models, or fetch one."),
    "doctor": ("doctor", "Show devices, versions and free space."),
    "relations": ("relations", "Read which tags imply others, from a site's exports."),
    "dataset": ("dataset", "Build a training set from a booru's metadata."),
    "evaluate": ("evaluate", "Judge a tagger on pictures whose tags are known."),
    "compare": ("compare", "Compare taggers on the same pictures."),
    "diff": ("diff", "Compare the captions of two folders, tag by tag."),
    "train": ("train", "Train a tagger of your own."),
    "curves": ("curves", "Draw what a training did, or the loss around what it found."),
    "export": ("export", "Write a model's folder as other tools read it."),
    "demo": ("demo", "Draw a booru with known truth."),
}

_NO_ALGEBRA = ("tag", "caption")
"""Verbs that multiply no matrices in numpy."""
_BLAS_THREADS = "OPENBLAS_NUM_THREADS"


def main(argv: Sequence[str]) -> int:
    """Run one verb and return the exit code; every error is one line on stderr.

    With `--debug` anywhere among the arguments, errors are left to Python, trace and all.
    """
    if "--debug" in argv:
        return _dispatch([word for word in argv if word != "--debug"])
    try:
        return _dispatch(argv)
    except TaggerError as error:
        return _complain(str(error), REFUSED if isinstance(error, UsageError) else FAILED)
    except KeyboardInterrupt:
        return _complain("stopped", INTERRUPTED)
    except BrokenPipeError:  # `tagger models | head`
        sys.stderr.close()
        return DONE
    except ModuleNotFoundError as error:
        return _complain(_needed(error.name or str(error)), REFUSED)
    except OSError as error:  # a path that nobody could look at
        refused = isinstance(error, PermissionError)
        return _complain(_told(error), REFUSED if refused else FAILED)
    except Exception as error:
        if unlike := unlike_torch(error):
            return _complain(unlike, REFUSED)
        sentence = f"{type(error).__name__}: {error}: this is a fault of Tagger; --debug shows it"
        return _complain(sentence, FAILED)


def _dispatch(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(overview())
        return DONE
    if argv[0] in ("-V", "--version", "version"):
        from .. import __version__

        print(f"tagger {__version__}")
        return DONE
    verb, *rest = argv
    if verb not in VERBS:
        import difflib

        near = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean `tagger {near[0]}`?" if near else "`tagger --help` lists them"
        raise UsageError(f"expected one of {', '.join(VERBS)}, got {verb!r}: {hint}")
    return _module(VERBS[verb][0]).run(rest, f"tagger {verb}")


def _module(name: str) -> ModuleType:
    """Import a verb's module, without a look for garbage among what that makes: there is none.

    Nor does numpy, if it is imported now, start threads where none would have anything to do: each
    waits in a loop for a while.
    """
    threads = os.environ.get(_BLAS_THREADS)
    if name in _NO_ALGEBRA:
        os.environ.setdefault(_BLAS_THREADS, "1")
    gc.disable()
    try:
        return importlib.import_module(f".{name}", __name__)
    finally:
        gc.freeze()
        gc.enable()
        if threads is None:  # torch may have an OpenBLAS of its own
            os.environ.pop(_BLAS_THREADS, None)


def overview() -> str:
    """The text of `tagger --help`: one line for a verb."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {sentence}" for verb, (_, sentence) in VERBS.items()]
    return "\n".join(
        [
            "usage: tagger VERB ...",
            "",
            "Captions for anime and furry art.",
            "",
            *lines,
            "",
            "`tagger VERB --help` explains one. --version prints the version; with any verb,",
            "--debug shows the whole trace of an error.",
        ]
    )


def _needed(module: str) -> str:
    from ..extras import bringing

    module = module.partition(".")[0]
    return f"expected the package {module}, got none here: `{bringing(module)}`"


def _told(error: OSError) -> str:
    from ..paths import cause_of

    return f"{error.filename}: {cause_of(error)}" if error.filename else cause_of(error)


def _complain(sentence: str, code: int) -> int:
    from .screen import say

    say(f"tagger: {' '.join(sentence.split())}")
    return code
