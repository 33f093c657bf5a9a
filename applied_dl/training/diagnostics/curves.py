"""What the curves of a whole training say: under-fitting, over-fitting, a loss that bounces, one that never moved."""

from __future__ import annotations

import numpy as np

from applied_dl.training.diagnostics.finding import Finding

RISE, FALL = 1.25, 0.7  # validation loss at the end over its least; training loss at the end over that at the least
BLIND = 0.95  # of the loss of an answer that knows nothing
JUMP, JUMPS = 1.1, 0.3  # an epoch's training loss over the one before; share of the epochs
FLOOR = 0.05  # of the first loss, or of knowing nothing: under it, ups and downs are of no matter
STILL = 0.002
FEWEST = 4  # epochs below which curves say nothing


def check_curves(rows: list[dict], blind: tuple[float, float] | None = None, stops: bool = False) -> list[Finding]:
    """rows: an engine's history (`epoch`, `loss`, `val_loss`). blind: the loss of an answer that knows nothing on training and on
    validation rows, where it is known. stops: whether training ends by itself (`train.patience`) once validation gets no better, so
    that over-fitting costs neither time nor score."""
    loss = np.array([row["loss"] for row in rows if "loss" in row], np.float64)
    held = np.array([row.get("val_loss", np.nan) for row in rows if "loss" in row], np.float64)
    if len(loss) < FEWEST:
        return []
    found = _bouncing(loss)
    if blind is not None and not found:
        found += _under(loss, blind[0]) or _by_heart(held, blind[1])
    if not found:
        found += _never_moved(loss)
    if not np.isnan(held).any() and not found and not stops:
        found += _over(loss, held, blind[1] if blind else 0.0)
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
            saw=f"the training loss rose by more than {JUMP - 1:.0%} in {share:.0%} of the epochs",
            why="the steps are larger than the valley is wide",
            change="lower train.learning_rate to a tenth, or set train.clip_norm = 1.0",
        )
    ]


def _under(loss: np.ndarray, constant: float) -> list[Finding]:
    best = float(np.nanmin(loss))
    if best <= BLIND * constant or constant <= 0:
        return []
    return [
        Finding(
            name="underfitting",
            where="model",
            evidence=best / constant,
            limit=BLIND,
            saw=f"the training loss never fell under {best:.3g}; an answer that knows nothing has {constant:.3g}",
            why="the model has learned almost nothing from its own training rows",
            change="less train.weight_decay, model.dropout and augmentation, a larger model, longer training, or more informative inputs",
        )
    ]


def _by_heart(held: np.ndarray, constant: float) -> list[Finding]:
    best = float(np.min(held))
    if not best >= constant > 0:
        return []
    return [
        Finding(
            name="nothing_general",
            where="data",
            evidence=best / constant,
            limit=1.0,
            saw=f"the training loss fell, but the validation loss never went under that of knowing nothing ({best:.3g}, {constant:.3g})",
            why="what was learned holds for the training rows alone: the inputs may have no information about the target",
            change="check that inputs and targets belong together, and compare with the baselines; get inputs with more information",
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
            saw=f"the training loss changed by {moved:.1e} of itself in {len(loss)} epochs",
            why="nothing was learned",
            change="raise train.learning_rate (`applied-dl lr-find`), and look for frozen or dead layers",
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
            saw=f"after epoch {at + 1} the validation loss rose to {rise:.2f} times its least while the training loss fell to {fall:.0%}",
            why="the network memorises its training rows; the best epoch is kept, the epochs after it are wasted",
            change="more rows or augmentation, more model.dropout or train.weight_decay, a smaller model, or train.patience",
        )
    ]
