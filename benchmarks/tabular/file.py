"""python -m benchmarks.tabular.file [PARTS]: the file of a tabular model: size, time, agreement with Keras, and the cost of the engine."""

import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import runner
from benchmarks.runner import Row, seconds_of
from benchmarks.tabular.common import TABLES

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
SOURCE = {"source": str(TABLES / "california_housing" / "housing.csv.gz"), "target": "median_house_value"}
NETS = {"tabm": 8, "realmlp": 8, "retrieval": 8}  # epochs: they change neither size nor time
EPOCHS, SKIPPED, REPEATS = 5, 2, 2
SPOILED = 500  # test rows that lose each of their cells in turn


def summary(found: dict) -> list[Row]:
    """Size, latency, agreement and overhead of the default network, and the others."""
    own, others = found["nets"]["tabm"], {name: row for name, row in found["nets"].items() if name != "tabm"}
    what = "California housing, tabm"
    size = ", ".join(f"{name} {row['fp16_bytes'] / 1e6:.2f} MB" for name, row in others.items())
    wait = ", ".join(f"{name} {row['latency_ms']:.3f} ms" for name, row in others.items())
    apart = ", ".join(f"{name} {row['relative']:.1e}" for name, row in others.items())
    ratio = found["overhead"]["engine"] / found["overhead"]["by hand"]
    mega = own["fp16_bytes"] / 1e6
    return [
        Row(f"{what}: the fp16 file", f"{mega:.2f} MB", "≤ 1 MB", mega <= 1, size),
        Row(f"{what}: one row", f"{own['latency_ms']:.3f} ms", "≤ 0.2 ms", own["latency_ms"] <= 0.2, wait),
        Row(f"{what}: largest difference to Keras, with empty cells and unseen categories", f"{own['relative']:.1e}", "≤ 1e-4",
            own["relative"] <= 1e-4, apart),
        Row(f"{what}: an epoch of the engine over a hand-written one", f"{ratio:.2f} ×", "≤ 1.15 ×", ratio <= 1.15),
    ]  # fmt: skip


def net(name: str, epochs: int) -> dict:
    """Train, export, and compare the fp32 file with Keras on test rows of which every cell is spoiled once."""
    import keras
    import numpy as np

    import applied_dl
    from applied_dl.exporting.verification import differences
    from applied_dl.runtime.interpreter import Runtime
    from applied_dl.tasks.tabular import task
    from applied_dl.workflows import recipes

    with tempfile.TemporaryDirectory() as folder:
        made = applied_dl.train("tabular", out=f"{folder}/b", data=SOURCE, model={"name": name}, train={"epochs": epochs},
                                export={"variants": ["fp32", "fp16"]})  # fmt: skip
        exports = {e.variant: e for e in made.manifest.exports if e.format == "tflite"}
        recipe = recipes.resolve(made.manifest.recipe, "b")
        part = task.prepare(recipe, Path(folder)).test.take(np.arange(SPOILED))
        model = keras.saving.load_model(f"{folder}/b/model.keras")
        runtime = Runtime((Path(folder) / "b" / exports["fp32"].file).read_bytes())
        relative = 0.0
        for column, values in part.inputs.items():
            for cell in (0, 1) if values.dtype == np.int32 else (np.nan,):  # never seen, absent; or empty
                rows = {**part.inputs, column: np.full_like(values, cell)}
                wanted, got = model.predict(rows, verbose=0), runtime.run(rows)
                relative = max(relative, differences(got, wanted)["max_rel_diff"])
    return {"fp16_bytes": exports["fp16"].bytes, "fp32_bytes": exports["fp32"].bytes, "latency_ms": exports["fp16"].latency_ms,
            "relative": relative, "epochs": epochs, "fp16_loss": exports["fp16"].metric_drop}  # fmt: skip


def overhead() -> dict[str, float]:
    """Median seconds of an epoch, the best of some turns: the engine's, and of one tf.function over the same network, rows and loss."""
    import keras
    import tensorflow as tf

    from applied_dl.tasks.tabular import task
    from applied_dl.tasks.tabular.fit import net as fitting
    from applied_dl.training.losses import loss as make_loss
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    chosen = {"data": SOURCE, "model": {"name": "tabm"}, "train": {"epochs": EPOCHS, "patience": 0, "clip_norm": 0.0}}
    recipe = recipes.read_recipe({"task": "tabular", **chosen})
    prepared = task.prepare(recipe, Path("."))
    recipe = task.resolve_defaults(recipe, prepared)
    objective = fitting.each_member(make_loss("mse"))
    score = fitting.ensemble_score(make_loss("mse"), False)

    def engine() -> list[float]:
        source, held = fitting.sources(recipe, prepared)
        model = fitting.build_net(recipe, prepared)
        return [
            row["seconds"] for row in CheckpointingTrainer().train(model, source, held, recipe.train, loss=objective, metrics=(score,)).rows
        ]

    def by_hand() -> list[float]:
        parts = [
            (fitting.matrices(prepared.encoder, p.inputs), fitting.targets(prepared, p)) for p in (prepared.train, prepared.validation)
        ]
        (x, y), (xv, yv) = [({k: tf.constant(v) for k, v in inputs.items()}, tf.constant(target)) for inputs, target in parts]
        model, size, count = fitting.build_net(recipe, prepared), recipe.train.batch_size, len(y)
        optimizer = keras.optimizers.AdamW(recipe.train.learning_rate, weight_decay=recipe.train.weight_decay)
        optimizer.build(model.trainable_variables)

        @tf.function
        def epoch():
            order, total = tf.random.shuffle(tf.range(count)), 0.0
            for i in tf.range(count // size):
                rows = order[i * size : (i + 1) * size]
                with tf.GradientTape() as tape:
                    seen = model({k: tf.gather(v, rows) for k, v in x.items()}, training=True)
                    value = tf.reduce_mean(objective(tf.gather(y, rows), seen))
                optimizer.apply(tape.gradient(value, [v.value for v in model.trainable_variables]), model.trainable_variables)
                total += value
            seen = model(xv, training=False)
            return total, tf.reduce_mean(objective(yv, seen)), tf.reduce_mean(score(yv, seen))

        return seconds_of(epoch, EPOCHS)

    found = {"engine": [], "by hand": []}
    for _ in range(REPEATS):  # in turns, so that a busy moment meets both
        for name, run in (("engine", engine), ("by hand", by_hand)):
            found[name].append(statistics.median(run()[SKIPPED:]))
    return {name: round(min(values), 4) for name, values in found.items()}


if __name__ == "__main__":
    from applied_dl.core import console

    console.quiet = True
    wanted = sys.argv[1].split(",") if len(sys.argv) > 1 else [*NETS, "overhead"]
    found = {key: value for key, value in (runner.read("tabular_file") or {"nets": {}}).items() if key != "machine"}
    for name in wanted:
        if name == "overhead":
            found["overhead"] = overhead()
        else:
            found["nets"][name] = net(name, NETS[name])
    runner.write("tabular_file", found)
