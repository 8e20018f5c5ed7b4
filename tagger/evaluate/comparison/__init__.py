"""The comparison: contestants asked about the same pictures, aligned, judged, set side by side.

options     what is asked for
collect     answers and times, kept as they come
judge       the figures of one contestant at one threshold
standings   who stands where, and how sure that is
run         the one road from contestants to a Result
result      Result, as JSON and CSV
tables      the same as tables, for a terminal and in Markdown
charts      the same as charts
page        the same as a page, with pictures
furry       tables by head, and the list of models
"""

from __future__ import annotations

from .options import CompareOptions
from .run import compare

__all__ = ["CompareOptions", "compare"]
