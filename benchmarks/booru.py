"""How long a booru of millions of posts takes to become a DATASET, and what it needs.

    python benchmarks/booru.py 1000000 2000000 4000000 8000000

For each number it writes a dump of Danbooru's shape (30 tags a post, Zipf over 500,000 tags,
parents, equal files) and builds it in a process of its own, without a look at pictures, of which
there are none. Prints posts, seconds by step and in all, seconds a million, the build's CPU time,
its peak memory and the most that its folder had on the disk. With --folder the dumps stay there,
as DIR/8000000, and are used again; --write writes them and builds nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TAGS = 500_000
TAGS_A_POST = 30
CHUNK = 50_000
EXPONENT = 1.0
"""Of the Zipf distribution: the hundredth tag is a hundredth as frequent as the first."""
HEAD = (
    "| posts | GB of JSON | rows | labels | reading | filters | labels, s | writing | s | "
    "s a million | CPU s | peak GiB | GB of disk |"
)
BUILD = """
import sys
import threading
import time
from pathlib import Path
from tagger.dataset.build import build
from tagger.dataset.buildoptions import BuildOptions
source, out, memory = sys.argv[1:]
options = BuildOptions(
    sources=(Path(source),), out=Path(out), unseen=True, minimum_count=600, memory=memory
)
times = [("start", time.perf_counter())]
disk = [0]
def watch():
    while True:
        files = [path for path in Path(out).parent.glob(".tagger-*/**/*") if path.is_file()]
        try:
            disk[0] = max(disk[0], sum(path.stat().st_blocks * 512 for path in files))
        except OSError:
            pass
        time.sleep(0.5)
threading.Thread(target=watch, daemon=True).start()
summary = build(options, lambda stage, *_: times.append((stage, time.perf_counter())))
times.append(("end", time.perf_counter()))
taken = [f"{after - before:.0f}" for (_, before), (_, after) in zip(times, times[1:])]
print(f"\\n{sum(summary.rows.values())} {len(summary.vocabulary)} {disk[0]} {','.join(taken[1:])}")
"""


def write_dump(folder: Path, posts: int) -> None:
    """A dump of as many posts: JSON lines as the site's own export has them."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, TAGS + 1) ** EXPONENT
    edges = np.cumsum(weights / weights.sum())
    names = pa.array([f"tag_{number:x}_{'ab' * (number % 5)}" for number in range(TAGS)])
    metadata = folder / "metadata"
    metadata.mkdir(parents=True)
    kinds = np.where(np.arange(TAGS) % 7 == 0, 4, 0)
    with (metadata / "tags000000000000.json").open("w") as file:
        for number, name in enumerate(names.to_pylist()):
            row = {"id": number, "name": name, "post_count": 1, "category": int(kinds[number])}
            file.write(json.dumps(row) + "\n")
    for shard, start in enumerate(range(0, posts, CHUNK * 20)):
        with (metadata / f"posts{shard:012d}.json").open("w") as file:
            for first in range(start, min(start + CHUNK * 20, posts), CHUNK):
                count = min(CHUNK, posts - first)
                drawn = np.searchsorted(edges, rng.random(count * TAGS_A_POST))
                tags = names.take(pa.array(np.minimum(drawn, TAGS - 1)))
                lists = pa.FixedSizeListArray.from_arrays(tags, TAGS_A_POST)
                joined = pc.binary_join(lists.cast(pa.list_(pa.string())), " ")
                file.writelines(_lines(first + 1, joined.to_pylist()))


def _lines(first: int, tags: list[str]) -> list[str]:
    return [
        f'{{"id":{post},"created_at":"2023-0{post % 9 + 1}-01T00:00:00.000-05:00",'
        f'"uploader_id":{post % 9999},"score":{post % 50},"source":"",'
        f'"md5":"{post * 2654435761:032x}",'
        f'"rating":"{"gsqe"[post % 4]}","image_width":850,"image_height":1200,'
        f'"tag_string":"{own}","file_ext":"jpg","parent_id":'
        f"{post - 1 if post % 10 == 0 else 'null'},"
        f'"is_deleted":{"true" if post % 20 == 0 else "false"},'
        f'"is_banned":false,"is_pending":false,"is_flagged":false,"file_size":123456,'
        f'"fav_count":{post % 30}}}\n'
        for post, own in enumerate(tags, first)
    ]


def dump_of(posts: int, folder: Path) -> Path:
    """The dump of as many posts in a folder, written where it is not there."""
    path = folder / str(posts)
    if not path.exists():
        write_dump(path, posts)
    return path


def measure(posts: int, memory: str, keep: Path | None) -> None:
    """Write, build and print one line."""
    with tempfile.TemporaryDirectory(dir=keep) as name:
        folder = Path(name)
        dump = dump_of(posts, keep or folder)
        size = sum(path.stat().st_size for path in dump.rglob("*.json"))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        command = [sys.executable, "-c", BUILD, dump, folder / "out", memory]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        rows, labels, disk, steps = result.stdout.splitlines()[-1].split()
        print(
            f"| {posts:,} | {size / 1e9:.1f} | {int(rows):,} | {int(labels):,} | "
            f"{steps.replace(',', ' | ')} | {seconds:.0f} | {seconds / posts * 1e6:.0f} | "
            f"{cpu:.0f} | {after.ru_maxrss / 2**20:.1f} | {int(disk) / 1e9:.1f} |",
            flush=True,
        )


def main() -> None:
    """Measure each number of posts in turn; the peak is of the largest so far."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("posts", type=int, nargs="+")
    parser.add_argument("--memory", default="3GB", help="that DuckDB takes at most")
    parser.add_argument("--folder", type=Path, help="where the dumps are written, to be kept")
    parser.add_argument("--write", action="store_true", help="write the dumps and build nothing")
    flags = parser.parse_args()
    if flags.write:
        for posts in flags.posts:
            dump_of(posts, flags.folder)
        return
    print(HEAD)
    print("|" + "---|" * HEAD[1:].count("|"))
    for posts in sorted(flags.posts):
        measure(posts, flags.memory, flags.folder)


if __name__ == "__main__":
    main()
