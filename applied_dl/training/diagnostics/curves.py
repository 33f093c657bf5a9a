"""What the curves of a whole training show: underfitting, overfitting, a loss that oscillates or never moves."""

from __future__ import annotations

import numpy as np

from applied_dl.training.diagnostics.finding import Finding

RISE, FALL = 1.25, 0.7  # validation loss at the end over its least; training loss at the end over that at the least
CONSTANT = 0.95  # of the loss of the best constant prediction
JUMP, JUMPS = 1.1, 0.3  # an epoch's training loss over the one before; share of the epochs
FLOOR = 0.05  # of the first loss, or of that of the best constant prediction; below it, ups and downs do not matter
STILL = 0.002
FEWEST = 4  # epochs that a curve must have


def check_curves(rows: list[dict], constant: tuple[float, float] | None = None, stops: bool = False) -> list[Finding]:
    """rows: a history (`epoch`, `loss`, `val_loss`). constant: the loss of the best constant prediction on training and on
    validation rows, where it is known. stops: whether training ends by itself (`train.patience`) once validation gets no better, so
    that overfitting costs neither time nor score."""
    loss = np.array([row["loss"] for row in rows if "loss" in row], np.float64)
    held = np.array([row.get("val_loss", np.nan) for row in rows if "loss" in row], np.float64)
    if len(loss) < FEWEST:
        return []
    found = _bouncing(loss)
    if constant is not None and not found:
        found += _under(loss, constant[0]) or _nothing_general(held, constant[1])
    if not found:
        found += _never_moved(loss)
    if not np.isnan(held).any() and not found and not stops:
        found += _over(loss, held, constant[1] if constant else 0.0)
    return found


def _bouncing(loss: np.ndarray) -> list[Finding]:
    share = float(((loss[1:] > JUMP * loss[:-1]) & (loss[1:] > FLOOR * loss[0])).mean()) if (loss > 0).all() else 0.0
    if share <= JUMPS:
        return []
    return [
        Finding(
            name="bouncing_loss",
            where="train.learning_rate",
            evidence=share,
            limit=JUMPS,
            observed=f"the training loss rose by more than {JUMP - 1:.0%} in {share:.0%} of the epochs",
            why="the steps are too large for the minimum",
            change="lower train.learning_rate to a tenth, or set train.clip_norm = 1.0",
        )
    ]


def _under(loss: np.ndarray, constant: float) -> list[Finding]:
    best = float(np.nanmin(loss))
    if best <= CONSTANT * constant or constant <= 0:
        return []
    return [
        Finding(
            name="underfitting",
            where="model",
            evidence=best / constant,
            limit=CONSTANT,
            observed=f"the training loss never fell under {best:.3g}; the best constant prediction has {constant:.3g}",
            why="the model has learned almost nothing even on its training rows",
            change="less train.weight_decay, model.dropout and augmentation, a larger model, longer training, or more informative inputs",
        )
    ]


def _nothing_general(held: np.ndarray, constant: float) -> list[Finding]:
    best = float(np.min(held))
    if not best >= constant > 0:
        return []
    return [
        Finding(
            name="nothing_general",
            where="data",
            evidence=best / constant,
            limit=1.0,
            observed=f"the validation loss ({best:.3g}) never fell below that of the best constant prediction ({constant:.3g})",
            why="what was learned holds for the training rows only: the inputs may hold no information about the target",
            change="check that inputs and targets belong together, and compare with the baselines; add more informative inputs",
        )
    ]


def _never_moved(loss: np.ndarray) -> list[Finding]:
    moved = float(abs(loss[0] - loss.min()) / max(abs(loss[0]), 1e-12))
    if moved >= STILL:
        return []
    return [
        Finding(
            name="loss_never_moved",
            where="train.learning_rate",
            evidence=moved,
            limit=STILL,
            observed=f"the training loss changed by {moved:.1e} of itself in {len(loss)} epochs",
            why="nothing was learned",
            change="raise train.learning_rate (`applied-dl lr-find`), and check for frozen or dead layers",
        )
    ]


def _over(loss: np.ndarray, held: np.ndarray, constant: float) -> list[Finding]:
    at = int(np.argmin(held))
    if not held.min() > 0:
        return []
    rise, fall = float(held[-3:].mean() / held[at]), float(loss[-1] / max(loss[at], 1e-12))
    if rise <= RISE or fall >= FALL or held[-3:].mean() - held[at] < FLOOR * constant:
        return []
    return [
        Finding(
            name="overfitting",
            where="model",
            evidence=rise,
            limit=RISE,
            observed=f"after epoch {at + 1} validation loss rose to {rise:.2f} times its least, training loss fell to {fall:.0%}",
            why="the net memorizes its training rows; the best epoch is kept, the rest of the time is wasted",
            change="more rows or augmentation, more model.dropout or train.weight_decay, a smaller model, or train.patience",
        )
    ]
