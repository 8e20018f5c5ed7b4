"""`tagger evaluate`: one tagger on the pictures of a DATASET.

options     what is asked for
source      where scores come from: a model, or a file of scores
columns     which of its labels are which of the dataset's
ratings     which of its ratings are the dataset's, and the scalar between them
held        every score, in memory or in a file of its own, where exact figures are asked for
tally       counts at some thresholds, added up picture by picture
mistakes    what it was surest of and wrong
characters  the right character among the first, and by class
judging     a split's pictures passed through, everything counted in one go
result      the figures, plain values for JSON
run         the whole of it
tables      the figures on a terminal, in CSV files
page        the figures as one HTML page
"""

from __future__ import annotations

from .options import EvaluateOptions
from .result import Evaluation
from .run import evaluate

__all__ = ["EvaluateOptions", "Evaluation", "evaluate"]
