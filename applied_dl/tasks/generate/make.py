"""Many images or rows at once, by a loaded bundle: what `applied-dl generate` writes. No TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from applied_dl.core.errors import UsageError, nearest
from applied_dl.tasks.generate.encoder import Form, Request, codes_of, inputs_of, latents, pixels, rows_frame

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 4096


def requests(count: int, seed: int, label: str | None = None) -> list[Request]:
    """`count` requests; the first n of them are the same for every count."""
    return [Request(seed=seed, number=i, label=label) for i in range(count)]


def images(predictor: Any, asked: list[Request]) -> tuple[np.ndarray, list[str]]:
    """uint8 (N, H, W, C), and the label of each as the beginning of a file name.

    Raises:
        UsageError: the model does not know the label.
    """
    form: Form = predictor.encoder.form
    label = asked[0].label
    if label is not None and label not in form.labels:
        known = f"it knows: {', '.join(form.labels[:20])}" if form.labels else "it makes images without classes"
        raise UsageError(f"The model knows no label {label!r}; {known}.{nearest(label, form.labels)}")
    made = np.concatenate([pixels(predictor.run(inputs_of(form, part))["image"]) for part in _parts(asked)])
    names = [f"{_plain(form.labels[code])}_" for code in codes_of(form, asked)] if form.labels else [""] * len(asked)
    return made, names


def rows(predictor: Any, asked: list[Request]) -> pl.DataFrame:
    """A table with the columns, types and levels of the training table."""
    found = [predictor.run(inputs_of(predictor.encoder.form, part)) for part in _parts(asked)]
    codes, places = (np.concatenate([one[name] for one in found]) for name in ("codes", "places"))
    return rows_frame(predictor.encoder.form, codes, places)


def walk(predictor: Any, stops: list[Request], steps: int) -> np.ndarray:
    """Images (S, H, W, C) on the way from latent to latent and back to the first, on the sphere on which latents lie (White, 2016)."""
    form: Form = predictor.encoder.form
    ends = latents(form, stops)
    way = np.concatenate([_arc(a, b, steps) for a, b in zip(ends, np.roll(ends, -1, 0))])
    inputs = {"latent": way.astype(np.float32)}
    if form.labels:
        inputs["label"] = codes_of(form, stops).repeat(steps)
    return pixels(predictor.run(inputs)["image"])


def _arc(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """(steps, D) from a on towards b."""
    cosine = float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-9))
    angle = np.arccos(np.clip(cosine, -1, 1))
    share = (np.arange(steps) / steps)[:, None]
    if angle < 1e-3:
        return (1 - share) * a + share * b
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)


def _parts(asked: list[Request]) -> list[list[Request]]:
    return [asked[i : i + AT_ONCE] for i in range(0, len(asked), AT_ONCE)]


def _plain(label: str) -> str:
    """A label as part of a file name."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in label)[:40]
