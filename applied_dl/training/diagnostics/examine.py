"""The order of an examination: causes before consequences; each probe restores the model."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.plurals import numbered
from applied_dl.core.records import History
from applied_dl.core.task import Loop, Trainer
from applied_dl.training.batches import plan
from applied_dl.training.diagnostics.activations import check_activations
from applied_dl.training.diagnostics.adversarial import check_adversarial
from applied_dl.training.diagnostics.case import Case, descend, kind_of, restoring, rows
from applied_dl.training.diagnostics.curves import check_curves
from applied_dl.training.diagnostics.finding import Finding
from applied_dl.training.diagnostics.gradients import check_gradients
from applied_dl.training.diagnostics.labels import check_labels
from applied_dl.training.diagnostics.rate import check_rate
from applied_dl.training.diagnostics.start import KNOWN, check_one_batch, check_start, constant_loss
from applied_dl.training.trainer import CheckpointingTrainer, Timer

PROBE_STEPS = 200  # of a training that is too long to be watched whole
ROWS, CONSTANT_ROWS = 512, 4096
WATCHED = 4  # epochs of two nets, at least
ORDER = (  # causes before what they cause
    "input_not_finite", "input_not_standardized", "target_not_standardized", "outlying_targets", "squashed_twice", "frozen",
    "identical_units", "saturated", "dead_relu", "vanishing_gradient", "exploding_gradient", "constant_layer", "no_gradient",
    "cannot_overfit", "loss_at_start", "too_few_steps", "batch_norm_of_few", "rate_too_high", "update_too_large", "rate_too_low",
    "update_too_small", "loss_not_finite", "bouncing_loss", "underfitting", "nothing_general", "loss_never_moved", "overfitting",
    "suspicious_labels",
)  # fmt: skip


class Diagnoser(Trainer):
    """Examines each model that `fit` would train (`applied-dl doctor`).

    Args:
        findings: the list that new findings are appended to.
        budget: seconds that one training may take to be watched to its end.

    `examined` lists the tags of the models.
    """

    def __init__(self, findings: list[Finding], budget: float):
        self.findings, self.budget = findings, budget
        self.examined: list[str] = []

    def train(
        self, model, source, validation, settings, *, loss, metrics=(), monitor="val_loss", rising=False, augment=None, rates=None,
        tag="model",
    ) -> History:  # fmt: skip
        """Examine, then train for at most the budget."""
        self.examined.append(tag)
        case = Case(model, source, validation, settings, loss, augment, rates, tag)
        new, history = examine(case, self.budget, metrics=metrics, monitor=monitor, rising=rising)
        known = {(f.name, f.where) for f in self.findings}
        self.findings.extend(f for f in new if (f.name, f.where) not in known)
        return history

    def run(self, loop: Loop, tag: str = "model") -> History:
        """Watch two nets that learn from each other for the budget. Raises `UsageError` for other steps: the probes need those of Keras."""
        if not getattr(loop, "adversarial", False):
            raise UsageError(f"This model takes {loop.steps}, so its data alone was examined.")
        self.examined.append(tag)
        pace = loop.pace()
        epochs = max(WATCHED, min(loop.epochs, int((self.budget - pace.start) / max(pace.epoch, 1e-9))))
        if epochs < loop.epochs:
            console.say(
                "doctor",
                f"the whole training takes about {loop.epochs * pace.epoch:.0f} s, so {numbered(epochs, 'epoch is', 'epochs are')} watched",
            )
            loop.shorten(epochs)
        history = CheckpointingTrainer().run(loop, tag)
        self.findings.extend(check_adversarial(history.rows))
        return history


def examine(
    case: Case, budget: float = 60.0, *, metrics=(), monitor: str = "val_loss", rising: bool = False
) -> tuple[list[Finding], History]:
    """Findings, causes first. The model is left trained: to the end where that takes under `budget` seconds, else for a few steps."""
    inputs, _ = rows(case, ROWS)
    found = check_start(case)
    if any(f.name == "input_not_finite" for f in found):
        return found, History(monitor=monitor)
    constant = _constant_losses(case)
    found += check_activations(case.model, inputs, "at the start")
    found += check_gradients(case)
    found += check_one_batch(case)
    found += check_rate(case, budget)
    history, more = _train(case, budget, metrics, monitor, rising)
    found += more
    if history.rows:
        found += check_curves(history.rows, constant, bool(case.settings.patience))
    if not any(f.name in ("dead_relu", "saturated", "constant_layer") for f in found):
        found += check_activations(case.model, inputs, "after training")
    found += check_labels(case)
    return sorted(found, key=lambda finding: ORDER.index(finding.name)), history


def _constant_losses(case: Case) -> tuple[float, float] | None:
    """The loss of the best constant prediction, on training and on validation rows."""
    if kind_of(case.loss) not in KNOWN:
        return None
    found = []
    for part in (case.source, case.validation or case.source):
        index = tf.constant(np.unique(np.linspace(0, part.size - 1, min(CONSTANT_ROWS, part.size)).astype(np.int64)))
        target = part.gather(index)[1]
        found.append(constant_loss(case, target, tf.zeros((len(index), *case.model.output.shape[1:]))))
    return found[0], found[1]


def _train(case: Case, budget: float, metrics, monitor: str, rising: bool) -> tuple[History, list[Finding]]:
    """The whole training where it fits into the budget, else some steps under the compressed schedule."""
    total = plan(case.source.size, case.settings.batch_size).steps * case.settings.epochs
    options = {"loss": case.loss, "metrics": metrics, "monitor": monitor, "rising": rising, "augment": case.augment, "rates": case.rates}
    arguments = (case.model, case.source, case.validation, case.settings)
    timer = Timer()
    try:
        with restoring(case.model):
            timer.train(*arguments, **options)
        if timer.seconds > budget and total > PROBE_STEPS:
            console.say("doctor", f"the whole training takes about {timer.seconds:.0f} s, so {PROBE_STEPS} steps are watched")
            descend(case, PROBE_STEPS)
            return History(monitor=monitor), []
        return CheckpointingTrainer().train(*arguments, **options), []
    except DataError as error:
        finding = Finding(
            name="loss_not_finite",
            where="train.learning_rate",
            evidence=float("inf"),
            limit=1.0,
            observed=str(error).split(":")[0],
            why="every weight is NaN after that",
            change="lower train.learning_rate or set train.clip_norm = 1.0",
        )
        return History(monitor=monitor), [finding]
