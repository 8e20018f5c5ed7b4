"""The `tagger` command; `python -m tagger` is the same."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line on this process's arguments and return its exit code."""
    from .cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
