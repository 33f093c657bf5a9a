"""Images in, masks out: the part of the segmentation task that needs no TensorFlow."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.segment.drawing import mask_png
from applied_dl.tasks.segment.encoder import SegmentEncoder, encode_image, load, restore_mask
from applied_dl.vision.examples import examples
from applied_dl.vision.inputs import expand_inputs, input_batches, light_notes

load_encoder = load
INPUT = "image"
AT_ONCE = 64  # images that are decoded before they are predicted


def raw_inputs(encoder: SegmentEncoder) -> list[tuple[str, str]]:
    """Image files."""
    return [("image", "BYTES")]


def encode(encoder: SegmentEncoder, inputs: list) -> Encoded:
    """Paths, bytes, PIL images or arrays → `image` uint8 (R, H, W, C): a row for each image, or for each of its tiles."""
    rows, views, kept, errors = [], [], [], {}
    for place, source in enumerate(inputs):
        try:
            found, view = encode_image(encoder, source)
        except DataError as error:
            errors[place] = str(error)
            continue
        rows.append(found)
        views.append(view)
        kept.append(place)
    empty = np.zeros((0, encoder.height, encoder.width, encoder.channels), np.uint8)
    array = np.concatenate(rows) if rows else empty
    return Encoded(inputs={"image": array}, kept=kept, errors=errors, warnings=light_notes(encoder, array), extra={"views": views})


def postprocess(encoder: SegmentEncoder, outputs: dict, encoded: Encoded, *, arrays: bool = False) -> list[dict]:
    """The masks at the size of the images, one per image.

    Args:
        encoder: the fitted state.
        outputs: of the exported graph: `mask` (R, H, W) and `confidence` (R,), or `scores` (R, H, W, C).
        encoded: what `encode` returned.
        arrays: give masks as numpy arrays in place of texts.

    Returns:
        `{"mask", "classes", "confidence"}`: an indexed PNG in base64, whose values are class numbers (or an array, uint8 (height, width));
        the classes that occur, `{"class", "number", "share", "pixels"}`, the largest first; the mean probability of the predicted ones.
    """
    masks = outputs["mask"] if "mask" in outputs else outputs["scores"].argmax(-1).astype(np.uint8)
    sure = outputs["confidence"].reshape(-1) if "confidence" in outputs else outputs["scores"].max(-1).mean((1, 2))
    found, row = [], 0
    for view in encoded.extra["views"]:
        count = max(1, len(view.places))
        mask = restore_mask(encoder, masks[row : row + count], view)
        shown = mask if arrays else base64.b64encode(mask_png(mask, encoder.palette)).decode()
        found.append({"mask": shown, "classes": _areas(encoder, mask), "confidence": float(sure[row : row + count].mean())})
        row += count
    return found


def _areas(encoder: SegmentEncoder, mask: np.ndarray) -> list[dict[str, Any]]:
    counts = np.bincount(mask.ravel(), minlength=len(encoder.labels))
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    return [
        {"class": encoder.labels[i], "number": i, "share": float(counts[i] / mask.size), "pixels": int(counts[i])} for i in order
    ]  # fmt: skip


__all__ = [
    "AT_ONCE", "INPUT", "encode", "examples", "expand_inputs", "input_batches", "load_encoder", "postprocess", "raw_inputs",
]  # fmt: skip
