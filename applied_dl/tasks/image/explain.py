"""An image as patches: an absent patch shows the blurred image."""

from __future__ import annotations

import numpy as np
from PIL import Image

from applied_dl.runtime.interpreter import Encoded
from applied_dl.runtime.shapley import Parts
from applied_dl.tasks.image.encoder import ImageEncoder

GRID = 7  # patches along each side


def parts(encoder: ImageEncoder, inputs, encoded: Encoded, row: int, golden: dict[str, np.ndarray]) -> list[tuple[str, Parts]]:
    """One entry, for the image; the arguments are those of the other tasks (`tasks.tabular.explain.parts`)."""
    pixels = encoded.inputs["image"][row]  # (H, W, C)
    blurred = _blurred(pixels)
    rows, columns = (np.array_split(np.arange(size), min(GRID, size)) for size in pixels.shape[:2])
    places = [(slice(r[0], r[-1] + 1), slice(c[0], c[-1] + 1)) for r in rows for c in columns]
    names = [f"row {i + 1}, column {j + 1}" for i in range(len(rows)) for j in range(len(columns))]
    owner = np.zeros(pixels.shape[:2], np.int64)
    for number, place in enumerate(places):
        owner[place] = number

    def mixed(present: np.ndarray, order: np.ndarray) -> dict[str, np.ndarray]:
        return {"image": np.where(present[:, owner][..., None], pixels, blurred)}

    absent = "the mean colour of the image's surroundings"
    return [("", Parts(kind="patch", names=names, values=[], absent=absent, mixed=mixed, backdrop=pixels, slices=places))]


def _blurred(pixels: np.ndarray) -> np.ndarray:
    """The image (H, W, C) as 2 × 2 mean colours that run into each other."""
    height, width, channels = pixels.shape
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., i])) for i in range(channels)]
    small = [plane.resize((2, 2), Image.Resampling.BOX).resize((width, height), Image.Resampling.BILINEAR) for plane in planes]
    return np.stack([np.asarray(plane) for plane in small], axis=-1)
