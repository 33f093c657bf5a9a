"""Shared by all tests: no GPU noise, a cache of their own, and one trained bundle a task."""

import fcntl
import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("MPLBACKEND", "Agg")
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker a core: more threads only wait for each other
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_finish():
    """Graphs are many small objects: by default a tenth of the tests' time goes into looking for dead ones."""
    gc.set_threshold(50_000, 10, 10)
    gc.freeze()  # the libraries that were imported stay


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """Decoded data of the tests never mixes with the user's."""
    os.environ["APPLIED_DL_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _audible():
    """A verb with --quiet silences its own process; the next test speaks again."""
    from applied_dl.core import console

    yield
    console.quiet = False


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real public data; tests that need it are skipped where it is absent."""
    if not SHARED.exists():
        pytest.skip("the shared data folder is not beside this checkout")
    return SHARED


# smaller than the default, for the tests' time; `test_pipeline` trains the defaults too, among the slow tests
QUICK = {
    "image": {"train": {"epochs": 4}, "model": {"width": 0.25}},
    "forecast": {"model": {"name": "ridge"}},
    "words": {"preprocess": {"vocabulary": 2000}, "train": {"epochs": 1}},
    "sentences": {"data": {"max_rows": 1000}, "model": {"name": "static", "dimensions": 16}, "train": {"epochs": 2}},
    "recommend": {"model": {"name": "ease", "regularization": 200.0}},
    "generate": {"train": {"epochs": 3}, "model": {"width": 8}, "export": {"variants": ["fp32", "int8"], "max_metric_drop": 1.0}},
    "segment": {"train": {"epochs": 1}, "model": {"width": 0.25, "depth": 1}, "export": {"variants": ["fp32", "int8"]}},
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """`trained(task)`: one bundle a task, trained once by whichever process of the tests asks first."""
    import applied_dl
    from applied_dl.core.bundle import open_bundle
    from applied_dl.workflows.train import Run
    from tests.cases.segment_files import fill

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def get(task: str):
        out = shared / "trained" / task
        out.parent.mkdir(exist_ok=True)
        with open(out.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not out.exists():
                recipe = {"task": task}
                if task == "segment":  # drawing the built-in scenes takes longer than learning from these
                    recipe["data"] = {"source": str(fill(out.parent / "scenes", 40, classes=5))}
                applied_dl.train(recipe, out=out, **QUICK.get(task, {}))
        return Run(bundle=out, manifest=open_bundle(out))

    return get
