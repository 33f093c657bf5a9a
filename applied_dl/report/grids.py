"""Grids of small images with captions."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.report.figures import GREY, figure, shortened

LEGEND = 30  # classes of a legend
CELL = 1.45  # inches of an image of a grid
LETTER, MOST_LETTERS = 0.62, 27  # mean width of a letter as a share of the font's size; letters of a line above an image


def image_grid(
    images: np.ndarray, captions: list[str], path: Path, title: str = "", columns: int = 8, legend: dict[str, Any] | None = None
) -> None:
    """A grid of images (N, H, W, 1 or 3), 0..255, each with a caption; `legend` gives the RGB colour of each class below it.

    Captions of two lines are divided at " → ", and all are as small as the longest one needs to stay above its image.
    """
    rows = max(1, -(-len(images) // columns))
    columns = min(columns, max(len(images), 1))
    lines = [[shortened(line, MOST_LETTERS) for line in caption.replace(" → ", "\n→ ").split("\n")] for caption in captions]
    longest = max((_letters(line) for some in lines for line in some), default=0)
    size = min(10.0, 72 * CELL / (LETTER * max(longest, 1)))
    deep = max(map(len, lines), default=0) * size * 1.4 / 72 if longest else 0.0  # inches of the captions of a row
    high = CELL * min(max(images.shape[1] / images.shape[2], 0.3), 2.0)
    names = {shortened(name, MOST_LETTERS): color for name, color in list((legend or {}).items())[:LEGEND]}
    beside = max(1, int(CELL * columns / (0.6 + 0.075 * max(map(len, names), default=1))))  # names in a row of the legend
    below = 0.2 * -(-len(names) // beside)
    with figure(path, rows, columns, (CELL * columns, (high + deep + 0.1) * rows + 0.4 + below)) as axes:
        for axis in np.ravel(axes):
            axis.axis("off")
        for axis, image, caption in zip(np.ravel(axes), images, lines):
            image = np.clip(image, 0, 255).astype(np.uint8)
            axis.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
            axis.set_title("\n".join(caption), fontsize=size)
        drawn = np.ravel(axes)[0].figure
        drawn.suptitle(title, fontsize=min(12.0, 72 * CELL * columns / (LETTER * max(_letters(title), 1))))
        if names:
            from matplotlib.patches import Patch

            shown = [Patch(facecolor=[c / 255 for c in color], edgecolor=GREY, label=name) for name, color in names.items()]
            drawn.legend(handles=shown, loc="outside lower center", ncols=beside, fontsize=8, frameon=False)


def _letters(text: str) -> float:
    """The width of a text in mean Latin letters."""
    return sum(1 / LETTER if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
