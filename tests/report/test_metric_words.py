"""Every metric that a task reports has its words."""

import pytest

from applied_dl.report.metric_words import OF_TASK, WORDS, legend
from applied_dl.tasks import TASKS

PLAIN = {"accuracy"}  # its own explanation


@pytest.mark.parametrize("task", TASKS)
def test_the_metrics_of_every_task_have_words(trained, task):
    names = {name for scores in trained(task).metrics.values() for name in scores}
    assert {line.split(":")[0] for line in legend(names, task)} >= {name.removeprefix("trunk_") for name in names} - PLAIN


def test_a_word_of_two_meanings_has_that_of_the_task():
    assert legend(["coverage"], "recommend") != legend(["coverage"], "tabular")
    assert legend(["rmse of price", "rmse of rent"], "tabular") == [f"rmse: {WORDS['rmse']}"]
    assert set(OF_TASK) <= set(TASKS)
