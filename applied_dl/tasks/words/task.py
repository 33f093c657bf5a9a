"""Word vectors: a text in, a vector for every word of it out; neighbours, analogies and a lookup table for the phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from applied_dl.core.metrics import words as metric
from applied_dl.core.records import Fitted, Part, Prepared, Scores
from applied_dl.report import plots as draw
from applied_dl.tasks.words.benchmark_files import is_analogies, is_similarity
from applied_dl.tasks.words.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.words.defaults import resolve_words, smaller_models, variants
from applied_dl.tasks.words.encoder import WordEncoder
from applied_dl.tasks.words.encoder import load as load_encoder
from applied_dl.tasks.words.encoder import save as save_encoder
from applied_dl.tasks.words.fit.methods import build_words, counted, fit_words
from applied_dl.tasks.words.readers import as_ids, neighbours_part, prepare_words, questions_part, read_part
from applied_dl.text import counts as counting
from applied_dl.text.encoded_text import Text
from applied_dl.text.word_ids import read_ids

if TYPE_CHECKING:
    import keras

    from applied_dl.exporting.serving import Serving

COMMONEST = 24  # words shown before training
MAPPED = 120  # words of the neighbourhood plot
SKIPPED = 100  # most frequent words, too common to be worth a place in it

trained_by_keras = False


def prepare(recipe, cache: Path) -> Prepared:
    """Read, split, build the vocabulary."""
    return prepare_words(recipe, cache)


def resolve_defaults(recipe, prepared):
    """Every open value of the recipe, chosen for the method and the number of words."""
    return resolve_words(recipe, prepared)


def build(recipe, prepared) -> keras.Model:
    """{"ids": (B, T)} → {"vector": (B, D)}."""
    return build_words(recipe, prepared)


def fit(recipe, prepared, trainer) -> Fitted:
    """Closed-form updates by lock-free threads, or a factorisation of counts."""
    return fit_words(recipe, prepared, trainer)


def serving(recipe, fitted, prepared) -> Serving:
    """The lookup itself; its word vectors go into `encoder.npz` too, for neighbours and for other programs."""
    table, size = fitted.model.get_layer("table").get_weights()[0], len(prepared.encoder.words)
    prepared.encoder.arrays["vectors"] = np.ascontiguousarray(table[1 : 1 + size])
    return restore_serving(recipe, fitted.model, prepared.encoder)


def restore_serving(recipe, model: keras.Model, encoder: WordEncoder) -> Serving:
    """The lookup alone. Raises `UsageError` for a precision that word vectors do not support."""
    from applied_dl.exporting.serving import Serving

    variants(recipe.export.variants)
    return Serving(model)


def score(recipe, outputs, part, encoder, metrics_only: bool = False) -> Scores:
    """Rank correlation with human similarity ratings, or held-out neighbours; analogies (by `encoder.npz`) where there are questions."""
    vectors = outputs["vector"]
    if part.extra["kind"] == "analogies":
        return metric.score_analogies(vectors, part.extra["analogies"])
    if part.extra["kind"] == "similarity":
        found = metric.score_similarity(vectors, part.target, metrics_only)
    else:
        found = metric.score_neighbours(vectors)
    quiz = part.extra.get("quiz")
    if quiz is None:
        return found
    share, interval = quiz.of(outputs.get("table", encoder.arrays.get("vectors")))
    return Scores(main=found.main, metrics={**found.metrics, "analogy": share}, intervals={**found.intervals, "analogy": interval})


def baselines(recipe, prepared) -> dict[str, Scores]:
    """Random vectors, and factorised counts of neighbours."""
    text, D, seed = prepared.state.text, recipe.model.dimensions, recipe.train.seed
    random = np.random.default_rng(seed).standard_normal((len(text.counts), D)).astype(np.float32)
    tables = {"random vectors": random}
    if recipe.model.name == "svd":
        tables["LSA (log counts, SVD)"] = counting.lsa(text, D, recipe.learn.window, seed)
    else:
        tables["PPMI-SVD"] = counted(recipe, prepared)
    return {name: score(recipe, _answers(prepared, table), prepared.test, prepared.encoder) for name, table in tables.items()}


def _answers(prepared, table: np.ndarray) -> dict[str, np.ndarray]:
    """What the serving graph would return on the test rows with another table of word vectors."""
    rows = np.zeros((prepared.encoder.rows, table.shape[1]), np.float32)
    rows[1 : 1 + len(table)] = table
    ids = prepared.test.inputs["ids"]
    return {"vector": rows[ids].sum(1) / np.maximum((ids > 0).sum(1, keepdims=True), 1), "table": table}


def plots(recipe, prepared, fitted, outputs, folder: Path) -> None:
    """The loss by epoch, and the map of common words with their nearest."""
    rows = fitted.history.rows
    if len(rows) > 1:
        draw.training_curves(rows, folder / "training.png", "loss", fitted.history.best_epoch)
    words, table = prepared.encoder.words, metric.unit(prepared.encoder.arrays["vectors"])
    chosen = _islands(table)
    if len(chosen) >= 8:
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # so few points: threads would only wait for each other
            points = TSNE(2, perplexity=min(8, len(chosen) / 4), init="pca", metric="cosine", random_state=0).fit_transform(table[chosen])
        draw.neighbourhood(points, [words[i] for i in chosen], folder / "neighbourhood.png", "Common words and their nearest (t-SNE)")


def _islands(table: np.ndarray, seeds: int = 16, nearest: int = 5) -> np.ndarray:
    """Words (≤ MAPPED,) to draw: common ones far from each other, each with its nearest among the common ones."""
    pool = np.arange(min(SKIPPED, len(table) // 4), min(len(table), 3000))
    near, taken = table[pool] @ table[pool].T, [0]
    while len(taken) < min(seeds, len(pool)):
        taken.append(int(near[taken].max(0).argmin()))
    found = np.unique(np.argsort(-near[taken], 1)[:, : nearest + 1])
    return pool[found][:MAPPED]


def preview(recipe, prepared, path: Path) -> str:
    """The first words of the vocabulary, commonest first; no image is drawn."""
    return "the commonest words: " + ", ".join(prepared.encoder.words[:COMMONEST])


def load_labeled(recipe, encoder: WordEncoder, source: str) -> Part:
    """A file of word, word, score, one of analogies, or another text's neighbours, through the fitted vocabulary."""
    if is_similarity(source):
        return read_part(encoder, source)
    if is_analogies(source):
        return questions_part(encoder, source)
    from applied_dl.core.cache import cache_folder

    found = read_ids(source, recipe.data.column, encoder.lowercase, cache_folder(), recipe.data.sheet)
    return neighbours_part(encoder, Text(*as_ids(encoder, found, np.ones(len(found.ends), bool)), encoder.arrays["counts"]))


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "smaller_models", "trained_by_keras", "worst_examples",
]  # fmt: skip
