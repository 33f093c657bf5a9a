"""Features in which made images are compared with real ones: of a small classifier of the data's own, and of the shipped ImageNet trunk."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

from applied_dl.core import console
from applied_dl.core.fingerprint import fingerprint, row_keys
from applied_dl.tasks.generate.encoder import Form
from applied_dl.vision.models.trunk import make_trunk

FEATURES = 64
STEPS, BATCH, RATE = 2500, 128, 2e-3
MOST_EPOCHS = 40
TRUNK_SIDE = 96  # pixels of the images that the trunk sees
FITTED = 2000  # training images whose principal components reduce the trunk's features
PREDICTED = 256


class Scorer:
    """Images → features, and class probabilities where there are classes. Images seen before are not computed again.

    Args:
        form: of the images.
        arrays: weights by name, as `fit_scorer` returned them.
    """

    def __init__(self, form: Form, arrays: dict[str, np.ndarray]):
        self.model = _classifier(form) if form.labels else _trunk(form)
        self.axes, self.mean = arrays.get("axes"), arrays.get("mean")
        if form.labels:
            self.model.set_weights([arrays[f"weight_{i}"] for i in range(len(self.model.weights))])
        self._known: dict[object, tuple[np.ndarray, np.ndarray]] = {}

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 (N, H, W, C) → features (N, D) and probabilities (N, classes), the latter empty without classes."""
        keys = row_keys(images).tolist()
        new = list({key: i for i, key in enumerate(keys) if key not in self._known}.items())
        if new:
            fresh = np.ascontiguousarray(images[[i for _, i in new]])
            features, p = _outputs(self.model, fresh)
            features = features if self.axes is None else (features - self.mean) @ self.axes
            self._known.update({key: (features[i], p[i]) for i, (key, _) in enumerate(new)})
        return np.stack([self._known[key][0] for key in keys]), np.stack([self._known[key][1] for key in keys])


def _outputs(model: keras.Model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = model.predict(images, batch_size=PREDICTED, verbose=0)
    return (found["features"], found["p"]) if isinstance(found, dict) else (found, np.zeros((len(images), 0), np.float32))


def fit_scorer(form: Form, pixels: np.ndarray, codes: np.ndarray | None, seed: int, cache: Path) -> dict[str, np.ndarray]:
    """What a `Scorer` needs, fitted on training images, or taken from the cache.

    Args:
        form: of the images.
        pixels: training images, uint8 (N, H, W, C).
        codes: of their classes (N,), or None: the axes of the trunk's features are fitted then.
        seed: of the weights and the order.
        cache: a folder.
    """
    key = fingerprint(
        pixels if not isinstance(pixels, np.memmap) else str(pixels.filename), *(() if codes is None else (codes,)), seed, STEPS
    )
    path = cache / "scorers" / f"{key[:32]}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    with console.timed("scorer", "a classifier in whose features the images are compared" if form.labels else "the trunk's features"):
        found = _fit_classifier(form, pixels, codes, seed) if codes is not None else fit_axes(_trunk(form), pixels)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, **found)
    part.replace(path)
    return found


def fit_axes(trunk: keras.Model, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """The first principal components of a trunk's features on training images."""
    sample = pixels[np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), FITTED)).astype(np.int64))]
    features = _outputs(trunk, sample)[0].astype(np.float64)
    mean = features.mean(0)
    _, _, axes = np.linalg.svd(features - mean, full_matrices=False)
    return {"mean": mean.astype(np.float32), "axes": axes[:FEATURES].T.astype(np.float32)}


def trunk_scorer(form: Form, pixels: np.ndarray) -> Scorer:
    """A scorer by the trunk alone, also where there are classes."""
    plain = Form(latent=1, height=form.height, width=form.width, channels=form.channels)
    return Scorer(plain, fit_axes(_trunk(plain), pixels))


def _classifier(form: Form, seed: int = 0) -> keras.Model:
    """Images 0..255 → "features" (B, 64) and "p" (B, classes)."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((form.height, form.width, form.channels), name="image")
    x = layers.Rescaling(1 / 127.5, -1.0)(image)
    for i, (channels, size, stride) in enumerate(((32, 4, 2), (64, 3, 2), (64, 3, 1))):
        x = layers.Conv2D(channels, size, strides=stride if min(x.shape[1:3]) > 3 else 1, padding="same", use_bias=False, name=f"conv_{i}")(
            x
        )
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    while x.shape[1] * x.shape[2] > 64:
        x = layers.AveragePooling2D(2)(x)
    features = layers.Dense(FEATURES, activation="relu", name="features")(layers.Flatten()(x))
    logits = layers.Dense(len(form.labels), name="logits")(layers.Dropout(0.2)(features))
    return keras.Model(image, {"features": features, "p": layers.Softmax(name="p")(logits)}, name="scorer")


def _fit_classifier(form: Form, pixels: np.ndarray, codes: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    import tensorflow as tf

    model = _classifier(form, seed)
    batch = min(BATCH, max(8, len(pixels) // 8))
    steps = len(pixels) // batch
    epochs = max(2, min(MOST_EPOCHS, round(STEPS / steps)))
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps * epochs)
    learner = keras.optimizers.Adam(rate)
    learner.build(model.trainable_variables)
    x, y = tf.constant(np.asarray(pixels)), tf.constant(codes, tf.int32)

    @tf.function(reduce_retracing=True)
    def run(order):
        for rows in order:
            with tf.GradientTape() as tape:
                p = model(tf.cast(tf.gather(x, rows), tf.float32), training=True)["p"]
                loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(tf.gather(y, rows), p))
            learner.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    for epoch in range(epochs):
        order = np.random.default_rng([seed, 6, epoch]).permutation(len(pixels))[: steps * batch]
        run(tf.constant(order.reshape(steps, batch)))
    return {f"weight_{i}": np.asarray(w) for i, w in enumerate(model.get_weights())}


def _trunk(form: Form) -> keras.Model:
    """Images 0..255 → pooled features (B, 1280) of the ImageNet trunk inside the package."""
    image = keras.Input((form.height, form.width, form.channels), name="image")
    x = layers.Resizing(TRUNK_SIDE, TRUNK_SIDE, interpolation="bilinear")(layers.Rescaling(1.0)(image))
    x = layers.Concatenate()([x, x, x]) if form.channels == 1 else x
    trunk, scale, _ = make_trunk((TRUNK_SIDE, TRUNK_SIDE, 3), weights="embedded")
    return keras.Model(image, layers.GlobalAveragePooling2D()(trunk(scale(x))), name="trunk_features")
