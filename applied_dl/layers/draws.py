"""Random numbers as a pure function of a seed (2,), the same under TensorFlow and JAX.

TensorFlow draws by its own stateless operations. JAX computes the same generator (Philox 4×32-10, Salmon et al., 2011) from a seed that is
scrambled in the same way, so that both draw the same bits; only `beta`, which rejects, draws other numbers of the same distribution.
"""

from __future__ import annotations

import numpy as np

from applied_dl.layers.backend import JAX

MULTIPLY, WEYL, ROUNDS = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85), 10
SCRAMBLE = (0x3EC8F720, 0x02461E29)  # the key under which TensorFlow encrypts a seed


def uniform(shape, seed, low=0.0, high=1.0):
    """Float32 numbers in low..high of a shape whose sides may be tensors."""
    if not JAX:
        import tensorflow as tf

        return tf.random.stateless_uniform(shape, seed, low, high)
    mantissa = (_bits(shape, seed) & 0x7FFFFF) | 0x3F800000  # a float in 1..2
    return (_bitcast(mantissa, "float32") - 1) * (high - low) + low


def integers(shape, seed, high: int):
    """Int32 numbers in 0..high - 1."""
    if not JAX:
        import tensorflow as tf

        return tf.random.stateless_uniform(shape, seed, 0, high, tf.int32)
    return (_bits(shape, seed) % np.uint32(high)).astype("int32")


def split(seed, count: int) -> list:
    """`count` seeds (2,) int32 from one."""
    if not JAX:
        import tensorflow as tf

        return tf.unstack(tf.random.experimental.stateless_split(seed, count))
    return list(_bitcast(_bits((count, 2), seed), "int32"))


def beta(size, seed, alpha: float):
    """(size,) draws of Beta(alpha, alpha)."""
    if not JAX:
        import tensorflow as tf

        first, second = (tf.random.stateless_gamma((size,), seed + step, alpha) for step in (11, 13))
        return first / (first + second + 1e-12)
    import jax

    return jax.random.beta(jax.random.wrap_key_data(_bitcast(seed, "uint32"), impl="threefry2x32"), alpha, alpha, (size,))


def _bitcast(values, dtype: str):
    import jax

    return jax.lax.bitcast_convert_type(values, dtype)


def _bits(shape, seed):
    """Uint32 numbers, as TensorFlow's stateless operations draw them."""
    from jax import numpy as jnp

    size = int(np.prod(shape))
    words = seed.astype("uint32")
    signs = (seed.astype("int32") >> 31).astype("uint32")  # a seed is widened to 64 bits
    mixed = _philox((words[0], signs[0], words[1], signs[1]), tuple(jnp.uint32(k) for k in SCRAMBLE))
    block = jnp.arange(-(-size // 4), dtype="uint32")
    counter = (block, jnp.zeros_like(block), jnp.full_like(block, mixed[2]), jnp.full_like(block, mixed[3]))
    return jnp.stack(_philox(counter, mixed[:2]), axis=1).reshape(-1)[:size].reshape(shape)


def _philox(counter, key):
    """Four words (…) uint32 encrypted by two."""
    for turn in range(ROUNDS):
        if turn:
            key = tuple(k + np.uint32(w) for k, w in zip(key, WEYL))
        first_high, first_low = _product(counter[0], MULTIPLY[0])
        second_high, second_low = _product(counter[2], MULTIPLY[1])
        counter = (second_high ^ counter[1] ^ key[0], second_low, first_high ^ counter[3] ^ key[1], first_low)
    return counter


def _product(word, factor: int):
    """High and low word of a 32-bit product: JAX has no 64-bit integers by default."""
    a, b = word >> 16, word & 0xFFFF
    c, d = np.uint32(factor >> 16), np.uint32(factor & 0xFFFF)
    low = b * d
    middle = a * d + (low >> 16)
    other = b * c + (middle & 0xFFFF)
    return a * c + (middle >> 16) + (other >> 16), word * np.uint32(factor)
