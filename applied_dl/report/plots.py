"""Plots that explain a model, in the style of `figures`. Every function writes one PNG file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.report.figures import BLUE, GREEN, GREY, ORANGE, RED, figure, shortened

FEWEST = 10  # rows of a bin of the reliability plot that its line passes through


def training_curves(rows: list[dict], path: Path, monitor: str = "val_loss", best_epoch: int = 0) -> None:
    """Loss, monitored metric and learning rate by epoch; the epoch whose weights were kept is marked."""
    if not rows:
        return
    epochs = [row["epoch"] for row in rows]
    metric = monitor.removeprefix("val_")
    second = metric if metric != "loss" and monitor in rows[0] else None
    with figure(path, 1, 3 if second else 2, (12.5 if second else 9.0, 3.4)) as axes:
        for axis, name in zip(axes, ["loss", second] if second else ["loss"]):
            if name in rows[0]:
                axis.plot(epochs, [row.get(name, np.nan) for row in rows], color=GREY, label="training")
            if f"val_{name}" in rows[0]:
                axis.plot(epochs, [row.get(f"val_{name}", np.nan) for row in rows], color=BLUE, label="validation")
            if best_epoch:
                axis.axvline(best_epoch, color=ORANGE, linestyle=":", label=f"kept: epoch {best_epoch}")
            axis.set(xlabel="epoch", ylabel=name.replace("_", " "), title=name.replace("_", " "))
            axis.legend()
        for axis in axes:
            _whole_numbers(axis)
        axes[-1].plot(epochs, [row["learning_rate"] for row in rows], color=GREEN)
        axes[-1].set(xlabel="epoch", ylabel="learning rate", title="learning rate")


def several_trainings(curves: dict[str, np.ndarray], kept: list[int], path: Path, label: str) -> None:
    """The score of each member of an ensemble by epoch; the kept epoch is marked. The axis is logarithmic, as the scores differ widely."""
    with figure(path) as axis:
        for (name, values), best, colour in zip(curves.items(), kept, (BLUE, ORANGE, GREEN, RED, GREY) * 9):
            epochs = np.arange(1, len(values) + 1)
            axis.plot(epochs, values, color=colour, linewidth=1.2, label=f"{name}, kept epoch {best + 1}")
            axis.scatter(epochs[best], values[best], color=colour, zorder=3)
        scale = "log" if min(map(min, curves.values())) > 0 else "linear"
        axis.set(xlabel="epoch", ylabel=label, title="Training of the members", yscale=scale)
        if scale == "log":
            axis.yaxis.set_major_formatter("{x:g}")
            low, high = axis.get_ylim()
            if high < 10 * low:  # one power of ten or none is labelled otherwise
                axis.yaxis.set_minor_formatter("{x:.3g}")
        _whole_numbers(axis)
        axis.legend()


def _whole_numbers(axis) -> None:
    axis.xaxis.get_major_locator().set_params(integer=True)


def rate_sweep(rates: np.ndarray, losses: np.ndarray, chosen: float, steepest: float, path: Path) -> None:
    """Loss by learning rate of the finder's sweep, with the chosen rate."""
    with figure(path) as axis:
        axis.plot(rates, losses, color=BLUE)
        axis.axvline(chosen, color=ORANGE, label=f"chosen {chosen:.2g}")
        axis.axvline(steepest, color=GREY, linestyle=":", label=f"steepest {steepest:.2g}")
        low, high = float(np.min(losses)), float(losses[0])
        axis.set(xscale="log", xlabel="learning rate", ylabel="loss (smoothed)", title="Learning-rate finder",
                 ylim=(low - 0.1 * (high - low), high + 0.5 * (high - low)))  # fmt: skip
        axis.legend()


def confusion(matrix: np.ndarray, labels: list[str], path: Path, most: int = 30) -> None:
    """Confusion matrix (C, C) of counts, rows the true classes, colored by the share of the row; the `most` largest classes."""
    keep = np.sort(np.argsort(-matrix.sum(1), kind="stable")[:most])
    matrix, labels = matrix[np.ix_(keep, keep)], [labels[i] for i in keep]
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    labels = [shortened(label, 28) for label in labels]
    side, room = max(3.2, 0.42 * len(labels) + 1.0), 0.085 * max(map(len, labels), default=0)
    with figure(path, size=(side + room, side + 0.7 * room)) as axis:
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axis.grid(False)
        if len(labels) <= 20:
            for i, j in np.ndindex(*matrix.shape):
                if matrix[i, j]:
                    axis.text(j, i, matrix[i, j], ha="center", va="center", fontsize=8, color="white" if share[i, j] > 0.5 else "#1a202c")
        axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
        axis.set_yticks(range(len(labels)), labels)
        axis.set(xlabel="predicted", ylabel="true")
        axis.figure.suptitle("Confusion on held-out rows", fontsize=11)


def reliability(right: np.ndarray, confidence: np.ndarray, path: Path, bins: int = 10) -> None:
    """Share of correct predictions (N,) by predicted probability (N,); the size of a dot is the share of rows.

    The line leaves out dots of fewer than `FEWEST` rows, which chance moves far.
    """
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    used = count > 0
    sure = np.bincount(place, confidence, minlength=bins)[used] / count[used]
    share = np.bincount(place, right.astype(float), minlength=bins)[used] / count[used]
    enough = count[used] >= FEWEST
    with figure(path, size=(4.6, 4.4)) as axis:
        axis.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfectly calibrated")
        axis.plot(sure[enough], share[enough], color=BLUE, linewidth=1, marker="o", markersize=4, label="this model")
        axis.scatter(sure, share, s=20 + 300 * count[used] / count.sum(), color=BLUE, alpha=0.8, clip_on=False)
        axis.set(xlim=(0, 1.02), ylim=(0, 1.05), xlabel="predicted probability", ylabel="share of correct predictions", title="Reliability")
        axis.legend()


def comparison(
    value: float, interval: tuple[float, float] | None, baselines: dict[str, float], metric: str, higher_is_better: bool, path: Path
) -> None:
    """The model's score with its 95% interval beside the baselines, the best on top."""
    scores = {"this model": value, **baselines}
    order = sorted(scores, key=scores.__getitem__, reverse=not higher_is_better)
    with figure(path, size=(6.4, 0.9 + 0.32 * len(order))) as axis:
        colors = [BLUE if name == "this model" else "#cbd5e0" for name in order]
        axis.barh(order, [scores[name] for name in order], color=colors, height=0.7)
        if interval is not None:
            axis.plot(interval, ["this model"] * 2, color="#1a202c", linewidth=2, solid_capstyle="butt")
        for name in order:
            end = max(scores[name], interval[1]) if interval is not None and name == "this model" else scores[name]
            axis.annotate(f"{scores[name]:.4g}", (max(end, 0.0), name), (4, 0), textcoords="offset points", va="center", fontsize=9)
        axis.set(xlabel=f"{metric.replace('_', ' ')} on the test rows ({'higher' if higher_is_better else 'lower'} is better)")
        axis.margins(x=0.12)
        axis.grid(axis="y", visible=False)


def bars(
    names: list[str], values: np.ndarray, path: Path, title: str, label: str, errors: np.ndarray | None = None, ranked: bool = True
) -> None:
    """Horizontal bars, the largest on top or, where they are not ranked, the first; `errors` (2, N) are the distances to the ends of the
    intervals."""
    order = np.argsort(values)[-25:] if ranked else np.arange(len(values))[::-1]
    with figure(path, size=(6.4, 1.2 + 0.28 * len(order))) as axis:
        axis.barh([names[i] for i in order], values[order], color=BLUE, xerr=None if errors is None else errors[:, order], ecolor=GREY)
        axis.set(xlabel=label, title=title)


def residuals(truth: np.ndarray, predicted: np.ndarray, path: Path, unit: str = "") -> None:
    """Predicted against true values (N,), and the distribution of the residuals."""
    few, bins = len(truth) < 1000, int(np.clip(1.5 * len(truth) ** 0.5, 8, 50))
    with figure(path, 1, 2, (9.6, 4.2)) as (left, right):
        ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
        left.plot(ends, ends, color=GREY, linestyle=":")
        left.scatter(truth, predicted, s=16 if few else 8, alpha=0.7 if few else 0.4, color=BLUE, edgecolors="none")
        left.set(xlabel=f"true {unit}", ylabel=f"predicted {unit}", title="Predicted against true")
        right.hist(truth - predicted, bins=edges(truth - predicted, bins), color=BLUE)
        right.set(xlabel=f"true − predicted {unit}", ylabel="rows", title="Residuals")


def edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Bin edges of a histogram (bins + 1,), also for values that are almost equal, which NumPy refuses to bin."""
    low, high = float(np.min(values)), float(np.max(values))
    least = 1e-6 * max(abs(low), abs(high), 1e-6)
    return np.linspace(low - least, high + least, bins + 1)


def fan(history: np.ndarray, truth: np.ndarray | None, forecast: np.ndarray, lower, upper, path: Path, title: str = "") -> None:
    """The end of a series (T,), its forecast (H,) with the interval, and the true values (H,)."""
    past, ahead = np.arange(-len(history), 0), np.arange(len(forecast))
    with figure(path, size=(9.0, 3.6)) as axis:
        axis.plot(past, history, color=GREY, label="history")
        if lower is not None:
            axis.fill_between(ahead, lower, upper, color=BLUE, alpha=0.2, label="interval", linewidth=0)
        axis.plot(ahead, forecast, color=BLUE, label="forecast")
        if truth is not None:
            axis.plot(np.arange(len(truth)), truth, color=ORANGE, linewidth=1, label="true values")
        axis.set(xlabel="steps from now", title=title)
        axis.legend(loc="best")


def windows(history: np.ndarray, ahead: np.ndarray, path: Path, title: str) -> None:
    """A small plot of each window (N, T) and the values that follow it (N, H)."""
    columns = min(3, len(history))
    with figure(path, -(-len(history) // columns), columns, (3.4 * columns, 2.2 * -(-len(history) // columns))) as axes:
        for axis, past, next_ in zip(np.ravel(axes), history, ahead):
            axis.plot(np.arange(-len(past), 0), past, color=GREY, linewidth=1)
            axis.plot(np.arange(len(next_)), next_, color=ORANGE, linewidth=1.4)
        for axis in np.ravel(axes)[len(history) :]:
            axis.axis("off")
        np.ravel(axes)[0].figure.suptitle(title)


def by_step(curves: dict[str, np.ndarray], path: Path, label: str, title: str = "Error by horizon step") -> None:
    """One line per method over the steps of the horizon."""
    with figure(path) as axis:
        for (name, values), colour in zip(curves.items(), (BLUE, GREY, ORANGE, GREEN, RED) * 3):
            axis.plot(np.arange(1, len(values) + 1), values, color=colour, label=name)
        axis.set(xlabel="steps ahead", ylabel=label, title=title, ylim=(0, 1.3 * axis.get_ylim()[1]))  # room for the legend
        _whole_numbers(axis)
        axis.legend(loc="upper left", ncols=3, fontsize=8)


def neighbourhood(points: np.ndarray, names: list[str], path: Path, title: str = "") -> None:
    """Words or texts in the plane (N, 2) with their names; names do not overlap, and a line leads to the point where one was moved."""
    low, span = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-9)
    places = (points - low) / span
    with figure(path, size=(10.0, 7.5)) as axis:
        axis.scatter(places[:, 0], places[:, 1], s=10, color=BLUE)
        for (x, y), (left, middle), name in zip(places, _apart(places, names), names):
            axis.text(left, middle, name, fontsize=8, va="center", parse_math=False)
            if abs(middle - y) > 0.012:
                axis.plot([x, x if left < x else left], [y, middle], color=GREY, linewidth=0.5)
        axis.set(title=title, xticks=[], yticks=[], xlim=(-0.03, 1.05), ylim=(-0.04, 1.04))
        axis.grid(False)


def _apart(places: np.ndarray, names: list[str]) -> list[tuple[float, float]]:
    """Position (left end, middle) of each name, so that no two overlap: beside its point, left of it at the right edge."""
    letter, line = 0.0066, 0.023  # width of a letter and height of a line, as shares of the plot
    taken: list[tuple[float, float, float]] = []
    found: dict[int, tuple[float, float]] = {}
    for i in np.argsort(-places[:, 1], kind="stable"):
        (x, y), wide = places[i], letter * len(names[i])
        left = x + 0.008 if x + wide < 1.04 else x - 0.008 - wide
        for step in sorted(range(-80, 81), key=abs):
            middle = y + step * line / 2
            if -0.03 <= middle <= 1.03 and all(left > b or left + wide < a or abs(middle - other) >= line for a, b, other in taken):
                break
        else:  # no free position: beside its point
            middle = y
        taken.append((left, left + wide, middle))
        found[int(i)] = (left, float(middle))
    return [found[i] for i in range(len(names))]
