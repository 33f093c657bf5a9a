"""python -m benchmarks.training.backends [BACKENDS]: a forward and a backward step of every builder under TensorFlow, JAX and PyTorch.

Backends that are not named keep what an earlier call found.
"""

import json
import os
import subprocess
import sys

from benchmarks.runner import ROOT, Row, peer, read, write

PACKAGES = {"jax": ("jax[cpu]",), "torch": ("torch",)}
SHARED = ("keras>=3.12", "msgspec", "numpy", "Pillow", "polars", "scipy")  # no TensorFlow: it is not needed to build and to train


def summary(found: dict) -> list[Row]:
    """Builders that run, by backend."""
    rows = []
    for backend, one in found["backends"].items():
        what = f"builders that take a training step under {backend}"
        if one.get("builders"):
            right = one["builders"] - len(one["wrong"])
            rows.append(Row(what, f"{right} of {one['builders']}", "all", not one["wrong"], f"Keras {one['keras']}"))
        else:
            rows.append(Row(what, "not measured", "all", None, one["reason"]))
    return rows


def main() -> None:
    chosen = sys.argv[1:] or ["tensorflow", *PACKAGES]
    backends = (read("training_backends") or {"backends": {}})["backends"]
    for backend in chosen:
        try:
            python = sys.executable if backend == "tensorflow" else str(peer(backend, *SHARED, *PACKAGES[backend]))
        except subprocess.CalledProcessError:
            backends[backend] = {"reason": "the backend could not be installed"}
            continue
        environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run([python, str(ROOT / "tests/every_builder.py")], env=environment, capture_output=True, text=True)
        lines = done.stdout.strip().splitlines()
        reason = {"reason": done.stderr.strip()[-200:]}
        backends[backend] = json.loads(lines[-1]) if done.returncode == 0 and lines else reason
        print(backend, backends[backend], file=sys.stderr, flush=True)
    write("training_backends", {"backends": backends})


if __name__ == "__main__":
    main()
