"""python -m benchmarks.image.throughput: the training engine and a plain Keras `fit` of the same network on the same rows, in turns."""

import time

import keras
import numpy as np

from applied_dl.core.sections import Train
from applied_dl.tasks.image.models import lenet, whitened_cnn
from applied_dl.training.losses import loss
from applied_dl.training.source import resident
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes
from benchmarks.runner import Row, write

ROWS, BATCH, EPOCHS, ROUNDS = 12800, 128, 2, 3
SETTINGS = Train(
    epochs=EPOCHS, batch_size=BATCH, learning_rate=0.01, schedule="constant", optimizer="nesterov", weight_decay=0.0, clip_norm=0.0,
    label_smoothing=0.0, ema=0.0, patience=0, warmup=0.0, precision="float32",
)  # fmt: skip


def net(builder):
    """The same graph for both: pixels scaled inside, the input by name."""
    image = keras.Input((28, 28, 1), name="image")
    return keras.Model({"image": image}, builder((28, 28, 1), 10)(keras.layers.Rescaling(1 / 255)(image)))


def engine(builder, x, y) -> None:
    CheckpointingTrainer().train(net(builder), resident({"image": x}, y), None, SETTINGS, loss=loss("crossentropy"))


def bare(builder, x, y) -> None:
    model = net(builder)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit({"image": x}, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)


def summary(found: dict) -> list[Row]:
    """The engine's speed as a share of the bare fit's."""
    rows = []
    for net in found["nets"]:
        share, cpu = net["ratio_per_second"], net["ratio_per_cpu_second"]
        measured = f"{share:.2f} × per second, {cpu:.2f} × per CPU-second"
        rows.append(Row(f"training {net['net']} against a plain Keras fit", measured, "≥ 1.0 ×", min(share, cpu) >= 1.0,
                        f"{net['bare_images_per_second']:,} images per second"))  # fmt: skip
    return rows


if __name__ == "__main__":
    recipes.read_recipe("image")
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (ROWS, 28, 28, 1), dtype=np.uint8)
    y = np.eye(10, dtype=np.float32)[random.integers(0, 10, ROWS)]
    rows = []
    for builder in (lenet, whitened_cnn):
        spent: dict[str, list] = {"engine": [], "bare": []}
        for _ in range(ROUNDS):
            for name, run in (("engine", engine), ("bare", bare)):
                cpu, wall = time.process_time(), time.perf_counter()
                run(builder, x, y)
                spent[name].append((time.process_time() - cpu, time.perf_counter() - wall))
        best = {name: [min(v[i] for v in values) for i in (0, 1)] for name, values in spent.items()}
        shown = ROWS * EPOCHS
        rows.append({
            "net": builder.__name__,
            **{f"{name}_images_per_cpu_second": round(shown / best[name][0]) for name in best},
            **{f"{name}_images_per_second": round(shown / best[name][1]) for name in best},
            "ratio_per_cpu_second": round(best["bare"][0] / best["engine"][0], 3),
            "ratio_per_second": round(best["bare"][1] / best["engine"][1], 3),
        })  # fmt: skip
    write("image_throughput", {"rows_shown": ROWS * EPOCHS, "batch": BATCH, "including": "tracing", "nets": rows})
