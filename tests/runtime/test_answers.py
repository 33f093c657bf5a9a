"""Sets, distances and warnings of predictions."""

import numpy as np

from applied_dl.runtime.answers import add_answers

OUTPUTS = {
    "probabilities": np.array([[0.5, 0.1, 0.4], [0.1, 0.8, 0.1]], np.float32),
    "set": np.array([[1, 0, 1], [0, 1, 0]], np.float32),
    "distance": np.array([[0.5], [2.26]], np.float32),
}


def test_a_prediction_gets_its_set_by_probability_and_a_warning_where_it_is_far():
    predictions = [{"label": "a"}, {"label": "b"}]
    warnings = add_answers(predictions, OUTPUTS, ("a", "b", "c"))
    assert predictions[0] == {"label": "a", "set": ["a", "c"], "distance": 0.5}
    assert predictions[1]["set"] == ["b"]
    assert predictions[1]["warning"] == "unlike the training data: 2.26 times the usual distance"
    assert warnings == ["1 of 2 inputs are unlike the training data (their distance is above 1): their predictions may be wrong"]


def test_an_older_graph_adds_nothing_and_no_key_is_replaced():
    predictions = [{"vector": [1.0]}]
    assert add_answers(predictions, {"vector": np.ones((1, 1))}, ()) == []
    assert predictions == [{"vector": [1.0]}]
    predictions = [{"distance": {"prediction": 1.0}}]  # a target of that name
    add_answers(predictions, {"distance": OUTPUTS["distance"][:1]}, ())
    assert predictions == [{"distance": {"prediction": 1.0}}]
