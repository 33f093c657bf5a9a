"""An explanation as text and as a plot: a waterfall, highlighted words or a series as SVG, a heat map over the image as PNG.

Pillow and text alone, so that the light runtime can draw them. Parts that raise the answer are blue, those that lower it are red.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np

SHOWN = 12  # parts of a text and of a waterfall; the others are one bar
UP, DOWN, GREY = "#2b6cb0", "#c53030", "#a0aec0"
UP_RGB, DOWN_RGB = (43, 108, 176), (197, 48, 48)
WIDTH, BAR, LEFT = 760, 24, 300
SIDE = 448  # pixels of the longer side of a heat map
NAME = 40  # characters
FONT = "font-family='system-ui, sans-serif' font-size='13'"


def as_text(item: dict[str, Any]) -> str:
    """One explanation as lines: the answer, and its largest contributions."""
    if "error" in item:
        return f"{item['input']}: {item['error']}"
    lines = [f"{item['input']}: {item['answer']} {item['value']:.4g} = {item['base']:.4g} + these contributions"]
    listed = item["contributions"]
    for one in listed[:SHOWN]:
        name, *value = (str(text) for key, text in one.items() if key != "contribution")
        shown = f"{name} = {value[0]}" if value and value[0] not in ("", name) else name
        lines.append(f"  {one['contribution']:+12.4g}  {shown[: 2 * NAME]}")
    if rest := listed[SHOWN:]:
        lines.append(f"  {sum(one['contribution'] for one in rest):+12.4g}  {len(rest)} others")
    lines.append(f"  ({item['base']:.4g} is the answer without them; in the place of what is left out: {item['absent']}; {item['method']})")
    if "plot" in item:
        lines.append(f"  {item['plot']}")
    return "\n".join(lines)


def draw(path: Path, parts: Any, contributions: np.ndarray, answer: str, value: float, base: float) -> Path:
    """Draw an explanation and return its file; the suffix is added.

    Args:
        path: without suffix.
        parts: `runtime.shapley.Parts`.
        contributions: (F,) of the parts.
        answer: the name of what is explained.
        value, base: the answer, and that without any part.
    """
    title = f"{answer}: {value:.4g}, without: {base:.4g}"
    if parts.kind == "patch":
        path = path.with_suffix(".png")
        heat_map(parts.backdrop, parts.slices, contributions).save(path)
        return path
    if parts.kind == "word":
        svg = highlighted(parts.names, contributions, title)
    elif parts.kind == "step":
        svg = series(parts.backdrop, parts.slices, contributions, title)
    else:
        labels = [f"{name} = {text}" if text else name for name, text in zip(parts.names, parts.values or [""] * len(parts.names))]
        svg = waterfall(labels, contributions, base, title)
    path = path.with_suffix(".svg")
    path.write_text(svg, encoding="utf-8")
    return path


def heat_map(pixels: np.ndarray, places: list[tuple[slice, ...]], contributions: np.ndarray):
    """The image (H, W, C) in grey, enlarged, under a smooth colour of each patch's contribution: a Pillow image."""
    from PIL import Image

    height, width = pixels.shape[:2]
    factor = SIDE / max(height, width)
    shape = (max(1, round(width * factor)), max(1, round(height * factor)))
    grey = Image.fromarray(pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., 0]).convert("L").resize(shape)
    strength = np.zeros((height, width), np.float32)
    for place, one in zip(places, contributions):
        strength[place] = one
    rows = len({place[0].start for place in places})
    grid = contributions.reshape(rows, -1).astype(np.float32)
    smooth = np.asarray(Image.fromarray(grid).resize(shape, Image.Resampling.BICUBIC))
    alpha = np.clip(np.abs(smooth) / max(float(np.abs(contributions).max()), 1e-12), 0, 1)[..., None] * 0.75
    colour = np.where(smooth[..., None] > 0, np.array(UP_RGB), np.array(DOWN_RGB))
    base = 0.35 * 255 + 0.65 * np.asarray(grey, np.float32)[..., None]
    return Image.fromarray(np.clip(base * (1 - alpha) + colour * alpha, 0, 255).astype(np.uint8))


def waterfall(labels: list[str], contributions: np.ndarray, base: float, title: str) -> str:
    """Bars from the base to the answer, the largest contribution first."""
    order = np.argsort(-np.abs(contributions), kind="stable")
    bars = [(labels[i], float(contributions[i])) for i in order[:SHOWN]]
    if len(order) > SHOWN:
        bars.append((f"{len(order) - SHOWN} others", float(contributions[order[SHOWN:]].sum())))
    edges = base + np.concatenate([[0.0], np.cumsum([amount for _, amount in bars])])
    low, high = float(edges.min()), float(edges.max())
    scale = (WIDTH - LEFT - 90) / max(high - low, 1e-12)
    at = lambda value: LEFT + (value - low) * scale  # noqa: E731
    body = []
    for row, (label, amount) in enumerate(bars):
        y, start, end = 40 + row * BAR, at(edges[row]), at(edges[row + 1])
        body.append(f"<text x='{LEFT - 10}' y='{y + 15}' text-anchor='end' fill='#1a202c'>{escape(_cut(label))}</text>")
        left, wide = min(start, end), max(abs(end - start), 1)
        body.append(f"<rect x='{left:.1f}' y='{y + 3}' width='{wide:.1f}' height='{BAR - 8}' fill='{_colour(amount)}'/>")
        body.append(f"<text x='{max(start, end) + 6:.1f}' y='{y + 15}' fill='#4a5568'>{amount:+.4g}</text>")
        body.append(f"<line x1='{end:.1f}' y1='{y + 3}' x2='{end:.1f}' y2='{y + BAR + 3}' stroke='{GREY}' stroke-dasharray='2 2'/>")
    return _svg(title, body, 50 + BAR * len(bars))


def highlighted(words: list[str], contributions: np.ndarray, title: str) -> str:
    """The words one after the other, each on a colour as strong as its contribution."""
    largest = max(float(np.abs(contributions).max()), 1e-12)
    body, x, y = [], 12.0, 40.0
    for word, amount in zip(words, contributions):
        text = _cut(word)
        wide = sum(14 if ord(c) > 0x2E80 else 8 for c in text) + 6
        if x + wide > WIDTH - 12:
            x, y = 12.0, y + BAR + 4
        share = min(abs(float(amount)) / largest, 1.0)
        body.append(
            f"<rect x='{x:.1f}' y='{y}' width='{wide}' height='{BAR}' rx='4' fill='{_colour(amount)}' fill-opacity='{0.75 * share:.2f}'>"
            f"<title>{amount:+.4g}</title></rect>"
        )
        body.append(f"<text x='{x + 3:.1f}' y='{y + 16}' textLength='{wide - 6}' fill='#1a202c'>{escape(text)}</text>")
        x += wide + 4
    return _svg(title, body, int(y) + BAR + 14)


def series(history: np.ndarray, places: list[tuple[slice, ...]], contributions: np.ndarray, title: str) -> str:
    """The history as a line, and under it a bar for each run of steps."""
    known = history[np.isfinite(history)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    across = (WIDTH - 40) / max(len(history), 1)
    x = lambda step: 20 + (step + 0.5) * across  # noqa: E731
    y = lambda value: 170 - 120 * (value - low) / max(high - low, 1e-12)  # noqa: E731
    points = " ".join(f"{x(i):.1f},{y(float(v)):.1f}" for i, v in enumerate(history) if np.isfinite(v))
    body = [f"<polyline points='{points}' fill='none' stroke='#1a202c' stroke-width='1.5'/>"]
    largest = max(float(np.abs(contributions[: len(places)]).max()), 1e-12)
    for (place,), amount in zip(places, contributions):
        tall = 45 * abs(float(amount)) / largest
        top = 245 - tall if amount > 0 else 245
        wide = (place.stop - place.start) * across
        body.append(
            f"<rect x='{20 + place.start * across:.1f}' y='{top:.1f}' width='{max(wide - 0.5, 0.5):.1f}' height='{max(tall, 0.5):.1f}' "
            f"fill='{_colour(amount)}'><title>{amount:+.4g}</title></rect>"
        )
    body.append(f"<line x1='20' y1='245' x2='{WIDTH - 20}' y2='245' stroke='{GREY}'/>")
    return _svg(title, body, 305)


def _svg(title: str, body: list[str], height: int) -> str:
    head = f"<text x='12' y='22' font-weight='600' fill='#1a202c'>{escape(title)}</text>"
    frame = f"<rect width='{WIDTH}' height='{height}' fill='white'/>"
    size = f"width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size} {FONT}>\n" + "\n".join([frame, head, *body]) + "\n</svg>\n"


def _colour(amount: float) -> str:
    return UP if amount > 0 else DOWN


def _cut(text: str) -> str:
    return text if len(text) <= NAME else f"{text[: NAME - 1]}…"
