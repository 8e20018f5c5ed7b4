"""What is true of the pictures that taggers are compared on.

known     Picture, Truth: pictures with their tags, rating and part
datasets  out of a DATASET
posts     out of posts as a site has them: a fetched SQLite, or any metadata that is read
"""

from __future__ import annotations

from .known import RATINGS, Picture, Truth
from .reading import TruthOptions, read_truth

__all__ = ["RATINGS", "Picture", "Truth", "TruthOptions", "read_truth"]
