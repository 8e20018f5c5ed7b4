"""wdtagger's `Tagger`, told to read a folder; --batch pictures to a call."""

from __future__ import annotations

from typing import Any

from stopwatch import Stopwatch, arguments, pictures, write_caption


def main() -> None:
    """Caption a folder by the library."""
    parser = arguments(__doc__)
    parser.add_argument("--batch", type=int, default=1)
    asked = parser.parse_args()
    import safetensors.torch
    import timm
    import wdtagger

    create = timm.create_model

    def local(name: str, **settings: Any) -> Any:
        return create(name.replace("hf-hub:", "local-dir:"), pretrained=True, **settings)

    wdtagger.timm.create_model = local
    wdtagger.timm.models.load_state_dict_from_hf = lambda repo: safetensors.torch.load_file(
        asked.model / "model.safetensors"
    )
    watch = Stopwatch()
    tagger = wdtagger.Tagger(model_repo=str(asked.model))
    files = pictures(asked.pictures)
    for at in range(0, len(files), asked.batch):
        some = files[at : at + asked.batch]
        results = tagger.tag([str(path) for path in some], character_threshold=0.35)
        for path, result in zip(some, results, strict=True):
            tags = (*result.character_tags, *result.general_tags)
            write_caption(path, (tag.replace("_", " ") for tag in tags))
            watch.mark()
    watch.report()


if __name__ == "__main__":
    main()
