"""The drawn dump: Danbooru2021's shape, one hash for one seed, tags left out as asked for."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tagger.demo.dump import DumpOptions, content_hash, draw_dump
from tagger.demo.posts import draw_post
from tagger.demo.truth import ALIASES, CATEGORIES, IMPLICATIONS
from tagger.errors import OptionError, UsageError

# The keys of a post, written down from a Danbooru2021-shaped dump of another program.
POST_KEYS = [
    "id", "created_at", "updated_at", "uploader_id", "score", "source", "md5", "rating",
    "image_width", "image_height", "file_ext", "file_size", "parent_id", "has_children",
    "is_deleted", "is_banned", "is_pending", "is_flagged", "fav_count", "tag_string",
    "tag_string_general", "tag_string_character", "tag_string_copyright", "tag_string_artist",
    "tag_string_meta", "tag_count_general",
]  # fmt: skip
ALL = DumpOptions(
    count=40, size=48, seed=5, missing_rate=0.2, aliases=0.3, deleted=0.2, parents=0.3
)


def rows(folder: Path, name: str) -> list[dict]:
    text = (folder / "metadata" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dump")
    draw_dump(folder, ALL)
    return folder


def test_posts_have_danbooru2021s_keys(dump: Path) -> None:
    """Readers of the real dump read this one."""
    for post in rows(dump, "posts.json"):
        assert list(post) == POST_KEYS
        assert post["rating"] == "g"
        assert post["tag_count_general"] == len(post["tag_string_general"].split())
        parts = [post[f"tag_string_{kind}"] for kind in ("general", "character", "copyright")]
        assert post["tag_string"].split() == sorted(" ".join(parts).split())


def test_the_keys_are_those_of_the_trying_out_dump(test_data: Path) -> None:
    """The list above is not our own invention."""
    for name in ("posts", "tags", "tag_implications", "tag_aliases"):
        path = test_data / "sprites" / "metadata" / f"{name}.json"
        with path.open(encoding="utf-8") as file:
            first = json.loads(file.readline())
        expected = {
            "posts": POST_KEYS,
            "tags": ["id", "name", "post_count", "category", "is_deprecated"],
        }.get(name, ["id", "antecedent_name", "consequent_name", "status"])
        assert list(first) == expected


def test_pictures_lie_where_danbooru2021_has_them(dump: Path) -> None:
    """images/{id % 1000:04d}/{id}.png, of the size that the post states."""
    posts = rows(dump, "posts.json")
    assert len(posts) == len(list((dump / "images").rglob("*.png"))) == 40
    for post in posts:
        path = dump / "images" / f"{post['id'] % 1000:04d}" / f"{post['id']}.png"
        assert path.stat().st_size == post["file_size"]
        with Image.open(path) as picture:
            assert picture.size == (post["image_width"], post["image_height"]) == (48, 48)


def test_tags_are_counted_by_category(dump: Path) -> None:
    """tags.json counts what the posts are written with."""
    counts = Counter(t for post in rows(dump, "posts.json") for t in post["tag_string"].split())
    listed = {row["name"]: row for row in rows(dump, "tags.json")}
    assert {name: row["post_count"] for name, row in listed.items() if row["post_count"]} == counts
    assert listed["chibi_town"]["category"] == 3
    assert listed["mira_(chibi_town)"]["category"] == 4
    assert listed["blush"]["category"] == 0


def test_the_same_seed_gives_the_same_hash_and_another_seed_another(
    dump: Path, tmp_path: Path
) -> None:
    """The hash that is written is the one that the folder's files give."""
    again = draw_dump(tmp_path / "again", ALL)
    other = draw_dump(tmp_path / "other", DumpOptions(count=3, size=32, seed=6))
    written = json.loads((dump / "metadata" / "dump.json").read_text(encoding="utf-8"))
    assert written["content_hash"] == again.content_hash == content_hash(dump)
    assert written["options"]["missing_rate"] == 0.2
    assert other.content_hash != again.content_hash


def test_the_hash_does_not_depend_on_the_encoder(tmp_path: Path) -> None:
    """The same pixels in other bytes, with another md5 and size, are the same content."""
    summary = draw_dump(tmp_path, DumpOptions(count=2, size=32))
    for path in tmp_path.rglob("*.png"):
        with Image.open(path) as picture:
            picture.load()
        picture.save(path, compress_level=9)
    posts = [{**row, "md5": "0", "file_size": 1} for row in rows(tmp_path, "posts.json")]
    text = "".join(json.dumps(row) + "\n" for row in posts)
    (tmp_path / "metadata" / "posts.json").write_text(text, encoding="utf-8")
    assert content_hash(tmp_path) == summary.content_hash
    Image.new("RGB", (32, 32)).save(next(tmp_path.rglob("*.png")))
    assert content_hash(tmp_path) != summary.content_hash


@pytest.mark.parametrize("kind", ["uniform", "rare"])
def test_the_missing_rate_is_the_one_asked_for(kind: str) -> None:
    """A fifth of the true tags is left out, and what remains is still closed."""
    options = DumpOptions(seed=2, missing_rate=0.2, missing_kind=kind)
    posts = [draw_post(options, k) for k in range(400)]
    assert sum(len(p.left_out) for p in posts) / sum(len(p.truth) for p in posts) == pytest.approx(
        0.2, abs=0.01
    )
    for post in posts:
        assert sorted(post.general + post.left_out) == list(post.truth)
        for tag in post.general:
            assert set(IMPLICATIONS.get(tag, ())) <= set(post.general)


def test_rare_kind_forgets_rare_tags_sooner_than_common_ones() -> None:
    """`twin_braids` goes more often than `solo`; uniformly they would go alike."""
    options = DumpOptions(seed=2, missing_rate=0.2, missing_kind="rare")
    posts = [draw_post(options, k) for k in range(600)]

    def share(tag: str) -> float:
        return sum(tag in p.left_out for p in posts) / sum(tag in p.truth for p in posts)

    assert share("twin_braids") > 2 * share("solo")


def test_a_post_depends_on_its_seed_and_index_alone() -> None:
    """A longer dump begins with the shorter one."""
    options = DumpOptions(count=5, seed=8, missing_rate=0.3, parents=0.3)
    longer = DumpOptions(count=500, seed=8, missing_rate=0.3, parents=0.3)
    assert [draw_post(options, k) for k in range(5)] == [draw_post(longer, k) for k in range(5)]


def test_the_truth_lies_beside_the_posts(dump: Path) -> None:
    """truth.json has each post's whole truth; the posts have it less what was left out."""
    for post, truth in zip(rows(dump, "posts.json"), rows(dump, "truth.json"), strict=True):
        seen = {ALIASES.get(t, t) for t in post["tag_string_general"].split()}
        left_out = set(truth["left_out"].split())
        assert post["id"] == truth["id"]
        assert seen | left_out == set(truth["tag_string_general"].split())
        assert not seen & left_out


def test_old_words_deleted_posts_and_edits_come_by_option(dump: Path, tmp_path: Path) -> None:
    """They are there when asked for, and never otherwise."""
    posts = rows(dump, "posts.json")
    assert any(t in ALIASES for p in posts for t in p["tag_string_general"].split())
    assert any(p["is_deleted"] for p in posts)
    children = [p for p in posts if p["parent_id"] is not None]
    assert children
    parents = {p["parent_id"] for p in children}
    assert {p["id"] for p in posts if p["has_children"]} == parents
    assert not parents & {p["id"] for p in children}
    draw_dump(tmp_path, DumpOptions(count=12, size=32))
    for post in rows(tmp_path, "posts.json"):
        assert set(post["tag_string"].split()) <= set(CATEGORIES)
        assert (post["is_deleted"], post["parent_id"], post["has_children"]) == (False, None, False)


def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path) -> None:
    """Nothing is written over, and nothing is written."""
    (tmp_path / "note.md").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="empty folder"):
        draw_dump(tmp_path, DumpOptions(count=1, size=32))
    with pytest.raises(UsageError, match="got a file"):
        draw_dump(tmp_path / "note.md", DumpOptions(count=1, size=32))
    assert [p.name for p in tmp_path.iterdir()] == ["note.md"]


def test_a_dump_that_stopped_half_way_has_no_dump_json(tmp_path: Path) -> None:
    """dump.json comes last, so its absence tells."""

    def stop(done: int, count: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_dump(tmp_path, DumpOptions(count=4, size=32), progress=stop)
    assert not (tmp_path / "metadata" / "dump.json").exists()


def test_options_out_of_range_are_refused() -> None:
    """In one sentence that names the option."""
    with pytest.raises(OptionError, match="missing_rate"):
        DumpOptions(missing_rate=1.5)
    with pytest.raises(OptionError, match="missing_kind"):
        DumpOptions(missing_kind="often")
