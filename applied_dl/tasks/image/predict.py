"""Images in, labels or numbers out: the part of the image task that needs no TensorFlow."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.image.encoder import ImageEncoder, load
from applied_dl.vision.examples import examples
from applied_dl.vision.images import decode
from applied_dl.vision.inputs import AT_ONCE, expand_inputs, input_batches, light_notes

load_encoder = load
INPUT = "image"
TOP = 5
THRESHOLD = 0.5  # of the probability, from which one of several labels is given


def raw_inputs(encoder: ImageEncoder) -> list[tuple[str, str]]:
    """Image files."""
    return [("image", "BYTES")]


def encode(encoder: ImageEncoder, inputs: list) -> Encoded:
    """Paths, bytes, PIL images or arrays → `image` uint8 (N, H, W, C)."""
    images, kept, errors = [], [], {}
    for place, source in enumerate(inputs):
        try:
            images.append(decode(encoder, source).pixels)
            kept.append(place)
        except DataError as error:
            errors[place] = str(error)
    array = np.stack(images) if images else np.zeros((0, encoder.height, encoder.width, encoder.channels), np.uint8)
    return Encoded(inputs={"image": array}, kept=kept, errors=errors, warnings=light_notes(encoder, array))


def postprocess(encoder: ImageEncoder, outputs: dict, encoded: Encoded, *, top: int = TOP) -> list[dict]:
    """The answers, one per image.

    Args:
        encoder: the fitted state.
        outputs: of the exported graph.
        encoded: what `encode` returned.
        top: how many of the most probable labels are listed.

    Returns:
        `{"label", "probability", "top": [{"label", "probability"}, …]}`; with several labels per image also `"labels"`;
        `{"prediction", "lower", "upper"}` for regression.

    Raises:
        UsageError: `top` is under 1.
    """
    if top < 1:
        raise UsageError(f"top must be at least 1, received {top}.")
    if not encoder.labels:
        return [{name: float(outputs[name][row]) for name in ("prediction", "lower", "upper")} for row in range(len(encoded.kept))]
    answers = []
    for row in outputs["probabilities"]:
        best = np.argsort(-row, kind="stable")[:top]
        ranked = [{"label": encoder.labels[i], "probability": float(row[i])} for i in best]
        answer = {**ranked[0], "top": ranked}
        if encoder.multi_label:
            answer["labels"] = [encoder.labels[i] for i in np.flatnonzero(row >= THRESHOLD)]
        answers.append(answer)
    return answers


__all__ = ["INPUT", "AT_ONCE", "encode", "examples", "expand_inputs", "input_batches", "load_encoder", "postprocess", "raw_inputs"]
