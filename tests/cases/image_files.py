"""Small images of shapes for the tests of people's image data."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from applied_dl.tasks.image.readers.read import Images, read_images
from applied_dl.workflows import recipes

SHAPES = ("circle", "cross", "triangle")


def shape(kind: str, random: np.random.Generator, size: int = 24, color=(230, 80, 60), background=None) -> Image.Image:
    """An RGBA image of a circle, a cross or a triangle on a random grey-brown colour, or on `background`."""
    image = Image.new("RGBA", (size, size), background or (*(int(v) for v in random.integers(60, 200, 3)), 255))
    draw, (x0, y0), (x1, y1) = ImageDraw.Draw(image), random.uniform(0.1, 0.3, 2) * size, random.uniform(0.7, 0.9, 2) * size
    if kind == "circle":
        draw.ellipse((x0, y0, x1, y1), fill=color)
    elif kind == "triangle":
        draw.polygon([((x0 + x1) / 2, y0), (x0, y1), (x1, y1)], fill=color)
    else:
        draw.rectangle(((x0 + x1) / 2 - 1, y0, (x0 + x1) / 2 + 1, y1), fill=color)
        draw.rectangle((x0, (y0 + y1) / 2 - 1, x1, (y0 + y1) / 2 + 1), fill=color)
    return image


def fill(folder: Path, classes=SHAPES, count: int = 10, suffix: str = ".png", seed: int = 0, form: str | None = None, **options) -> Path:
    """`count` images in a folder for each class; `form` is Pillow's name of the format, by the suffix by default."""
    random = np.random.default_rng([seed, len(str(folder))])
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            kind = next((s for s in SHAPES if s in name), SHAPES[len(name) % 3])
            image = shape(kind, random, **options)
            (image if options.get("background") else image.convert("RGB")).save(folder / name / f"{i}{suffix}", form)
    return folder


def read(tmp_path: Path, **data) -> Images:
    """What the image task reads of `[data]`."""
    keys = {key: str(value) if isinstance(value, Path) else value for key, value in data.items()}
    return read_images(recipes.read_recipe({"task": "image", "data": keys}).data, 0, tmp_path / "cache")


def rows(data: Images) -> dict[str, int]:
    """Images of each part."""
    return {name: len(part) for name, part in data.parts.items()}
