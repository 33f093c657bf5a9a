"""Names on a map do not overlap, whatever characters they have."""

import numpy as np

from applied_dl.report import plots
from applied_dl.report.plots import _apart, neighbourhood


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


def test_characters_without_a_font_are_one_warning(tmp_path, capsys, recwarn, monkeypatch):
    monkeypatch.setattr(plots, "_fonts", lambda: ["DejaVu Sans"])  # independent of this machine's fonts
    neighbourhood(np.eye(4, 2), ["新闻", "体育", "新", "plain"], tmp_path / "a.png", "a map")
    assert capsys.readouterr().err.splitlines() == [
        "warning   a.png: the fonts here lack 4 characters (体新育闻), drawn as boxes; a Noto font of the script has them"
    ]
    assert not [one for one in recwarn if "Glyph" in str(one.message)]  # objects of earlier tests may warn while they are collected
    neighbourhood(np.eye(4, 2), ["a", "é", "שלום", "я"], tmp_path / "b.png")
    assert capsys.readouterr().err == ""


def test_fonts_of_other_scripts_are_used_where_they_are_installed():
    found = plots._fonts()
    assert found[0] == "DejaVu Sans"
    assert set(found[1:]) <= set(plots.OTHER_SCRIPTS)
