"""Curves of two nets: a critic that wins, a collapse, and neither."""

from applied_dl.training.diagnostics.adversarial import check_adversarial
from applied_dl.training.diagnostics.afterwards import check_histories


def history(epochs: int = 8, **last) -> list[dict]:
    usual = {"loss": 1.4, "critic_loss": 0.3, "critic_wins": 0.95, "diversity": 0.97}
    return [{"epoch": i + 1, **usual, **(last if i >= epochs // 2 else {})} for i in range(epochs)]


def test_a_healthy_training_has_no_finding():
    assert check_adversarial(history()) == []
    assert check_histories(history()) == []


def test_a_critic_that_wins_is_found():
    (found,) = check_adversarial(history(critic_wins=1.0, critic_loss=0.001))
    assert found.name == "critic_wins"
    assert "learn.gamma" in found.change
    assert check_adversarial(history(critic_wins=1.0)) == []  # right, but not sure of it


def test_a_collapse_is_found():
    (found,) = check_histories(history(diversity=0.1))
    assert found.name == "mode_collapse"
    assert found.evidence < found.limit


def test_other_or_short_histories_are_left_alone():
    assert check_adversarial([{"loss": 1.0}] * 9) == []
    assert check_adversarial(history(3, diversity=0.0)) == []
