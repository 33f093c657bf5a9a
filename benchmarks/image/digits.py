"""python -m benchmarks.image.digits [SEEDS]: the default recipe on scikit-learn's digits, five splits, with the exported files."""

from benchmarks.image.common import accuracy_rows, cost_rows, seeds, seeds_argument, write
from benchmarks.runner import Row

LARGEST_INT8, MOST_LOST = 60_000, 0.005  # bytes; share of the images


def summary(found: dict) -> list[Row]:
    """Accuracy, time, and the int8 file."""
    files = [row["exports"]["tflite int8"] for row in found["rows"] if "tflite int8" in row["exports"]]
    size, lost = max(f["bytes"] for f in files), max(f["loss"] for f in files)
    measured = f"{size / 1000:.1f} kB, {100 * lost + 0.0:.2f} points lost"
    met = size <= LARGEST_INT8 and lost <= MOST_LOST
    holds = "with the distance from the training data and the label sets (`benchmarks.answers.ood` measures what they take)"
    int8 = Row("digits: int8 file, worst of the seeds", measured, "≤ 60 kB, ≤ 0.5 points", met, holds)
    return [*accuracy_rows(found, "digits, 8 × 8 (1,797 images)", 0.990, 5), *cost_rows(found, "digits", 30), int8]


def details(found: dict) -> list[str]:
    """Every exported file."""
    rows = ["| file | bytes | accuracy lost against Keras, worst of the seeds |", "|---|---|---|"]
    files = [row["exports"] for row in found["rows"]]
    return rows + [
        f"| {kind} | {max(f[kind]['bytes'] for f in files):,} | {max(f[kind]['loss'] for f in files) + 0.0:.4f} |" for kind in files[0]
    ]


if __name__ == "__main__":
    write("image_digits", seeds("digits.toml", {}, seeds_argument(5), export=True))
