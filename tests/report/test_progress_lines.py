"""What a training prints of its scores."""

import pytest

from applied_dl.core import console
from applied_dl.core.records import Scores
from applied_dl.report.progress_lines import log_scores


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [(0.90, "better than the model's 0.8"), (0.82, "as good as the model's 0.8, within the uncertainty of the test rows"), (0.79, None)],
)
def test_a_baseline_is_better_only_beyond_the_uncertainty_of_the_test_rows(capsys, monkeypatch, baseline, expected):
    monkeypatch.setattr(console, "quiet", False)
    ours = Scores(main="accuracy", metrics={"accuracy": 0.8, "ece": 0.1}, intervals={"accuracy": (0.75, 0.85)})
    log_scores(ours, {"majority": Scores(main="accuracy", metrics={"accuracy": baseline})}, "image")
    shown = capsys.readouterr().err
    assert "accuracy 0.8000" in shown
    assert shown.splitlines()[1].strip() == "ece: how far stated probabilities are from how often they are right; 0 is best"
    assert (expected in shown) if expected else ("majority" not in shown)
