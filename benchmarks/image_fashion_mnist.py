"""python benchmarks/image_fashion_mnist.py [SEEDS]: Fashion-MNIST, its own 60,000 and 10,000, from the original files through TFDS."""

from image_common import SHARED, accuracy_rows, cost_rows, count, seeds, write
from runner import Row

IN_README = 2


def summary(found: dict) -> list[Row]:
    """Accuracy against the 24-hour AutoML figure, and the time."""
    return [*accuracy_rows(found, "Fashion-MNIST (60,000 / 10,000)", 0.939, 3), *cost_rows(found, "Fashion-MNIST", 600)]


if __name__ == "__main__":
    files = str(SHARED / "images" / "fashion_mnist")
    write("image_fashion_mnist", seeds("fashion_mnist.toml", {"data.manual_dir": files}, count(3)))
