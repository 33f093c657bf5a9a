"""python -m benchmarks.runtime.overhead: overhead of `Predictor` over a bare interpreter, and 16 threads that must get the answers of one.

Microseconds of one call, median of 400, of a table of ten numbers (diabetes) and of images of 64 by 64 through resnet: the bare
`Interpreter.invoke` on inputs that lie there already, `Predictor.run` (arrays in, arrays out), and `Predictor.predict` (a raw row or
pixels in, a label or number out). Calls take turns, so that other work on the machine weighs on all alike.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

from benchmarks.runner import Row, write

CALLS = 400
THREADS, EACH = 16, 80
SIDE = 64


def trained(folder: Path) -> dict[str, Path]:
    """A tabular bundle, and one of images with a network of a usual size; neither trained to be good."""
    import numpy as np
    from PIL import Image

    import applied_dl

    random, export = np.random.default_rng(0), {"formats": ["tflite"], "variants": ["fp32"]}
    for label in ("light", "dark"):
        (folder / "images" / label).mkdir(parents=True)
        for i in range(40):
            pixels = random.integers(0, 128, (SIDE, SIDE, 3), dtype=np.uint8) + (127 if label == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / label / f"{i}.png")
    applied_dl.train("tabular", out=folder / "tabular", model={"name": "mlp"}, train={"epochs": 3}, export=export)
    applied_dl.train(
        "image", out=folder / "image", data={"source": str(folder / "images"), "image_size": [SIDE, SIDE]},
        model={"name": "resnet"}, train={"epochs": 1, "batch_size": 16}, export=export,
    )  # fmt: skip
    return {"tabular": folder / "tabular", "image": folder / "image"}


def measure(bundle: Path) -> dict:
    """Median microseconds of each kind of call on one thread."""
    import numpy as np

    from applied_dl.predictor import load

    predictor = load(bundle, threads=1)
    with np.load(bundle / "golden.npz") as golden:
        inputs = {name.removeprefix("input/"): golden[name][:1] for name in golden.files if name.startswith("input/")}
    raw = inputs["image"][0] if "image" in inputs else {c.name: float(inputs[c.inputs[0]][0]) for c in predictor.encoder.columns}
    predictor.run(inputs)
    bare = predictor.runtime._idle.queue[0].interpreter  # the very one that `run` borrows: another would lie elsewhere in memory
    calls = {"invoke": bare.invoke, "run": lambda: predictor.run(inputs), "predict": lambda: predictor.predict([raw])}
    spent = {name: [] for name in calls}
    for i in range(CALLS + 20):
        order = list(calls)[i % len(calls) :] + list(calls)[: i % len(calls)]  # who comes after whom matters to the caches
        for name in order:
            call = calls[name]
            start = time.perf_counter()
            call()
            if i >= 20:
                spent[name].append(time.perf_counter() - start)
    found = {name: round(float(np.median(values)) * 1e6, 2) for name, values in spent.items()}
    beside = {f"{n}_beside_us": round(float(np.median(np.subtract(spent[n], spent["invoke"]))) * 1e6, 2) for n in ("run", "predict")}
    return {"inputs": len(inputs), **found, **beside}


def together(bundle: Path) -> dict:
    """Wrong answers of 16 threads that share one predictor, compared with one thread."""
    import numpy as np

    from applied_dl.predictor import load

    predictor = load(bundle)
    (name, kind), random = next(iter(predictor.runtime.inputs.items())), np.random.default_rng(0)
    shape = [n if n > 0 else 1 for n in kind["shape_signature"]]
    rows = [{name: random.integers(0, 256, shape).astype(kind["dtype"])} for _ in range(THREADS)]
    alone = [predictor.run(row) for row in rows]
    wrong = []

    def ask(i: int) -> None:
        for _ in range(EACH):
            got = predictor.run(rows[i])
            if any(not np.array_equal(got[key], alone[i][key]) for key in got):
                wrong.append(i)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(THREADS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"threads": THREADS, "calls": THREADS * EACH, "wrong": len(wrong), "seconds": round(time.perf_counter() - start, 2)}


def summary(found: dict) -> list[Row]:
    """Against the goals; `predict` reads and phrases as well, and has none."""
    table, image, many = found["tabular"], found["image"], found["together"]
    share = image["run_beside_us"] / image["invoke"]
    whole = image["predict_beside_us"] / image["invoke"]
    return [
        Row(
            "`Predictor.run` over a bare invoke, one row of a table",
            f"{table['run_beside_us']:.0f} µs",
            "≤ 50 µs",
            table["run_beside_us"] <= 50,
            f"`predict` from a raw row: {table['predict_beside_us']:,.0f} µs",
        ),
        Row(
            f"`Predictor.run` over a bare invoke, one image of {SIDE} by {SIDE}",
            f"{share:.1%} of {image['invoke'] / 1000:.1f} ms",
            "≤ 5%",
            share <= 0.05,
            f"`predict` from pixels: {whole:.1%}",
        ),
        Row(
            f"{many['calls']:,} calls from {many['threads']} threads at once",
            f"{many['wrong']} other answers than one thread's",
            "≥ 1,000 calls, none",
            many["wrong"] == 0 and many["calls"] >= 1000,
        ),
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        bundles = trained(Path(temporary))
        found = {name: measure(bundle) for name, bundle in bundles.items()}
        write("runtime_overhead", {**found, "together": together(bundles["image"])})


if __name__ == "__main__":
    main()
