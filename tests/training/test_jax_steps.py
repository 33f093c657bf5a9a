"""JAX trains as TensorFlow does: the same draws, the same batches, the same weights from the same start; and what it resumes is exact."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

if importlib.util.find_spec("jax") is None:
    pytest.skip("JAX is not installed in this environment: pip install applied_dl[scale]", allow_module_level=True)

CASES = ("tabular", "image", "forecast", "sentences", "operations", "shares", "rate")
# Of all weights together, relative: float32 rounding, after two epochs. The Transformer's key biases have no gradient but rounding,
# which Adam brings to the size of every other step.
TOLERANCE = {"tabular": 1e-5, "image": 1e-4, "forecast": 1e-5, "sentences": 5e-3}
WORDS = ["cat dog cow pig hen fox owl bee", "red blue green pink grey black white brown", "one two three four five six seven eight"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that both backends write, TensorFlow first."""
    folder, random = tmp_path_factory.mktemp("parity"), np.random.default_rng(0)
    text = lambda topic: " ".join(random.choice(WORDS[topic].split(), 6))  # noqa: E731
    (folder / "pairs.csv").write_text("anchor,positive\n" + "".join(f"{text(t)},{text(t)}\n" for t in random.integers(0, 3, 800)))
    for backend in ("tensorflow", "jax"):
        run(folder, backend, *CASES)
    return folder


def run(folder: Path, backend: str, *arguments: str, **variables: str) -> None:
    """The program beside this file, under a backend."""
    program = Path(__file__).with_name("parity.py")
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", **variables}
    done = subprocess.run([sys.executable, str(program), ".", *arguments], env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def arrays(folder: Path, backend: str, case: str) -> dict[str, np.ndarray]:
    with np.load(folder / f"{backend}.{case}.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize("case", TOLERANCE)
def test_the_same_weights_after_the_same_steps(folder, case):
    one, other = (arrays(folder, backend, case) for backend in ("tensorflow", "jax"))
    expected, got = (np.concatenate([array.ravel() for array in found.values()]) for found in (one, other))
    assert np.linalg.norm(got - expected) <= TOLERANCE[case] * np.linalg.norm(expected)
    rows = [json.loads((folder / f"{backend}.{case}.json").read_text()) for backend in ("tensorflow", "jax")]
    assert [row["epoch"] for row in rows[0]] == [row["epoch"] for row in rows[1]]
    for ours, theirs in zip(*rows):
        assert ours.keys() == theirs.keys()
        np.testing.assert_allclose(ours["val_loss"], theirs["val_loss"], rtol=2e-3)
        np.testing.assert_allclose(ours["learning_rate"], theirs["learning_rate"], rtol=1e-5)


def test_what_is_drawn_is_the_same(folder):
    one, other = (arrays(folder, backend, "operations") for backend in ("tensorflow", "jax"))
    for name, expected in one.items():
        assert other[name].dtype == expected.dtype, name
        if "rotate" in name:  # interpolated: a level up or down where the sum is rounded
            assert np.abs(other[name].astype(int) - expected).max() <= 1
            assert (other[name] != expected).mean() < 0.01
        else:
            np.testing.assert_array_equal(other[name], expected, err_msg=name)


def test_mixed_shares_have_the_same_distribution(folder):
    one, other = (arrays(folder, backend, "shares")["mixup"] for backend in ("tensorflow", "jax"))
    assert np.abs(one - other).max() < 0.06  # Kolmogorov and Smirnov on 4,000 sorted shares, by value


def test_the_finder_suggests_the_same_rate(folder):
    one, other = (arrays(folder, backend, "rate")["rate"] for backend in ("tensorflow", "jax"))
    np.testing.assert_allclose(one, other, rtol=0.2)  # one step of the sweep


def test_several_devices_train_as_one_and_rows_of_a_file_as_those_in_memory(tmp_path):
    found = {}
    for count in (1, 4):
        run(tmp_path, "jax", "devices", XLA_FLAGS=f"--xla_force_host_platform_device_count={count}")
        found[count] = arrays(tmp_path, "jax", "devices")
        assert found[count]["count"] == count
    for one in found.values():
        np.testing.assert_allclose(one["mapped"], one["memory"], atol=1e-6)
    np.testing.assert_allclose(found[4]["memory"], found[1]["memory"], atol=2e-6)
