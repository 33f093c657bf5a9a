"""Small trainings of four tasks by the backend that KERAS_BACKEND names, from the same first weights; weights and histories as a file.

Run as a program, `KERAS_BACKEND=jax python parity.py FOLDER CASE…`. The first process of a folder writes the first weights, which later
ones begin with.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import keras  # noqa: E402
import numpy as np  # noqa: E402

from applied_dl.core import console  # noqa: E402
from applied_dl.layers import draws  # noqa: E402
from applied_dl.layers.augment import augmentation  # noqa: E402
from applied_dl.tasks import load_task  # noqa: E402
from applied_dl.tasks.sentences.models.token_augment import mask_tokens, token_augmentation  # noqa: E402
from applied_dl.training import source  # noqa: E402
from applied_dl.training.lr_finder import find  # noqa: E402
from applied_dl.training.reproducible import set_up  # noqa: E402
from applied_dl.training.trainer import CheckpointingTrainer  # noqa: E402
from applied_dl.workflows import recipes  # noqa: E402

RECIPES = {
    "tabular": {"model": {"name": "mlp", "dropout": 0.0, "width": 32}, "data": {"source": "diabetes"}, "train": {"ema": 0.9}},
    "image": {
        "model": {"name": "small_cnn", "dropout": 0.0, "width": 0.25},
        "data": {"source": "digits"},
        "preprocess": {"augment": ["flip", "shift", "erase", "color"]},
    },
    "forecast": {"model": {"name": "tsmixer", "units": 8, "layers": 1, "dropout": 0.0}, "data": {"source": "co2"}},
    "sentences": {
        "model": {"name": "transformer", "width": 32, "depth": 1, "heads": 2, "dropout": 0.0},
        "data": {"source": "pairs.csv"},
        "preprocess": {"augment": ["drop", "swap"]},
    },
}


class FromFile(CheckpointingTrainer):
    """Begins with the weights of a file, which it writes where there is none."""

    def train(self, model, *arguments, **options):
        file = Path(sys.argv[1]) / f"{self.name}.npz"
        if not file.exists():
            np.savez(file, *model.get_weights())
        with np.load(file) as found:
            model.set_weights([found[f"arr_{i}"] for i in range(len(found.files))])
        history = super().train(model, *arguments, **options)
        FromFile.found = model.get_weights(), history
        return history


def trained(name: str) -> tuple[list[np.ndarray], dict]:
    """The weights of a recipe's net and the history of its scores."""
    sections = {"train": {}, **RECIPES[name]}
    sections["train"] = {"epochs": 2, "batch_size": 32, "precision": "float32", **sections["train"]}
    recipe, task = recipes.read_recipe({"task": name, **sections}), load_task(name)
    set_up(0, True)
    prepared = task.prepare(recipe, Path(sys.argv[1]))
    FromFile.name = name
    task.fit(task.resolve_defaults(recipe, prepared), prepared, FromFile())
    weights, history = FromFile.found
    return weights, history.rows


def operations() -> dict:
    """Everything that is drawn: of the same seed both backends draw the same."""
    seed = keras.ops.array([7, -3], dtype="int32")
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (6, 20, 24, 3)).astype(np.uint8)
    ids = random.integers(0, 30, (6, 14)).astype(np.int32)
    found = {
        "uniform": draws.uniform((3, 5), seed, -0.5, 2.0), "scalar": draws.uniform((), seed), "integers": draws.integers((4, 7), seed, 256),
        "split": np.stack([np.asarray(s) for s in draws.split(seed, 5)]),
        "tokens": token_augmentation(("drop", "swap", "reverse", "span"), 3.0)(keras.ops.array(ids), seed),
    }  # fmt: skip
    found["masked"], found["wanted"] = mask_tokens(keras.ops.array(ids), seed, 0.3, 4, 30, 3)
    for names in (("flip", "shift"), ("pad",), ("rotate", "zoom", "shear", "perspective"), ("color",), ("erase",), ("randaugment",)):
        found["+".join(names)] = augmentation(names)({"image": keras.ops.array(image)}, None, seed)[0]["image"]
    return {name: np.asarray(value) for name, value in found.items()}


def shares() -> dict:
    """Mixed labels, of shares that are drawn by rejection: the same distribution."""
    image, target = np.zeros((4000, 2, 2, 1), np.uint8), np.eye(2, dtype=np.float32)[np.arange(4000) % 2]
    augment, seed = augmentation(("mixup",), 1.0, 2), keras.ops.array([1, 2], dtype="int32")
    mixed = augment({"image": keras.ops.array(image)}, keras.ops.array(target), seed)[1]
    return {"mixup": np.sort(np.asarray(mixed).max(1))}


def rate() -> dict:
    """The learning rate that the finder's sweep suggests."""
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 8)).astype(np.float32)
    entry = keras.Input((8,), name="x")
    model = keras.Model({"x": entry}, keras.layers.Dense(1, kernel_initializer="zeros")(entry))
    settings = recipes.read_recipe({"task": "tabular"}).train
    settings = type(settings)(optimizer="sgd", schedule="constant", warmup=0.0, batch_size=32, ema=0.0)
    return {"rate": np.array(find(model, source.resident({"x": x}, x[:, :1]), settings, loss="mse", steps=60).valley)}


def devices() -> dict:
    """The weights of a net on the devices that there are: of rows in memory, and of rows that are read from a file by the batch."""
    random, found = np.random.default_rng(0), {}
    x = random.normal(size=(640, 16)).astype(np.float32)
    np.save(Path(sys.argv[1]) / "rows.npy", x)
    for name, rows in (("memory", x), ("mapped", np.load(Path(sys.argv[1]) / "rows.npy", mmap_mode="r"))):
        source.LARGEST_RESIDENT = 0
        keras.utils.set_random_seed(0)
        entry = keras.Input((16,), name="x")
        hidden = keras.layers.BatchNormalization()(keras.layers.Dense(32, activation="relu")(entry))
        model = keras.Model({"x": entry}, keras.layers.Dense(1)(hidden))
        settings = recipes.read_recipe({"task": "tabular"}).train
        settings = type(settings)(
            optimizer="adamw", schedule="cosine", warmup=0.0, learning_rate=1e-3, batch_size=64, ema=0.9, epochs=4, patience=0,
        )  # fmt: skip
        held = source.resident({"x": rows}, x[:, :1])
        CheckpointingTrainer().train(model, held, held, settings, loss="mse", metrics=("mae",))
        found[name] = np.concatenate([weight.ravel() for weight in model.get_weights()])
    return {**found, "count": np.array(len(keras.distribution.list_devices()))}


def main() -> None:
    """Write `BACKEND.CASE.npz` for each case, and the histories as JSON."""
    console.quiet = True
    folder, backend = Path(sys.argv[1]), keras.backend.backend()
    for case in sys.argv[2:]:
        if case in RECIPES:
            weights, rows = trained(case)
            np.savez(folder / f"{backend}.{case}.npz", *weights)
            (folder / f"{backend}.{case}.json").write_text(json.dumps(rows))
        else:
            made = {"operations": operations, "shares": shares, "rate": rate, "devices": devices}[case]
            np.savez(folder / f"{backend}.{case}.npz", **made())


if __name__ == "__main__":
    main()
