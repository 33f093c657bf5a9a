"""Plots of made images and rows beside real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.report import plots as draw
from applied_dl.report.figures import figure
from applied_dl.report.grids import image_grid
from applied_dl.tasks.generate import measures
from applied_dl.tasks.generate.encoder import cells_of, pixels
from applied_dl.tasks.generate.scores import code_groups

SHOWN, OF_CLASS, COLUMNS = 64, 8, 12
SMALL = 10  # classes that samples are drawn of
COMPARED = 12  # columns of a table
ROOM = 30  # letters below the bars of a column


def image_plots(prepared, fitted, outputs, folder: Path) -> dict:
    """Samples by class, the nearest training images, and the training."""
    form, made = prepared.encoder.form, pixels(outputs["image"])
    _training(fitted, folder)
    if form.labels:
        codes = prepared.test.inputs["label"]
        rows = [found for code in range(len(form.labels)) if len(found := np.flatnonzero(codes == code))][:SMALL]
        each = min(OF_CLASS, min(map(len, rows)))
        chosen = [i for found in rows for i in found[:each]]
        image_grid(made[chosen], [form.labels[codes[i]] for i in chosen], folder / "samples.png", "Made images", columns=each)
    else:
        image_grid(made[:SHOWN], [""] * len(made[:SHOWN]), folder / "samples.png", "Made images")
    train = measures.thinned(prepared.state.pixels, 20_000)
    some = measures.thinned(made, COLUMNS)
    flat = lambda images: np.asarray(images).reshape(len(images), -1)  # noqa: E731
    near = np.asarray(train)[measures.distances(flat(some), flat(train)).argmin(1)]
    pairs = np.stack([some, near], axis=1).reshape(-1, *some.shape[1:])
    image_grid(
        pairs, ["made", "nearest training"] * len(some), folder / "nearest.png", "Made images and the nearest training images", columns=8
    )
    return {}


def row_plots(prepared, fitted, outputs, folder: Path) -> dict:
    """Shares of the values of columns in made and in real rows, and the training."""
    form, part = prepared.encoder.form, prepared.test
    _training(fitted, folder)
    groups = code_groups(form)
    made, real = measures.coarse(outputs["codes"], groups), measures.coarse(part.extra["codes"], groups)
    shown = min(COMPARED, len(form.learned))
    with figure(folder / "columns.png", -(-shown // 4), min(4, shown), (2.6 * min(4, shown), 2.0 * -(-shown // 4))) as axes:
        for i, axis in enumerate(np.ravel(axes)):
            if i >= shown:
                axis.axis("off")
                continue
            size = int(groups[i].max()) + 1
            for rows, name, shift in ((real, "real", -0.2), (made, "made", 0.2)):
                axis.bar(np.arange(size) + shift, np.bincount(rows[:, i], minlength=size) / len(rows), 0.4, label=name)
            axis.set_title(form.learned[i].name[:24], fontsize=8)
            axis.set_xlim(-0.6 if form.learned[i].holes else 0.4, size - 0.4)
            axis.set_xticks(*_ticks(form.learned[i], groups[i]))
            axis.tick_params(labelsize=6)
        np.ravel(axes)[0].legend(fontsize=6)
    return {}


def _ticks(column, group: np.ndarray) -> tuple[list[int], list[str]]:
    """Places and names of as many groups of codes as find room: empty cells, levels, or the least number of a group."""
    size = int(group.max()) + 1
    codes = np.array([int(np.flatnonzero(group == i)[0]) for i in range(size)])
    if column.kind == "category":
        names = ["", *(column.levels[code - 1][:10] for code in codes[1:])]
        names[-1] = "others" if len(column.levels) + 1 > size else names[-1]
    else:
        cells = cells_of(column, codes, np.zeros(size))
        names = ["" if cell is None else f"{cell:,.4g}" if isinstance(cell, float) else str(cell)[:10] for cell in cells]
    names[0] = "empty" if column.holes else ""
    step = max(1, -(-size * (1 + max(map(len, names))) // ROOM))
    return list(range(0 if column.holes else 1, size, step)), names[0 if column.holes else 1 :: step]


def _training(fitted, folder: Path) -> None:
    rows = fitted.history.rows
    if len(rows) < 2:
        return
    draw.training_curves(rows, folder / "training.png", fitted.history.monitor, fitted.history.best_epoch)
    if "critic_wins" in rows[0]:
        with figure(folder / "critic.png") as axes:
            axis = np.ravel(axes)[0]
            for key, name in (("critic_wins", "share of pairs that the critic gets right"), ("diversity", "spread of made over real")):
                axis.plot([row["epoch"] for row in rows], [row[key] for row in rows], label=name)
            axis.set_xlabel("epoch")
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.legend()
