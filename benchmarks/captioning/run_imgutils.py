"""imgutils' `get_wd14_tags`, a picture a call as it is documented, told to read a folder."""

from __future__ import annotations

from stopwatch import Stopwatch, arguments, pictures, write_caption


def main() -> None:
    """Caption a folder by the library."""
    asked = arguments(__doc__).parse_args()
    from imgutils.tagging import get_wd14_tags, wd14

    def local(repo_id: str, filename: str, **_: object) -> str:
        return str(asked.model / filename.rpartition("/")[2])

    wd14.hf_hub_download = local
    watch = Stopwatch()
    for path in pictures(asked.pictures):
        _, general, characters = get_wd14_tags(
            str(path), model_name="ViT_v3", character_threshold=0.35, no_underline=True
        )
        write_caption(path, (*characters, *general))
        watch.mark()
    watch.report()


if __name__ == "__main__":
    main()
