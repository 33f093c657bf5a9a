"""The values that a word recipe leaves open, by the method and the size of the text."""

from __future__ import annotations

import os
from pathlib import Path

from applied_dl.core import config
from applied_dl.core.errors import UsageError, nearest
from applied_dl.core.sections import Export
from applied_dl.tasks.words.readers import LARGE
from applied_dl.text.vector_files import read_vectors

DIMENSIONS = 100
WORDS_SEEN = 12_000_000  # words read in a whole training, at least, where that takes few enough epochs
MOST, FEWEST = 30, 5  # epochs; word2vec's usual ones at least
RATES = {("skipgram", "negative"): 0.05, ("cbow", "negative"): 0.15, ("skipgram", "hierarchical"): 0.05, ("cbow", "hierarchical"): 0.1}
WARM_RATE = 0.5  # share of that step size for vectors that are initialised by factorised counts or by a file
WARM_EPOCHS = 6  # times fewer epochs are enough for them
GLOVE = {"epochs": 15, "learning_rate": 0.3}  # the paper's 0.05 is for billions of words; chosen on validation text
MAX_METRIC_DROP = 0.01


def resolve_words(recipe, prepared):
    """The recipe without a None that training reads, with keys that would have no effect refused."""
    model, learn, train = recipe.model, recipe.learn, recipe.train
    predicts = model.name in ("skipgram", "cbow")
    _refuse_unused(recipe, predicts)
    objective = (learn.objective or "negative") if predicts else None
    negative = (learn.negative or 5) if objective == "negative" else None
    sample = (1e-3 if learn.sample is None else learn.sample) if predicts else None
    init = (learn.init or usual_init(recipe, prepared, objective)) if predicts else None
    warm = init not in (None, "random")
    epochs = train.epochs
    if model.name == "glove":
        epochs = epochs or GLOVE["epochs"]
    elif model.name == "svd":
        epochs = 1
    elif epochs is None:
        epochs = max(FEWEST, min(MOST, round(WORDS_SEEN / prepared.state.total)))
        epochs = max(1, epochs // WARM_EPOCHS) if warm else epochs
    usual = GLOVE["learning_rate"] if model.name == "glove" else RATES.get((model.name, objective))
    rate = train.learning_rate or (usual * WARM_RATE if warm else usual)
    threads = 1 if train.deterministic else train.threads or os.cpu_count() or 1
    return config.replace(
        recipe,
        model={"dimensions": _dimensions(model, init)},
        preprocess={"min_count": prepared.state.min_count, "buckets": prepared.encoder.buckets or None},
        learn={"objective": objective, "negative": negative, "sample": sample, "init": init},
        train={"epochs": epochs, "learning_rate": rate, "threads": threads},
        export={
            "max_metric_drop": MAX_METRIC_DROP if recipe.export.max_metric_drop is None else recipe.export.max_metric_drop,
            "variants": variants(recipe.export.variants),
        },
    )


def smaller_models(recipe, prepared) -> list[dict]:
    """Shorter vectors."""
    return config.open_changes(recipe, [{"model.dimensions": size} for size in (64, 48, 32, 16, 8)])


def _dimensions(model, init: str | None) -> int:
    """Of the vectors: the recipe's, those of the file that initialises them, or the default. Raises `UsageError` where two differ."""
    if init in (None, "random", "svd"):
        return model.dimensions or DIMENSIONS
    if not Path(init).exists():
        raise UsageError(f"learn.init = {init!r} is neither a method nor a file of word vectors.{nearest(init, ('random', 'svd'))}")
    width = read_vectors(init, limit=1)[1].shape[1]
    if model.dimensions not in (None, width):
        raise UsageError(f"model.dimensions is {model.dimensions}, but the vectors of {init!r} have {width}; leave the key out.")
    return width


def variants(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Without int8, whose activation ranges are fitted to single words: the sums of a line of words would leave them."""
    if "int8" in asked and asked != Export().variants:
        raise UsageError("export.variants: int8 has no meaning for word vectors, which are looked up; dynamic keeps the table as int8.")
    return tuple(variant for variant in asked if variant != "int8")


def usual_init(recipe, prepared, objective: str) -> str:
    """Little text trains best from factorised counts; in large text the counts of all pairs take more memory than they save time."""
    return "svd" if prepared.state.total < LARGE and objective == "negative" and not recipe.preprocess.ngrams else "random"


def _refuse_unused(recipe, predicts: bool) -> None:
    """Refuse keys that would have no effect."""
    model, learn, train, settings = recipe.model, recipe.learn, recipe.train, recipe.preprocess
    if not predicts:
        for key in ("objective", "negative", "sample", "init"):
            if getattr(learn, key) is not None:
                raise UsageError(f"learn.{key} is for skipgram and cbow; model.name = {model.name!r} factorises counts.")
        if settings.ngrams:
            raise UsageError(f"preprocess.ngrams needs model.name = 'skipgram' or 'cbow'; {model.name!r} has one row per word.")
    if learn.objective == "hierarchical" and learn.negative is not None:
        raise UsageError("learn.negative has no meaning for learn.objective = 'hierarchical', which has no noise words.")
    if model.name == "svd":
        for key in ("epochs", "learning_rate", "threads"):
            if getattr(train, key) is not None:
                raise UsageError(f"train.{key} has no meaning for model.name = 'svd', which factorises once.")
    if train.deterministic and (train.threads or 1) > 1:
        raise UsageError("train.deterministic needs one thread: threads that update without locks never do so in the same order twice.")
    if settings.ngrams and learn.init not in (None, "random", "svd"):
        raise UsageError("learn.init = FILE gives vectors of whole words; remove it or preprocess.ngrams.")
    if learn.objective == "hierarchical" and learn.init == "svd":
        raise UsageError("learn.init = 'svd' initialises words and their contexts; the inner nodes of a hierarchical softmax are neither.")
    if settings.ngrams and learn.init == "svd":
        raise UsageError("learn.init = 'svd' has no sub-words; remove it or preprocess.ngrams.")
