"""One forward and one backward step of every builder, under the Keras backend that KERAS_BACKEND names; one JSON line of what failed.

Run as a program, so that each backend has a process of its own: `KERAS_BACKEND=jax python tests/every_builder.py`.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras  # noqa: E402
import numpy as np  # noqa: E402

random = np.random.default_rng(0)


def models() -> dict:
    """Name → what makes `(model, inputs, target)`."""
    from applied_dl.layers.activations import NAMES
    from applied_dl.models import forecast, generate, image, segment, tabular
    from applied_dl.text.models.static import raw_bytes, static
    from applied_dl.text.models.transformer import classifier, masked_language_model, transformer
    from applied_dl.text.models.word_vectors import word_lookup

    def image_model(build, side=16, of_pixels=False, **options):
        x, shape = random.normal(size=(4, side, side, 3)).astype(np.float32), (side, side) if of_pixels else ()
        return build((side, side, 3), 5, **options), x, random.normal(size=(4, *shape, 5)).astype(np.float32)

    def series(build, name):
        channels = 1 if name == "panel" else 2
        spec = forecast.Spec(lookback=24, horizon=6, channels=channels, season=6, cycle=6 if name == "cyclenet" else 0)
        model = build(spec)
        given = model.input if isinstance(model.input, dict) else {"history": model.input}
        x = {key: _like(tensor, 4) for key, tensor in given.items()}
        return model, x, random.normal(size=(4, *model.output.shape[1:])).astype(np.float32)

    def made(model):
        x = {key: _like(tensor, 4) for key, tensor in model.input.items()}
        return model, x, random.normal(size=(4, *model.output.shape[1:])).astype(np.float32)

    def texts(model):
        given = model.input
        low, high = (97, 122) if "bytes" in given else (1, 40)  # letters, so that there are words
        x = {key: random.integers(low, high, size=(4, tensor.shape[1] or 12)).astype(tensor.dtype) for key, tensor in given.items()}
        shape = [side or 12 for side in model.output.shape[1:]]
        return model, x, random.normal(size=(4, *shape)).astype(np.float32)

    def columns(build):
        model = build(tabular.plain_features(4, (3, 20)))
        x = {"numbers": random.normal(size=(4, 4)).astype(np.float32), "codes": random.integers(0, 3, (4, 2)).astype(np.int32)}
        return model, x, random.normal(size=(4, *model.output.shape[1:])).astype(np.float32)

    plain = {name: build for name, build in image.BUILDERS.items() if name not in ("backbone", "whitened_cnn")}
    found = {f"image {name}": (lambda b=build: image_model(b)) for name, build in plain.items()}
    found["image whitened_cnn"] = lambda: image_model(image.whitened_cnn, 32)
    found["image backbone"] = lambda: image_model(image.backbone, 32, backbone="MobileNetV2", alpha=0.35, weights=None)
    found |= {f"segment {name}": (lambda b=build: image_model(b, of_pixels=True)) for name, build in segment.BUILDERS.items()}
    found |= {f"forecast {name}": (lambda b=build, n=name: series(b, n)) for name, build in forecast.BUILDERS.items()}
    found |= {f"generate {name}": (lambda b=build: made(b((8, 8, 1), 4, 3, width=4))) for name, build in generate.GENERATORS.items()}
    found["generate autoregressive"] = lambda: made(generate.column_net((5, 9), width=8))
    found["generate row_gan"] = lambda: made(generate.row_generator((5, 9), 4, width=8))
    found |= {f"tabular {name}": (lambda b=build: columns(b)) for name, build in tabular.BUILDERS.items()}
    small = {"depth": 1, "width": 32, "heads": 2}
    found["text transformer"] = lambda: texts(transformer(50, length=16, **small))
    found["text masked language model"] = lambda: texts(masked_language_model(transformer(50, length=16, **small)))
    found["text classifier"] = lambda: texts(classifier(transformer(50, length=16, **small), 3))
    found["text static"] = lambda: texts(static(50, dimensions=8))
    found["text raw_bytes"] = lambda: texts(raw_bytes(16, buckets=60, dimensions=8))
    found["text word_lookup"] = lambda: texts(_vector_alone(word_lookup(50, dimensions=8)))
    found |= {f"activation {name}": (lambda n=name: image_model(image.mlp, 4, activation=n)) for name in NAMES}
    return found


def _vector_alone(model):
    outputs = model.output
    return keras.Model(model.input, next(iter(outputs.values())) if isinstance(outputs, dict) else outputs)


def _like(tensor, rows: int):
    shape = (rows, *(side or 12 for side in tensor.shape[1:]))
    if "int" in tensor.dtype:
        return np.zeros(shape, tensor.dtype)
    return random.normal(size=shape).astype(np.float32)


def step(make) -> str | None:
    """What is wrong with one training step, or None."""
    keras.utils.set_random_seed(0)
    model, x, y = make()
    before = [np.asarray(keras.ops.convert_to_numpy(v)).copy() for v in model.trainable_variables]
    answer = keras.ops.convert_to_numpy(model(x))
    if not np.isfinite(answer).all():
        return "the forward step is not finite"
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    loss = model.train_on_batch(x, y)
    after = [keras.ops.convert_to_numpy(v) for v in model.trainable_variables]
    if not np.isfinite(loss):
        return "the loss is not finite"
    if before and not any(not np.array_equal(a, b) for a, b in zip(before, after)):
        return "the backward step changed nothing"
    return None


def main() -> None:
    wrong, names = {}, models()
    for name, make in names.items():
        try:
            message = step(make)
        except Exception as error:  # noqa: BLE001  every builder is tried
            message = f"{type(error).__name__}: {str(error).splitlines()[0][:300]}"
        if message:
            wrong[name] = message
    print(json.dumps({"backend": keras.backend.backend(), "keras": keras.__version__, "builders": len(names), "wrong": wrong}))


if __name__ == "__main__":
    main()
