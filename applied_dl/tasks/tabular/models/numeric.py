"""Statistics of the numeric columns, fitted on training rows: fill, centre, scale, bins, axes, as arrays for the layers of the graph."""

from __future__ import annotations

import heapq

import numpy as np
from msgspec import Struct

QUANTILES = 64  # knots of the quantile scaling
PAIRED, MOST_PAIRS = 0.3, 32  # least correlation of a pair of columns; most pairs
NARROW = 0.02  # least standard deviation of a difference of unit columns; below it is float32 rounding
SPREAD = 3.0  # limit of the smooth clip: z / sqrt(1 + (z / 3)²)


class Numbers(Struct, frozen=True, kw_only=True):
    """Fitted on training rows (N, F): `fill`, `center`, `scale` (F,) of z = (x − center) · scale; `missing`, features with an indicator;
    `clip`, whether the tails of z are held within ±3; `knots` (F, Q) of a quantile scaling of z; `bins`, the edges of each feature in z;
    `axes` (F, K) of whitened principal components of the scaled numbers; `pairs` (F, P), sums and differences of scaled numbers that go
    together, and `pair_bins`, the edges of each."""

    fill: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    missing: tuple[int, ...] = ()
    clip: bool = False
    knots: np.ndarray | None = None
    bins: tuple[np.ndarray, ...] = ()
    axes: np.ndarray | None = None
    pairs: np.ndarray | None = None
    pair_bins: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.fill)


def fit_numbers(x: np.ndarray, scale: str = "robust", components: int | None = None) -> Numbers:
    """Statistics of x (N, F), NaN where missing. scale: robust (median, IQR), standard (mean, deviation) or quantile."""
    x = x.astype(np.float64)
    fill = np.array([np.median(column[~np.isnan(column)]) if not np.isnan(column).all() else 0.0 for column in x.T])
    missing = tuple(int(j) for j in np.flatnonzero(np.isnan(x).any(0)))
    full = np.where(np.isnan(x), fill, x)
    center, spread = (full.mean(0), np.where(full.std(0) > 0, full.std(0), 1.0)) if scale == "standard" else _robust(full)
    center, inverse = center.astype(np.float32), (1 / spread).astype(np.float32)
    z = (full - center) * inverse
    knots = np.quantile(z, np.linspace(0, 1, QUANTILES), axis=0).T.astype(np.float32) if scale == "quantile" else None
    axes = None
    if components is not None:
        z = smooth_clip(z) if scale == "robust" else z
        values, vectors = np.linalg.eigh(np.cov(z.T).reshape(z.shape[1], z.shape[1]))
        kept = np.argsort(-values)[: min(components, z.shape[1])]
        axes = (vectors[:, kept] / np.sqrt(values[kept] + 1e-6)).astype(np.float32)
    return Numbers(fill=fill.astype(np.float32), center=center, scale=inverse, missing=missing, clip=scale == "robust",
                   knots=knots, axes=axes)  # fmt: skip


def _robust(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and interquartile range; half the range where that is 0, 1 where the column is constant."""
    low, middle, high = np.quantile(x, (0.25, 0.5, 0.75), axis=0)
    half = (x.max(0) - x.min(0)) / 2
    spread = np.where(high > low, high - low, np.where(half > 0, half, 1.0))
    return middle, spread


def smooth_clip(z: np.ndarray) -> np.ndarray:
    """z / sqrt(1 + (z / 3)²): linear in the middle, tails bounded by ±3 (Holzmüller et al., RealMLP, 2024)."""
    return z / np.sqrt(1 + (z / SPREAD) ** 2)


def pair_axes(z: np.ndarray) -> np.ndarray | None:
    """Axes (F, P) of the sum and the difference, both of unit columns, of each column of z (N, F) and the one it is correlated with most.

    Bins along single columns fit slowly what depends on two of them, such as a coast line between longitude and latitude.
    None where no two columns are correlated by `PAIRED`; differences of almost no variance are left out. The axes are exact in float16.
    """
    deviation = np.where(z.std(0) > 0, z.std(0), 1.0)
    near = np.abs(((z - z.mean(0)) / deviation).T @ ((z - z.mean(0)) / deviation)) / len(z)
    np.fill_diagonal(near, 0.0)
    pairs = {tuple(sorted((i, int(near[i].argmax())))) for i in range(len(near)) if near[i].max() >= PAIRED}
    kept = sorted(sorted(pairs, key=lambda pair: -near[pair])[:MOST_PAIRS])
    if not kept:
        return None
    axes = np.zeros((len(near), 2 * len(kept)))
    for place, (i, j) in enumerate(kept):
        axes[i, 2 * place : 2 * place + 2] = np.sqrt(0.5) / deviation[i]
        axes[j, 2 * place : 2 * place + 2] = np.array([1, -1]) * np.sqrt(0.5) / deviation[j]
    return axes[:, (z @ axes).std(0) > NARROW].astype(np.float16).astype(np.float32)


def quantile_bins(x: np.ndarray, most: int = 48) -> tuple[np.ndarray, ...]:
    """Edges of at most `most` bins of equal mass for each feature of x (N, F) (Gorishniy et al., 2022).

    Values that many rows share (zero in nine rows of ten, for example) become edges, and the other bins divide the other rows; otherwise
    most quantiles would coincide.
    """
    return tuple(_quantiles(column[~np.isnan(column)], most) for column in x.astype(np.float64).T)


def _quantiles(x: np.ndarray, most: int) -> np.ndarray:
    values, counts = np.unique(x, return_counts=True)
    if len(values) <= most + 1:
        return _edges(values)
    shared = values[counts > len(x) / most]
    others = x[~np.isin(x, shared)]
    rest = max(most - len(shared) - 2, 1) if len(shared) else most
    return _edges(np.concatenate([shared, np.quantile(others, np.linspace(0, 1, rest + 1)), values[[0, -1]]]))


def target_bins(x: np.ndarray, y: np.ndarray, most: int = 48, least_rows: int = 40) -> tuple[np.ndarray, ...]:
    """Edges of a regression tree per feature, grown best first, on y (N,) or (N, C) (Gorishniy et al., 2022)."""
    y = y.reshape(len(y), -1).astype(np.float64)
    found = []
    for column in x.astype(np.float64).T:
        known = ~np.isnan(column)
        found.append(_tree(column[known], y[known], most, least_rows))
    return tuple(found)


def _tree(x: np.ndarray, y: np.ndarray, most: int, least: int) -> np.ndarray:
    order = np.argsort(x, kind="stable")
    x, sums = x[order], np.concatenate([np.zeros((1, y.shape[1])), np.cumsum(y[order], axis=0)])

    def best(a: int, b: int):
        """(gain in squared error, row) of the best cut of rows a..b, never between equal values; None where there is none."""
        at = np.arange(a + least, b - least + 1)
        at = at[x[at - 1] < x[np.minimum(at, len(x) - 1)]] if len(at) else at
        if not len(at):
            return None
        left, right, all_of = sums[at] - sums[a], sums[b] - sums[at], sums[b] - sums[a]
        gain = (left**2).sum(1) / (at - a) + (right**2).sum(1) / (b - at) - (all_of**2).sum() / (b - a)
        i = int(np.argmax(gain))
        return (float(gain[i]), int(at[i])) if gain[i] > 1e-9 else None

    edges, heap = [x[0], x[-1]], []
    if cut := best(0, len(x)):
        heapq.heappush(heap, (-cut[0], 0, len(x), cut[1]))
    while heap and len(edges) <= most:
        _, a, b, at = heapq.heappop(heap)
        edges.append((x[at - 1] + x[at]) / 2)
        for p, q in ((a, at), (at, b)):
            if cut := best(p, q):
                heapq.heappush(heap, (-cut[0], p, q, cut[1]))
    return _edges(np.array(edges))


def _edges(values: np.ndarray) -> np.ndarray:
    """Ascending, unique, at least two, float32."""
    found = np.unique(values.astype(np.float32))
    return found if len(found) > 1 else np.array([found[0], found[0] + 1], np.float32)
