"""kohya's `finetune/tag_images_by_wd14_tagger.py`, unchanged; its progress bar tells the time.

--repository is a checkout of sd-scripts, --options go to the script.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stopwatch import Stopwatch, arguments


def main() -> None:
    """Run the script's `main` with a stopwatch where it shows its progress."""
    parser = arguments(__doc__)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--options", default="")
    asked = parser.parse_args()
    sys.path[:0] = [str(asked.repository), str(asked.repository / "finetune")]
    import tag_images_by_wd14_tagger as script

    watch = Stopwatch()

    def clocked(batches: Iterable[Any], **_: object) -> Iterator[Any]:
        for batch in batches:
            yield batch  # captions are written before the next is asked for
            watch.mark(len(batch))

    script.tqdm = clocked
    options = ["--onnx", "--model_dir", str(asked.model.parent), "--repo_id", asked.model.name]
    options += ["--remove_underscore", "--thresh", "0.35", *asked.options.split()]
    settings = script.setup_parser().parse_args([str(asked.pictures), *options])
    for name in ("general_threshold", "character_threshold"):
        setattr(settings, name, getattr(settings, name) or settings.thresh)
    if settings.caption_extention is not None:
        settings.caption_extension = settings.caption_extention
    script.main(settings)
    watch.report()


if __name__ == "__main__":
    main()
