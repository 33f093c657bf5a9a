"""The public functions: real signatures, documented, light to import."""

import inspect
import re
import subprocess
import sys

import pytest

import applied_dl

FUNCTIONS = [name for name in applied_dl.__all__ if inspect.isfunction(getattr(applied_dl, name))]


def test_the_functions_of_the_command_line_are_functions_of_the_package():
    assert set(FUNCTIONS) == {
        "backtest",
        "diagnose",
        "diff",
        "dry_run",
        "evaluate",
        "generate",
        "explain",
        "export",
        "find_lr",
        "inspect",
        "load",
        "load_keras",
        "predict",
        "train",
        "tune",
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_is_typed_and_documented(name):
    function = getattr(applied_dl, name)
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        assert parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        assert parameter.annotation is not parameter.empty
        assert re.search(rf"^ +{parameter.name}: ", function.__doc__, re.MULTILINE), parameter.name
    for heading in ("Args:", "Returns:", "Example:"):
        assert heading in function.__doc__
    assert function.__annotations__["return"]


def test_the_import_is_light_and_loads_no_tensorflow():
    program = (
        "import time; start = time.process_time(); import applied_dl; spent = time.process_time() - start\n"
        "import sys; assert not {'tensorflow', 'keras', 'numpy', 'polars'} & set(sys.modules)\n"
        "applied_dl.Predictor; assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
        "assert spent < 0.1, spent\n"
        "assert set(applied_dl.__all__) == set(dir(applied_dl)); assert all(hasattr(applied_dl, n) for n in applied_dl.__all__)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        applied_dl.trian  # noqa: B018
