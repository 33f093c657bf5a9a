"""Every task has what its contract declares, with the same parameters."""

import inspect

import pytest

from applied_dl.core.task import Loop, Task, TaskPredict, Trainer
from applied_dl.tasks import TASKS, load_predict, load_task


def methods(protocol) -> dict:
    return {name: value for name, value in vars(protocol).items() if inspect.isfunction(value) and not name.startswith("_")}


def parameters(function) -> list[tuple[str, object]]:
    """Name and kind of each parameter, `self` apart."""
    found = [(p.name, p.kind) for p in inspect.signature(function).parameters.values()]
    return found[1:] if found and found[0][0] == "self" else found


def assert_keeps(module, protocol) -> None:
    """The declared parameters come first; a further one must have a default."""
    for name in protocol.__annotations__:
        assert hasattr(module, name), f"{module.__name__} has no {name}"
    for name, declared in methods(protocol).items():
        function = getattr(module, name, None)
        assert function is not None, f"{module.__name__} has no {name}"
        wanted, found = [p for p, _ in parameters(declared)], list(inspect.signature(function).parameters.values())
        assert [p.name for p in found[: len(wanted)]] == wanted, f"{module.__name__}.{name}"
        assert all(p.default is not p.empty for p in found[len(wanted) :]), f"{module.__name__}.{name}"


@pytest.mark.parametrize("name", TASKS)
def test_a_task_keeps_its_contract(name):
    assert_keeps(load_task(name), Task)
    assert isinstance(load_task(name).trained_by_keras, bool)


@pytest.mark.parametrize("name", TASKS)
def test_its_predictions_do_too(name):
    assert_keeps(load_predict(name), TaskPredict)


def test_every_trainer_takes_the_same_arguments():
    from applied_dl.training.diagnostics import Diagnoser
    from applied_dl.training.lr_finder import RateFinder
    from applied_dl.training.trainer import CheckpointingTrainer, Timer

    for trainer in (CheckpointingTrainer, Timer, RateFinder, Diagnoser):
        for name in ("run", "starting_from", "turns", "preparing"):
            assert parameters(getattr(trainer, name)) == parameters(getattr(Trainer, name)), (trainer, name)
        taken = dict(parameters(trainer.train))
        declared = dict(parameters(Trainer.train))
        open_ended = inspect.Parameter.VAR_KEYWORD in taken.values()
        assert list(taken)[:4] == list(declared)[:4]
        assert open_ended or set(taken) == set(declared), trainer


def test_every_loop_has_what_a_session_reads():
    from applied_dl.tasks.generate.fit.adversarial import AdversarialLoop
    from applied_dl.tasks.recommend.fit.als import AlsLoop
    from applied_dl.tasks.recommend.fit.gibbs import GibbsLoop
    from applied_dl.tasks.recommend.fit.svdpp import SvdppLoop
    from applied_dl.tasks.sentences.fit.contrastive import TableLoop
    from applied_dl.tasks.words.fit.skipgram import PortionLoop
    from applied_dl.training.keras_fit import KerasLoop

    for loop in (AdversarialLoop, KerasLoop, TableLoop, PortionLoop, AlsLoop, GibbsLoop, SvdppLoop):
        for name, declared in methods(Loop).items():
            assert parameters(getattr(loop, name))[: len(parameters(declared))] == parameters(declared), (loop, name)
