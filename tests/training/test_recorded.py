"""Results of another process: weights and history come back as they were, and nothing is trained where it was trained before."""

import keras
import numpy as np
import pytest

from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.core.records import History
from applied_dl.training.checkpoints import Store
from applied_dl.training.recorded import RecordedTrainer
from applied_dl.training.trainer import CheckpointingTrainer

ROWS = [{"epoch": 1, "loss": 0.5, "accuracy": float("nan"), "seconds": 0.1}, {"epoch": 2, "loss": 0.25, "accuracy": 0.5, "seconds": 0.1}]


class Fixed(CheckpointingTrainer):
    """Sets every weight to 2 and counts its trainings."""

    count = 0

    def train(self, model, source, validation, settings, *, tag="model", **options) -> History:
        Fixed.count += 1
        model.set_weights([np.full(weight.shape, 2.0) for weight in model.get_weights()])
        return History(rows=ROWS, monitor="loss", best_epoch=2, best=0.25)


def net() -> keras.Model:
    entry = keras.Input((3,))
    return keras.Model(entry, keras.layers.Dense(2)(entry))


def test_a_result_is_read_where_it_was_written(tmp_path):
    first, again, other = (RecordedTrainer(Fixed(Store(tmp_path, {})), trains=trains) for trains in (True, True, False))
    first.train(net(), None, None, None, tag="fit")
    assert Fixed.count == 1
    for trainer in (again, other):
        model = net()
        history = trainer.train(model, None, None, None, tag="fit")
        assert Fixed.count == 1
        assert all((weight == 2).all() for weight in model.get_weights())
        assert (history.monitor, history.best_epoch, history.best) == ("loss", 2, 0.25)
        assert [row["epoch"] for row in history.rows] == [1, 2]
        assert np.isnan(history.rows[0]["accuracy"])


def test_a_part_of_a_training_has_results_of_its_own(tmp_path):
    trainer = RecordedTrainer(Fixed(Store(tmp_path, {})))
    for own in trainer.turns(2, "member"):
        own.train(net(), None, None, None, tag="fit")
    with pytest.raises(RefusedError, match="'other' has no result at .*--resume"):
        RecordedTrainer(Fixed(Store(tmp_path, {})), trains=False).train(net(), None, None, None, tag="other")


def test_what_ctrl_c_left_out_is_left_out_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        RecordedTrainer(Fixed(Store(tmp_path, {})), trains=False, interrupted=True).train(net(), None, None, None)


def test_steps_that_are_not_those_of_keras_are_refused(tmp_path):
    class Loop:
        steps = "steps of its own"

    with pytest.raises(UsageError, match="a model that takes steps of its own"):
        RecordedTrainer(Fixed(Store(tmp_path, {}))).run(Loop())
