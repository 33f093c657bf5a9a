"""Training of a tabular net: each member has its own loss; the validation score is that of the ensemble."""

from __future__ import annotations

import keras
import msgspec
import numpy as np
from keras import ops

from applied_dl.core.builders import call
from applied_dl.core.errors import UsageError
from applied_dl.core.records import Fitted
from applied_dl.tasks.tabular.arrays import matrices, one_hot, row_count, standardised, targets
from applied_dl.tasks.tabular.columns import TableEncoder
from applied_dl.tasks.tabular.models import BUILDERS, OPTIONS, Features
from applied_dl.tasks.tabular.models.numeric import Numbers, fit_numbers, pair_axes, quantile_bins, smooth_clip, target_bins
from applied_dl.tasks.tabular.models.realmlp import rates as realmlp_rates
from applied_dl.tasks.tabular.models.realmlp import start
from applied_dl.training.batches import plan
from applied_dl.training.class_weights import class_weights
from applied_dl.training.losses import loss as make_loss
from applied_dl.training.source import Source, resident

LEAST_ROWS, ROWS_SHARE = 40, 20  # fewest rows of a target-aware bin: 40, or a twentieth of a small table


def features_of(recipe, prepared) -> Features:
    """Statistics of the columns that the builders need, fitted on training rows."""
    pre, encoder = recipe.preprocess, prepared.encoder
    x = matrices(encoder, prepared.train.inputs).get("numbers")
    numbers: Numbers | None = None
    if x is not None:
        numbers = fit_numbers(x, pre.scale, pre.components)
        full = (np.where(np.isnan(x), numbers.fill, x).astype(np.float64) - numbers.center) * numbers.scale
        if pre.numeric_embedding in ("target_bins", "quantile_bins"):
            numbers = msgspec.structs.replace(numbers, bins=_bins(recipe, prepared, full))
        if pre.pairwise_bins:
            z = smooth_clip(full) if numbers.clip else full
            axes = pair_axes(z)
            if axes is not None:
                numbers = msgspec.structs.replace(numbers, pairs=axes, pair_bins=_bins(recipe, prepared, z @ axes.astype(np.float64)))
    return Features(
        numbers=numbers, levels=encoder.cardinalities, numbers_as=pre.numeric_embedding, width=pre.embedding or 1, one_hot=pre.one_hot
    )


def _bins(recipe, prepared, x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Bin edges of each column of x (N, K), of the kind that the recipe names."""
    if recipe.preprocess.numeric_embedding == "quantile_bins":
        return quantile_bins(x, recipe.preprocess.bins)
    encoder, y = prepared.encoder, prepared.train.target
    y = one_hot(y, encoder) if encoder.labels else standardised(prepared, y)
    return target_bins(x, y, recipe.preprocess.bins, max(3, min(LEAST_ROWS, len(x) // ROWS_SHARE)))


def outputs_of(recipe, encoder: TableEncoder) -> int:
    """How many numbers each member predicts."""
    return len(encoder.labels) or {"quantile": 3, "gaussian_nll": 2}.get(recipe.train.loss, len(encoder.targets))


def build_net(recipe, prepared) -> keras.Model:
    """{"numbers": (B, F), "codes": (B, C)} → (B, k, outputs)."""
    options = {key: getattr(recipe.model, key) for key in OPTIONS}
    steps = plan(row_count(prepared), recipe.train.batch_size).steps * recipe.train.epochs
    fixed = {"steps": steps} if recipe.model.name == "realmlp" else {}
    return call(BUILDERS[recipe.model.name], options, features_of(recipe, prepared), outputs_of(recipe, prepared.encoder), **fixed)


def fit_net(recipe, prepared, trainer, tag: str) -> Fitted:
    """Train one net; "val_score" of the history is the loss of the members' mean."""
    model, classes = build_net(recipe, prepared), bool(prepared.encoder.labels)
    source, held = sources(recipe, prepared)
    rates = None
    if recipe.model.name == "realmlp":
        start(model, matrices(prepared.encoder, prepared.train.inputs), recipe.train.seed)
        rates = realmlp_rates(model)
    own = make_loss(recipe.train.loss, label_smoothing=recipe.train.label_smoothing, quantiles=recipe.calibration.quantiles)
    history = trainer.train(
        model, source, held, recipe.train, loss=each_member(own), metrics=(ensemble_score(own, classes),),
        monitor="val_score", tag=tag, rates=rates,
    )  # fmt: skip
    return Fitted(model, history)


def sources(recipe, prepared) -> tuple[Source, Source]:
    """Training rows, balanced and weighted by the recipe, and validation rows."""
    held = resident(matrices(prepared.encoder, prepared.validation.inputs), targets(prepared, prepared.validation))
    if prepared.state.stored is not None:
        return _stored_rows(recipe, prepared), held
    encoder, y = prepared.encoder, prepared.train.target
    rows = balanced(y, recipe) if encoder.labels else np.arange(len(y))
    weight = class_weights(y, encoder.labels, recipe.train.class_weights) if encoder.labels else None
    x = {name: values[rows] for name, values in matrices(encoder, prepared.train.inputs).items()}
    source = resident(x, targets(prepared, prepared.train)[rows], None if weight is None else weight[rows])
    return source, held


def _stored_rows(recipe, prepared) -> Source:
    """The training rows on disk, weighted by the recipe."""
    stored, encoder, weight = prepared.state.stored, prepared.encoder, None
    if recipe.preprocess.balance != "none":
        raise UsageError("preprocess.balance chooses rows of a table in memory; for one on disk set train.class_weights = 'balanced'.")
    if encoder.labels and recipe.train.class_weights is not None:
        weight = class_weights(stored.target.argmax(axis=-1)[:, 0], encoder.labels, recipe.train.class_weights)
    return resident(stored.inputs, stored.target, weight)


def balanced(codes: np.ndarray, recipe) -> np.ndarray:
    """Row numbers to train on: all of them, rare classes oversampled to the size of the largest, or large ones undersampled."""
    kind = recipe.preprocess.balance
    if kind == "none":
        return np.arange(len(codes))
    random = np.random.default_rng(recipe.train.seed)
    groups = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    size = (max if kind == "over" else min)(len(group) for group in groups)
    picked = [
        np.concatenate([np.tile(g, size // len(g)), random.choice(g, size % len(g), replace=False)])
        if kind == "over"
        else random.choice(g, size, replace=False)
        for g in groups
    ]
    return np.sort(np.concatenate(picked))


def each_member(loss):
    """The mean of the members' own losses (never the loss of their mean): targets (B, 1, C), predictions (B, k, outputs) → (B,)."""

    def of_members(y_true, y_pred):
        rows = ops.reshape(loss.call(_spread(y_true, y_pred), y_pred), (-1, y_pred.shape[1]))
        return ops.mean(rows, axis=1)

    of_members.of = loss  # read by the diagnostics to name the loss
    return of_members


def ensemble_score(loss, classes: bool):
    """A metric named "score": the loss of the members' mean; for classes, of their mean probability."""

    def score(y_true, y_pred):
        if classes:
            p = ops.mean(ops.softmax(y_pred, axis=-1), axis=1)
            return -ops.sum(ops.cast(y_true, p.dtype)[:, 0] * ops.log(p + 1e-7), axis=-1)
        mean = ops.mean(y_pred, axis=1, keepdims=True)
        return ops.reshape(loss.call(_spread(y_true, mean), mean), (-1,))

    return score


def _spread(y_true, y_pred):
    """(B, 1, C) → (B, k, C)."""
    return ops.repeat(ops.cast(y_true, y_pred.dtype), y_pred.shape[1], axis=1)
