"""The last layer of image regression: a standardised number → the prediction and its interval in the user's units."""

from __future__ import annotations

import keras
from keras import layers


@keras.saving.register_keras_serializable(package="applied_dl")
class NumberInterval(layers.Layer):
    """(B, 1) standardised → {"prediction", "lower", "upper"} (B,) = x · scale + mean, and the same ∓ margin.

    Args:
        mean, scale: mean and standard deviation of the training numbers.
        margin: half width of the interval: a conformal quantile of the absolute errors on validation rows.
    """

    def __init__(self, mean: float, scale: float, margin: float, **base):
        super().__init__(**base)
        self.mean, self.scale, self.margin = mean, scale, margin

    def call(self, x):
        prediction = x[:, 0] * self.scale + self.mean
        return {"prediction": prediction, "lower": prediction - self.margin, "upper": prediction + self.margin}

    def compute_output_shape(self, shape):
        return dict.fromkeys(("prediction", "lower", "upper"), (shape[0],))

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "scale": self.scale, "margin": self.margin}
