"""Characters of every script are drawn where a font of this machine has them, and named where none has."""

import numpy as np

from applied_dl.report import figures
from applied_dl.report.plots import neighbourhood


def test_characters_without_a_font_are_one_warning(tmp_path, capsys, recwarn, monkeypatch):
    monkeypatch.setattr(figures, "_fonts", lambda: ["DejaVu Sans"])  # independent of this machine's fonts
    neighbourhood(np.eye(4, 2), ["新闻", "体育", "新", "plain"], tmp_path / "a.png", "a map")
    assert capsys.readouterr().err.splitlines() == [
        "warning   a.png: the fonts here lack 4 characters (体新育闻), drawn as boxes; a Noto font of the script has them"
    ]
    assert not [one for one in recwarn if "Glyph" in str(one.message)]  # objects of earlier tests may warn while they are collected
    neighbourhood(np.eye(4, 2), ["a", "é", "שלום", "я"], tmp_path / "b.png")
    assert capsys.readouterr().err == ""


def test_fonts_of_other_scripts_are_used_where_they_are_installed():
    found = figures._fonts()
    assert found[0] == "DejaVu Sans"
    assert set(found[1:]) <= set(figures.OTHER_SCRIPTS)


def test_shortened_names_keep_both_ends():
    assert figures.shortened("x" * 30 + "end", 20).endswith("xend")
    assert len(figures.shortened("y" * 99, 20)) == 20
    assert figures.shortened("short", 20) == "short"
