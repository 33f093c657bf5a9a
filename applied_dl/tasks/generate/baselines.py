"""Images and rows made by simple means, which a generator must beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from applied_dl.core.records import Prepared, Scores

COMPONENTS = 128  # of the pixels, at most
FITTED = 10_000  # images of a class from which its Gaussian is computed


def image_baselines(prepared: Prepared, seed: int, score: Callable[[dict], Scores]) -> dict[str, Scores]:
    """Noise, the mean image of the class, and a Gaussian of the class's principal components."""
    state, test = prepared.state, prepared.test
    codes = test.inputs.get("label", np.zeros(len(test), np.int64))
    own = np.zeros(len(state.pixels), np.int64) if state.codes is None else state.codes
    random = np.random.default_rng([seed, 7])
    shape = state.pixels.shape[1:]
    made = {name: np.zeros((len(test), *shape), np.float32) for name in ("noise", "mean of the class", "PCA-Gaussian")}
    made["noise"] = random.integers(0, 256, (len(test), *shape)).astype(np.float32)
    for code in np.unique(codes):
        at, rows = np.flatnonzero(codes == code), np.flatnonzero(own == code)
        images = np.asarray(state.pixels[np.sort(random.permutation(rows)[:FITTED])], np.float32).reshape(-1, int(np.prod(shape)))
        made["mean of the class"][at] = images.mean(0).reshape(shape)
        made["PCA-Gaussian"][at] = np.clip(_gaussian(images, len(at), random), 0, 255).reshape(-1, *shape)
    return {name: score({"image": images}) for name, images in made.items()}


def _gaussian(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """(count, D) draws from a Gaussian of the first principal components of rows (N, D)."""
    mean = rows.mean(0)
    covariance = np.cov((rows - mean).T.astype(np.float64)) if len(rows) > 1 else np.zeros((rows.shape[1],) * 2)
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    kept = slice(-min(COMPONENTS, len(values)), None)
    axes = vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0))
    return mean + random.standard_normal((count, axes.shape[1])) @ axes.T


def row_baselines(prepared: Prepared, seed: int, score: Callable[[dict], Scores]) -> dict[str, Scores]:
    """Columns drawn independently of each other, and a Gaussian copula."""
    state, count = prepared.state, len(prepared.test)
    random = np.random.default_rng([seed, 7])
    N, F = state.codes.shape
    alone = random.integers(0, N, (count, F))
    rows = {
        "independent columns": (np.take_along_axis(state.codes, alone, 0), np.take_along_axis(state.places, alone, 0)),
        "Gaussian copula": (copula(state.codes, count, random), random.random((count, F), np.float32)),
    }
    return {name: score({"codes": codes, "places": places}) for name, (codes, places) in rows.items()}


def copula(codes: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """(count, F) codes with the shares of the columns and the correlations of their normal scores (Patki et al., 2016)."""
    from scipy.stats import norm

    N, F = codes.shape
    jittered = codes + random.random(codes.shape)  # codes are tied: where they lie among equals is drawn
    scores = norm.ppf((jittered.argsort(0).argsort(0) + 0.5) / N)
    correlation = np.corrcoef(scores.T) if F > 1 else np.ones((1, 1))
    values, vectors = np.linalg.eigh(np.atleast_2d(correlation))
    drawn = random.standard_normal((count, F)) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    places = np.clip((norm.cdf(drawn) * N).astype(np.int64), 0, N - 1)
    return np.take_along_axis(np.sort(codes, 0), places, 0)
