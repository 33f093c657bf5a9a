"""The ridge forecaster in closed form: the whole path of penalties from one eigendecomposition, and a refit at every origin.

Toner & Darlow (2024) show that the linear forecasters of the literature are this regression; solved, not descended, it is better.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PENALTIES = (1e-6, *10.0 ** np.arange(-4, 2.1, 0.5))  # as shares of the mean eigenvalue
CHUNK = 4096
MOVED, LOST = 3e-3, 2e-4  # how far a lower rank may move the training windows' forecasts, what it may add: shares of the squared error


Sums = tuple[np.ndarray, np.ndarray, float, int]


class Ridge(NamedTuple):
    """The matrix (L, H) on the distance to the last value, its validation MSE, what was chosen (the shift, its largest penalty, that of
    each shift), and its factors: the matrix itself, or two of lower rank that forecast as well with fewer weights."""

    kernel: np.ndarray
    error: float
    chosen: dict
    factors: tuple[np.ndarray, ...]


def shift_of(history: np.ndarray, how: str) -> np.ndarray:
    """(N, L) → (N, 1): the last value or the mean, taken off before and put back after."""
    return history[:, -1:] if how == "last" else history.mean(axis=1, keepdims=True)


def sums(windows: list[np.ndarray], lookback: int, how: str) -> Sums:
    """X'X (L, L), X'Y (L, H), the sum of Y² and the number of values, over windows (N, L + H), in chunks of memory."""
    width = windows[0].shape[1]
    gram, cross, square, count = np.zeros((lookback, lookback)), np.zeros((lookback, width - lookback)), 0.0, 0
    for block in windows:
        for start in range(0, len(block), CHUNK):
            w = np.ascontiguousarray(block[start : start + CHUNK], np.float32)
            w = w - shift_of(w[:, :lookback], how)
            x, y = w[:, :lookback], w[:, lookback:]
            gram += x.T @ x
            cross += x.T @ y
            square += float(np.einsum("ij,ij->", y, y, dtype=np.float64))
            count += y.size
    return gram, cross, square, count


def fit_ridge(
    train: list[np.ndarray],
    validation: list[np.ndarray],
    lookback: int,
    shifts: tuple[str, ...] = ("last", "mean"),
    chosen: dict | None = None,
) -> Ridge:
    """The best ridge by validation MSE over penalties and shifts; the mean of both shifts' matrices is tried too.

    train, validation: windows (N, L + H) per channel, standardised, views are fine. All shifts are brought to one form: a map whose
    weights sum to one for every step, so the model is one linear map whichever won. chosen: the shift and the penalty of each of an
    earlier fit, which are taken instead.
    """
    if chosen is not None:
        return _again(train, validation, lookback, chosen)
    found = {}
    held_out, known = sums(validation, lookback, "last"), {how: sums(train, lookback, how) for how in {*shifts, "last"}}
    for how in shifts:
        gram, cross, _, _ = known[how]
        values, vectors = np.linalg.eigh(gram)
        values, rotated = np.maximum(values, 0.0), vectors.T @ cross
        scale = max(float(values.mean()), 1e-12)
        for penalty in PENALTIES:
            kernel = on_last(vectors @ (rotated / (values[:, None] + penalty * scale)), how)
            error = _mse(kernel, held_out)
            if how not in found or error < found[how][0]:
                found[how] = (error, penalty, kernel)
    best = min(found, key=lambda how: found[how][0])
    error, penalty, kernel = found[best]
    chosen = {"shift": best, "penalty": float(penalty), "penalties": {best: float(penalty)}}
    if len(found) > 1:
        both = np.mean([entry[2] for entry in found.values()], axis=0)
        if _mse(both, held_out) < error:
            penalties = {how: float(entry[1]) for how, entry in found.items()}
            chosen = {"shift": "+".join(found), "penalty": max(penalties.values()), "penalties": penalties}
            error, kernel = _mse(both, held_out), both
    return Ridge(kernel.astype(np.float32), float(error), chosen, reduced(kernel, known["last"], held_out))


def _again(train: list[np.ndarray], validation: list[np.ndarray], lookback: int, chosen: dict) -> Ridge:
    """The ridge of other windows, with the shifts and penalties that were chosen; its validation windows may be among those it saw."""
    kernels, last = [], sums(train, lookback, "last")
    for how, penalty in chosen["penalties"].items():
        gram, cross, _, _ = last if how == "last" else sums(train, lookback, how)
        ridge = penalty * max(float(np.trace(gram)) / lookback, 1e-12)
        kernels.append(on_last(np.linalg.solve(gram + (ridge + 1e-12) * np.eye(lookback), cross), how))
    kernel, held_out = np.mean(kernels, axis=0), sums(validation, lookback, "last")
    return Ridge(kernel.astype(np.float32), _mse(kernel, held_out), chosen, reduced(kernel, last, held_out))


def reduced(kernel: np.ndarray, train: Sums, held_out: Sums) -> tuple[np.ndarray, ...]:
    """A matrix (L, H) as (L, R) and (R, H) of the least rank that forecasts as well, where that has fewer weights; else the matrix alone.

    Reduced-rank regression (Izenman, 1975): the directions of the horizon along which the forecasts of the training windows vary most.
    train, held_out: `sums` of the training and the validation windows, shift "last".
    """
    lookback, horizon = kernel.shape
    variances, directions = np.linalg.eigh(kernel.T @ train[0] @ kernel)
    directions = directions[:, ::-1]  # the strongest first
    moved = np.maximum(variances, 0.0).cumsum()[::-1]  # what is left from each rank on
    onto, (gram, cross, square, _) = kernel @ directions, held_out
    errors = square - np.cumsum(2 * np.sum(onto * (cross @ directions), axis=0) - np.sum(onto * (gram @ onto), axis=0))
    fits = (np.append(moved[1:], 0.0) <= MOVED * _mse(kernel, train) * train[3]) & (errors <= (1 + LOST) * errors[-1])
    rank = int(fits.argmax()) + 1
    if rank * (lookback + horizon) >= lookback * horizon:
        return (kernel.astype(np.float32),)
    return onto[:, :rank].astype(np.float32), directions[:, :rank].T.astype(np.float32)


def on_last(kernel: np.ndarray, how: str) -> np.ndarray:
    """The same forecaster as a matrix on the distance to the last value: y = mean + (x - mean) K = last + (x - last) K'."""
    if how == "last":
        return kernel
    return kernel + (1.0 - kernel.sum(axis=0, keepdims=True)) / len(kernel)


def _mse(kernel: np.ndarray, held_out: Sums) -> float:
    gram, cross, square, count = held_out
    return float((square - 2 * np.sum(kernel * cross) + np.sum(kernel * (gram @ kernel))) / count)


def cross_errors(windows: np.ndarray, lookback: int, penalty: float, folds: int = 4) -> np.ndarray:
    """Errors (N, D, H) of windows (N, D, L + H), each forecast by a ridge that never saw a step of its target.

    The windows, in time order, are cut into `folds` runs; a run is forecast by the ridge of all others but those within H of it, whose
    sums are the whole's less its own.
    """
    count, horizon = len(windows), windows.shape[-1] - lookback
    flat = lambda a: [a[:, d] for d in range(a.shape[1])]  # noqa: E731
    gram, cross, _, _ = sums(flat(windows), lookback, "last")
    out = np.empty((count, windows.shape[1], horizon), np.float32)
    cuts = np.linspace(0, count, folds + 1).astype(int)
    for start, end in zip(cuts, cuts[1:]):
        g, c, _, _ = sums(flat(windows[max(0, start - horizon) : end + horizon]), lookback, "last")
        rest = gram - g
        kernel = np.linalg.solve(rest + (penalty * np.trace(rest) / lookback + 1e-9) * np.eye(lookback), cross - c)
        out[start:end] = errors(windows[start:end], kernel)
    return out


def errors(windows: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Truth less forecast (N, D, H) of windows (N, D, L + H) under a matrix (L, H) on the distance to the last value."""
    lookback = len(kernel)
    last = windows[..., lookback - 1 : lookback]
    return (windows[..., lookback:] - last - (windows[..., :lookback] - last) @ kernel.astype(np.float32)).astype(np.float32)


def backtest(series: np.ndarray, lookback: int, horizon: int, origins: np.ndarray, penalty: float, window: int | None = None) -> np.ndarray:
    """Forecasts (O, H, D) at each origin from a ridge truly refitted on all that was known then (the last `window` steps, if given).

    The sums X'X and X'Y are brought from origin to origin by adding the windows that became known and removing those that are too old,
    so a refit costs one solve. series: (T, D) standardised. origins: rising step numbers; origin t knows steps before t.
    """
    every = np.lib.stride_tricks.sliding_window_view(series, lookback + horizon, axis=0)  # (N, D, L + H)
    gram, cross = np.zeros((lookback, lookback)), np.zeros((lookback, horizon))
    low = high = 0
    out = np.empty((len(origins), horizon, series.shape[1]), np.float32)
    for i, origin in enumerate(origins):
        last = int(origin) - lookback - horizon + 1
        first = max(0, int(origin) - window) if window else 0
        for start, end, sign in ((high, last, 1.0), (low, min(first, last), -1.0)):
            if end > start:
                g, c, _, _ = sums([every[start:end].reshape(-1, lookback + horizon)], lookback, "last")
                gram, cross = gram + sign * g, cross + sign * c
        low, high = max(low, min(first, last)), max(high, last)
        kernel = np.linalg.solve(gram + (penalty * np.trace(gram) / lookback + 1e-9) * np.eye(lookback), cross)
        history = series[int(origin) - lookback : int(origin)]
        out[i] = history[-1:] + ((history - history[-1:]).T @ kernel).T
    return out
