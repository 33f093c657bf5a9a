"""A figure in the package's one style, with fonts for every script of this machine, saved as PNG. Needs Matplotlib alone."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from applied_dl.core import console

BLUE, ORANGE, GREY, GREEN, RED = "#2b6cb0", "#dd6b20", "#718096", "#2f855a", "#c53030"
OTHER_SCRIPTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "WenQuanYi Zen Hei",
    "Microsoft YaHei", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Devanagari",
    "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai", "Noto Sans Symbols2", "Noto Emoji", "Arial Unicode MS", "Unifont",
)  # fmt: skip
STYLE: dict[str, Any] = {
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e2e8f0",
    "axes.edgecolor": GREY, "axes.axisbelow": True, "figure.dpi": 110, "legend.frameon": False, "axes.titlesize": 11,
    "text.parse_math": False,
}  # fmt: skip


@contextmanager
def figure(path: Path, rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.4, 4.0)):
    """Axes to draw on; the figure is saved to `path` when the block ends."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    style: Any = {**STYLE, "font.family": _fonts()}  # Matplotlib types every key
    with mpl.rc_context(style):
        drawn, axes = plt.subplots(rows, columns, figsize=size, layout="constrained")
        yield axes
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            drawn.savefig(path, metadata={"Software": None})
        plt.close(drawn)
    _warn_missing_characters(caught, path.name)


def shortened(text: str, most: int) -> str:
    """A text of at most `most` letters, with its beginning and its end.

    Example:
        >>> shortened("Corn_(maize)___Common_rust", 15), shortened("rust", 15)
        ('Corn_(mai…_rust', 'rust')
    """
    end = most // 3
    return text if len(text) <= most else f"{text[: most - end - 1]}…{text[-end:]}"


@cache
def _fonts() -> list[str]:
    """Matplotlib's default font, and the fonts of other scripts on this machine for the characters that it lacks."""
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in OTHER_SCRIPTS if name in there)]


def _warn_missing_characters(caught: list, name: str) -> None:
    """One warning for all characters that no font has, where Matplotlib warns for each of them; its other warnings are passed on."""
    missing = []
    for warning in caught:
        if found := re.match(r"Glyph (\d+) .*missing from", str(warning.message)):
            missing.append(chr(int(found[1])))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if different := sorted(set(missing)):
        shown = "".join(different[:10])
        console.warn(
            f"{name}: the fonts here lack {len(different)} characters ({shown}), drawn as boxes; a Noto font of the script has them"
        )
