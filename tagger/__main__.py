"""The `tagger` command; `python -m tagger` is the same."""

from __future__ import annotations

import io
import sys


def main() -> int:
    """Run the command line on this process's arguments and return its exit code."""
    from .cli import main as run

    for stream in (sys.stdout, sys.stderr):  # a console that lacks a letter shows its number
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
