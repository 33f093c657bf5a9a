"""Recommendations: events or ratings in, the best items for a user, known or new, out."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from applied_dl.core.records import Fitted, Part, Prepared, Scores
from applied_dl.exporting.serving import Serving
from applied_dl.tasks.recommend.baselines import recommend_baselines
from applied_dl.tasks.recommend.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.recommend.defaults import family_of, resolve_recommend, smaller_models
from applied_dl.tasks.recommend.encoder import RecommendEncoder
from applied_dl.tasks.recommend.encoder import load as load_encoder
from applied_dl.tasks.recommend.encoder import save as save_encoder
from applied_dl.tasks.recommend.fit import events, net, ratings
from applied_dl.tasks.recommend.plots import recommend_plots
from applied_dl.tasks.recommend.readers.prepare import prepare_events, read_part
from applied_dl.tasks.recommend.scores import score_ranking, score_ratings

PREVIEWED = 3  # users

trained_by_keras = True


def prepare(recipe, cache: Path) -> Prepared:
    """Read, clean, split each user's events."""
    return prepare_events(recipe)


def resolve_defaults(recipe, prepared):
    """The recipe with every open value chosen for the kind and the size of the data."""
    return resolve_recommend(recipe, prepared)


def build(recipe, prepared) -> keras.Model:
    """{"user", "items", "values", "ask"} → {"items", "scores", "asked"}, untrained."""
    family = family_of(recipe.model.name, prepared.encoder.explicit)
    if family == "net":
        return net.build_net(recipe, prepared)
    return (ratings if prepared.encoder.explicit else events).graph_of(recipe, prepared, None)


def fit(recipe, prepared, trainer) -> Fitted:
    """Closed forms, sampling or gradient steps, by the model."""
    family = family_of(recipe.model.name, prepared.encoder.explicit)
    if family == "net":
        return net.fit_net(recipe, prepared, trainer)
    return (ratings.fit_ratings if prepared.encoder.explicit else events.fit_events)(recipe, prepared, trainer)


def serving(recipe, fitted, prepared) -> Serving:
    """The graph; the vectors of the items go into `encoder.npz`, for items that are alike."""
    vectors = fitted.extra.get("vectors")
    if vectors is not None:
        prepared.encoder.arrays["vectors"] = np.ascontiguousarray(vectors, np.float32)
    found = restore_serving(recipe, fitted.model, prepared.encoder)
    return found._replace(validation=fitted.extra.get("validation"))


def restore_serving(recipe, model: keras.Model, encoder: RecommendEncoder) -> Serving:
    """The graph alone."""
    return Serving(model)


def score(recipe, outputs, part, encoder, metrics_only: bool = False) -> Scores:
    """RMSE of ratings, or NDCG@10 of rankings over all items, with further metrics and intervals over users."""
    if encoder.explicit:
        return score_ratings(outputs, part, metrics_only)
    return score_ranking(outputs, part, encoder.arrays["popularity"], metrics_only)


def baselines(recipe, prepared) -> dict[str, Scores]:
    """Popular items, means, and item-kNN."""
    return recommend_baselines(recipe, prepared)


def plots(recipe, prepared, fitted, outputs, folder: Path) -> dict:
    """Write the PNGs: score by activity, popularity bias, map of the factors."""
    return recommend_plots(prepared, fitted, outputs, folder)


def preview(recipe, prepared, path: Path) -> str:
    """The first users with some of their items; no image is drawn (`path` is unused)."""
    encoder, log = prepared.encoder, prepared.state.train
    lines = []
    for user in np.unique(log.users)[:PREVIEWED]:
        rows = np.flatnonzero(log.users == user)[:6]
        items = [
            f"{encoder.items[log.items[i] - 1]} {log.values[i]:g}" if encoder.columns[2] else encoder.items[log.items[i] - 1] for i in rows
        ]
        lines.append(f"{encoder.users[user - 1]}: {', '.join(items)}, …")
    return "\n         ".join(lines)


def load_labeled(recipe, encoder: RecommendEncoder, source: str) -> Part:
    """Other events of known items: the last of each user are to be found by the earlier ones."""
    return read_part(recipe, encoder, source)


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "smaller_models", "trained_by_keras", "worst_examples",
]  # fmt: skip
