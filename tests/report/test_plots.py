"""Names on a map do not overlap, whatever characters they have."""

import numpy as np
from PIL import Image

from applied_dl.report.plots import _apart, confusion, neighbourhood


def test_no_two_names_overlap():
    places = np.random.default_rng(0).uniform(size=(60, 2))
    names = ["a text of thirty letters or so"] * 60
    boxes = _apart(places, names)
    wide = 0.0066 * len(names[0])
    for i, (left, middle) in enumerate(boxes):
        for other, height in boxes[:i]:
            assert abs(left - other) > wide - 1e-9 or abs(middle - height) > 0.0229


def test_a_map_takes_any_characters_and_equal_points(tmp_path):
    neighbourhood(np.zeros((8, 2)), ["$3 and $5", "x_{1}$", "שלום", "é", "", "a\nb", "\\frac", "%"], tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_confusion_of_long_names_keeps_the_size_of_its_cells(tmp_path):
    confusion(np.eye(3, dtype=int), ["a", "b", "c"], tmp_path / "short.png")
    confusion(
        np.eye(3, dtype=int), ["Corn_(maize)___Cercospora_leaf_spot Gray_leaf_spot", "costs $5 or $\\frac", "c"], tmp_path / "long.png"
    )
    assert Image.open(tmp_path / "long.png").width > Image.open(tmp_path / "short.png").width + 150
