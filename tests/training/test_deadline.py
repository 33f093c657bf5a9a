"""A limit on the time: epochs are planned from the pace, parts are left out, a resumed run follows the plan. By a clock of its own."""

import pytest

from applied_dl.core.errors import RefusedError
from applied_dl.core.records import TIME_UP
from applied_dl.training.checkpoints import Store
from applied_dl.training.deadline import EXPORTED, PLANNED, Deadline, Plan, format_cuts, plan_of
from applied_dl.training.trainer import CheckpointingTrainer
from tests.training.test_session import Counting


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    own = Clock()
    monkeypatch.setattr("time.perf_counter", own)
    return own


class Timed(Counting):
    """An epoch takes 1 s, or `slower` times that; the first steps 0.5 s."""

    between = 0.9

    def __init__(self, clock, epochs, slower=1.0):
        super().__init__([1.0 / (i + 1) for i in range(epochs)])
        self.clock, self.slower = clock, slower

    def pace(self):
        self.clock.now += 0.5
        return super().pace()

    def run(self, session):
        while self.done < self.total:
            self.done += 1
            self.weight = float(self.done)
            self.clock.now += self.slower
            ends = session.record({"loss": self.losses[self.done - 1], "learning_rate": 0.1, "seconds": self.slower})
            session.checkpoint()
            if ends:
                return


def trainer(end, store=None, **keys):
    return CheckpointingTrainer(store, deadline=Deadline(end + 10, end, plan_of(store), **keys))


def test_a_training_that_fits_is_left_as_it_is(clock):
    loop = Timed(clock, 20)
    mine = trainer(60)
    assert len(mine.run(loop).rows) == 20
    assert format_cuts(mine.deadline.plan) == ""
    assert loop.weight == 20.0  # what was measured was undone


def test_one_that_does_not_is_planned_to_end_in_time(clock):
    loop, mine = Timed(clock, 100), trainer(60)
    assert len(mine.run(loop).rows) == loop.epochs == int((59.5 - 0.5 * EXPORTED) * PLANNED)
    assert clock.now <= 60
    assert format_cuts(mine.deadline.plan) == "49% of the epochs"


def test_scoring_and_verification_have_their_time(clock):
    loop = Timed(clock, 100)
    planned = trainer(60, rows=1000).deadline.epochs("model", loop.pace(), 100, 50)
    after = 18 + 0.5 * EXPORTED  # 0.9 s for 50 rows: 18 s for a thousand
    assert planned == int((60 - 0.5 - after) * PLANNED)


def test_steps_that_become_slower_end_the_training_at_the_deadline(clock):
    loop = Timed(clock, 100, slower=4.0)
    history = trainer(60).run(loop)
    assert history.stopped == TIME_UP
    assert clock.now <= 60
    assert loop.weight == len(history.rows) == history.best_epoch == 14


def test_the_least_limit_is_named_where_one_epoch_does_not_fit(clock):
    with pytest.raises(RefusedError, match=r"train.time_limit = 11s is too short .*about 15s"):  # 1.15 (10 + 0.5 + 0.75 + 1 / 0.85)
        trainer(1).run(Timed(clock, 100))
    assert len(trainer(clock.now + 4).run(Timed(clock, 100)).rows) >= 1


def members(mine, clock, count, epochs):
    return [len(turn.run(Timed(clock, epochs), f"member{i}").rows) for i, turn in enumerate(mine.turns(count, "member"))]


def test_members_share_the_time(clock):
    mine = trainer(300)
    assert members(mine, clock, 3, 20) == [20, 20, 20]
    assert mine.deadline.plan.cut == {}


def test_members_are_left_out_before_their_epochs_are_halved(clock):
    mine = trainer(60)
    found = members(mine, clock, 8, 30)
    assert 2 <= len(found) < 8
    assert min(found) >= 15
    assert clock.now <= 60
    assert mine.deadline.plan.cut["members"] == (len(found), 8)
    assert format_cuts(mine.deadline.plan).startswith(f"{len(found)} of 8 members and ")


def test_unused_time_goes_to_the_members_after(clock):
    mine, found = trainer(60), []
    for i, (turn, epochs) in enumerate(zip(mine.turns(2, "member"), (5, 100))):
        found.append(len(turn.run(Timed(clock, epochs), f"member{i}").rows))
    assert found == [5, int((60 - 5.5 - 0.5 - EXPORTED) * PLANNED)]


def test_members_within_members_have_decisions_of_their_own(clock):
    mine = trainer(100)
    for outer in mine.turns(2, "member"):
        for i, inner in enumerate(outer.turns(2, "net")):
            inner.run(Timed(clock, 4), f"{inner.deadline.path}{i}")
    names = [name for name in mine.deadline.plan.decided if not name.startswith("epochs")]
    assert names == ["member 1/net 2", "member 2", "member 2/net 2"]


def test_a_resumed_run_follows_the_plan_and_measures_nothing(tmp_path, clock):
    store = Store(tmp_path, {"data": "a"})
    first = members(trainer(60, store), clock, 8, 30)
    later = trainer(10_000, Store(tmp_path, {"data": "a"}, resume=True))

    class Unmeasured(Timed):
        def pace(self):
            raise AssertionError("measured again")

    again = [len(turn.run(Unmeasured(clock, 30), f"member{i}").rows) for i, turn in enumerate(later.turns(8, "member"))]
    assert again == first
    assert plan_of(Store(tmp_path, {"data": "b"}, resume=True)).decided == {}
    assert plan_of(Store(tmp_path, {"data": "a"}, resume=False)).decided == {}


def test_a_plan_that_cannot_be_written_costs_no_training(tmp_path, clock):
    (tmp_path / "file").write_text("")
    plan = Plan(Store(tmp_path / "file", {}))
    assert plan.decide("epochs of model", 3) == 3


def test_without_a_limit_every_part_is_trained_by_the_trainer_itself():
    mine = CheckpointingTrainer()
    assert list(mine.turns(3, "member")) == [mine] * 3
