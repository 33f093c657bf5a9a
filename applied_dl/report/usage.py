"""How to call the exported files outside Python, with the tensor names of the model: Android, iOS and TF Serving."""

from __future__ import annotations

from applied_dl.core.bundle import Manifest


def mobile_usage(tensors: dict[str, list[dict]]) -> str:
    """Kotlin and Swift code that runs `model.tflite`.

    Args:
        tensors: `{"inputs": [{"name", "dtype", "shape"}], "outputs": […]}` of the serving graph.
    """
    inputs, outputs = ([tensor["name"] for tensor in tensors[kind]] for kind in ("inputs", "outputs"))
    return f"{_kotlin(inputs, outputs)}\n\n{_swift(tensors['inputs'], outputs)}"


def server_usage(manifest: Manifest, tensors: dict[str, list[dict]]) -> str:
    """Shell commands that serve and call `saved_model/` with TF Serving; empty where the bundle has none."""
    if all(item.format != "saved_model" for item in manifest.exports):
        return ""
    name = manifest.name
    values = ", ".join(f'"{tensor["name"]}": […]' for tensor in tensors["inputs"])
    return (
        "```sh\n"
        f'docker run -p 8501:8501 -v "$PWD/saved_model:/models/{name}/1" -e MODEL_NAME={name} tensorflow/serving\n'
        f"curl -d '{{\"inputs\": {{{values}}}}}' localhost:8501/v1/models/{name}:predict\n```"
    )


def _kotlin(inputs: list[str], outputs: list[str]) -> str:
    given, results = (", ".join(f'"{name}" to {name}' for name in names) for names in (inputs, outputs))
    return (
        "Android (Kotlin, LiteRT):\n\n```kotlin\nval interpreter = Interpreter(modelFile)\n"
        f'interpreter.runSignature(mapOf({given}), mapOf({results}), "serving_default")\n```'
    )


def _swift(inputs: list[dict], outputs: list[str]) -> str:
    lines = ["let interpreter = try Interpreter(modelPath: modelPath)"]
    lines.append('let model = try interpreter.signatureRunner(with: "serving_default")')
    lines += [f'try model.resizeInput(named: "{t["name"]}", toShape: [1, n])' for t in inputs if t["shape"] == "(B, any)"]
    lines.append("try model.allocateTensors()")
    lines += [f'try model.copy({t["name"]}, toInputNamed: "{t["name"]}")' for t in inputs]
    lines.append("try model.invoke()")
    lines += [f'let {name} = try model.output(named: "{name}")' for name in outputs]
    return "iOS (Swift, TensorFlowLiteSwift):\n\n```swift\n" + "\n".join(lines) + "\n```"
