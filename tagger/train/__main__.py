"""`python -m tagger.train DATASET --out RUN`; `tagger train` is the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..errors import TaggerError, UsageError
from .arguments import as_yaml, read_arguments
from .stopping import Stopped

PROG = "python -m tagger.train"


def run(argv: Sequence[str], prog: str = PROG) -> int:
    """Train as the arguments say; 0 when the model folder is written.

    Raises TaggerError, one sentence, for everything that a person can act on.
    """
    config = read_arguments(argv, prog)
    if config.print_config:
        sys.stdout.write(as_yaml(config))
        return 0
    # torch takes seconds to import: --help needs none
    if config.dry_run or config.show_augmentation:
        from .before import look

        look(config, sys.stdout)
        return 0
    from .loop import train

    try:
        train(config)
    except Stopped as stopped:
        sys.stderr.write(f"tagger: {stopped}\n")
        return stopped.code
    return 0


def main() -> int:
    """Run on this process's arguments; errors are one line on stderr."""
    try:
        return run(sys.argv[1:])
    except TaggerError as error:
        sys.stderr.write(f"tagger: {' '.join(str(error).split())}\n")
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        sys.stderr.write("tagger: stopped; --resume continues from the last checkpoint\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
