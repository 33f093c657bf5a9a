"""The search: its space is checked, several processes share one file, it goes on where it was, and other data are refused."""

import json

import pytest

from applied_dl import cli
from applied_dl.core.errors import RefusedError
from applied_dl.workflows import recipes

pytest.importorskip("optuna", reason="the search needs the extra 'tune'")

RECIPE = """
task = "image"
[model]
name = "mlp"
hidden = [16]
[train]
epochs = 2
[tune]
trials = 3
[tune.space]
"train.learning_rate" = {low = 1e-4, high = 1e-2, log = true}
"model.dropout" = {choices = [0.0, 0.3]}
"""


def search(tmp_path, capsys, *more):
    (tmp_path / "r.toml").write_text(RECIPE)
    code = cli.main(["tune", str(tmp_path / "r.toml"), "--out", str(tmp_path / "out"), "--json", "--quiet", *more])
    return code, json.loads(capsys.readouterr().out)


def test_it_searches_writes_the_best_and_goes_on(tmp_path, capsys):
    code, found = search(tmp_path, capsys)
    assert code == 0
    assert found["trials"] == 3
    best = recipes.read_recipe(found["recipe"])
    assert best.train.learning_rate == pytest.approx(found["values"]["train.learning_rate"])
    assert best.model.dropout == found["values"]["model.dropout"]
    assert best.train.epochs == 2
    assert all((tmp_path / "out" / name).stat().st_size > 5000 for name in ("history.png", "parallel.png"))
    _, again = search(tmp_path, capsys, "--trials", "4")
    assert again["trials"] == 4
    assert again["best"] >= found["best"]
    assert cli.main(["tune", str(tmp_path / "r.toml"), "--out", str(tmp_path / "out"), "--set", "train.epochs=3"]) == RefusedError.exit_code
    assert "another recipe" in capsys.readouterr().err


@pytest.mark.slow
def test_a_trial_worse_than_the_median_of_the_others_is_stopped_early(tmp_path, capsys):
    """Five trials that were good from their first epoch on; one that cannot learn is not trained to its end."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    from applied_dl.workflows.tune import JOURNAL, STARTUP, STUDY

    text = RECIPE.replace("epochs = 2", "epochs = 8").replace("low = 1e-4", "low = 1e-12")
    (tmp_path / "r.toml").write_text(text)
    assert cli.main(["tune", str(tmp_path / "r.toml"), "--out", str(tmp_path / "out"), "--trials", "1", "--quiet"]) == 0
    study = optuna.load_study(study_name=STUDY, storage=JournalStorage(JournalFileBackend(str(tmp_path / "out" / JOURNAL))))
    (first,) = study.trials
    assert sorted(first.intermediate_values) == list(range(1, 9))
    for _ in range(STARTUP):
        good = dict.fromkeys(range(1, 9), 0.99)
        study.add_trial(optuna.trial.create_trial(
            params=first.params, distributions=first.distributions, value=0.99, intermediate_values=good))  # fmt: skip
    study.enqueue_trial({"train.learning_rate": 1e-12, "model.dropout": 0.0})
    assert cli.main(["tune", str(tmp_path / "r.toml"), "--out", str(tmp_path / "out"), "--trials", str(STARTUP + 2)]) == 0
    last = study.trials[-1]
    assert last.params["train.learning_rate"] == 1e-12
    assert last.state == optuna.trial.TrialState.PRUNED
    assert len(last.intermediate_values) < 8
    assert "stopped early" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_share_the_trials(tmp_path, capsys):
    code, found = search(tmp_path, capsys, "--jobs", "2", "--trials", "6")
    assert code == 0
    assert 6 <= found["trials"] <= 7  # the second process may have begun one when the sixth ended


def test_the_reason_of_failed_trials_is_reported(tmp_path, capsys):
    text = RECIPE.replace('"model.dropout" = {choices = [0.0, 0.3]}', '"train.momentum" = {low = 0.5, high = 0.9}').replace(
        "epochs = 2", 'epochs = 2\noptimizer = "adamw"'
    )
    (tmp_path / "r.toml").write_text(text)
    assert cli.main(["tune", str(tmp_path / "r.toml"), "--out", str(tmp_path / "out"), "--trials", "2"]) in (1, 2)
    err = capsys.readouterr().err
    assert "momentum" in err.splitlines()[-1]


def test_crashed_processes_are_one_sentence(tmp_path, capsys, monkeypatch):
    from applied_dl.workflows import search_processes

    monkeypatch.setattr(search_processes, "SEARCH", "import sys; print('a note', file=sys.stderr); raise MemoryError('12 GB')")
    (tmp_path / "r.toml").write_text(RECIPE)
    words = ["tune", str(tmp_path / "r.toml"), "--out", str(tmp_path / "out"), "--jobs", "2", "--quiet"]
    assert cli.main(words) == RefusedError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    log = tmp_path / "out" / "process-1.log"
    assert f"A search process ended with exit code 1: MemoryError: 12 GB. Its log is {str(log)!r}. 0 of 3 trials came to an end" in line
    assert "a note" in log.read_text()
