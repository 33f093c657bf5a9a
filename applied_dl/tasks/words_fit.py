"""From a settled recipe to trained vectors."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from applied_dl import console
from applied_dl.errors import UsageError
from applied_dl.models.text.word_vectors import word_lookup
from applied_dl.train import Fitted
from applied_dl.train import word_counts as counting
from applied_dl.train.engine import History
from applied_dl.train.word_steps import Shape, cbow, compiled, skipgram
from applied_dl.train.word_vectors import Plan, learn

RUNS = {"skipgram": (32, 4, 64), "cbow": (16, 16, 16)}  # words a run, runs an update, noise words a run
METHODS = {"skipgram": skipgram, "cbow": cbow}


def fit_words(recipe, prepared, workspace) -> Fitted:
    """Train by the recipe's method; the lookup graph holds padding, words and sub-words."""
    if workspace.sweep is not None or workspace.examine is not None:
        raise UsageError("Word vectors are trained by their own closed-form steps; the finder and the doctor are for the other tasks.")
    text, encoder, model = prepared.state["text"], prepared.encoder, recipe.model
    if model.name == "svd":
        with console.timed("train", "neighbours counted and factorised"):
            table = counting.ppmi_svd(text, model.dimensions, recipe.learn.window, recipe.train.seed)
        history = History(monitor="loss", rows=[{"epoch": 1}], best_epoch=1)
    else:
        table, history = _learnt(recipe, text, prepared.state["total"], encoder, workspace)
    lookup = word_lookup(encoder.rows, dimensions=model.dimensions, seed=recipe.train.seed)
    padding = np.zeros((1, model.dimensions), np.float32)
    lookup.set_weights([np.concatenate([padding, table, np.zeros((encoder.rows - 1 - len(table), model.dimensions), np.float32)])])
    return Fitted(lookup, history)


def _learnt(recipe, text, total: int, encoder, workspace) -> tuple[np.ndarray, History]:
    """Skip-gram or CBOW with negative sampling."""
    size, D, settings = len(encoder.words), recipe.model.dimensions, recipe.train
    first, second = start(recipe, text, size)
    inputs, outputs = tf.Variable(first), tf.Variable(second)
    shape = Shape(*RUNS[recipe.model.name], recipe.learn.window)
    method = METHODS[recipe.model.name]
    plan = Plan([inputs, outputs], lambda: compiled(method(inputs, outputs, shape, recipe.learn.negative), shape), shape)
    history = learn(
        plan, text, epochs=settings.epochs, rate=settings.learning_rate, sample=recipe.learn.sample, threads=settings.threads,
        seed=settings.seed, minutes=settings.checkpoint_minutes, workspace=workspace, words=total,
    )  # fmt: skip
    return inputs.numpy(), history


def start(recipe, text, size: int) -> tuple[np.ndarray, np.ndarray]:
    """First values of both tables (V, D): small random and zero, or a factorisation of the counts in both."""
    D, rng = recipe.model.dimensions, np.random.default_rng(recipe.train.seed)
    random = (rng.random((size, D), dtype=np.float32) - np.float32(0.5)) / np.float32(D)
    zero = np.zeros((size, D), np.float32)
    if recipe.learn.start == "svd":
        with console.timed("start", "neighbours counted and factorised"):
            found = counting.as_start(counting.ppmi_svd(text, D, recipe.learn.window, recipe.train.seed))
        known = found.any(1, keepdims=True)
        return np.where(known, found, random), np.where(known, found, zero)
    return random, zero


def build_words(recipe, prepared) -> keras.Model:
    """The lookup graph before training."""
    return word_lookup(prepared.encoder.rows, dimensions=recipe.model.dimensions, seed=recipe.train.seed)
