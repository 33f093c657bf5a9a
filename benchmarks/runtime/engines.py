"""python -m benchmarks.runtime.engines: the same networks through LiteRT, ONNX Runtime and `tf.saved_model`, in one run.

Three networks of usual sizes (MobileNetV2 on 96 by 96, an MLP on ten numbers, a GRU on 96 steps), untrained: one row on one thread, median
of rounds in which the runtimes take turns, and the seconds that a fresh process takes to import the runtime, load the file and answer once.
ONNX Runtime, tf2onnx and a TensorFlow for them run in a separate environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.runner import Row, peer, write

ROUNDS, CALLS, STARTS = 7, 30, 3
CLIENT = """
import json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
runtime, folder, mode = sys.argv[1:4]
start = time.perf_counter()
import numpy as np
rows = dict(np.load(folder + "/row.npz"))
if runtime == "litert":
    from ai_edge_litert.interpreter import Interpreter
    model = Interpreter(folder + "/fp32.tflite", num_threads=1).get_signature_runner("serving_default")
    ask = lambda: model(**rows)
elif runtime == "onnx":
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = onnxruntime.InferenceSession(folder + "/model.onnx", options, providers=["CPUExecutionProvider"])
    names = {i.name: next(r for r in rows if i.name.split(":")[0].endswith(r)) for i in model.get_inputs()}
    outputs = [o.name for o in model.get_outputs()]
    ask = lambda: dict(zip(outputs, model.run(outputs, {name: rows[key] for name, key in names.items()})))
else:
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = tf.saved_model.load(folder + "/phone").signatures["serving_default"]
    given = {name: tf.constant(value) for name, value in rows.items()}
    ask = lambda: {name: value.numpy() for name, value in model(**given).items()}
first = ask()
print(json.dumps({"start": time.perf_counter() - start}), flush=True)
np.savez(folder + f"/{runtime}.npz", y=next(iter(first.values())))
calls = int(mode)
for line in sys.stdin:
    spent = []
    for _ in range(calls):
        begin = time.perf_counter()
        ask()
        spent.append(time.perf_counter() - begin)
    print(json.dumps(sorted(spent)[calls // 2]), flush=True)
"""


def nets() -> dict:
    """Untrained networks by name, with a row of inputs."""
    import keras
    import numpy as np

    from applied_dl.models import forecast, image, tabular

    random = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    series = forecast.gru(forecast.Spec(lookback=96, horizon=24, channels=1, season=24, cycle=0))
    models = {
        "MobileNetV2, 96 × 96": image.backbone((96, 96, 3), 10, backbone="MobileNetV2", weights=None),
        "MLP, ten numbers": tabular.mlp(tabular.plain_features(10), 1),
        "GRU, 96 steps": series,
    }
    found = {}
    for name, model in models.items():
        from benchmarks.export.conversion_matrix import with_names

        named = with_names(model)
        row = {key: random.normal(size=(1, *(n or 1 for n in t.shape[1:]))).astype("float32") for key, t in named.input.items()}
        found[name] = named, row
    return found


def prepare(model, row: dict, folder: Path, python: Path) -> None:
    """The SavedModel, the TFLite file and the ONNX file of a network."""
    import numpy as np

    from applied_dl.exporting import convert
    from applied_dl.exporting.saved_model import write_saved_model
    from applied_dl.exporting.serving import Serving

    np.savez(folder / "row.npz", **row)
    write_saved_model(Serving(model), folder / "phone")
    assert convert.convert(folder / "phone", folder, ("fp32",), folder / "row.npz") == {}
    command = ["-m", "tf2onnx.convert", "--saved-model", str(folder / "phone"), "--output", str(folder / "model.onnx"), "--opset", "17"]
    done = subprocess.run([python, *command], capture_output=True, text=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    if done.returncode:
        print("tf2onnx:", done.stderr.strip().splitlines()[-1], file=sys.stderr)


def compare(folder: Path, python: Path) -> dict:
    """Median milliseconds by runtime over rounds in turns, seconds of a fresh start, and how far the answers lie from LiteRT's."""
    import numpy as np

    pythons = {"litert": sys.executable, "saved_model": sys.executable}
    if (folder / "model.onnx").exists():
        pythons["onnx"] = str(python)
    started, running = {name: [] for name in pythons}, {}
    for name, binary in pythons.items():
        for i in range(STARTS):
            client = subprocess.Popen(
                [binary, "-c", CLIENT, name, str(folder), str(CALLS)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            started[name].append(json.loads(client.stdout.readline())["start"])
            if i < STARTS - 1:
                client.communicate()
        running[name] = client
    spent = {name: [] for name in running}
    for _ in range(ROUNDS):
        for name, client in running.items():
            client.stdin.write("go\n")
            client.stdin.flush()
            spent[name].append(json.loads(client.stdout.readline()))
    for client in running.values():
        client.communicate()
    answers = {name: np.load(folder / f"{name}.npz")["y"] for name in running}
    return {
        name: {
            "ms": round(float(np.median(spent[name])) * 1e3, 4),
            "start_seconds": round(float(np.median(started[name])), 2),
            "max_difference": float(np.abs(answers[name] - answers["litert"]).max()),
        }
        for name in running
    }


def main() -> None:
    python = peer("onnx", "tensorflow==2.21.0", "keras==3.15.1", "tf2onnx", "onnxruntime", "onnx")
    found = {}
    for name, (model, row) in nets().items():
        with tempfile.TemporaryDirectory() as temporary:
            prepare(model, row, Path(temporary), python)
            found[name] = compare(Path(temporary), python)
    write("runtime_engines", {"nets": found})


def summary(found: dict) -> list[Row]:
    """Ratios; the answers must agree."""
    rows = []
    for name, runtimes in found["nets"].items():
        own = runtimes["litert"]
        beside = "; ".join(
            f"{title} {(other := runtimes[key])['ms']:.3g} ms ({other['ms'] / own['ms']:.1f} times), start {other['start_seconds']:.1f} s"
            for key, title in (("onnx", "ONNX Runtime"), ("saved_model", "tf.saved_model"))
            if key in runtimes
        )
        rows.append(Row(f"one row through LiteRT: {name}", f"{own['ms']:.3g} ms, start {own['start_seconds']:.1f} s", compared=beside))
    return rows


if __name__ == "__main__":
    main()
