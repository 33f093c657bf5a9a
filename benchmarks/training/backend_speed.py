"""python -m benchmarks.training.backend_speed: CPU-seconds of training steps under TensorFlow and JAX, from the same data and settings."""

import json
import os
import subprocess
import sys
import time

from benchmarks.runner import ROOT, Row, peer, write

NETS = ("tsmixer", "tabm", "transformer", "whitened_cnn")
EPOCHS = 3  # of which the first, with import and compilation, is reported apart
REPEATS = 1
CLEAR = 1.5  # times per CPU-second from which a backend would be worth another default


def summary(found: dict) -> list[Row]:
    """Steps per CPU-second of JAX over TensorFlow, and after how much training JAX' longer start is paid back."""
    rows = []
    for net, of in found["nets"].items():
        tensorflow, jax = of["tensorflow"], of["jax"]
        ratio = tensorflow["epoch"] / jax["epoch"]
        more = jax["start"] - tensorflow["start"]
        if ratio <= 1:
            paid = "never paid back"
        elif more <= 0:
            paid = "its start is no longer"
        else:
            paid = f"its start is paid back after {more / (1 - 1 / ratio):.0f} CPU-seconds of TensorFlow's steps"
        start = f"start {jax['start']:.1f} s against {tensorflow['start']:.1f} s of CPU"
        rows.append(Row(f"JAX over TensorFlow on CPUs, steps per CPU-second: {net}", f"{ratio:.2f} ×", "", None, f"{start}; {paid}"))
    return rows


def measure(net: str) -> dict[str, float]:
    """CPU-seconds of this process up to the end of the first epoch, and of the fastest later epoch."""
    import keras
    import numpy as np

    from applied_dl.core import console
    from applied_dl.core.sections import Train
    from applied_dl.models import forecast, image, tabular
    from applied_dl.text.models.transformer import classifier, transformer
    from applied_dl.training.losses import loss as named_loss
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.source import resident
    from applied_dl.training.trainer import CheckpointingTrainer

    console.quiet = True
    set_up(0, True)
    random = np.random.default_rng(0)
    normal = lambda *shape: random.normal(size=shape).astype(np.float32)  # noqa: E731
    if net == "tabm":
        rows, batch = 8192, 256
        model = tabular.BUILDERS["tabm"](tabular.plain_features(16, (5, 20)))
        inputs = {"numbers": normal(rows, 16), "codes": random.integers(0, 5, (rows, 2)).astype(np.int32)}
        target, loss = normal(rows, *model.output.shape[1:]), "mse"
    elif net == "whitened_cnn":
        rows, batch = 512, 128
        model = image.whitened_cnn((28, 28, 1), 10)
        inputs = {"image": random.integers(0, 256, (rows, 28, 28, 1)).astype(np.uint8)}
        model = keras.Model({"image": model.inputs[0]}, model.outputs[0])
        target, loss = np.eye(10, dtype=np.float32)[random.integers(0, 10, rows)], "crossentropy"
    elif net == "transformer":
        rows, batch = 1024, 64
        model = classifier(transformer(2000, length=32, depth=2, width=128, heads=4), 5)
        inputs = {"ids": random.integers(3, 2000, (rows, 32)).astype(np.int32)}
        target, loss = np.eye(5, dtype=np.float32)[random.integers(0, 5, rows)], "crossentropy"
    else:
        rows, batch = 4096, 64
        model = forecast.BUILDERS["tsmixer"](forecast.Spec(lookback=96, horizon=24, channels=7, season=24))
        inputs = {"history": normal(rows, 96, 7)}
        model = keras.Model({"history": keras.tree.flatten(model.input)[0]}, model.output)
        target, loss = normal(rows, *model.output.shape[1:]), "mse"
    settings = Train(
        epochs=EPOCHS, batch_size=batch, learning_rate=1e-3, schedule="cosine", warmup=0.0, optimizer="adamw", weight_decay=0.01,
        clip_norm=1.0, ema=0.0, patience=0, precision="float32",
    )  # fmt: skip
    marks = []
    mark = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: marks.append(time.process_time()))
    CheckpointingTrainer(callbacks=(mark,)).train(model, resident(inputs, target), None, settings, loss=named_loss(loss))
    return {"start": marks[0], "epoch": min(b - a for a, b in zip(marks, marks[1:])), "rows": rows, "batch": batch}


def main() -> None:
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1])))
        return
    others = "keras>=3.12", "msgspec", "numpy", "Pillow", "polars", "tokenizers", "scikit-learn"
    pythons = {"tensorflow": sys.executable, "jax": os.environ.get("JAX_PYTHON") or str(peer("jax", *others, "jax[cpu]"))}
    nets: dict = {net: {} for net in NETS}
    for net in NETS:
        for repeat in range(REPEATS):
            for backend, python in pythons.items():  # one after the other, so that a busy hour is busy for both
                environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
                command = [python, "-m", "benchmarks.training.backend_speed", net]
                done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
                assert done.returncode == 0, done.stderr[-2000:]
                found = json.loads(done.stdout.strip().splitlines()[-1])
                before = nets[net].get(backend, found)
                nets[net][backend] = {key: min(before[key], value) for key, value in found.items()}
                print(net, backend, repeat, found, file=sys.stderr, flush=True)
        write("training_backend_speed", {"nets": {name: of for name, of in nets.items() if of}})


if __name__ == "__main__":
    main()
