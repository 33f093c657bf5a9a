"""Small images with masks, for the tests of people's segmentation data."""

from pathlib import Path

import numpy as np
from PIL import Image

from applied_dl.tasks.segment.readers.read import Scenes, read_scenes
from applied_dl.workflows import recipes

SIZE = (32, 48)  # height, width


def scene(seed: int, size=SIZE, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """An image (H, W, 3) of one coloured rectangle for each class above 0 on dark noise, and its mask (H, W)."""
    random = np.random.default_rng(seed)
    image, mask = random.integers(0, 60, (*size, 3)).astype(np.uint8), np.zeros(size, np.uint8)
    for code in range(1, classes):
        top, left = random.integers(0, size[0] // 2), random.integers(0, size[1] // 2)
        high, wide = random.integers(6, size[0] // 2), random.integers(6, size[1] // 2)
        mask[top : top + high, left : left + wide] = code
    for code in range(1, classes):
        image[mask == code] = np.eye(3, dtype=np.uint8)[code % 3] * 200 + random.integers(0, 40)
    return image, mask


def fill(
    folder: Path, count: int = 12, images="images", masks="masks", end="", suffix=".jpg", form=None, first: int = 0, **options
) -> Path:
    """`count` pairs: `images/3.jpg` and `masks/3.png`; `form(mask) -> PIL image` changes how masks are written."""
    for i in range(first, first + count):
        image, mask = scene(i, **options)
        for name in (images, masks):
            (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / images / f"{i:03d}{suffix}", quality=95)
        written = Image.fromarray(mask) if form is None else form(mask)
        written.save(folder / masks / f"{i:03d}{end}.png")
    return folder


def read(tmp_path: Path, **data) -> Scenes:
    """What the task reads of `[data]`, for a net from scratch."""
    keys = {key: str(value) if isinstance(value, Path) else value for key, value in data.items()}
    recipe = recipes.read_recipe({"task": "segment", "data": keys})
    return read_scenes(recipe.data, 0, tmp_path / "cache", weights="none")


def rows(data: Scenes) -> dict[str, int]:
    """Rows of each part."""
    return {name: len(part) for name, part in data.parts.items()}


def every_mask(data: Scenes) -> dict[str, np.ndarray]:
    """The masks of all parts, by the name of the image's file."""
    return {Path(path).stem: mask for part in data.parts.values() for path, mask in zip(part.extra["path"], part.target)}
