"""A map of pictures on two axes, and groups of them: PCA and a mixture of Gaussians.

scikit-learn does both. The mixture is fitted to the first axes only: in hundreds of dimensions a
covariance would need more pictures than anybody has.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .vectors import Vectors

AXES = 8
"""Axes of the PCA that the mixture sees."""
CHOICES = range(1, 21)
"""Numbers of groups that are tried where none is asked for."""
_EACH = 4
"""Pictures that a group is at least to have on average, where the number is chosen."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Pictures on a map, in groups.

    places: float64 [N, 2], the first two axes. shares: of the variance, that each of the two shows.
    group: intp [N], the largest group is 0. sure: float64 [N], how surely each is of its group, 0
    to 1. criterion: the Bayesian information criterion of each number of groups tried; the least
    is the best.
    """

    places: NDArray[np.float64]
    shares: tuple[float, float]
    group: NDArray[np.intp]
    sure: NDArray[np.float64]
    criterion: dict[int, float]

    @property
    def count(self) -> int:
        """How many groups have pictures."""
        return int(self.group.max(initial=-1)) + 1

    def of(self, group: int) -> NDArray[np.intp]:
        """A group's pictures by row, the surest first, then those nearest to its middle."""
        own = np.flatnonzero(self.group == group)
        middle = self.places[own].mean(axis=0)
        far = np.linalg.norm(self.places[own] - middle, axis=1)
        return own[np.lexsort((far, -self.sure[own].round(3)))]


def cluster(vectors: Vectors, groups: int = 0, seed: int = 0) -> Clusters:
    """Find groups among directions of vectors; 0 groups are as many as the criterion says.

    Raises UsageError for fewer than three pictures, or more groups than pictures.
    """
    if len(vectors) < 3:
        raise UsageError(f"expected at least 3 pictures to group, got {len(vectors)}")
    if groups > len(vectors):
        raise UsageError(f"expected at most a group a picture, got {groups} for {len(vectors)}")
    axes, shares = _axes(vectors.directions)
    tried = [groups] if groups else [n for n in CHOICES if n == 1 or n * _EACH <= len(vectors)]
    fits = {count: _mixture(axes, count, seed) for count in tried}
    criterion = {count: float(fit.bic(axes)) for count, fit in fits.items()}
    best = fits[min(criterion, key=lambda count: criterion[count])]
    chances = best.predict_proba(axes)
    return Clusters(
        axes[:, :2], shares, _by_size(chances.argmax(axis=1)), chances.max(axis=1), criterion
    )


def _axes(directions: NDArray[np.float32]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """The first axes, float64 [N, at least 2], and the shares of variance of two; signs fixed."""
    from sklearn.decomposition import PCA

    most = min(AXES, *directions.shape)
    pca = PCA(
        most, svd_solver="full" if max(directions.shape) < 2000 else "randomized", random_state=0
    )
    values = directions.astype(np.float64)
    if not np.ptp(values, axis=0).any():  # one and the same picture
        return np.zeros((len(values), 2)), (0.0, 0.0)
    found = pca.fit_transform(values)
    kept = found[:, found.std(axis=0) > 1e-9]
    wide = np.zeros((len(values), max(2, kept.shape[1])))
    wide[:, : kept.shape[1]] = kept
    shares = [*map(float, pca.explained_variance_ratio_), 0.0, 0.0]
    return wide, (shares[0], shares[1])


def _mixture(axes: NDArray[np.float64], count: int, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    # each axis of its own variance: full covariances need pictures by the square of the axes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        scale = float(axes.std()) or 1.0
        return GaussianMixture(
            count,
            covariance_type="diag",
            n_init=3,
            random_state=seed,
            reg_covar=1e-3 * scale**2,
        ).fit(axes)


def _by_size(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Groups numbered anew: the largest is 0; empty ones go."""
    names, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    rank = np.empty(len(names), np.intp)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(names))
    return rank[inverse]


def sizes(clusters: Clusters) -> Sequence[int]:
    """How many pictures each group has."""
    return [int(n) for n in np.bincount(clusters.group, minlength=clusters.count)]
