"""Training of retrieval: each row of a batch is predicted from the others; afterwards training rows become the memory of the graph."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from applied_dl.core.records import Fitted
from applied_dl.tasks.tabular.arrays import matrices, targets
from applied_dl.tasks.tabular.fit.net import build_net, each_member, ensemble_score, sources
from applied_dl.tasks.tabular.models.retrieval import LEAST, among_themselves, distances, remember
from applied_dl.training.losses import loss as make_loss

SHARPNESS = np.geomspace(0.5, 3.0, 19)  # tried on validation rows: the memory is larger than the batches of the training
QUERIES = 4096  # most validation rows that choose it
BLOCK = 512  # of them at a time: a distance to every remembered row is taken


def fit_retrieval(recipe, prepared, trainer, tag: str) -> Fitted:
    """Train the encoder, then store `model.memory` training rows in the graph; "val_score" predicts validation rows from each other."""
    encoder, classes = build_net(recipe, prepared), bool(prepared.encoder.labels)
    source, held = sources(recipe, prepared)
    own = make_loss(recipe.train.loss, label_smoothing=recipe.train.label_smoothing)
    history = trainer.train(
        encoder, source, held, recipe.train, loss=among_themselves(each_member(own), classes),
        metrics=(among_themselves(ensemble_score(own, classes), classes),), monitor="val_score", tag=tag,
    )  # fmt: skip
    if not history.rows:  # a trial or a learning-rate sweep trains nothing
        return Fitted(encoder, history)
    rows = remembered_rows(len(prepared.train), recipe)
    known = {name: values[rows] for name, values in matrices(prepared.encoder, prepared.train.inputs).items()}
    truth = targets(prepared, prepared.train)[rows, 0]
    sharpness = _sharpness(encoder, known, truth, prepared, own)
    return Fitted(remember(encoder, known, truth, classes, sharpness), history, {"remembered": len(rows)})


def remembered_rows(count: int, recipe) -> np.ndarray:
    """Row numbers of the training rows that the file keeps: all, or a seeded sample of `model.memory`."""
    if count <= recipe.model.memory:
        return np.arange(count)
    return np.sort(np.random.default_rng(recipe.train.seed).permutation(count)[: recipe.model.memory])


def _sharpness(encoder: keras.Model, known, truth: np.ndarray, prepared, own) -> float:
    """The factor on the distances with the lowest validation loss."""
    classes = bool(prepared.encoder.labels)
    part = prepared.validation.take(np.arange(min(len(prepared.validation), QUERIES)))
    places = encoder.predict(known, batch_size=1024, verbose=0)[:, 0]
    queries, y = encoder.predict(matrices(prepared.encoder, part.inputs), batch_size=1024, verbose=0)[:, 0], targets(prepared, part)
    score, total = ensemble_score(own, classes), np.zeros(len(SHARPNESS))
    for at in range(0, len(queries), BLOCK):
        apart = distances(queries[at : at + BLOCK], places)
        for i, factor in enumerate(SHARPNESS):
            mixed = ops.matmul(ops.softmax(-float(factor) * apart, axis=-1), truth)[:, None]
            rows = score(y[at : at + BLOCK], ops.log(mixed + LEAST) if classes else mixed)
            total[i] += float(ops.sum(rows))
    return float(SHARPNESS[int(np.argmin(total))])
