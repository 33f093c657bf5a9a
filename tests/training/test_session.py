"""What a session records of any loop: the best weights, patience, a loss that is not finite, Ctrl-C, progress and resume. No TensorFlow."""

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.core.records import EXPLODED, STOPPED, History
from applied_dl.core.task import Pace
from applied_dl.training import progress
from applied_dl.training.checkpoints import Keeper, Store
from applied_dl.training.session import Session, better
from applied_dl.training.trainer import CheckpointingTrainer, Timer


class Counting:
    """A loop whose weights are the number of its epoch and whose losses are given."""

    steps, remedy, unit, rising = "steps of a test", "lower train.learning_rate", "epochs", False

    between = 0.4  # seconds after an epoch

    def __init__(self, losses, patience=0, last_is_best=False, interrupt_at=None, speed=(0, "")):
        self.losses, self.patience, self.last_is_best, self.interrupt_at, self.speed = losses, patience, last_is_best, interrupt_at, speed
        self.epochs = self.total = len(losses)
        self.monitor, self.checkpoint_minutes, self.done, self.weight = "loss", 0.0, 0, 0.0

    def run(self, session):
        while self.done < self.total:
            if self.done == self.interrupt_at:
                raise KeyboardInterrupt
            self.done += 1
            self.weight = float(self.done)
            ends = session.record({"loss": self.losses[self.done - 1], "learning_rate": 0.1, "seconds": 0.01})
            session.checkpoint()
            if ends:
                return

    def weights(self):
        return [] if self.last_is_best else [np.array([self.weight])]

    def state(self):
        return {"state": [np.array([self.weight])]}, {"at": self.done}

    def restore(self, done, arrays, notes):
        self.done, self.weight = done, float(arrays["state"][0][0])
        assert notes == {"at": done}

    def finish(self, best):
        if best:
            self.weight = float(best[0][0])

    def pace(self):
        self.weight += 100.0  # the steps that are measured change it
        return Pace(start=0.5, step=0.01, steps=10, between=self.between)

    def shorten(self, epochs):
        self.epochs = self.total = epochs


def trained(loop, **options):
    return CheckpointingTrainer(**options).run(loop, "test")


def test_the_weights_of_the_best_epoch_stay():
    loop = Counting([3.0, 1.0, 2.0])
    history = trained(loop)
    assert (history.best_epoch, history.best, loop.weight) == (2, 1.0, 2.0)
    assert [row["epoch"] for row in history.rows] == [1, 2, 3]


def test_or_those_of_the_last_where_the_loop_says_so():
    history = trained(Counting([3.0, 1.0, 2.0], last_is_best=True))
    assert (history.best_epoch, history.best) == (3, 2.0)


def test_patience_ends_the_training():
    history = trained(Counting([1.0, 2.0, 3.0, 0.5], patience=2))
    assert len(history.rows) == 3
    assert history.stopped == "no better loss for 2 epochs"


def test_a_loss_that_is_not_finite_keeps_what_was_there_before(capsys):
    loop = Counting([1.0, float("nan"), 0.1])
    assert trained(loop).stopped == EXPLODED
    assert loop.weight == 1.0
    assert "epoch 2" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"epoch 1.*lower train\.learning_rate"):
        trained(Counting([float("inf")]))


def test_ctrl_c_keeps_the_best_weights_or_ends_a_search():
    loop = Counting([1.0, 2.0, 3.0], interrupt_at=2)
    assert trained(loop).stopped == STOPPED
    assert loop.weight == 1.0
    with pytest.raises(KeyboardInterrupt):
        trained(Counting([1.0, 2.0, 3.0], interrupt_at=2), keep_interrupted=False)
    with pytest.raises(KeyboardInterrupt):
        trained(Counting([1.0], interrupt_at=0))


def test_a_resumed_loop_goes_on_where_it_was(tmp_path):
    losses = [3.0, 2.0, 5.0, 4.0]
    whole = trained(Counting(losses))

    class Killed(BaseException):
        pass

    def kill(tag, history):
        if len(history.rows) == 3:
            raise Killed

    with pytest.raises(Killed):
        trained(Counting(losses), store=Store(tmp_path, {"data": "a"}), on_epoch=(kill,))
    loop = Counting(losses)
    resumed = trained(loop, store=Store(tmp_path, {"data": "a"}, resume=True))
    assert [row["loss"] for row in resumed.rows] == [row["loss"] for row in whole.rows]
    assert (resumed.best_epoch, loop.weight) == (2, 2.0)
    again = Counting(losses)
    assert len(trained(again, store=Store(tmp_path, {"data": "a"}, resume=True)).rows) == 4  # nothing is left to do


def test_functions_are_called_with_the_tag_and_the_history():
    seen = []
    trained(Counting([1.0, 2.0]), on_epoch=(lambda tag, history: seen.append((tag, len(history.rows))),))
    assert seen == [("test", 1), ("test", 2)]


def test_a_timer_adds_up_and_trains_nothing():
    timer, loop = Timer(), Counting([1.0] * 4)
    assert timer.run(loop).rows == []
    assert timer.run(loop).rows == []
    assert timer.seconds == 5.0
    with timer.preparing(100, 10) as rows:
        assert rows == 10
    assert timer.seconds > 5.0
    with CheckpointingTrainer().preparing(100, 10) as rows:
        assert rows == 100


@pytest.mark.parametrize(("monitor", "score", "best", "wins"), [
    ("val_loss", 1.0, 2.0, True), ("val_loss", 2.0, 1.0, False), ("val_accuracy", 2.0, 1.0, True), ("loss", 1.0, float("nan"), True),
    ("loss", float("nan"), 1.0, False), ("val_ndcg", 2.0, 1.0, False),
])  # fmt: skip
def test_better_follows_the_direction_of_the_metric(monitor, score, best, wins):
    assert better(History(monitor=monitor, best=best), score) is wins


def test_plain_progress_is_bounded_and_shows_the_speed(capsys, monkeypatch):
    monkeypatch.setattr(progress.console, "live", lambda: False)
    trained(Counting([1.0] * 100, speed=(1000, "words")))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")]
    assert 5 <= len(lines) <= progress.PLAIN_LINES + 2
    assert "100,000 words/s" in lines[0]


def test_a_session_without_a_store_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loop = Counting([1.0])
    Session(loop, Keeper(None, "test", 0.0), "test").run()
    assert list(tmp_path.iterdir()) == []
