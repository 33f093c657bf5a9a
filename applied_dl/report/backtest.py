"""The plot of a backtest: forecasts from successive origins over the actual values, and the error of each method by origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.report.figures import BLUE, GREEN, GREY, ORANGE, RED, figure

COLOURS = (BLUE, ORANGE, GREEN, RED, GREY, "#8a5aa8")


def backtest_plot(
    path: Path, title: str, steps, values, origins, forecasts, errors: dict[str, np.ndarray], moments, label: str, stamp, dated: bool
) -> None:
    """steps, values (T,): the actual values. origins (K,) steps; forecasts: per origin (H,), or (forecast, lower, upper).
    errors (O,) by method.

    moments (O,): where on the lower axis each origin lies. stamp: step → text, for the axes. dated: moments are steps.
    """
    from matplotlib.ticker import MaxNLocator

    with figure(path, 2, 1, (9.6, 6.4)) as (top, bottom):
        top.plot(steps, values, color=GREY, linewidth=1.2, label="actual")
        for i, (origin, found) in enumerate(zip(origins, forecasts)):
            middle, *limits = found if isinstance(found, tuple) else (found,)
            ahead = origin + np.arange(len(middle))
            if limits:
                top.fill_between(ahead, *limits, color=BLUE, alpha=0.18, linewidth=0)
            top.plot(ahead, middle, color=BLUE, linewidth=1.2, label=None if i else "forecast at an origin")
            top.plot(ahead[:1], middle[:1], "o", color=BLUE, markersize=3.5)
        top.set(title=title)
        top.set_ylim(top=top.get_ylim()[1] + 0.15 * np.ptp(top.get_ylim()))  # room for the legend
        top.legend(loc="upper left", ncols=2)
        for (name, row), colour in zip(errors.items(), COLOURS * 2):
            bottom.plot(moments, row, color=colour, linewidth=1.6 if colour == BLUE else 1.0, marker="o" if len(row) < 30 else None,
                        markersize=3.5, label=f"{name}: {np.nanmean(row):.3g}")  # fmt: skip
        bottom.set(title="Error at each origin (the mean of all in the legend)", ylabel=label, ylim=(0, None))
        bottom.set_ylim(top=1.35 * bottom.get_ylim()[1])
        bottom.legend(loc="upper left", ncols=3, fontsize=8)
        for axis in (top, bottom):
            axis.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        for axis in (top, bottom) if dated else (top,):
            axis.xaxis.set_major_formatter(lambda at, _: stamp(round(at)))
            axis.tick_params("x", labelsize=8)
        if not dated:
            bottom.set(xlabel="origin, from the first")
