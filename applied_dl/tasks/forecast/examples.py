"""Histories that a bundle keeps to verify its encoder: made from its clock and the range of its values."""

from __future__ import annotations

from typing import Any

import numpy as np

from applied_dl.tasks.forecast.encoder import SeriesEncoder

MORE = 3  # steps beyond the lookback


def examples(encoder: SeriesEncoder) -> list[dict[str, list[Any]]]:
    """Waves as the columns of a table, complete and with gaps; none for models that read covariates or a row per series."""
    columns = encoder.columns
    if columns.layout == "rows" or columns.past or columns.future or columns.static or columns.series_parts or columns.time_parts:
        return []
    steps = np.arange(encoder.lookback + MORE)
    waves = [_wave(encoder, i, steps) for i in range(encoder.channels)]
    times = {columns.time: encoder.clock.text(steps)} if columns.time else {}
    if columns.layout == "long":
        complete = {columns.series: [encoder.names[0] if encoder.names else "a"] * len(steps), **times, columns.targets[0]: waves[0]}
    else:
        complete = {**times, **dict(zip(columns.targets, waves))}
    gaps = {name: [None if name in columns.targets and i % 9 == 4 else v for i, v in enumerate(line)] for name, line in complete.items()}
    return [complete, gaps]


def _wave(encoder: SeriesEncoder, channel: int, steps: np.ndarray) -> list[float]:
    low, high = encoder.seen or (-1.0, 1.0)
    center = encoder.center[channel] if channel < len(encoder.center) else (low + high) / 2
    scale = encoder.scale[channel] if channel < len(encoder.scale) else (high - low) / 4
    return [round(float(v), 4) for v in center + scale * np.sin(2 * np.pi * steps / max(encoder.season, 7)) + scale * 0.001 * steps]
