"""Grids of images: captions stay above their images, whatever the classes are called."""

import numpy as np
import pytest

from applied_dl.report.grids import image_grid

LONG = [
    "Corn_(maize)___Cercospora_leaf_spot Gray_leaf_spot",
    "Tomato___Tomato_Yellow_Leaf_Curl_Virus",
    "costs $5 or $\\frac",
    "狗的照片和猫的照片",
]


@pytest.mark.parametrize("end", ["", " → Corn_(maize…f_spot (0.18)"])
def test_captions_stay_above_their_images(tmp_path, monkeypatch, end):
    overlaps = []

    def measured(drawn, path, **_):
        drawn.canvas.draw()
        boxes = sorted(
            (axis.title.get_window_extent() for axis in drawn.axes if axis.title.get_text()), key=lambda box: (-box.y0 // 20, box.x0)
        )
        overlaps.extend((a, b) for a, b in zip(boxes, boxes[1:]) if a.overlaps(b))

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", measured)
    image_grid(
        np.zeros((8, 6, 9, 3)), [name + end for name in LONG * 2], tmp_path / "a.png", "A title", legend=dict.fromkeys(LONG, (1, 2, 3))
    )
    assert not overlaps
