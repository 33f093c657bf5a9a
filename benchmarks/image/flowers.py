"""python -m benchmarks.image.flowers [SEEDS]: five flowers, 550 training and 200 test photographs, from MobileNetV2 0.35's weights."""

import tempfile
import zipfile

from benchmarks.image.common import SHARED, accuracy_rows, cost_rows, seeds, seeds_argument, write
from benchmarks.runner import Row

WEIGHTS = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def summary(found: dict) -> list[Row]:
    """Accuracy by transfer, and the time."""
    what = "five flowers, 550 photographs, MobileNetV2 0.35"
    return [*accuracy_rows(found, what, 0.86, 3), *cost_rows(found, "five flowers")]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(SHARED / "images" / "flowers5" / "flowers5.zip") as packed:
            packed.extractall(folder)
        source = {"data.source": f"{folder}/flowers5", "model.weights": str(SHARED / "weights" / WEIGHTS)}
        result = seeds("flowers.toml", source, seeds_argument(5))
        result["overrides"] = {"model.weights": WEIGHTS}
        write("image_flowers", result)
