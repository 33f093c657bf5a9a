"""Which number format this machine trains fastest in."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import keras

from applied_dl.layers.backend import JAX


def precision(setting: str, dense_convolutions: bool) -> str:
    """The Keras dtype policy for `train.precision`; "auto" takes bfloat16 only where it is expected to be faster.

    That is a GPU, or dense convolutions on a CPU with bf16 instructions; depthwise ones and small dense nets lose by the conversions.
    """
    if setting != "auto":
        return setting
    if has_gpu():
        return "mixed_bfloat16"
    return "mixed_bfloat16" if dense_convolutions and has_bf16() else "float32"


@cache
def has_bf16() -> bool:
    """Whether the CPU has AVX-512 or AMX bfloat16 instructions."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


@cache
def has_gpu() -> bool:
    """Whether the backend that trains sees a GPU."""
    if JAX:
        import jax

        return jax.default_backend() == "gpu"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def as_float32(model: keras.Model) -> keras.Model:
    """The same graph and weights, computed in float32: exported files must not need bfloat16, which TFLite's kernels lack."""
    config = json.dumps(keras.saving.serialize_keras_object(model))
    plain = config
    for policy in ("mixed_bfloat16", "mixed_float16"):
        plain = plain.replace(f'"{policy}"', '"float32"')
    if plain == config:
        return model
    copy = keras.saving.deserialize_keras_object(json.loads(plain))
    copy.set_weights(model.get_weights())
    return copy
