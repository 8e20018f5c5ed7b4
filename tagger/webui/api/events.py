"""A job as a stream of server-sent events: `progress`, `outcome` for each picture, then `end`.

A reader that comes late, or again with Last-Event-ID, gets the outcomes since then, of those that
are remembered. Nothing waits in a thread: readers may be many.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from ..jobs import Job, Jobs

HEARTBEAT_S = 15.0
EVERY_S = 0.2
"""Seconds between two looks at the job."""


async def stream(jobs: Jobs, job: Job, after: int = 0) -> AsyncIterator[bytes]:
    """The events of a job until it ends, or the server does; those after a number."""
    seen, version, spoke = after, -1, time.monotonic()
    while True:
        now = job.version
        ended = job.snapshot().ended or jobs.closed
        for number, shown in job.outcomes(seen):
            yield _event("outcome", asdict(shown), number)
            seen = number
        if now != version:
            version, spoke = now, time.monotonic()
            yield _event("end" if ended else "progress", progress(job))
        if ended:
            return
        if time.monotonic() - spoke >= HEARTBEAT_S:
            spoke = time.monotonic()
            yield b": heartbeat\n\n"
        await asyncio.sleep(EVERY_S)


def progress(job: Job) -> dict[str, Any]:
    """A job without its pictures: those have events of their own."""
    told = job.snapshot().plain()
    return {name: value for name, value in told.items() if name != "latest"}


def _event(name: str, data: dict[str, Any], number: int | None = None) -> bytes:
    mark = "" if number is None else f"id: {number}\n"
    return f"event: {name}\n{mark}data: {json.dumps(data)}\n\n".encode("ascii")
