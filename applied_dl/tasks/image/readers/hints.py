"""What training images show besides their labels: classes that are mirror images of each other, and images that belong together."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

OPPOSITES = (
    ("left", "right"), ("links", "rechts"), ("gauche", "droite"), ("izquierda", "derecha"), ("sinistra", "destra"), ("esquerda", "direita"),
    ("east", "west"), ("clockwise", "counterclockwise"), ("clockwise", "anticlockwise"), ("cw", "ccw"), ("lhs", "rhs"), ("od", "os"),
)  # fmt: skip
CHARACTERS = 8  # classes of one letter or digit from which the images are taken for characters
ROWS, SIDE, COMPONENTS, ROWS_PER_COMPONENT, FOLDS = 1000, 16, 60, 5, 3
FEW = 10  # images of a class under which nothing is concluded
RIGHT, SWAPPED = 0.6, 0.5  # share of a class recognised as itself, and of its mirror images recognised as one other class
LINEAR_R2, LOST_R2 = 0.3, 0.3
GROUP_COLUMN = re.compile(
    r"^(patient|patienten|paciente|proband|subject|user|person|participant|animal|specimen|lesion|individual|session|video|clip|camera|scene|site|slide|case|owner|plant|"
    r"burst|sequence|study|series)([ _-]?(id|nr|no|number|name))?$",
    re.IGNORECASE,
)
PREFIX = re.compile(r"^(.*?[A-Za-z].*?)[ _.\-]*\(?\d+\)?$")
MANY_VALUES = 5  # times as many as there are labels
ALIKE = 0.6  # distance of images with one prefix as a share of that of images of one class


def mirror_reason(pixels: np.ndarray, target: np.ndarray, labels: tuple[str, ...]) -> str:
    """Why images must not be mirrored in training; empty where nothing speaks against it.

    Args:
        pixels: training images, uint8 (N, H, W, C).
        target: class codes (N,), 0/1 rows (N, labels), or numbers (N,) where there are no labels.
        labels: the classes; empty for regression.

    Class names that are opposites (left and right), classes that are characters, and a statistic: where a linear classifier of the pixels
    takes the mirror images of one class for another class, mirroring exchanges the two.
    """
    if reason := _by_names(labels):
        return reason
    if target.ndim > 1 or len(pixels) < 2 * FEW:
        return ""
    rows = np.random.default_rng(0).permutation(len(pixels))[:ROWS]
    small = _thumbnails(pixels[np.sort(rows)])
    mirrored = _thumbnails(pixels[np.sort(rows)][:, :, ::-1])
    return (
        _swapped_classes(small, mirrored, target[np.sort(rows)], labels) if labels else _lost_number(small, mirrored, target[np.sort(rows)])
    )


def _by_names(labels: tuple[str, ...]) -> str:
    words = [set(re.split(r"[\W_\d]+", label.lower())) for label in labels]
    for first, second in OPPOSITES:
        if any(first in some for some in words) and any(second in some for some in words):
            return f"classes are named {first!r} and {second!r}"
    single = {label.lower() for label in labels if len(label) == 1 and label.isalnum()}
    if len(single) >= CHARACTERS and len(single) >= len(labels) / 2:
        return "the classes are single letters or digits"
    if {"b", "d"} <= single or {"p", "q"} <= single:
        return "the classes are letters that are mirror images of each other"
    return ""


def _swapped_classes(small: np.ndarray, mirrored: np.ndarray, target: np.ndarray, labels: tuple[str, ...]) -> str:
    from sklearn.linear_model import LogisticRegression

    counts = np.bincount(target, minlength=len(labels))
    usual = np.flatnonzero(counts >= FEW)
    if len(usual) < 2:
        return ""
    kept = np.isin(target, usual)
    small, mirrored, target = small[kept], mirrored[kept], target[kept]
    plain, other = np.zeros(len(target), int), np.zeros(len(target), int)
    for held in _folds(len(target)):
        if len(np.unique(target[~held])) < 2:
            return ""
        model = _linear(LogisticRegression(C=0.1, max_iter=200), small[~held], target[~held])
        plain[held], other[held] = model.predict(small[held]), model.predict(mirrored[held])
    for code in usual:
        rows = target == code
        wrong, share = Counter(other[rows]).most_common(1)[0]
        share /= rows.sum()
        before = float(np.mean(plain[rows] == wrong))
        if wrong != code and np.mean(plain[rows] == code) >= RIGHT and share >= SWAPPED and share > before + RIGHT / 2:
            return f"{share:.0%} of the mirrored images of {labels[code]!r} look like {labels[wrong]!r} to a linear classifier"
    return ""


def _lost_number(small: np.ndarray, mirrored: np.ndarray, target: np.ndarray) -> str:
    from sklearn.linear_model import RidgeCV

    plain, other = np.zeros(len(target)), np.zeros(len(target))
    for held in _folds(len(target)):
        model = _linear(RidgeCV(np.geomspace(0.1, 1e4, 11)), small[~held], target[~held])
        plain[held], other[held] = model.predict(small[held]), model.predict(mirrored[held])
    spread = max(float(np.var(target)), 1e-12)
    first, second = (1 - float(np.mean((target - p) ** 2)) / spread for p in (plain, other))
    if first >= LINEAR_R2 and second < first - LOST_R2:
        return f"a linear model explains {first:.0%} of the numbers of the images and {max(second, 0):.0%} of those of their mirror images"
    return ""


def _linear(model, x: np.ndarray, y: np.ndarray):
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    components = max(2, min(COMPONENTS, len(x) // ROWS_PER_COMPONENT, x.shape[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_pipeline(PCA(components, random_state=0), StandardScaler(), model).fit(x, y)


def _folds(rows: int):
    """The held-out rows of each fold as booleans."""
    fold = np.arange(rows) % FOLDS
    return [fold == i for i in range(FOLDS)]


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Means of blocks so that no side is above `SIDE`, each image with mean 0 and standard deviation 1; flat (N, D)."""
    step = max(1, -(-max(images.shape[1:3]) // SIDE))
    n, height, width, channels = images.shape
    cut = images[:, : height // step * step, : width // step * step]
    flat = cut.reshape(n, height // step, step, width // step, step, channels).mean((2, 4), dtype=np.float32).reshape(n, -1)
    flat -= flat.mean(1, keepdims=True)
    return flat / (flat.std(1, keepdims=True) + 1e-6)


def group_hint(items: list, pixels: np.ndarray, target: np.ndarray) -> str:
    """A warning where images look alike whose file names share a prefix (`p07_1.png`, `p07_2.png`), or that are in a folder of their own
    within their class (`benign/p07/1.png`), as those of one patient do.

    Empty where `items` have no paths, no such prefixes or folders, or their images are as different as others of their class.
    """
    if target.ndim > 1 or not all(isinstance(item, Path) for item in items):
        return ""
    prefixes = [match[1] if (match := PREFIX.match(item.stem)) else "" for item in items]
    if shown := _alike(prefixes, pixels, target):
        return _hint(f"images whose names share a prefix look alike (such as {shown})", "^(.*?)[ _.-]*[0-9]+$")
    folders = [item.parent.as_posix() for item in items]
    deeper = len({item.parent.parent for item in items}) > 1 and len(set(folders)) >= MANY_VALUES * len(np.unique(target))
    if deeper and (shown := _alike(folders, pixels, target)):
        return _hint(f"images of a folder look alike (such as {shown})", "folder")
    return ""


def _alike(names: list[str], pixels: np.ndarray, target: np.ndarray) -> str:
    """The first of the names that images share, where images of a name look alike and most have such a name; else empty."""
    counts = Counter(names)
    shared = {name for name, count in counts.items() if name and count > 1}
    covered = sum(counts[name] for name in shared)
    if len(shared) < 5 or covered < 0.8 * len(names) or len(shared) > len(names) / 2:
        return ""
    first = min(shared)
    return f"the {counts[first]} of {first!r}" if _alikeness(np.array(names), pixels, target, shared) <= ALIKE else ""


def _hint(what: str, group: str) -> str:
    return f"{what}: where they show the same subject, the test score is too good unless they stay in one part: set data.group = {group!r}"


def column_hint(columns: dict[str, list[str | None]], labels: list[tuple[str, ...] | None]) -> str:
    """A warning where a column of a table names who or what the images show, as `patient` does: by its name, or because it has far more
    values than there are labels, and the rows of a value always have the same ones.

    Args:
        columns: the cells of each row by the column's name.
        labels: of each row; None where a row has none.
    """
    for name, cells in columns.items():
        distinct = len(set(cells))
        if (GROUP_COLUMN.match(name.strip()) and 1 < distinct < 0.8 * len(cells)) or _determines(cells, labels):
            return (
                f"the column {name!r} has {distinct} values in {len(cells)} rows: where it names who or what the images show, the test "
                f"score is too good unless their images stay in one part: set data.group = {name!r}"
            )
    return ""


def _determines(cells: list[str | None], labels: list[tuple[str, ...] | None]) -> bool:
    """Whether many values of a column, each of several rows, each determine the labels of their rows."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for cell, names in zip(cells, labels):
        if cell is not None and names is not None:
            found.setdefault(cell, []).append(names)
    repeated = [rows for rows in found.values() if len(rows) > 1]
    kinds = len({names for rows in repeated for names in rows})
    return len(repeated) >= MANY_VALUES * kinds > MANY_VALUES and all(len(set(rows)) == 1 for rows in repeated)


def _alikeness(prefixes: np.ndarray, pixels: np.ndarray, target: np.ndarray, shared: set[str]) -> float:
    """Median distance of neighbours in a prefix, as a share of the median distance of random pairs of a class."""
    rows = np.flatnonzero(np.isin(prefixes, sorted(shared)))
    rows = rows[np.argsort(prefixes[rows], kind="stable")][: 2 * ROWS]
    small = _thumbnails(pixels[np.sort(rows)])[np.argsort(np.argsort(rows))]
    same = prefixes[rows][1:] == prefixes[rows][:-1]
    within = np.linalg.norm(small[1:] - small[:-1], axis=1)[same]
    shuffled = np.random.default_rng(0).permutation(len(rows))
    labels = target[rows] if target.dtype.kind in "iu" else np.zeros(len(rows), int)
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    pairs = (labels[order][1:] == labels[order][:-1]) & (prefixes[rows][order][1:] != prefixes[rows][order][:-1])
    between = np.linalg.norm(small[order][1:] - small[order][:-1], axis=1)[pairs]
    return float(np.median(within) / max(np.median(between), 1e-6)) if len(within) and len(between) else 1.0
