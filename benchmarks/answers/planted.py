"""python -m benchmarks.answers.planted: how often an explanation names the column, patch or word that was planted in the data

Makes data whose answer depends on one planted part, trains a model of each task and explains rows that it has not seen. Completeness is
the largest difference between the sum of the contributions and the answer less the base.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.runner import Row, write

ROWS = 200  # explained rows of each task
FILES = {"formats": ["tflite"], "variants": ["fp32"], "max_metric_drop": 1.0}
SIDE, GRID = 28, 7  # of the images, and of the patches of an explanation


def planted_table(folder: Path, rows: int = 2000, seed: int = 0) -> tuple[dict, list[dict], str]:
    """Ten columns, of which "c6" alone sets the number; a recipe, new rows, and the column's name."""
    import numpy as np
    import polars as pl

    def made(random, count):
        x = random.normal(size=(count, 10))
        x[:, 6] = np.sign(x[:, 6]) * (0.5 + np.abs(x[:, 6]))  # never at its mean, where nothing is to be explained
        return {f"c{i}": x[:, i] for i in range(10)}

    random = np.random.default_rng(seed)
    columns = made(random, rows)
    pl.DataFrame({**columns, "y": np.tanh(columns["c6"]) * 3 + random.normal(0, 0.1, rows)}).write_csv(folder / "table.csv")
    recipe = {"task": "tabular", "data": {"source": str(folder / "table.csv"), "target": "y"}, "export": FILES}
    return {**recipe, "model": {"name": "mlp"}, "train": {"epochs": 12}}, pl.DataFrame(made(random, ROWS)).to_dicts(), "c6"


def planted_image(folder: Path, rows: int = 1200, seed: int = 0) -> tuple[dict, list, list[tuple[int, int]]]:
    """Noise, in class 1 with a small cross in one of 49 patches; a recipe, new images of class 1, and the patch of each."""
    import numpy as np

    def made(random, count, label):
        images = random.integers(60, 140, (count, SIDE, SIDE)).astype(np.uint8)
        places = [(int(a), int(b)) for a, b in random.integers(0, GRID, (count, 2))]
        size = SIDE // GRID
        for image, one, (row, column) in zip(images, label, places):
            if one:
                patch = image[row * size : (row + 1) * size, column * size : (column + 1) * size]
                patch[1:3], patch[:, 1:3] = 255, 255
        return images, places

    random = np.random.default_rng(seed)
    label = np.arange(rows) % 2
    np.savez(folder / "images.npz", x=made(random, rows, label)[0][..., None], y=label)
    recipe = {"task": "image", "data": {"source": str(folder / "images.npz")}, "model": {"name": "small_cnn"}, "export": FILES}
    images, places = made(random, ROWS, np.ones(ROWS, int))
    return {**recipe, "preprocess": {"augment": []}, "train": {"epochs": 6}}, list(images), places


def planted_text(folder: Path, rows: int = 1200, seed: int = 0) -> tuple[dict, list[str], str]:
    """Ten random words, in one class with "marvel" among them; a recipe, new texts of that class, and the word."""
    import numpy as np
    import polars as pl

    words = [a + b for a in ("bor", "tan", "mil", "ser", "gul", "fen") for b in ("da", "ko", "ri", "mus", "pel")]

    def made(random, count, label):
        texts = []
        for one in label:
            drawn = list(random.choice(words, 10))
            if one:
                drawn[int(random.integers(10))] = "marvel"
            texts.append(" ".join(drawn))
        return texts

    random = np.random.default_rng(seed)
    label = np.arange(rows) % 2
    frame = pl.DataFrame({"text": made(random, rows, label), "label": np.where(label, "with", "without")})
    frame.write_csv(folder / "texts.csv")
    recipe = {"task": "sentences", "data": {"source": str(folder / "texts.csv")}, "export": FILES, "train": {"epochs": 5}}
    return recipe, made(random, ROWS, np.ones(ROWS, int)), "marvel"


def measure(folder: Path, recipe: dict, inputs: list, expected: list[str], label: str | None = None) -> dict:
    """Train, explain, and count how often the largest contribution is the expected part's."""
    import time

    import applied_dl

    run = applied_dl.train(recipe, out=folder / "bundle")
    start = time.process_time()
    found = applied_dl.explain(run.bundle, inputs, label=label)["explanations"]
    seconds = time.process_time() - start
    kind = next(iter(found[0]["contributions"][0]))
    named = [item["contributions"][0][kind] == part for item, part in zip(found, expected)]
    gaps = [abs(sum(one["contribution"] for one in item["contributions"]) - item["value"] + item["base"]) for item in found]
    main = run.manifest.main
    return {
        "rows": len(found), "named": sum(named), "largest_gap": max(gaps), "cpu_seconds": seconds,
        "main": main, "score": run.metrics["test"][main],
    }  # fmt: skip


def main() -> None:
    result = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name, make in (("column", planted_table), ("patch", planted_image), ("word", planted_text)):
            folder = Path(temporary) / name
            folder.mkdir()
            recipe, inputs, planted = make(folder)
            places = [f"row {r + 1}, column {c + 1}" for r, c in planted] if name == "patch" else [planted] * len(inputs)
            result[name] = measure(folder, recipe, inputs, places, {"patch": "1"}.get(name))
    write("answers_planted", {"parts": result})


def summary(found: dict) -> list[Row]:
    """The share of rows whose planted part comes first, completeness, and the cost."""
    rows = []
    for name, one in found["parts"].items():
        share = one["named"] / one["rows"]
        measured = f"first in {one['named']} of {one['rows']}; sums within {max(one['largest_gap'], 1e-9):.0e}"
        met = share >= 0.95 and one["largest_gap"] <= 1e-4
        cost = f"{1e3 * one['cpu_seconds'] / one['rows']:.0f} ms CPU each"
        rows.append(Row(f"planted {name}", measured, "≥ 95%, within 1e-4", met, cost))
    return rows


if __name__ == "__main__":
    main()
