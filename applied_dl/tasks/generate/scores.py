"""Scores of made images and rows beside real ones that the model never saw, with 95% intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from applied_dl.core.metrics.intervals import LEVEL, half_samples, wilson
from applied_dl.core.records import Part, Scores, Slice
from applied_dl.tasks.generate import measures
from applied_dl.tasks.generate.encoder import ABSENT, Form, pixels

RISING = ("precision", "recall", "density", "trunk_precision", "trunk_recall", "trunk_density", "trunk_coverage", "tstr_accuracy",
          "tstr_r2", "tstr_ratio")  # fmt: skip
REPEATS = 40  # half-samples of an interval
GROUPS = 10  # groups of codes in which pairs of columns are compared
SMALLEST_SLICE = 20
MODEL_ROWS = 10_000  # on which models are trained that measure tables
LEAF = 20  # rows of a leaf of these models, fewer for few rows
CLOSEST = 500  # rows whose closest record is looked for


def score_images(outputs: dict, part: Part, form: Form, scorer: Callable, metrics_only: bool, trunk: Callable | None = None) -> Scores:
    """FID, the accuracy of the data's own classifier on made images, precision, recall, density, coverage, and nearest training images."""
    made, real = pixels(outputs["image"]), part.extra["image"]
    (features, p), (wanted, _) = scorer(made), scorer(real)
    metrics = {"fid": measures.frechet(features, wanted)}
    right = p.argmax(1) == part.inputs["label"] if form.labels else None
    if right is not None:
        metrics["accuracy"] = float(right.mean())
    if metrics_only:
        return Scores(main="fid", metrics=metrics)
    metrics |= measures.cloud_scores(features, wanted)
    intervals = {"fid": interval(lambda at: measures.frechet(features[at], wanted[at]), metrics["fid"], len(made))}
    for name in ("precision", "recall", "coverage"):
        intervals[name] = wilson(metrics[name] * min(len(made), measures.MOST), min(len(made), measures.MOST))
    if right is not None:
        intervals["accuracy"] = wilson(int(right.sum()), len(right))
    if trunk is not None:
        pair = trunk(measures.thinned(made))[0], trunk(measures.thinned(real))[0]
        metrics["trunk_fid"] = measures.frechet(*pair)
        metrics |= {f"trunk_{name}": value for name, value in measures.cloud_scores(*pair).items()}
    if "train" in part.extra:
        some = np.asarray(measures.thinned(part.extra["train"].pixels, len(real)))
        metrics["fid_of_training"] = measures.frechet(scorer(some)[0], wanted)  # what real images reach
        metrics["nearest_training"] = _memory(made, real, part.extra["train"].pixels)
    slices = {}
    for i, label in enumerate(form.labels):
        at = part.inputs["label"] == i
        if at.sum() >= SMALLEST_SLICE:
            slices[label] = Slice(value=float(right[at].mean()), rows=int(at.sum()), metric="accuracy")
    return Scores(main="fid", metrics=metrics, intervals=intervals, slices=slices, rising=RISING)


def _memory(made: np.ndarray, real: np.ndarray, train: np.ndarray) -> float:
    """The median distance of made images to the nearest training image over that of real images: far under 1, images were memorised."""
    flat = lambda images: np.asarray(images).reshape(len(images), -1)  # noqa: E731
    known = flat(measures.thinned(train, 20_000))
    of_made, of_real = (measures.nearest(flat(measures.thinned(images)), known) for images in (made, real))
    return float(np.median(of_made) / max(float(np.median(of_real)), 1e-9))


def score_rows(outputs: dict, part: Part, form: Form, target: str, metrics_only: bool) -> Scores:
    """Errors of pairs, of single columns and of associations; what a model trained on made rows is worth; the closest records."""
    made, real = outputs["codes"], part.extra["codes"]
    groups = code_groups(form)
    sizes = tuple(int(group.max()) + 1 for group in groups)
    a, b = measures.coarse(made, groups), measures.coarse(real, groups)
    metrics = {"pair_error": measures.pair_error(a, b, sizes)}
    if metrics_only:
        return Scores(main="pair_error", metrics=metrics)
    of_column = [measures.variation(a[:, i], b[:, i], size) for i, size in enumerate(sizes)]
    apart = np.abs(measures.association(a, sizes) - measures.association(b, sizes))
    upper = apart[np.triu_indices(len(sizes), 1)]
    metrics |= {"column_error": float(np.mean(of_column)), "association_error": float(upper.mean()) if len(upper) else 0.0}
    intervals = {"pair_error": interval(lambda at: measures.pair_error(a[at], b[at], sizes), metrics["pair_error"], len(a))}
    slices = {c.name: Slice(value=error, rows=len(a), metric="column_error") for c, error in zip(form.learned, of_column)}
    if "train" in part.extra:
        some = measures.coarse(measures.thinned(part.extra["train"].codes, len(real)), groups)
        metrics["pair_error_of_training"] = measures.pair_error(some, b, sizes)  # what real rows reach
    if "train" in part.extra and len(form.learned) > 1:
        metrics |= _usefulness(outputs, part, form, target)
        metrics |= _closeness(outputs, part, form)
    return Scores(main="pair_error", metrics=metrics, intervals=intervals, slices=slices, rising=RISING)


def interval(metric: Callable[[np.ndarray], float], whole: float, rows: int) -> tuple[float, float]:
    """95% interval of a metric that is larger on fewer rows: the spread over half-samples around the value on all rows."""
    found = np.array([metric(at) for at in half_samples(rows, repeats=REPEATS)])
    low, high = np.percentile(found - found.mean(), LEVEL)
    return float(max(whole + low, 0.0)), float(whole + high)


def code_groups(form: Form) -> list[np.ndarray]:
    """The group of each code of a column: of numbers neighbouring intervals, of categories the frequent levels and the rest."""
    found = []
    for column in form.learned:
        size = column.size
        if size - 1 <= GROUPS:
            found.append(np.arange(size))
        elif column.kind == "category":
            found.append(np.minimum(np.arange(size), GROUPS))  # levels are ordered by how frequent they are
        else:
            found.append(np.r_[0, 1 + np.arange(size - 1) * GROUPS // (size - 1)])
    return found


def matrix(form: Form, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(N, F) float64 for models that measure: numbers, NaN where empty, and codes of categories."""
    found = np.where(codes == ABSENT, np.nan, values)
    for i, column in enumerate(form.learned):
        if column.kind == "category":
            found[:, i] = codes[:, i]
    return found


def values_of(form: Form, codes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(N, F) numbers minus their origin, by intervals and places in them."""
    return np.stack([c.values(codes[:, i], places[:, i]) for i, c in enumerate(form.learned)], axis=1)


def _usefulness(outputs: dict, part: Part, form: Form, target: str) -> dict[str, float]:
    """The score on real rows of a boosted model trained on made rows, and its share of that of one trained on as many real rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import accuracy_score, r2_score

    train, names = part.extra["train"], [column.name for column in form.learned]
    at = names.index(target)
    rows = min(len(outputs["codes"]), MODEL_ROWS, len(train.codes))
    some = np.unique(np.linspace(0, len(train.codes) - 1, rows).astype(np.int64))
    made = matrix(form, outputs["codes"], values_of(form, outputs["codes"], outputs["places"]))[:rows]
    real, test = matrix(form, train.codes[some], train.values[some]), matrix(form, part.extra["codes"], part.extra["values"])
    classes = form.learned[at].kind == "category"
    wide = [i for i, column in enumerate(form.learned) if i != at and column.kind == "category" and column.size <= 255]
    marks = [place if place < at else place - 1 for place in wide]

    def measured(rows: np.ndarray) -> float:
        known, asked = rows[np.isfinite(rows[:, at])], test[np.isfinite(test[:, at])]
        x, y = np.delete(known, at, 1), known[:, at]
        if not len(asked) or (classes and len(np.unique(y)) < 2) or len(y) < 2:
            return float("nan")
        kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        leaf = max(2, min(LEAF, len(y) // LEAF))
        model = kind(max_iter=100, min_samples_leaf=leaf, categorical_features=marks or None, random_state=0, early_stopping=False)
        model.fit(x, y)
        return float((accuracy_score if classes else r2_score)(asked[:, at], model.predict(np.delete(asked, at, 1))))

    by_made, by_real = measured(made), measured(real)
    known = test[np.isfinite(test[:, at]), at]
    least = np.unique(known, return_counts=True)[1].max(initial=0) / max(len(known), 1) if classes else 0.0  # of a constant answer
    name = "accuracy" if classes else "r2"
    return {f"tstr_{name}": by_made, f"trtr_{name}": by_real, "tstr_ratio": by_made / by_real if by_real > least else float("nan")}


def _closeness(outputs: dict, part: Part, form: Form) -> dict[str, float]:
    """The median distance of made rows to the closest training row over that of real rows, and the share of made rows that equal one."""
    train = part.extra["train"]
    values = values_of(form, outputs["codes"], outputs["places"])
    known = _unit(form, train.codes, train.values, train)
    made = nearest_rows(_unit(form, outputs["codes"], values, train)[:CLOSEST], known)
    real = nearest_rows(_unit(form, part.extra["codes"], part.extra["values"], train)[:CLOSEST], known)
    return {
        "closest_record": float(np.median(made) / max(float(np.median(real)), 1e-9)) if np.median(real) > 0 else 1.0,
        "copies": float((made < 1e-6).mean()), "copies_of_real": float((real < 1e-6).mean()),
    }  # fmt: skip


def nearest_rows(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) mean absolute difference, over the columns, to the nearest known row."""
    known = measures.thinned(known, MODEL_ROWS)
    return np.array([np.abs(known - row).mean(1).min() for row in rows])


def _unit(form: Form, codes: np.ndarray, values: np.ndarray, train) -> np.ndarray:
    """(N, ΣW) float32: numbers over their range; a category as half of a one-hot vector, so that two levels differ by 1."""
    found = []
    for i, column in enumerate(form.learned):
        if column.kind == "category":
            found.append((np.eye(min(column.size, 64), dtype=np.float32) / 2)[np.minimum(codes[:, i], 63)])
        else:
            ends = np.nanmin(train.values[:, i]), np.nanmax(train.values[:, i])
            found.append(
                (np.where(codes[:, i] == ABSENT, ends[0], values[:, i])[:, None] / max(ends[1] - ends[0], 1e-9)).astype(np.float32)
            )
    return np.concatenate(found, axis=1)
