"""Same seed, same machine, CPU: the same weights, bit for bit; and the versions that a result depends on."""

from __future__ import annotations

import logging
import os
import platform
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version

import numpy as np

PACKAGES = ("applied_dl", "tensorflow", "keras", "numpy", "ai-edge-litert")


def set_up(seed: int, deterministic: bool, by_keras: bool = True) -> None:
    """Seed Python, numpy and, where it trains, Keras.

    Args:
        seed: of the run.
        deterministic: refuse operations whose result depends on the timing of threads.
        by_keras: whether Keras trains; without it, TensorFlow is not imported.
    """
    if not by_keras:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 — what libraries draw from
        return
    import keras

    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its hints on retracing are of no use to whoever runs a recipe
    with _hidden("tensorflow") if keras.backend.backend() == "jax" else nullcontext():
        keras.utils.set_random_seed(seed)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """A package as if it were not installed. Keras would load TensorFlow, 3 CPU-seconds, only to seed it, and looks for it once."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def versions() -> dict[str, str]:
    """The versions and thread settings a result depends on."""
    result = {"python": platform.python_version(), "machine": platform.machine(), "cores": str(os.cpu_count())}
    for name in PACKAGES:
        try:
            result[name] = version(name)
        except PackageNotFoundError:
            result[name] = "not installed"
    return result
