"""Every estimator keeps scikit-learn's conventions."""

import pytest
from sklearn.utils.estimator_checks import check_estimator

from applied_dl.sklearn import ImageClassifier, TabularClassifier, TabularRegressor, TextClassifier
from tests.sklearn.recipes import LINEAR

FEW_ROWS = "30 rows of few different ones leave no validation part: equal rows stay together, and the package refuses to train"
EXPECTED_FAILURES = {
    "check_pipeline_consistency": FEW_ROWS,
    "check_estimators_pickle": FEW_ROWS,
    "check_fit2d_1feature": "the refusal of 10 rows names the rows, not the feature",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TabularRegressor, TabularClassifier])
def test_the_estimators_for_tables_pass_the_checks_of_scikit_learn(kind):
    results = check_estimator(kind(recipe=LINEAR), on_fail=None, expected_failed_checks=EXPECTED_FAILURES)
    failed = {result["check_name"]: repr(result["exception"]) for result in results if result["status"] == "failed"}
    assert failed == {}
    assert sum(result["status"] == "passed" for result in results) > 40


@pytest.mark.parametrize("kind", [ImageClassifier, TextClassifier])
def test_the_estimators_of_other_inputs_pass_the_checks_that_apply(kind):
    results = check_estimator(kind(), on_fail=None, on_skip=None)
    assert {result["status"] for result in results} <= {"passed", "skipped"}
