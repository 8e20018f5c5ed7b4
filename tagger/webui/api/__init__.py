"""The routes under `/tagger/v1`: what a program asks of Tagger, whoever serves it.

Read downward:
    access      who may ask: Basic credentials, origins, names of this machine
    addresses   a picture from a public http address
    pictures    base64, data URLs and addresses -> a file's bytes
    schema      dataclasses as JSON Schema, for the OpenAPI document
    bodies      what requests hold
    calls       one request: read within limits, answered in JSON, refused in a sentence
    queues      picobyte's batches by name
    interrogate the predecessors' routes, in both dialects
    events      a job as a stream of events
    routes      the new ones
    document    what OpenAPI says of them all
`mount` adds them to a FastAPI application, a WebUI's or our own.
"""

from __future__ import annotations

from .mounting import PREFIX, mount

__all__ = ["PREFIX", "mount"]
