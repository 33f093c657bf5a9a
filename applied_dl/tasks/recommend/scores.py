"""Scores of ratings and of rankings. A row is a user; every interval is over users."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from applied_dl.core.metrics.intervals import LEVEL, bootstrap_mean
from applied_dl.core.records import Part, Scores, Slice
from applied_dl.tasks.recommend.encoder import TOP
from applied_dl.tasks.recommend.readers.parts import weigh

RISING = ("ndcg_at_10", "recall_at_20")  # beside the metrics of `core.metrics`
NEUTRAL = ("coverage", "novelty")
NDCG_AT, RECALL_AT = 10, 20
REPEATS = 500  # bootstrap resamples of users
CHUNK = 256  # users whose hits are found at a time
SMALLEST_SLICE = 20  # users


def score_ratings(outputs: dict, part: Part, metrics_only: bool = False) -> Scores:
    """RMSE and MAE of all ratings."""
    truth = part.target
    known = np.isfinite(truth)
    error = np.where(known, outputs["asked"][:, : truth.shape[1]].astype(np.float64) - np.nan_to_num(truth), 0.0)
    count, square, absolute = known.sum(1), (error**2).sum(1), np.abs(error).sum(1)
    metrics = {"rmse": float(np.sqrt(square.sum() / count.sum())), "mae": float(absolute.sum() / count.sum())}
    if metrics_only:
        return Scores(main="rmse", metrics=metrics)
    random = np.random.default_rng(0)
    drawn = [random.integers(0, len(count), len(count)) for _ in range(REPEATS)]
    values = {
        "rmse": [np.sqrt(square[rows].sum() / count[rows].sum()) for rows in drawn],
        "mae": [absolute[rows].sum() / count[rows].sum() for rows in drawn],
    }
    intervals = {name: tuple(map(float, np.percentile(found, LEVEL))) for name, found in values.items()}
    slices = {
        name: Slice(value=float(np.sqrt(square[rows].sum() / count[rows].sum())), rows=int(rows.sum()))
        for name, rows in by_activity(part).items()
    }
    return Scores(main="rmse", metrics=metrics, intervals=intervals, slices=slices)


def score_ranking(outputs: dict, part: Part, popularity: np.ndarray, metrics_only: bool = False) -> Scores:
    """NDCG@10, recall@20, reciprocal rank, share of the catalogue that is recommended, and novelty.

    Args:
        outputs: `items` (N, K), best first, among all items that the user did not have: no sampled negatives.
        part: `extra["relevant"]` (N, C), what the user turned to, 0 behind the last.
        popularity: (I + 1,) users of each item, of which novelty is the mean information in bits.
    """
    found, relevant = outputs["items"], part.extra["relevant"]
    rows = user_metrics(found, relevant)
    metrics = {name: float(values.mean()) for name, values in rows.items()}
    top = found[:, :NDCG_AT]
    shown = top[top > 0]
    metrics["coverage"] = len(np.unique(shown)) / max(int((popularity > 0).sum()), 1)
    share = (popularity + 1) / (popularity.sum() + len(popularity))
    metrics["novelty"] = float(-np.log2(share[shown]).mean()) if len(shown) else 0.0
    if metrics_only:
        return Scores(main="ndcg_at_10", metrics=metrics, rising=RISING, neutral=NEUTRAL)
    intervals = {name: bootstrap_mean(values) for name, values in rows.items()}
    slices = {name: Slice(value=float(rows["ndcg_at_10"][at].mean()), rows=int(at.sum())) for name, at in by_activity(part).items()}
    return Scores(main="ndcg_at_10", metrics=metrics, intervals=intervals, slices=slices, rising=RISING, neutral=NEUTRAL)


def user_metrics(items: np.ndarray, relevant: np.ndarray) -> dict[str, np.ndarray]:
    """NDCG@10, recall@20 and reciprocal rank (N,) of each user, of ranked items (N, K) and the relevant ones (N, C), 0 behind the last.

    Example:
        >>> {name: float(value[0]) for name, value in user_metrics(np.array([[3, 1, 2]]), np.array([[1, 0]])).items()}["mrr"]
        0.5
    """
    hit = np.concatenate(
        [
            ((items[i : i + CHUNK, :, None] == relevant[i : i + CHUNK, None, :]) & (relevant[i : i + CHUNK, None, :] > 0)).any(2)
            for i in range(0, len(items), CHUNK)
        ]
    )
    count = np.maximum((relevant > 0).sum(1), 1)
    gain = 1 / np.log2(np.arange(NDCG_AT) + 2)
    width = min(NDCG_AT, hit.shape[1])
    ideal = np.cumsum(gain)[np.minimum(count, NDCG_AT) - 1]
    first = np.where(hit.any(1), hit.argmax(1) + 1, np.inf)
    return {"ndcg_at_10": hit[:, :NDCG_AT] @ gain[:width] / ideal, "recall_at_20": hit[:, :RECALL_AT].sum(1) / count, "mrr": 1 / first}


def by_activity(part: Part) -> dict[str, np.ndarray]:
    """Masks (N,) of thirds of the users by the number of their earlier events; each with at least `SMALLEST_SLICE` users."""
    activity = part.extra["activity"]
    if len(activity) < 3 * SMALLEST_SLICE:
        return {}
    low, high = np.quantile(activity, (1 / 3, 2 / 3))
    masks = {
        f"users with at most {low:.0f} events": activity <= low,
        f"users with {low:.0f} to {high:.0f} events": (activity > low) & (activity <= high),
        f"users with more than {high:.0f} events": activity > high,
    }
    return {name: mask for name, mask in masks.items() if mask.sum() >= SMALLEST_SLICE}


def ranked(scores: np.ndarray, seen: np.ndarray, top: int) -> dict[str, np.ndarray]:
    """As the graph, in numpy: the best items (N, K) of scores (N, I + 1) that are not `seen`, and their scores; 0 behind the last."""
    masked = np.where(seen > 0, -np.inf, scores)
    masked[:, 0] = -np.inf
    top = min(top, masked.shape[1] - 1)
    best = np.argpartition(-masked, top - 1, axis=1)[:, :top]
    best.sort(axis=1)
    order = np.argsort(-np.take_along_axis(masked, best, 1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, 1)
    found = np.take_along_axis(masked, best, 1)
    left = np.isfinite(found)
    return {"items": np.where(left, best, 0).astype(np.int32), "scores": np.where(left, found, 0.0).astype(np.float32)}


def outputs_of(score: Callable, part, encoder, known: np.ndarray, log: bool) -> dict[str, np.ndarray]:
    """What the graph would give for the rows of a part: `items` and `scores` (N, K).

    Args:
        score: weights (N, I) → scores (N, I).
        part: rows of items and values.
        encoder: of the ids.
        known: (I + 1,) items that may be recommended.
        log: whether larger values weigh more.
    """
    found = []
    for first in range(0, len(part), CHUNK):
        items, values = (part.inputs[name][first : first + CHUNK] for name in ("items", "values"))
        seen = np.zeros((len(items), len(encoder.items) + 1), np.float32)
        weights = np.zeros_like(seen)
        rows = np.arange(len(items))[:, None]
        seen[rows, items] = 1
        weights[rows, items] = weigh(values, encoder.liked, log)
        scores = np.pad(score(weights[:, 1:].astype(np.float64)), ((0, 0), (1, 0)))
        found.append(ranked(scores, np.maximum(seen, ~known), TOP))
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}
