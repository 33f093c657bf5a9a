"""python -m benchmarks.image.augment: augmentation in images per CPU-second, compared with Keras' own layers, both in a `tf.function`."""

import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from applied_dl.layers.augment import augmentation
from benchmarks.runner import Row, write

BATCH, SECONDS = 128, 2.0
PAIRS = {
    "flip": (("flip",), lambda: [layers.RandomFlip("horizontal")]),
    "shift": (("shift",), lambda: [layers.RandomTranslation(0.08, 0.08)]),
    "rotate": (("rotate",), lambda: [layers.RandomRotation(15 / 360)]),
    "zoom": (("zoom",), lambda: [layers.RandomZoom(0.12)]),
    "shear": (("shear",), lambda: [layers.RandomShear(0.1, 0.1)]),
    "perspective": (("perspective",), lambda: [layers.RandomPerspective()]),
    "flip, shift, rotate, zoom": (
        ("flip", "shift", "rotate", "zoom"),
        lambda: [
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.08, 0.08),
            layers.RandomRotation(15 / 360),
            layers.RandomZoom(0.12),
        ],
    ),
    "color": (("color",), lambda: [layers.RandomBrightness(0.2), layers.RandomContrast(0.25), layers.RandomSaturation(0.3)]),
    "erase": (("erase",), lambda: [layers.RandomErasing(0.5)]),
    "randaugment": (("randaugment",), lambda: [layers.RandAugment((0, 255))]),
}


def rate(function, batch) -> float:
    """Images per CPU-second after the tracing."""
    function(batch, 0)
    start, done = time.process_time(), 0
    while time.process_time() - start < SECONDS:
        done += BATCH
        function(batch, done)
    return done / (time.process_time() - start)


def measure(shape) -> list[dict]:
    images = np.random.default_rng(0).integers(0, 256, (BATCH, *shape), dtype=np.uint8)
    target = np.eye(10, dtype=np.float32)[np.arange(BATCH) % 10]
    rows = []
    for name, (names, stock) in PAIRS.items():
        if shape[-1] == 1 and name == "color":
            continue
        ours = augmentation(names)
        step = tf.function(lambda x, i, ours=ours: ours({"image": x}, target, tf.stack([1, i]))[0]["image"])
        found = {"shape": list(shape), "augment": name, "ours": rate(lambda x, i, step=step: step(x, tf.constant(i)), tf.constant(images))}
        try:
            chain = keras.Sequential(stock())
            theirs = tf.function(lambda x, chain=chain: chain(x, training=True))
            found["keras"] = rate(lambda x, i, theirs=theirs: theirs(x), tf.constant(images, tf.float32))
            found["ratio"] = found["ours"] / found["keras"]
        except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
            found["keras_failed"] = str(error).splitlines()[0][:120]
        rows.append({k: round(v, 2) if isinstance(v, float) else v for k, v in found.items()})
        print(rows[-1], flush=True)
    return rows


def summary(found: dict) -> list[Row]:
    """The range of the ratios to Keras' own layers."""
    ratios = [row["ratio"] for row in found["rows"] if "ratio" in row]
    slower = [row["augment"] for row in found["rows"] if row.get("ratio", 1) < 1]
    measured = f"{min(ratios):.1f} to {max(ratios):.1f} ×, median {sorted(ratios)[len(ratios) // 2]:.1f} ×"
    return [Row("augmentation against Keras' layers, per CPU-second", measured, compared=f"slower: {', '.join(slower) or 'none'}")]


def details(found: dict) -> list[str]:
    """Every augmentation at both sizes."""
    rows = ["| augmentation | images | ours, per CPU-second | Keras | ratio |", "|---|---|---|---|---|"]
    for row in found["rows"]:
        shape = " × ".join(map(str, row["shape"]))
        rows.append(f"| {row['augment']} | {shape} | {row['ours']:,.0f} | {row.get('keras', 0):,.0f} | {row.get('ratio', '–')} |")
    return rows


if __name__ == "__main__":
    write("image_augment", {"batch": BATCH, "unit": "images per CPU-second", "rows": measure((28, 28, 1)) + measure((96, 96, 3))})
