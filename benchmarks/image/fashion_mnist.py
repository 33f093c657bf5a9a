"""python -m benchmarks.image.fashion_mnist [SEEDS]: Fashion-MNIST, its own 60,000 and 10,000, from the original files through TFDS."""

from benchmarks.image.common import SHARED, accuracy_rows, cost_rows, seeds, seeds_argument, write
from benchmarks.runner import Row


def summary(found: dict) -> list[Row]:
    """Accuracy against the 24-hour AutoML figure, and the time."""
    return [*accuracy_rows(found, "Fashion-MNIST (60,000 / 10,000)", 0.939, 3), *cost_rows(found, "Fashion-MNIST", 600)]


if __name__ == "__main__":
    files = str(SHARED / "images" / "fashion_mnist")
    write("image_fashion_mnist", seeds("fashion_mnist.toml", {"data.manual_dir": files}, seeds_argument(3)))
