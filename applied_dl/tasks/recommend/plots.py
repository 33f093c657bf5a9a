"""Plots of a recommender: the score by activity, whether popular items crowd out others, and a map of the items' factors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.report import plots as draw
from applied_dl.report.figures import figure
from applied_dl.tasks.recommend.scores import NDCG_AT, user_metrics

BINS = 6  # groups of users by activity
MAPPED = 80  # popular items of the map


def recommend_plots(prepared, fitted, outputs, folder: Path) -> dict:
    """Write the PNGs; the facts say which closed form was chosen, and what share of the recommendations are popular items."""
    part, encoder = prepared.test, prepared.encoder
    rows = fitted.history.rows
    if len(rows) > 1 and "learning_rate" in rows[0]:
        draw.training_curves(rows, folder / "training.png", fitted.history.monitor, fitted.history.best_epoch)
    _activity(part, outputs, encoder, folder / "activity.png")
    facts = {"chosen": fitted.extra["chosen"]} if "chosen" in fitted.extra else {}
    if not encoder.explicit:
        facts["popular_share"] = _popularity(outputs["items"][:, :NDCG_AT], encoder, folder / "popularity.png")
    vectors = fitted.extra.get("vectors")
    if vectors is not None and len(encoder.items) >= 8:
        _map(np.asarray(vectors, np.float64), encoder, folder / "factors.png")
    return facts


def _activity(part, outputs, encoder, path: Path) -> None:
    activity = part.extra["activity"]
    if encoder.explicit:
        square = np.nanmean((outputs["asked"][:, : part.target.shape[1]] - part.target) ** 2, axis=1)
        values, label = square, "RMSE"
    else:
        values, label = user_metrics(outputs["items"], part.extra["relevant"])["ndcg_at_10"], "NDCG@10"
    cuts = np.unique(np.quantile(activity, np.linspace(0, 1, BINS + 1)).astype(int))
    names, heights, errors = [], [], []
    for low, high in zip(cuts[:-1], cuts[1:]):
        rows = (activity >= low) & ((activity < high) | (high == cuts[-1]))
        if not rows.any():
            continue
        names.append(f"{low}–{high - (high != cuts[-1])} events ({rows.sum()} users)")
        own = values[rows]
        middle, error = own.mean(), 1.96 * own.std() / np.sqrt(len(own))
        heights.append(np.sqrt(middle) if encoder.explicit else middle)
        errors.append(error / (2 * max(np.sqrt(middle), 1e-9)) if encoder.explicit else error)
    if names:
        draw.bars(names, np.array(heights), path, f"{label} by activity", label, np.stack([errors, errors]), ranked=False)


def _popularity(top: np.ndarray, encoder, path: Path) -> float:
    """Recommendations over popularity; the share of them that goes to the most popular tenth of the items."""
    popularity = encoder.arrays["popularity"][1:]
    shown = np.bincount(top[top > 0], minlength=len(popularity) + 1)[1:]
    with figure(path) as axis:
        axis.scatter(popularity, shown, s=8, alpha=0.5, clip_on=False)
        axis.set_xscale("symlog", linthresh=1)  # logarithmic from 1 on, with a place for none at all
        axis.set_yscale("symlog", linthresh=1)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.set(xlim=(0, None), ylim=(0, None))
        axis.set_xlabel("users who had the item")
        axis.set_ylabel(f"times among the first {NDCG_AT}")
        axis.set_title("Popularity and recommendations")
    most = np.argsort(-popularity, kind="stable")[: max(1, len(popularity) // 10)]
    return round(float(shown[most].sum() / max(shown.sum(), 1)), 4)


def _map(vectors: np.ndarray, encoder, path: Path) -> None:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    popularity = encoder.arrays["popularity"].astype(np.float64)
    popularity[np.linalg.norm(vectors, axis=1) == 0] = -1
    chosen = np.argsort(-popularity, kind="stable")[:MAPPED]
    chosen = chosen[popularity[chosen] > 0]
    if len(chosen) < 8:
        return
    with threadpool_limits(1):  # so few points: threads would only wait for each other
        points = TSNE(2, perplexity=min(10, len(chosen) / 4), init="pca", metric="cosine", random_state=0).fit_transform(vectors[chosen])
    draw.neighbourhood(points, [encoder.items[i - 1] for i in chosen], path, "Popular items by their factors (t-SNE)")
