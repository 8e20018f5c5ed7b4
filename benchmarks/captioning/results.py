"""What was measured, as tables in Markdown: geometric means with 95 % intervals over the rounds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

# Student's t for 95 %, two-sided, by degrees of freedom; beyond them the normal's.
_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)

Row = dict[str, Any]

OURS = "Tagger"
IMPORTED = ", torch and OpenCV imported"
ALONE = ", torch not installed"
OPENVINO = ", by OpenVINO"
EIGHT = ", 8 at once"
_BOTH = ("forward only", "decode only")


def mean(values: Iterable[float]) -> tuple[float, float, float]:
    """Geometric mean, and the ends of its interval; NaN where there are too few."""
    logs = [math.log(value) for value in values]
    if len(logs) < 2:
        return (math.exp(logs[0]) if logs else math.nan), math.nan, math.nan
    centre = statistics.mean(logs)
    t = _T[len(logs) - 2] if len(logs) - 2 < len(_T) else 1.96
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(centre), math.exp(centre - half), math.exp(centre + half)


def table(rows: list[Row]) -> str:
    """One table a model, the ratios that are promised below it."""
    models = dict.fromkeys(row["model"] for row in rows)
    parts = [_of_model(model, [row for row in rows if row["model"] == model]) for model in models]
    loads = [row["load"] for row in rows]
    parts.append(f"Load when a run began: {min(loads):.1f} to {max(loads):.1f}.")
    return "\n\n".join(parts)


def _of_model(model: str, rows: list[Row]) -> str:
    folder = [row for row in rows if row["what"] == "folder"]
    first = [row for row in rows if row["what"] == "first"]
    rounds = len({row["round"] for row in rows})
    lines = [
        f"{model}, {rounds} {'round' if rounds == 1 else 'rounds'}",
        "",
        "| | pictures a second | CPU-seconds a picture | peak memory, MB | first caption, s |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["name"] for row in folder):
        own = [row for row in folder if row["name"] == name]
        cells = [_cell(own, "per_second"), _cell(own, "cpu_s"), _cell(own, "peak_mb")]
        cells.append(_cell([row for row in first if row["name"] == name], "first_s"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_ratios(folder, first)])


def _cell(rows: list[Row], key: str) -> str:
    if not rows:
        return ""
    return _told(mean(row[key] for row in rows), ".3g")


def _told(found: tuple[float, float, float], digits: str) -> str:
    """A mean and its interval, which one round does not have."""
    centre, low, high = (format(value, digits) for value in found)
    return centre if math.isnan(found[1]) else f"{centre} ({low} to {high})"


def _ratios(folder: list[Row], first: list[Row]) -> list[str]:
    """Tagger beside the bound and beside the best peers, round by round.

    Memory and the wait for the first caption are compared where torch is installed, and where it
    is not, each among those that stand in the same environment.
    """
    rounds = _by_round(folder)
    lines = [
        _line(
            f"{OURS}{IMPORTED}: {{}} of the bound t_forward / (t_forward + t_decode)",
            (
                r[OURS + IMPORTED]["per_second"] / _bound(r)
                for r in rounds
                if {OURS + IMPORTED, *_BOTH} <= r.keys()  # a round may be under way
            ),
        ),
        *(
            _against(folder, OURS + IMPORTED + by, "per_second", max, "times the speed of")
            for by in ("", OPENVINO)
        ),
        *(
            _against(rows, OURS + where, key, min, words, where)
            for rows, key, words in (
                (folder, "peak_mb", "times the memory of"),
                (first, "first_s", "times the wait for"),
            )
            for where in ("", ALONE)
        ),
    ]
    return [f"- {line}" for line in lines if line]


def _against(
    rows: list[Row], ours: str, key: str, best: Callable[..., str], words: str, where: str = ""
) -> str:
    """Ours beside the best of the peers, of those without torch where `where` says so."""
    peers = [name for name in dict.fromkeys(row["name"] for row in rows) if _is_peer(name)]
    peers = [name for name in peers if key == "per_second" or (ALONE in name) == bool(where)]
    if not peers:
        return ""
    peer = best(peers, key=lambda name: mean(r[key] for r in rows if r["name"] == name)[0])
    both = [r for r in _by_round(rows) if ours in r and peer in r]
    if not both:
        return ""
    return _line(f"{ours}: {{}} {words} {peer}", (r[ours][key] / r[peer][key] for r in both))


def _line(words: str, values: Iterable[float]) -> str:
    return words.format(_told(mean(values), ".2f"))


def _bound(rows: dict[str, Row]) -> float:
    forward, decode = (rows[name]["per_second"] for name in _BOTH)
    return 1 / (1 / forward + 1 / decode)


def _is_peer(name: str) -> bool:
    return not name.startswith((OURS, *_BOTH))


def _by_round(rows: list[Row]) -> list[dict[str, Row]]:
    rounds = dict.fromkeys(row["round"] for row in rows)
    return [{row["name"]: row for row in rows if row["round"] == number} for number in rounds]
