"""What reveals the target: a column that predicts it nearly perfectly, several of which it is the sum or product, the order of the rows."""

from __future__ import annotations

import warnings

import numpy as np

from applied_dl.tasks.tabular.columns import TableEncoder, Target

PERFECT = 0.995  # share of variance, or of labels beyond the majority's share, that one column explains on held-out rows
RANK = 0.9995  # rank correlation of a column that is the target in other units
NEIGHBOURS = 0.5  # share of the target that neighbouring values of a number must agree on before a tree is asked
EXACT = 1e-6  # share of the variance that a sum of columns may leave
MOST_ROWS, LEAST_ROWS, MOST_PARTS = 2000, 40, 40


def find_leaks(encoder: TableEncoder, inputs: dict[str, np.ndarray], target: np.ndarray) -> list[str]:
    """Warnings on training rows, each with the key that leaves the column out.

    Args:
        inputs: encoded training rows by input name.
        target: (N,) numbers or class codes, or (N, T).
    """
    rows = np.random.default_rng(0).permutation(len(target))[:MOST_ROWS]
    if len(rows) < LEAST_ROWS:
        return []
    found = []
    for i, one in enumerate(encoder.targets):
        y = (target if target.ndim == 1 else target[:, i])[rows]
        for column in encoder.columns:
            if column.kind != "text" and len(encoder.columns) > 1 and (how := _alone(column, inputs, rows, y, bool(one.labels))):
                found.append(
                    f"IMPORTANT: column {column.name!r} alone predicts {one.name!r} nearly perfectly ({how}). If it is not known before "
                    f"the target, it is a leak: set data.ignore = [{column.name!r}]"
                )
        if not one.labels and (how := _parts(encoder, inputs, rows, y)):
            names = ", ".join(map(repr, how[1]))
            found.append(
                f"IMPORTANT: {one.name!r} is the {how[0]} of {names}. If they are not known before the target, they are a leak: set "
                f"data.ignore = [{names}]"
            )
    return found


def sorted_by_target(targets: tuple[Target, ...], truth: np.ndarray, place: np.ndarray, order: str | None) -> list[str]:
    """Warnings on files whose rows are sorted by a target, or lie class by class.

    Args:
        truth: (N,) or (N, T) class codes or numbers, in the order of the rows.
        place: (N,) the number of the file of each row.
        order: the column of `data.order`, by which the rows are split.
    """
    found = []
    for i, one in enumerate(targets):
        y = truth if truth.ndim == 1 else truth[:, i]
        files = [values for values in (y[place == file] for file in np.unique(place)) if len(values) >= LEAST_ROWS]
        if not files or not all(_is_sorted(values, bool(one.labels)) for values in files):
            continue
        if order:
            consequence = f"If {order!r} (data.order) rises with them, training and test rows have different targets"
        else:
            consequence = "They are split at random; leave out columns that follow the order of the rows, such as a number of entry"
        found.append(f"the rows are sorted by the target {one.name!r}, so that the position of a row reveals it. {consequence}")
    return found


def _is_sorted(y: np.ndarray, classes: bool) -> bool:
    """Whether numbers rise or fall throughout, or the rows of each class follow one another."""
    steps = np.diff(y)
    if classes:
        return int((steps != 0).sum()) == len(np.unique(y)) - 1 > 0
    return bool((steps != 0).any() and ((steps >= 0).all() or (steps <= 0).all()))


def _alone(column, inputs, rows, y, classes: bool) -> str:
    """How well one column predicts the held-out half of the rows, in words; empty where it is not nearly perfect."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    x = np.concatenate([inputs[name][rows].reshape(len(rows), -1).astype(float) for name in column.inputs], axis=1)
    if x.shape[1] > 64:
        return ""
    half = len(rows) // 2
    if column.kind == "number" and _apart(x[:, 0], y, classes):
        return ""
    if column.kind == "category":
        guess = _by_level(x[:, 0].astype(int), y, classes)
    else:
        x = np.where(np.isnan(x), np.nanmin(x, initial=0.0, where=~np.isnan(x)) - 1.0, x)
        kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
        guess = np.empty(len(y))
        for train, held in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
            guess[held] = kind(min_samples_leaf=2, random_state=0).fit(x[train], y[train]).predict(x[held])
    if classes:
        right, majority = float(np.mean(guess == y)), np.bincount(y.astype(int)).max() / len(y)
        return f"{right:.1%} of the labels" if right > majority and (right - majority) / (1 - majority) >= PERFECT else ""
    total = float(((y - y.mean()) ** 2).mean())
    explained = 1 - float(((y - guess) ** 2).mean()) / total if total else 0.0
    if explained >= PERFECT:
        return f"R² {explained:.4f}"
    known = ~np.isnan(x[:, 0])
    if column.kind == "number" and known.mean() > 0.9 and len(np.unique(x[known, 0])) > len(rows) / 4:
        rank = abs(float(np.corrcoef(_ranks(x[known, 0]), _ranks(y[known]))[0, 1]))
        return f"rank correlation {rank:.4f}" if rank >= RANK else ""
    return ""


def _apart(x: np.ndarray, y: np.ndarray, classes: bool) -> bool:
    """Whether rows with neighbouring values of x have such different targets that x alone cannot tell them (von Neumann's ratio)."""
    order = np.argsort(x, kind="stable")
    if classes:
        majority = np.bincount(y.astype(int)).max() / len(y)
        return bool(np.mean(y[order][1:] == y[order][:-1]) - majority < NEIGHBOURS * (1 - majority))
    # by values and by ranks: few large values may decide the one, many equal ones the other
    return all(0.5 * np.mean(np.diff(z[order]) ** 2) > (1 - NEIGHBOURS) * z.var() for z in (y, _ranks(y)))


def _by_level(code: np.ndarray, y: np.ndarray, classes: bool) -> np.ndarray:
    """The prediction of each row from the other half of the rows with its level."""
    half, guess = len(y) // 2, np.empty(len(y))
    width = code.max() + 1
    for train, held in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
        if classes:
            table = np.zeros((width, int(y.max()) + 1))
            np.add.at(table, (code[train], y[train].astype(int)), 1)
            table += 1e-3 * np.bincount(y[train].astype(int), minlength=table.shape[1])
            guess[held] = table.argmax(1)[code[held]]
        else:
            count = np.bincount(code[train], minlength=width)
            mean = np.bincount(code[train], y[train], minlength=width) / np.maximum(count, 1)
            guess[held] = np.where(count > 0, mean, y[train].mean())[code[held]]
    return guess


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].astype(float)


def _parts(encoder: TableEncoder, inputs, rows, y) -> tuple[str, list[str]] | None:
    """How two or more columns make up the target exactly, and their names."""
    columns = [c for c in encoder.columns if c.kind == "number"]
    if not 2 <= len(columns) <= MOST_PARTS:
        return None
    x = np.stack([inputs[c.inputs[0]][rows] for c in columns], axis=1).astype(float)
    known = np.isfinite(x).all(1)
    if known.sum() < max(LEAST_ROWS, 3 * len(columns)) or y[known].std() == 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if parts := _unit_parts(x[known], y[known]):
            return "sum or difference", [columns[i].name for i in parts]
        positive = (x[known] > 0).all(0)
        if (y[known] > 0).all() and positive.sum() >= 2 and (parts := _unit_parts(np.log(x[known][:, positive]), np.log(y[known]))):
            return "product or ratio", [columns[int(np.flatnonzero(positive)[i])].name for i in parts]
    return None


def _unit_parts(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Columns whose coefficients of an exact linear fit are ±1, where all others are 0 and there are at least two."""
    scale = x.std(0)
    used = np.flatnonzero(scale > 0)
    z = (x[:, used] - x[:, used].mean(0)) / scale[used]
    centered = y - y.mean()
    near = np.linalg.solve(z.T @ z + 1e-9 * len(z) * np.eye(len(used)), z.T @ centered)  # many times as fast as the exact solution
    if np.mean((centered - z @ near) ** 2) > 1e-3 * y.var():
        return []
    solution, _, rank, _ = np.linalg.lstsq(z, centered, rcond=None)
    if rank < len(used) or np.mean((centered - z @ solution) ** 2) > EXACT * y.var():
        return []
    slope = solution / scale[used]
    matters = np.abs(solution) > 1e-2 * y.std()
    ones = matters & (np.abs(np.abs(slope) - 1) < 1e-2)
    return [int(i) for i in used[ones]] if ones.sum() >= 2 and ones.sum() == matters.sum() else []
