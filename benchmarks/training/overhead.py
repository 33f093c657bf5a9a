"""python -m benchmarks.training.overhead: seconds per epoch of the engine, plain Keras `fit` and a hand-written tf.function."""

import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.runner import Row, seconds_of, write

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
EPOCHS, REPEATS, BATCH = 7, 7, 64
SKIPPED = 2  # epochs at the start of each training: tracing, warm caches
LIMITS = {"keras": 1.10, "by hand": 1.15}


def summary(found: dict) -> list[Row]:
    """The engine's epoch compared with its alternatives, the worst of the models, and the cost of checkpoints."""
    rows = []
    for peer, limit in LIMITS.items():
        ratios = {name: row["engine"] / row[peer] for name, row in found["models"].items()}
        worst = max(ratios.values())
        beside = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
        what = "plain Keras `fit`" if peer == "keras" else "a hand-written `tf.function` epoch"
        rows.append(Row(f"an epoch of the engine over {what}", f"{worst:.2f} ×", f"≤ {limit:.2f} ×", worst <= limit, beside))
    share = found["checkpoint_share"]
    return [*rows, Row("training time spent writing checkpoints", f"{share:.1%}", "≤ 3%", share <= 0.03, f"{found['checkpoints']} written")]


def data():
    import numpy as np
    from sklearn.datasets import load_digits

    images = load_digits()
    x = np.concatenate([images.images] * 3)[:4800, :, :, None].astype(np.float32)
    return x, np.eye(10, dtype=np.float32)[np.concatenate([images.target] * 3)[:4800]]


def build(name: str):
    import keras

    from applied_dl.tasks.image.models import BUILDERS

    inputs = keras.Input((8, 8, 1), name="image")
    return keras.Model({"image": inputs}, BUILDERS[name]((8, 8, 1), 10, dropout=0.0)(inputs))


def settings(**keys):
    from applied_dl.core import config
    from applied_dl.workflows import recipes

    chosen = {"epochs": EPOCHS, "batch_size": BATCH, "optimizer": "adam", "learning_rate": 1e-3, "schedule": "constant", "warmup": 0.0,
              "weight_decay": 0.0, "clip_norm": 0.0, "ema": 0.0, "patience": 0, **keys}  # fmt: skip
    return config.replace(recipes.read_recipe("image"), train=chosen).train


def engine(name: str, x, y) -> list[float]:
    from applied_dl.training.source import resident
    from applied_dl.training.trainer import CheckpointingTrainer

    source, held = resident({"image": x}, y), resident({"image": x[:800]}, y[:800])
    return [row["seconds"] for row in CheckpointingTrainer().train(build(name), source, held, settings(), loss=loss()).rows]


def bare(name: str, x, y) -> list[float]:
    import keras

    class Clock(keras.callbacks.Callback):
        seconds: list = []

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds = [*self.seconds, time.perf_counter() - self.start]

    model, clock = build(name), Clock()
    model.compile(keras.optimizers.Adam(1e-3), loss(), jit_compile=False)
    model.fit({"image": x}, y, batch_size=BATCH, epochs=EPOCHS, validation_data=({"image": x[:800]}, y[:800]),
              validation_batch_size=800, callbacks=[clock], verbose=0)  # fmt: skip
    return clock.seconds


def by_hand(name: str, x, y) -> list[float]:
    """The whole epoch in one graph: what a careful expert writes for this one case."""
    import keras
    import tensorflow as tf

    model, optimizer, objective = build(name), keras.optimizers.Adam(1e-3), loss()
    optimizer.build(model.trainable_variables)
    inputs, targets = tf.constant(x), tf.constant(y)
    steps = len(x) // BATCH

    @tf.function
    def epoch():
        order = tf.random.shuffle(tf.range(len(x)))
        total = 0.0
        for i in tf.range(steps):
            rows = order[i * BATCH : (i + 1) * BATCH]
            with tf.GradientTape() as tape:
                value = objective(tf.gather(targets, rows), model({"image": tf.gather(inputs, rows)}, training=True))
            optimizer.apply(tape.gradient(value, [v.value for v in model.trainable_variables]), model.trainable_variables)
            total += value
        return total / steps, objective(targets[:800], model({"image": inputs[:800]}, training=False))

    return seconds_of(epoch, EPOCHS)


def loss():
    import keras

    return keras.losses.CategoricalCrossentropy(from_logits=True)


def checkpoints(x, y) -> tuple[float, int]:
    """Share of a training's seconds that go into checkpoints, where one is due after every epoch."""
    from applied_dl.training import checkpoints as checkpoint
    from applied_dl.training.checkpoints import Store
    from applied_dl.training.source import resident
    from applied_dl.training.trainer import CheckpointingTrainer

    spent, write_one = [], checkpoint.write

    def timed(*arguments):
        start = time.perf_counter()
        write_one(*arguments)
        spent.append(time.perf_counter() - start)

    checkpoint.write = timed
    source, held = resident({"image": x}, y), resident({"image": x[:800]}, y[:800])
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        trainer = CheckpointingTrainer(Store(Path(folder), {"recipe": "r", "data": "d"}))
        trainer.train(build("small_cnn"), source, held, settings(epochs=30, checkpoint_minutes=0.0), loss=loss())
        seconds = time.perf_counter() - start
    checkpoint.write = write_one
    return sum(spent) / seconds, len(spent)


def main() -> None:
    from applied_dl.core import console

    console.quiet = True
    x, y = data()
    models = {}
    for name in ("mlp", "small_cnn"):
        seconds = {"engine": [], "keras": [], "by hand": []}
        for _ in range(REPEATS):  # in turns, so that a busy moment meets all three
            for peer, run in (("engine", engine), ("keras", bare), ("by hand", by_hand)):
                seconds[peer].append(statistics.median(run(name, x, y)[SKIPPED:]))
        models[name] = {peer: round(min(found), 5) for peer, found in seconds.items()}
        print(name, models[name], flush=True)
    share, count = checkpoints(x, y)
    write("training_overhead", {"epochs": EPOCHS, "repeats": REPEATS, "batch": BATCH, "models": models,
                                "checkpoint_share": round(share, 5), "checkpoints": count})  # fmt: skip


if __name__ == "__main__":
    main()
