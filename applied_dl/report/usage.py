"""The part of the card that shows how to call the files: Python, Android, iOS and TF Serving, with the model's own tensor names."""

from __future__ import annotations

from applied_dl.core.bundle import Manifest

ANSWERS = {
    "image": 'predictor.predict(["a.png"])   # [{"label", "probability", "top"}]',
    "tabular": 'predictor.predict([{"column": value}])   # [{"prediction", "lower", "upper"}]',
    "forecast": 'predictor.predict(["history.csv"])   # [{"series", "times", "forecast", "lower", "upper"}]',
    "words": 'predictor.predict(["king"], nearest=5)   # [{"vector", "nearest"}]',
    "sentences": 'predictor.predict(["a sentence"])   # [{"vector"}]',
}
OF_CLASSES = {  # the same of a classifier
    "tabular": 'predictor.predict([{"column": value}])   # [{"label", "probability", "top"}]',
    "sentences": 'predictor.predict(["a sentence"])   # [{"label", "probability", "top", "vector"}]',
}


def usage(manifest: Manifest, tensors: dict[str, list[dict]]) -> str:
    """The section "Use"; `tensors` describes the serving graph, `inputs` and `outputs` each a list of name, dtype and shape."""
    ins, outs = ([tensor["name"] for tensor in tensors[kind]] for kind in ("inputs", "outputs"))
    answers = ANSWERS | (OF_CLASSES if "probabilities" in outs else {})
    blocks = [
        "## Use",
        "Python, without TensorFlow (`pip install applied_dl`):",
        f'```python\nimport applied_dl\npredictor = applied_dl.load("{manifest.name}")\n{answers[manifest.task]}\n```',
    ]
    if manifest.chosen is not None:
        blocks += [_kotlin(ins, outs), _swift(tensors["inputs"], outs)]
    if any(item.format == "saved_model" for item in manifest.exports):
        given = ", ".join(f'"{name}": […]' for name in ins)
        blocks += [
            "TF Serving:",
            "```sh\n"
            f'docker run -p 8501:8501 -v "$PWD/saved_model:/models/{manifest.name}/1" -e MODEL_NAME={manifest.name} tensorflow/serving\n'
            f"curl -d '{{\"inputs\": {{{given}}}}}' localhost:8501/v1/models/{manifest.name}:predict\n```",
        ]
    return "\n\n".join(blocks)


def _kotlin(ins: list[str], outs: list[str]) -> str:
    inputs, outputs = (", ".join(f'"{name}" to {name}' for name in names) for names in (ins, outs))
    return (
        "Android (Kotlin, LiteRT):\n\n```kotlin\nval interpreter = Interpreter(modelFile)\n"
        f'interpreter.runSignature(mapOf({inputs}), mapOf({outputs}), "serving_default")\n```'
    )


def _swift(inputs: list[dict], outs: list[str]) -> str:
    lines = ["let interpreter = try Interpreter(modelPath: modelPath)"]
    lines.append('let model = try interpreter.signatureRunner(with: "serving_default")')
    lines += [f'try model.resizeInput(named: "{t["name"]}", toShape: [1, n])' for t in inputs if t["shape"] == "(B, any)"]
    lines.append("try model.allocateTensors()")
    lines += [f'try model.copy({t["name"]}, toInputNamed: "{t["name"]}")' for t in inputs]
    lines.append("try model.invoke()")
    lines += [f'let {name} = try model.output(named: "{name}")' for name in outs]
    return "iOS (Swift, TensorFlowLiteSwift):\n\n```swift\n" + "\n".join(lines) + "\n```"
