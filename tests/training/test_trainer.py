"""The fit engine: batches are a pure function of the step, the best weights stay, a killed run resumes to the same bits."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from applied_dl.core import config
from applied_dl.core.errors import DataError, RefusedError, UsageError
from applied_dl.core.records import EXPLODED, Fitted, History
from applied_dl.training import checkpoints
from applied_dl.training.checkpoints import Store
from applied_dl.training.ensembles import fit_members
from applied_dl.training.hardware import as_float32
from applied_dl.training.keras_fit import KerasLoop, rows_at_once
from applied_dl.training.optimizers import NAMES, check
from applied_dl.training.reproducible import set_up
from applied_dl.training.source import resident
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.training.transfer import fit_staged
from applied_dl.workflows import recipes

ROWS = 640


def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 8)).astype(np.float32)
    return x, (x @ random.normal(size=(8, 1)) + 0.1 * random.normal(size=(ROWS, 1))).astype(np.float32)


def settings(**keys):
    chosen = {"epochs": 5, "batch_size": 32, "optimizer": "adamw", "learning_rate": 1e-2, "schedule": "one_cycle", "weight_decay": 1e-3,
              "ema": 0.9, "patience": 0, "clip_norm": 1.0, "seed": 7, "checkpoint_minutes": 0.0, **keys}  # fmt: skip
    return config.replace(recipes.read_recipe("image"), train=chosen).train


def net():
    x = keras.Input((8,), name="x")
    h = keras.layers.BatchNormalization()(keras.layers.Dense(16, activation="relu")(x))
    return keras.Model({"x": x}, keras.layers.Dense(1)(keras.layers.Dropout(0.3)(h)))


def train(*arguments, **options):
    return CheckpointingTrainer().train(*arguments, **options)


def run(folder, resume=False, data_id="d", **keys):
    set_up(7, True)
    (x, y), model = data(), net()
    trainer = CheckpointingTrainer(Store(folder, {"recipe": "r", "data": data_id}, resume))
    history = trainer.train(model, resident({"x": x}, y), resident({"x": x[:99]}, y[:99]), settings(**keys), loss="mse")
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest(), history


def test_the_same_seed_gives_the_same_bits_and_learns(tmp_path):
    a, history = run(tmp_path / "a")
    b, _ = run(tmp_path / "b")
    assert a == b
    assert history.rows[-1]["loss"] < history.rows[0]["loss"]
    assert history.best == min(row["val_loss"] for row in history.rows)


def test_resume_after_a_kill_ends_with_the_same_bits(tmp_path):
    whole, history = run(tmp_path / "whole")
    program = (
        "import sys, time; from pathlib import Path; from tests.training import test_trainer as t\n"
        "from applied_dl.training.session import Session\n"
        "write = Session.checkpoint\n"
        "def slow(self): write(self); print(self.loop.done, flush=True); time.sleep(0.5)\n"
        "Session.checkpoint = slow; t.run(Path(sys.argv[1]))\n")  # fmt: skip
    threads = {"TF_NUM_INTRAOP_THREADS": "4", "OMP_NUM_THREADS": "4"}  # the tests' own workers have one: the bits depend on neither
    victim = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "killed")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, cwd=os.getcwd(), env={**os.environ, **threads})  # fmt: skip
    while victim.stdout.readline().strip() != "3":
        assert victim.poll() is None
    time.sleep(0.1)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    resumed, rows = run(tmp_path / "killed", resume=True)
    assert resumed == whole
    assert [r["loss"] for r in rows.rows] == [r["loss"] for r in history.rows]


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    whole, _ = run(tmp_path / "a")
    newest = sorted((tmp_path / "a" / "checkpoints" / "model").glob("epoch-*"))[-1] / "state.npz"
    newest.write_bytes(newest.read_bytes()[:-50])
    assert run(tmp_path / "a", resume=True)[0] == whole


def test_resume_with_other_data_is_refused_by_name(tmp_path):
    run(tmp_path / "a")
    with pytest.raises(RefusedError, match="another data"):
        run(tmp_path / "a", resume=True, data_id="other")


def test_a_changed_recipe_is_refused_by_the_key_that_changed():
    from applied_dl.workflows.preparation import identity

    before, after = (identity(recipes.read_recipe({"task": "image", "train": {"epochs": n}}), "d") for n in (3, 4))
    assert [key for key in before if before[key] != after[key]] == ["train.epochs"]


def test_training_stops_where_nothing_gets_better(tmp_path):
    x, _ = data()
    noise = np.random.default_rng(1).normal(size=(ROWS, 1)).astype(np.float32)
    set_up(0, True)
    history = train(net(), resident({"x": x}, noise), resident({"x": x[::2]}, -noise[::2]),
                        settings(epochs=60, patience=4, learning_rate=3e-2, ema=0.0), loss="mse")  # fmt: skip
    assert "no better val_loss for 4 epochs" in history.stopped
    assert len(history.rows) == history.best_epoch + 4


def test_the_plateau_lowers_the_rate(tmp_path):
    x, y = data()
    history = train(net(), resident({"x": x}, y), resident({"x": x}, -y),
                        settings(epochs=12, patience=9, schedule="plateau", warmup=0.0, ema=0.0), loss="mse")  # fmt: skip
    assert history.rows[-1]["learning_rate"] < history.rows[0]["learning_rate"]


def test_the_plateau_waits_at_least_three_epochs_where_nothing_stops_early():
    x, y = data()
    history = train(net(), resident({"x": x}, y), resident({"x": x}, -y),
                        settings(epochs=5, patience=0, schedule="plateau", warmup=0.0, ema=0.0), loss="mse")  # fmt: skip
    rates = [row["learning_rate"] for row in history.rows]
    assert rates[:4] == [rates[0]] * 4
    assert rates[4] == pytest.approx(0.3 * rates[0])


def test_contradictory_keys_are_refused():
    with pytest.raises(UsageError, match="no meaning for 'adamw'"):
        check(settings(momentum=0.5))
    with pytest.raises(UsageError, match="plateau"):
        check(settings(schedule="plateau", warmup=0.1))
    check(settings(optimizer="rmsprop", momentum=0.5))


@pytest.mark.parametrize("name", NAMES)
def test_every_optimiser_learns(name):
    x, y = data()
    set_up(0, True)
    rate = {"adadelta": 1.0, "ftrl": 0.3, "adagrad": 0.1, "adafactor": 0.1}.get(name, 1e-2)
    history = train(net(), resident({"x": x}, y), None, settings(optimizer=name, learning_rate=rate, epochs=3, ema=0.0), loss="mse")
    assert history.rows[-1]["loss"] < history.rows[0]["loss"]


def test_a_full_disk_costs_checkpoints_not_the_training(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "write", full)
    _, history = run(tmp_path / "a")
    assert len(history.rows) == 5
    assert "No space left on device; training goes on" in capsys.readouterr().err


def test_ctrl_c_before_the_first_epoch_of_a_later_stage_or_member_keeps_the_earlier():
    model = net()

    def fit_stage(own, rates, tag, trainer):
        if tag == "stage1":
            raise KeyboardInterrupt
        return History(rows=[{"epoch": 1}], best=0.5, best_epoch=1)

    assert fit_staged(model, model, settings(unfreeze_epochs=(1, 1)), CheckpointingTrainer(), fit_stage).stopped == "stopped by hand"

    def fit_one(recipe, trainer, tag):
        if tag == "member2":
            raise KeyboardInterrupt
        return Fitted(net(), History(rows=[{"epoch": 1}], best=0.5, best_epoch=1))

    recipe = config.replace(recipes.read_recipe("image"), train={"ensemble": 3})
    fitted = fit_members(recipe, CheckpointingTrainer(), fit_one)
    assert len(fitted.extra["members"]) == 2
    assert fitted.history.stopped == "stopped by hand"


def test_a_loss_that_explodes_is_a_sentence():
    x, y = data()
    with pytest.raises(DataError, match=r"lower\s+train.learning_rate"):
        train(net(), resident({"x": x}, y * np.nan), None, settings(), loss="mse")


def test_ctrl_c_keeps_the_best_weights():
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    (x, y), model = data(), net()
    one = CheckpointingTrainer(callbacks=(Interrupt(),))
    history = one.train(model, resident({"x": x}, y), resident({"x": x}, y), settings(), loss="mse")
    assert history.stopped == "stopped by hand"
    assert len(history.rows) == 2
    with pytest.raises(KeyboardInterrupt):
        one = CheckpointingTrainer(callbacks=(Interrupt(),), keep_interrupted=False)
        one.train(net(), resident({"x": x}, y), resident({"x": x}, y), settings(), loss="mse")


def test_bfloat16_leaves_as_float32_with_the_same_weights():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = net()
    finally:
        keras.config.set_dtype_policy(before)
    plain = as_float32(model)
    assert all("bfloat16" not in str(layer.dtype_policy.name) for layer in plain.layers)
    for a, b in zip(model.get_weights(), plain.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_without_a_finite_loss_costs_only_what_comes_after():
    (x, y), model = data(), net()

    class Poison(keras.losses.Loss):
        """Mean squared error, until the steps of three epochs are done."""

        def __init__(self):
            super().__init__(name="poison")
            self.calls = tf.Variable(0)

        def call(self, y_true, y_pred):
            found = tf.reduce_mean(tf.square(y_true - y_pred), -1)
            return tf.where(self.calls.assign_add(1) > 3 * ROWS // 32, np.nan, found)

    history = train(model, resident({"x": x}, y), None, settings(ema=0.0), loss=Poison())
    assert history.stopped == EXPLODED
    assert [row["epoch"] for row in history.rows] == [1, 2, 3]
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_augmented_batches_train_as_batches_inside_the_graph(tmp_path):
    """A change that changes nothing sends the batches through the queue; the steps stay the same to the last bit."""
    found = []
    for augment in (None, lambda inputs, target, seed: (inputs, target)):
        set_up(7, True)
        (x, y), model = data(), net()
        train(model, resident({"x": x}, y), None, settings(), loss="mse", augment=augment)
        found.append(model.get_weights())
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (keras.layers.Dense(3), (5,), (0,)),
        (keras.layers.Conv2D(3, 2), (6, 6, 4), (0, 1, 2)),
        (keras.layers.DepthwiseConv2D(2), (6, 6, 4), (0, 1)),
        (keras.layers.EinsumDense("bd,dhe->bhe", (2, 3)), (5,), (0,)),
    ],
)
def test_the_norm_of_each_unit_is_bounded(layer, shape, axes):
    inputs = keras.Input(shape, name="x")
    model = keras.Model({"x": inputs}, keras.layers.Dense(1)(keras.layers.Flatten()(layer(inputs))))
    layer.kernel.assign(10 * np.random.default_rng(0).normal(size=layer.kernel.shape))
    x = np.random.default_rng(1).normal(size=(32, *shape)).astype(np.float32)
    train(model, resident({"x": x}, x.reshape(32, -1)[:, :1]), None, settings(max_norm=1.5, epochs=1, ema=0.0), loss="mse")
    norms = np.sqrt(np.sum(layer.kernel.numpy() ** 2, axis=axes))
    assert norms.max() <= 1.5 + 1e-4
    assert norms.min() > 1.0  # each was far above, and none was shrunk for another's sake


def test_large_rows_are_evaluated_few_at_a_time():
    small = net()
    image = keras.Input((224, 224, 3), name="image")
    large = keras.Model({"image": image}, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(32, 3)(image)))
    assert rows_at_once(small, 32) == 1024
    assert rows_at_once(large, 8) < 64
    assert rows_at_once(large, 256) == 256


@pytest.mark.parametrize(("seconds", "blocks"), [(0.1, 4), (6.0, 2), (30.0, 1)])
def test_the_pace_takes_few_steps_where_they_are_slow(seconds, blocks, monkeypatch):
    (x, y), clock = data(), iter(np.arange(0, 1e6, seconds))
    loop = KerasLoop(net(), resident({"x": x}, y), None, settings(), loss="mse")
    monkeypatch.setattr("applied_dl.training.keras_fit.time.perf_counter", lambda: float(next(clock)))
    pace = loop.pace()
    assert int(loop.model.optimizer.iterations) == blocks * loop.cut.execution
    assert pace.step == pytest.approx(seconds / loop.cut.execution)
    assert pace.start == pytest.approx(0.0 if blocks == 1 else seconds)
