"""benchmarks/gpu/run.sh: the trainer on a GPU by JAX: rows per second beside a loop written by hand, and the time to an accuracy."""

import gzip
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runner import RESULTS, ROOT, SHARED, Row, write

PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12, "V100": 125e12}  # dense bfloat16 (V100: float16) FLOP/s, data sheets
GOAL_RATIO, GOAL_ACCURACY, GOAL_SECONDS = 0.95, 0.939, 15.0
EPOCHS = 4  # of which the first compiles


def summary(found: dict) -> list[Row]:
    """Rows per second over those of a loop written by hand, share of the device's peak, and seconds to the accuracy."""
    rows = []
    if "cpu" in found["device"].lower():
        rows.append(Row("the trainer on a GPU, by JAX", "not measured: no GPU was at hand", f"≥ {GOAL_RATIO} of a loop written by hand"))
        return rows
    for name, one in found["nets"].items():
        ratio, share = one["rows_per_second"] / one["by_hand"], one.get("share_of_peak")
        compared = f"{one['rows_per_second']:,.0f} rows/s against {one['by_hand']:,.0f}" + (f", {share:.0%} of the peak" if share else "")
        rows.append(Row(f"{name}, {found['device']}", f"{ratio:.2f}", f"≥ {GOAL_RATIO}", ratio >= GOAL_RATIO, compared))
    if one := found.get("fashion_mnist"):
        met = one["accuracy"] >= GOAL_ACCURACY and one["seconds"] <= GOAL_SECONDS
        goal = f"{GOAL_ACCURACY:.1%} in ≤ {GOAL_SECONDS:.0f} s"
        rows.append(Row("Fashion-MNIST by its recipe", f"{one['accuracy']:.2%} in {one['seconds']:.1f} s", goal, met))
    return rows


def nets(tiny: bool) -> dict:
    """Name → (model, inputs, target, loss, batch, precision)."""
    import keras
    import numpy as np

    from applied_dl.models import image, tabular
    from applied_dl.text.models.transformer import classifier, transformer

    random = np.random.default_rng(0)
    normal = lambda *shape: random.normal(size=shape).astype(np.float32)  # noqa: E731
    one_hot = lambda rows, classes: np.eye(classes, dtype=np.float32)[random.integers(0, classes, rows)]  # noqa: E731

    def resnet():
        rows, side = (256, 16) if tiny else (50_000, 32)
        inner = image.resnet((side, side, 3), 10, width=0.5 if tiny else 3.8)
        model = keras.Model({"image": inner.inputs[0]}, inner.outputs[0])
        images = random.integers(0, 256, (rows, side, side, 3)).astype(np.uint8)
        return model, {"image": images}, one_hot(rows, 10), "crossentropy", 32 if tiny else 512

    def tabm():
        rows = 2048 if tiny else 1_000_000
        model = tabular.BUILDERS["tabm"](tabular.plain_features(20, (5, 20)))
        inputs = {"numbers": normal(rows, 20), "codes": random.integers(0, 5, (rows, 2)).astype(np.int32)}
        return model, inputs, normal(rows, *model.output.shape[1:]), "mse", 256 if tiny else 8192

    def texts():
        rows, sizes = (256, {"depth": 1, "width": 32, "heads": 2}) if tiny else (100_000, {"depth": 6, "width": 384, "heads": 6})
        model = classifier(transformer(8000, length=64, **sizes), 10)
        return model, {"ids": random.integers(3, 8000, (rows, 64)).astype(np.int32)}, one_hot(rows, 10), "crossentropy", 32 if tiny else 256

    return {"resnet, bfloat16": (resnet, True), "tabm": (tabm, False), "sentence Transformer, bfloat16": (texts, True)}


def measure(build, half: bool) -> dict:
    """Rows per second of the trainer and of the loop by hand, on the same net and rows."""
    import jax
    import keras

    from applied_dl.core.sections import Train
    from applied_dl.training.losses import loss as named_loss
    from applied_dl.training.source import resident
    from applied_dl.training.trainer import CheckpointingTrainer

    keras.config.set_dtype_policy("mixed_bfloat16" if half else "float32")
    try:
        model, inputs, target, loss, batch = build()
    finally:
        keras.config.set_dtype_policy("float32")
    settings = Train(
        epochs=EPOCHS, batch_size=batch, learning_rate=1e-3, schedule="cosine", warmup=0.0, optimizer="adamw", weight_decay=0.01,
        clip_norm=0.0, ema=0.0, patience=0,
    )  # fmt: skip
    start = model.get_weights()
    history = CheckpointingTrainer().train(model, resident(inputs, target), None, settings, loss=named_loss(loss))
    rows = len(target) // batch * batch
    found = {"rows": rows, "batch": batch, "parameters": model.count_params()}
    found["rows_per_second"] = rows / min(row["seconds"] for row in history.rows[1:])
    model.set_weights(start)
    by_hand, flops = loop_by_hand(model, inputs, target, named_loss(loss), batch)
    kind = jax.devices()[0].device_kind
    peak = next((value for name, value in PEAK.items() if name in kind), None)
    found |= {"by_hand": by_hand, "flops_per_row": flops}
    return found | ({"share_of_peak": found["rows_per_second"] * flops / peak} if peak else {})


def loop_by_hand(model, inputs, target, loss, batch: int) -> tuple[float, float]:
    """Rows per second of AdamW in plain JAX, a whole epoch in one call, and the FLOPs of a row as XLA counts them."""
    import jax
    import numpy as np
    from jax import numpy as jnp

    data = {name: jnp.asarray(values) for name, values in inputs.items()}, jnp.asarray(target)
    fixed = [v.value for v in model.non_trainable_variables]
    weights = [jnp.array(v.value) for v in model.trainable_variables]
    zeros = [jnp.zeros_like(w) for w in weights]

    def value(weights, fixed, x, y):
        prediction, fixed = model.stateless_call(weights, fixed, x, training=True)
        return loss(y, prediction), fixed

    def step(state, index, data):
        weights, first, second, fixed, count = state
        x, y = jax.tree.map(lambda column: column[index], data)
        gradients, fixed = jax.grad(value, has_aux=True)(weights, fixed, x, y)
        count = count + 1
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients)]
        scale = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = [w * (1 - 1e-5) - scale * m / (jnp.sqrt(v) + 1e-7) for w, m, v in zip(weights, first, second)]
        return (weights, first, second, fixed, count), None

    epoch = jax.jit(lambda state, order, data: jax.lax.scan(lambda s, i: step(s, i, data), state, order)[0], donate_argnums=0)
    random, steps, seconds = np.random.default_rng(0), len(target) // batch, []
    state = (weights, zeros, [jnp.zeros_like(w) for w in weights], [jnp.array(v) for v in fixed], jnp.float32(0))
    cost = jax.jit(lambda state, index, data: step(state, index, data)[0]).lower(state, np.arange(batch), data).compile().cost_analysis()
    for _ in range(EPOCHS):
        order = random.permutation(len(target))[: steps * batch].reshape(steps, batch).astype(np.int32)
        start = time.perf_counter()
        state = jax.block_until_ready(epoch(state, order, data))
        seconds.append(time.perf_counter() - start)
    cost = cost[0] if isinstance(cost, list) else cost
    return steps * batch / min(seconds[1:]), float((cost or {}).get("flops", 0.0)) / batch


def fashion_mnist(tiny: bool) -> dict | None:
    """Test accuracy and seconds of the fit by the recipe of Fashion-MNIST; None without its files."""
    import numpy as np

    from applied_dl.tasks import load_task
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    folder = SHARED / "images" / "fashion_mnist"
    if not folder.exists():
        return None
    with tempfile.TemporaryDirectory() as work:
        arrays = {}
        for part, name in (("train", "train"), ("test", "t10k")):
            rows = 640 if tiny else None
            arrays[f"x_{part}"] = np.frombuffer(gzip.open(folder / f"{name}-images-idx3-ubyte.gz").read(), np.uint8, offset=16)
            arrays[f"x_{part}"] = arrays[f"x_{part}"].reshape(-1, 28, 28)[:rows]
            arrays[f"y_{part}"] = np.frombuffer(gzip.open(folder / f"{name}-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)[:rows]
        np.savez(Path(work) / "fashion.npz", **arrays)
        keys = {"data.source": str(Path(work) / "fashion.npz")} | ({"train.epochs": 2, "model.width": 0.25} if tiny else {})
        recipe, task = recipes.read_recipe(str(ROOT / "pipelines/fashion_mnist.toml"), keys), load_task("image")
        prepared = task.prepare(recipe, Path(work))
        recipe = task.resolve_defaults(recipe, prepared)
        start = time.perf_counter()
        fitted = task.fit(recipe, prepared, CheckpointingTrainer())
        seconds = time.perf_counter() - start
        logits = fitted.model.predict(prepared.test.inputs, batch_size=1000, verbose=0)
        accuracy = float((np.asarray(logits).argmax(1) == prepared.test.target).mean())
        epochs = [row["seconds"] for row in fitted.history.rows]
        return {"accuracy": accuracy, "seconds": seconds, "first_epoch": epochs[0], "later_epoch": float(np.median(epochs[1:]))}


def main() -> None:
    import jax

    from applied_dl.training.reproducible import set_up

    set_up(0, True)
    tiny = "--tiny" in sys.argv
    found: dict = {"device": jax.devices()[0].device_kind, "tiny": tiny, "nets": {}}
    for name, (build, half) in nets(tiny).items():
        found["nets"][name] = measure(build, half)
        print(name, found["nets"][name], file=sys.stderr, flush=True)
    found["fashion_mnist"] = fashion_mnist(tiny)
    if tiny and not os.environ.get("KEEP"):
        print(found)
    else:
        RESULTS.mkdir(exist_ok=True)
        write("gpu_measure", found)


if __name__ == "__main__":
    main()
