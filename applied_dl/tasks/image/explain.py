"""An image as patches: an absent patch shows the blurred image. Or as the cells of a class map."""

from __future__ import annotations

import numpy as np
from PIL import Image

from applied_dl.runtime.interpreter import Encoded
from applied_dl.runtime.shapley import Parts
from applied_dl.tasks.image.encoder import ImageEncoder

GRID = 7  # patches along each side
FEWEST = 5  # cells along each side of a class map, below which patches show more


def parts(encoder: ImageEncoder, inputs, encoded: Encoded, row: int, golden: dict[str, np.ndarray]) -> list[tuple[str, Parts]]:
    """One entry, for the image; the arguments are those of the other tasks (`tasks.tabular.explain.parts`)."""
    return [("", _patches(encoded.inputs["image"][row], GRID, GRID, "the mean colour of the image's surroundings"))]


def cells(encoded: Encoded, row: int, contributions: np.ndarray) -> Parts | None:
    """The image as the cells of a class map (h, w, K); None where they are too few to show a place."""
    height, width = contributions.shape[:2]
    if min(height, width) < FEWEST:
        return None
    return _patches(encoded.inputs["image"][row], height, width, "every cell: what all images have")


def _patches(pixels: np.ndarray, high: int, wide: int, absent: str) -> Parts:
    """An image (H, W, C) as up to `high` × `wide` patches, row by row."""
    blurred = _blurred(pixels)
    rows, columns = (np.array_split(np.arange(size), min(count, size)) for size, count in zip(pixels.shape, (high, wide)))
    places = [(slice(r[0], r[-1] + 1), slice(c[0], c[-1] + 1)) for r in rows for c in columns]
    names = [f"row {i + 1}, column {j + 1}" for i in range(len(rows)) for j in range(len(columns))]
    owner = np.zeros(pixels.shape[:2], np.int64)
    for number, place in enumerate(places):
        owner[place] = number

    def mixed(present: np.ndarray, order: np.ndarray) -> dict[str, np.ndarray]:
        return {"image": np.where(present[:, owner][..., None], pixels, blurred)}

    return Parts(kind="patch", names=names, values=[], absent=absent, mixed=mixed, backdrop=pixels, slices=places)


def _blurred(pixels: np.ndarray) -> np.ndarray:
    """The image (H, W, C) as 2 × 2 mean colours that run into each other."""
    height, width, channels = pixels.shape
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., i])) for i in range(channels)]
    small = [plane.resize((2, 2), Image.Resampling.BOX).resize((width, height), Image.Resampling.BILINEAR) for plane in planes]
    return np.stack([np.asarray(plane) for plane in small], axis=-1)
