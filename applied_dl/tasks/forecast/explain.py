"""A history as runs of steps: absent steps have the mean of the history, absent covariates that of theirs."""

from __future__ import annotations

import numpy as np

from applied_dl.runtime.interpreter import Encoded
from applied_dl.runtime.shapley import Parts
from applied_dl.tasks.forecast.encoder import SeriesEncoder

MOST_PARTS = 48  # longer histories are cut into so many runs of steps


def parts(encoder: SeriesEncoder, inputs, encoded: Encoded, row: int, golden: dict[str, np.ndarray]) -> list[tuple[str, Parts]]:
    """One entry for each series of a window; the arguments are those of the other tasks (`tasks.tabular.explain.parts`)."""
    found = []
    for number, channel, name, *_ in encoded.extra["slots"]:
        if number == row:
            found.append((name, _of_series(encoded.inputs, row, min(channel, encoded.inputs["history"].shape[-1] - 1))))
    return found


def _of_series(arrays: dict[str, np.ndarray], row: int, channel: int) -> Parts:
    """The runs of steps of one series, then each other input of numbers, as parts that can be left out."""
    history = arrays["history"][row]  # (T, D)
    steps = len(history)
    runs = [(int(run[0]), int(run[-1]) + 1) for run in np.array_split(np.arange(steps), min(steps, MOST_PARTS))]
    others = [name for name, array in arrays.items() if name != "history" and array.dtype.kind == "f" and array[row].size]
    run_of = np.repeat(np.arange(len(runs)), [end - start for start, end in runs])  # (T,)
    usual = {name: np.nan_to_num(np.nanmean(arrays[name][row], axis=0, keepdims=True)) for name in ("history", *others)}

    def mixed(present: np.ndarray, order: np.ndarray) -> dict[str, np.ndarray]:
        made = {name: np.repeat(array[row : row + 1], len(present), axis=0) for name, array in arrays.items()}
        made["history"] = np.where(present[:, run_of][..., None], history, usual["history"]).astype(history.dtype)
        for place, name in enumerate(others, len(runs)):
            own = arrays[name][row]
            here = present[:, place].reshape(-1, *[1] * own.ndim)
            made[name] = np.where(here, own, np.broadcast_to(usual[name], own.shape)).astype(own.dtype)
        return made

    back = [(steps - start, steps - end + 1) for start, end in runs]
    names = [f"{first} steps back" if first == last else f"{first} to {last} steps back" for first, last in back] + others
    values = [f"{np.nanmean(history[start:end, channel]):.5g}" for start, end in runs] + ["" for _ in others]
    places: list[tuple[slice, ...]] = [(slice(start, end),) for start, end in runs]
    return Parts(
        kind="step", names=names, values=values, absent="the mean of the history", mixed=mixed, backdrop=history[:, channel], slices=places
    )
