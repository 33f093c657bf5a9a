"""Same seed, same machine, CPU: the same weights, bit for bit. And what must be recorded to say so."""

from __future__ import annotations

import logging
import os
import platform
import random
from importlib.metadata import PackageNotFoundError, version

import numpy as np

RECORDED = ("applied_dl", "tensorflow", "keras", "numpy", "ai-edge-litert")


def set_up(seed: int, deterministic: bool, by_keras: bool = True) -> None:
    """Seed Python, numpy and, where it trains, Keras; with `deterministic`, forbid operations whose result depends on thread timing."""
    if not by_keras:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 — what libraries draw from
        return
    import keras

    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its hints on retracing are not for the users of a recipe
    keras.utils.set_random_seed(seed)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def versions() -> dict[str, str]:
    """The versions and thread settings a result depends on."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "cores": str(os.cpu_count())}
    for name in RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
