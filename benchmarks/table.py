"""python benchmarks/table.py: docs/results.md and README's table from the JSON files in benchmarks/results; nothing is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
START, END = "<!-- results: written by benchmarks/table.py -->", "<!-- end of results -->"
GOALS = {"image_digits": 0.990, "image_fashion_mnist": 0.939, "image_flowers": 0.86}
NAMES = {
    "image_digits": "digits, 8 × 8 (1,797 pictures)",
    "image_fashion_mnist": "Fashion-MNIST (60,000 / 10,000)",
    "image_flowers": "five flowers, 550 photographs, MobileNetV2 0.35",
}


def accuracy_rows() -> list[str]:
    rows = [
        "| data | test accuracy (mean of seeds, 95 % interval) | goal | best baseline | CPU-seconds a training | command |",
        "|---|---|---|---|---|---|",
    ]
    for name, goal in GOALS.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        found = json.loads(path.read_text())
        low, high = found["accuracy_interval"]
        interval = f" [{low:.4f}, {high:.4f}]" if low == low else ""
        rival = max(found["baselines_mean"], key=found["baselines_mean"].get)
        met = "met" if found["accuracy_mean"] >= goal else "**missed**"
        rows.append(
            f"| {NAMES[name]} | {found['accuracy_mean']:.4f}{interval}, {found['seeds']} seeds | ≥ {goal} {met} | "
            f"{rival} {found['baselines_mean'][rival]:.4f} | {found['cpu_seconds_mean']:.0f} | "
            f"`python benchmarks/{name}.py` |"
        )
    return rows


def file_rows() -> list[str]:
    path = RESULTS / "image_digits.json"
    if not path.exists():
        return []
    rows = ["| digits, file | bytes | accuracy lost against Keras, worst of the seeds |", "|---|---|---|"]
    found = [row["exports"] for row in json.loads(path.read_text())["rows"] if "exports" in row]
    for kind in found[0]:
        rows.append(f"| {kind} | {max(f[kind]['bytes'] for f in found):,} | {max(f[kind]['loss'] for f in found) + 0.0:.4f} |")
    return rows


def other(name: str, title: str) -> list[str]:
    path = RESULTS / f"{name}.json"
    return (
        [f"## {title}", "", "```json", path.read_text().strip(), "```", "", f"`python benchmarks/{name}.py`", ""] if path.exists() else []
    )


def main() -> None:
    table = accuracy_rows()
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    readme.write_text(before + START + "\n" + "\n".join(table) + "\n" + END + rest.split(END)[1], encoding="utf-8")
    pages = [
        "# Measured results",
        "",
        "Written by `python benchmarks/table.py` from `benchmarks/results/*.json`. CPU-seconds are process time of the",
        "training alone on 4 cores with AVX-512 and bfloat16; a goal that was missed stands here as missed.",
        "",
        *table,
        "",
        *file_rows(),
        "",
        *other("image_throughput", "Training engine against a bare Keras fit"),
        *other("image_augment", "Augmentation, images per CPU-second"),
        *other("mediapipe_agreement", "MediaPipe's ImageClassifier against LiteRT"),
    ]
    (ROOT / "docs" / "results.md").write_text("\n".join(pages).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
