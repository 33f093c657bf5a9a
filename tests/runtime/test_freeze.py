"""A file with fixed shapes gives the outputs of the original, keeps its labels, and has no dynamic dimension left."""

import zipfile

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from applied_dl import cli
from applied_dl.core.bundle import read_manifest
from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.predictor import load
from applied_dl.runtime import freeze
from applied_dl.runtime.interpreter import Runtime


def run_fixed(path, inputs: dict) -> dict:
    """LiteRT without a resize, as a runtime that supports fixed shapes only."""
    runner = Interpreter(str(path)).get_signature_runner("serving_default")
    return runner(**inputs)


@pytest.mark.parametrize("task", ["image", "tabular", "forecast", "words", "sentences"])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_fixed_file_gives_the_outputs_of_the_original(task, batch, trained, tmp_path):
    bundle = trained(task).bundle
    path = freeze.freeze(bundle, tmp_path / "deep" / "m.tflite", variant="fp32", batch=batch, length=20)
    free = load(bundle, variant="fp32")
    with np.load(bundle / "golden.npz") as golden:
        rows = {name: golden[f"input/{name}"][:batch] for name in free.runtime.inputs}
    rows = {n: a if a.ndim < 2 or free.runtime.inputs[n]["shape_signature"][1] != -1 else fitted(a, 20) for n, a in rows.items()}
    got, want = run_fixed(path, rows), free.run(rows)
    for name in want:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5, atol=1e-6)
    interpreter = Interpreter(str(path))
    for detail in (*interpreter.get_input_details(), *interpreter.get_output_details()):
        assert -1 not in detail["shape_signature"]
        assert detail["shape"][0] == batch


def fitted(ids: np.ndarray, length: int) -> np.ndarray:
    out = np.zeros((len(ids), length), ids.dtype)
    out[:, : ids.shape[1]] = ids[:, :length]
    return out


def test_labels_stay_in_the_file(trained, tmp_path):
    path = freeze.freeze(trained("image").bundle, tmp_path / "m.tflite")
    with zipfile.ZipFile(path) as packed:
        assert packed.read("labels.txt").decode().split() == list("0123456789")


def test_the_command_line_and_its_refusals(trained, tmp_path, capsys):
    bundle, target = trained("image").bundle, tmp_path / "m.tflite"
    assert cli.main(["freeze", str(bundle), str(target), "--batch", "2", "--json"]) == 0
    assert target.stat().st_size > 1000
    assert cli.main(["freeze", str(bundle), str(target)]) == 2
    assert "exists already" in capsys.readouterr().err
    with pytest.raises(UsageError, match="at least 1"):
        freeze.freeze(bundle, tmp_path / "n.tflite", batch=0)


def test_a_file_with_other_outputs_is_not_written(trained, tmp_path, monkeypatch):
    bundle = trained("image").bundle
    other = (bundle / read_manifest(bundle).variant("fp32").file).read_bytes()
    run = Runtime.run

    def wrong(self, inputs, *args):
        found = run(self, inputs, *args)
        return found if self.content == other else {name: array + 1 for name, array in found.items()}

    monkeypatch.setattr(Runtime, "run", wrong)
    with pytest.raises(RefusedError, match=r"output '\w+' of the file with fixed shapes differs"):
        freeze.freeze(bundle, tmp_path / "m.tflite", variant="fp32")
    assert not list(tmp_path.iterdir())
