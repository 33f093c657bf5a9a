"""RealMLP: a perceptron with defaults tuned together on 118 tables (Holzmüller et al., Better by Default, 2024)."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from applied_dl.core.errors import UsageError
from applied_dl.layers.activations import activation as make_activation
from applied_dl.layers.activations import pieces
from applied_dl.layers.dense import NTPDense
from applied_dl.tasks.tabular.models.features import Features, entries, vector

RATES = {"waves": 0.1, "front": 6.0, "blend": 0.1}  # of the learning rate, by the layer's name; biases of NTP layers take BIAS_RATE
BIAS_RATE = 0.1
SIMPLEX = 5  # training rows whose random mean is the initial kink of a unit ("he+5")
START_ROWS = 4096  # most rows of the data-dependent initialisation


@keras.saving.register_keras_serializable(package="applied_dl")
class FrontScale(layers.Layer):
    """(B, D) → (B, D): each feature times a weight with a high learning rate, a soft selection of features. Starts at 1."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale


@keras.saving.register_keras_serializable(package="applied_dl")
class Blend(layers.Layer):
    """x and f(x) → x + a (f(x) − x): each unit learns its share a of the activation, which starts at 1."""

    def build(self, x_shape, activated_shape):
        self.share = self.add_weight(shape=(x_shape[-1],), initializer="ones", name="share")

    def call(self, x, activated):
        return x + self.share * (activated - x)

    def compute_output_shape(self, x_shape, activated_shape):
        return x_shape


@keras.saving.register_keras_serializable(package="applied_dl")
class FadingDropout(layers.Layer):
    """Dropout at `rate` for half of `steps` training steps, then a cosine decay to 0 ("flat_cos"). 0 steps: always `rate`."""

    def __init__(self, rate: float, steps: int = 0, **base):
        super().__init__(**base)
        self.rate, self.steps = rate, steps
        self.seed = keras.random.SeedGenerator()

    def build(self, shape):
        self.step = self.add_weight(shape=(), initializer="zeros", trainable=False, name="step")

    def rate_at(self, step):
        """The rate of a step."""
        if not self.steps:
            return ops.convert_to_tensor(self.rate, "float32")
        late = ops.clip(2.0 * ops.cast(step, "float32") / self.steps - 1.0, 0.0, 1.0)
        return self.rate * 0.5 * (1.0 + ops.cos(np.pi * late))

    def call(self, x, training=False):
        if not training:
            return x
        keep = 1.0 - self.rate_at(self.step)
        self.step.assign(self.step + 1.0)
        drawn = ops.cast(keras.random.uniform(ops.shape(x), seed=self.seed) < keep, x.dtype)
        return x * drawn / ops.cast(keep, x.dtype)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "steps": self.steps}


def realmlp(
    features: Features, outputs: int = 1, *, width=256, depth=3, activation="mish", dropout=0.15, steps=0, name="realmlp"
) -> keras.Model:
    """The net of RealMLP-TD: scaled features, then hidden layers whose activation is blended with the identity.

    `steps` is the number of training steps over which the dropout fades. Use `features` with periodic numbers, initialise it with `start`
    and train it with the learning-rate factors of `rates`. 8 plain numbers, 1 output: 134,924 parameters.
    """
    if pieces(activation) > 1:
        raise UsageError(f"model.activation = {activation!r} has no meaning for 'realmlp', which blends a unit with its own activation.")
    inputs = entries(features)
    x, _ = vector(features, inputs)
    x = FrontScale(name="front")(x)
    for i in range(depth):
        x = NTPDense(width, name=f"hidden_{i}")(x)
        x = Blend(name=f"blend_{i}")(x, make_activation(activation)(x))
        x = FadingDropout(dropout, steps, name=f"fading_{i}")(x) if dropout else x
    x = NTPDense(outputs, dtype="float32", name="head")(x)
    return keras.Model(inputs, layers.Reshape((1, outputs), dtype="float32", name="one")(x), name=name)


def rates(model: keras.Model) -> dict[str, float]:
    """Learning-rate factors by prefix of a variable's path, for the trainer."""
    own = {layer.name: factor for layer in model.layers for prefix, factor in RATES.items() if layer.name.startswith(prefix)}
    return own | {f"{layer.name}/bias": BIAS_RATE for layer in model.layers if isinstance(layer, NTPDense)}


def start(model: keras.Model, rows: dict[str, np.ndarray], seed: int = 0) -> None:
    """Data-dependent initialisation on training `rows` (input name → (N, …)): unit standard deviation and kinks among the rows ("he+5").

    The columns of W are divided by the deviation of x W / √D; b is minus a random mean of five rows' values of the unit.
    """
    random = np.random.default_rng(seed)
    some = np.sort(random.permutation(len(next(iter(rows.values()))))[:START_ROWS])
    rows = {name: values[some] for name, values in rows.items()}
    for layer in [one for one in model.layers if isinstance(one, NTPDense)]:
        x = keras.Model(model.input, layer.input).predict(rows, batch_size=1024, verbose=0).astype(np.float64)  # (N, D)
        kernel = np.asarray(ops.convert_to_numpy(layer.kernel), np.float64)
        z = x @ kernel * layer.factor  # (N, units)
        deviation = np.where(z.std(0) > 1e-6, z.std(0), 1.0)
        z, units = z / deviation, z.shape[1]
        share = random.exponential(size=(SIMPLEX, units))
        picked = z[random.integers(0, len(z), (SIMPLEX, units)), np.arange(units)]
        layer.kernel.assign((kernel / deviation).astype(np.float32))
        layer.bias.assign(-(picked * share / share.sum(0)).sum(0).astype(np.float32))
