"""What `predict --out DIR` writes: masks, overlays and a table of areas. No TensorFlow."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from applied_dl.tasks.segment.drawing import mask_png, overlay, read_mask
from applied_dl.tasks.segment.encoder import SegmentEncoder
from applied_dl.vision.images import decode_whole

MASKS, OVERLAYS, AREAS = "masks", "overlays", "areas.csv"


def write_files(encoder: SegmentEncoder, folder: Path, inputs: list, predictions: list[dict], first: int = 0) -> list[dict]:
    """Write the masks (indexed PNG), the overlays (JPEG) and a table of the areas of each class into a folder.

    Args:
        encoder: the fitted state.
        folder: where `masks/`, `overlays/` and `areas.csv` go; rows are appended to the table where `first` is above 0.
        inputs: the images.
        predictions: what `postprocess` gave of them, or errors.
        first: the number of inputs before these.

    Returns:
        The predictions with the paths of their files in place of masks.
    """
    for name in (MASKS, OVERLAYS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    written = []
    with (folder / AREAS).open("a" if first else "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        if not first:
            table.writerow(["input", "mask", "confidence", *encoder.labels, "error"])
        for place, (source, one) in enumerate(zip(inputs, predictions)):
            label = str(source) if isinstance(source, str | Path) else f"input {first + place}"
            if "error" in one:
                table.writerow([label, "", "", *[""] * len(encoder.labels), one["error"]])
                written.append(one)
                continue
            mask = one["mask"] if isinstance(one["mask"], np.ndarray) else read_mask(one["mask"])
            stem = _free_name(folder, Path(label).stem)
            target = folder / MASKS / f"{stem}.png"
            target.write_bytes(mask_png(mask, encoder.palette))
            _write_overlay(encoder, source, mask, folder / OVERLAYS / f"{stem}.jpg")
            shares = {item["class"]: item["share"] for item in one["classes"]}
            own = [shares.get(name, 0.0) for name in encoder.labels]
            table.writerow([label, target.relative_to(folder).as_posix(), one["confidence"], *own, ""])
            written.append({**one, "mask": str(target), "overlay": str(folder / OVERLAYS / f"{stem}.jpg")})
    return written


def _free_name(folder: Path, stem: str) -> str:
    """A name that no mask of the folder has: two images of different folders may have the same."""
    name, count = stem, 1
    while (folder / MASKS / f"{name}.png").exists():
        name, count = f"{stem}_{count + 1}", count + 1
    return name


def _write_overlay(encoder: SegmentEncoder, source, mask: np.ndarray, path: Path) -> None:
    from PIL import Image

    Image.fromarray(overlay(decode_whole(encoder, source), mask, encoder.palette)).save(path, quality=90)
