"""The card calls every input and output by its name."""

from types import SimpleNamespace

from applied_dl.report.usage import usage


def card(task, inputs, outputs, **more):
    made = {"task": task, "name": "mine", "chosen": object(), "exports": [SimpleNamespace(format="saved_model")], **more}
    describe = lambda found: [{"name": name, "dtype": "float32", "shape": shape} for name, shape in found.items()]  # noqa: E731
    return usage(SimpleNamespace(**made), {"inputs": describe(inputs), "outputs": describe(outputs)})


def test_every_tensor_is_named_on_every_platform():
    text = card("tabular", {"age": "(B)", "town": "(B)"}, {"prediction": "(B)", "lower": "(B)"})
    assert 'mapOf("age" to age, "town" to town), mapOf("prediction" to prediction, "lower" to lower)' in text
    assert 'try model.copy(town, toInputNamed: "town")' in text
    assert 'let lower = try model.output(named: "lower")' in text
    assert '{"inputs": {"age": […], "town": […]}}' in text
    assert '[{"prediction", "lower", "upper"}]' in text


def test_free_lengths_are_set_and_classifiers_say_what_they_answer():
    text = card("sentences", {"ids": "(B, any)"}, {"vector": "(B, 8)", "probabilities": "(B, 2)"}, chosen=object())
    assert 'try model.resizeInput(named: "ids", toShape: [1, n])' in text
    assert '[{"label", "probability", "top", "vector"}]' in text
    assert "```kotlin" not in card("image", {"image": "(B, 8, 8, 1)"}, {"probabilities": "(B, 2)"}, chosen=None)
