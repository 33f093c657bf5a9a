"""The built-in "scenes": small drawn images of shapes and handwritten digits on textured ground, with exact masks."""

from __future__ import annotations

import numpy as np

from applied_dl.tasks.segment.readers.classes import ClassTable
from applied_dl.tasks.segment.readers.listing import Listing, Pair

LABELS = ("ground", "circle", "square", "triangle", "digit")
COUNT, SIDE = 400, 64
MOST_THINGS = 4


def scenes(count: int = COUNT, seed: int = 0) -> Listing:
    """Images (64, 64, 3) with up to four things each, of colours and sizes that say nothing of the class; the same for the same seed."""
    from sklearn.datasets import load_digits

    random, digits = np.random.default_rng(seed), load_digits().images / 16
    pairs = [Pair(*_scene(random, digits)) for _ in range(count)]
    return Listing(pairs=pairs, table=ClassTable(names=LABELS, values=tuple(range(len(LABELS)))))


def _scene(random: np.random.Generator, digits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One image, uint8 (64, 64, 3), and its mask, uint8 (64, 64)."""
    image, mask = _ground(random), np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(random.integers(1, MOST_THINGS + 1)):
        kind = int(random.integers(1, len(LABELS)))
        inside = _digit(random, digits) if kind == 4 else _shape(random, kind)
        color = _contrasting(random, image[inside > 0.5])
        image = np.where(inside[..., None] > 0, image + inside[..., None] * (color + random.normal(0, 8, image.shape) - image), image)
        mask[inside > 0.5] = kind
    return np.clip(np.round(image), 0, 255).astype(np.uint8), mask


def _ground(random: np.random.Generator) -> np.ndarray:
    """Two colours that run into each other in waves, with noise."""
    y, x = np.mgrid[:SIDE, :SIDE]
    turn, length = random.uniform(0, np.pi), random.uniform(6, 30)
    wave = 0.5 + 0.5 * np.sin((x * np.cos(turn) + y * np.sin(turn)) * 2 * np.pi / length + 2 * np.sin(y / random.uniform(8, 20)))
    first, second = random.uniform(40, 200, 3), random.normal(0, 25, 3)
    return first + wave[..., None] * second + random.normal(0, 6, (SIDE, SIDE, 3))


def _contrasting(random: np.random.Generator, covered: np.ndarray) -> np.ndarray:
    """A colour that differs from what it covers."""
    behind = covered.mean(0) if len(covered) else np.full(3, 128.0)
    while True:
        color = random.uniform(0, 255, 3)
        if np.abs(color - behind).max() > 60:
            return color


def _shape(random: np.random.Generator, kind: int) -> np.ndarray:
    """The share (64, 64) of each pixel that a turned circle, square or triangle covers."""
    y, x = (np.mgrid[: 4 * SIDE, : 4 * SIDE] + 0.5) / 4  # four samples along each side of a pixel
    size, turn = random.uniform(6, 14), random.uniform(0, 2 * np.pi)
    dx, dy = x - random.uniform(size / 2, SIDE - size / 2), y - random.uniform(size / 2, SIDE - size / 2)
    u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    if kind == 1:
        inside = u**2 + v**2 < size**2
    elif kind == 2:
        inside = np.maximum(abs(u), abs(v)) < 0.9 * size
    else:
        inside = (v > -0.6 * size) & (v < 1.2 * size - 1.8 * abs(u))
    return inside.reshape(SIDE, 4, SIDE, 4).mean((1, 3))


def _digit(random: np.random.Generator, digits: np.ndarray) -> np.ndarray:
    """A handwritten digit, enlarged to 16 to 32 pixels, as shares (64, 64)."""
    from PIL import Image

    side = int(random.integers(16, 33))
    digit = Image.fromarray((digits[random.integers(len(digits))] * 255).astype(np.uint8))
    large = np.asarray(digit.resize((side, side), Image.Resampling.BICUBIC), np.float64) / 255
    top, left = random.integers(0, SIDE - side + 1, 2)
    found = np.zeros((SIDE, SIDE))
    found[top : top + side, left : left + side] = np.clip(1.6 * large - 0.1, 0, 1)
    return found
