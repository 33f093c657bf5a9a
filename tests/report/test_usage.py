"""The card calls every input and output by its name, on every platform."""

from types import SimpleNamespace

from applied_dl.report.usage import mobile_usage, server_usage


def tensors(inputs: dict[str, str], outputs: dict[str, str]) -> dict[str, list[dict]]:
    def described(shapes):
        return [{"name": name, "dtype": "float32", "shape": shape} for name, shape in shapes.items()]

    return {"inputs": described(inputs), "outputs": described(outputs)}


TABLE = tensors({"age": "(B)", "town": "(B)"}, {"prediction": "(B)", "lower": "(B)"})


def test_every_tensor_is_named_in_mobile_code():
    text = mobile_usage(TABLE)
    assert 'mapOf("age" to age, "town" to town), mapOf("prediction" to prediction, "lower" to lower)' in text
    assert 'try model.copy(town, toInputNamed: "town")' in text
    assert 'let lower = try model.output(named: "lower")' in text


def test_dynamic_lengths_are_set_in_swift():
    text = mobile_usage(tensors({"ids": "(B, any)"}, {"vector": "(B, 8)"}))
    assert 'try model.resizeInput(named: "ids", toShape: [1, n])' in text


def test_the_server_is_called_by_name_where_there_is_a_saved_model():
    manifest = SimpleNamespace(name="mine", exports=[SimpleNamespace(format="saved_model")])
    assert '{"inputs": {"age": […], "town": […]}}' in server_usage(manifest, TABLE)
    assert server_usage(SimpleNamespace(name="mine", exports=[SimpleNamespace(format="tflite")]), TABLE) == ""
