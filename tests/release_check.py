"""python -m tests.release_check: build wheel and sdist of a clean copy, install each in a fresh environment of every installed Python.

With `[train]` a small training runs from an empty folder; without extras, wheel and sdist check its bundle and predict; each extra is
installed alone and does what it is for; then all extras together. A version of Python that is not installed is reported and skipped;
without any, the check fails. uv, where it is installed, makes it several times as fast.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.cases.test_tabular_sources import workbook
from tests.test_every_verb import overrides

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.12", "3.13")
MEGABYTE = 1_000_000
LARGEST_WHEEL = 12 * MEGABYTE
IMPORTS = {"docs": "mkdocs, material, mkdocstrings, mkdocs_jupyter", "hub": "keras_hub, huggingface_hub",
           "scale": "jax, ray.data, ray.train", "tune": "optuna", "kserve": "applied_dl.serving.kserve_model"}  # fmt: skip
TOGETHER = "train,tune,scale,hub,excel,kserve,sign,serve"
SERVED = """
import subprocess, sys, urllib.request
server = subprocess.Popen([sys.argv[1], "serve", "digits=" + sys.argv[2], "--port", "0", "--json"], stdout=subprocess.PIPE)
try:
    url = __import__("json").loads(server.stdout.readline())["url"]
    print(urllib.request.urlopen(url + "/v2/models/digits").read())
finally:
    server.terminate(); server.wait(60)
"""


def main() -> int:
    """0 if every Python that is installed passed."""
    pythons = {version: found for version in VERSIONS if (found := _python(version))}
    for version in VERSIONS:
        if version not in pythons:
            print(f"Python {version}: not installed, skipped")
    if not pythons:
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wheel, sdist = _built(folder)
        size = wheel.stat().st_size
        print(f"wheel: {size / MEGABYTE:.1f} MB, sdist: {sdist.stat().st_size / MEGABYTE:.1f} MB", flush=True)
        if size > LARGEST_WHEEL:
            raise SystemExit(f"The wheel has {size / MEGABYTE:.1f} MB, at most {LARGEST_WHEEL / MEGABYTE:.0f} MB were wanted.")
        for version, python in pythons.items():
            _check_python(version, python, wheel, sdist, folder)
    return 0


def _check_python(version: str, python: str, wheel: Path, sdist: Path, folder: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    digits, table = folder / "digits", folder / "table"
    for name, package in (("wheel[train]", f"{wheel}[train]"), ("wheel", wheel), ("sdist", sdist)):
        place = _install(folder, python, package)
        if name == "wheel[train]":
            quick = ["--set", "train.epochs=3", "--set", "model.width=0.25", "--overwrite", "--quiet"]
            _run(place / "applied-dl", "train", "image", "--out", digits, *quick, cwd=folder)
            _run(place / "applied-dl", "train", "tabular", "--out", table, "--overwrite", "--quiet", *overrides("tabular"), cwd=folder)
        _run(place / "applied-dl", "check", digits, cwd=folder)
        _run(place / "applied-dl", "predict", digits, ROOT / "docs" / "images" / "digit_3.png", "--json", cwd=folder)
        print(f"Python {version}, {name}: installs, checks and predicts" + (", trains" if "train" in name else ""), flush=True)
    for extra in [name for name in extras if name not in ("train", "gpu", "dev")]:
        _use(extra, _install(folder, python, f"{wheel}[{extra}]"), folder)
        print(f"Python {version}, wheel[{extra}] alone: installs and is used", flush=True)
    place = _install(folder, python, f"{wheel}[{TOGETHER}]")
    by_jax = ["--set", "train.backend=jax", "--set", "train.epochs=2", "--set", "model.width=0.25"]
    _run(place / "applied-dl", "train", "image", "--out", folder / "by-jax", "--overwrite", "--quiet", *by_jax, cwd=folder)
    print(f"Python {version}, wheel[{TOGETHER}]: installs together and trains by JAX", flush=True)


def _use(extra: str, place: Path, folder: Path) -> None:
    """What an extra is for, without TensorFlow."""
    command, digits = place / "applied-dl", folder / "digits"
    if extra == "excel":
        names = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
        rows = workbook(folder / "rows.xlsx", {"Rows": [names, [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.86, 87]]})
        _run(command, "predict", folder / "table", rows, "--json", cwd=folder)
        written = folder / "predictions.xlsx"
        written.unlink(missing_ok=True)
        _run(command, "predict", folder / "table", rows, "--out", written, cwd=folder)
    elif extra == "sign":
        signed, key, public = folder / "signed", folder / "key.pem", folder / "key.pub"
        shutil.copytree(digits, signed)
        _run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        _run("openssl", "ec", "-in", key, "-pubout", "-out", public)
        _run(command, "sign", signed, "--private-key", key, cwd=folder)
        _run(command, "check", signed, "--public-key", public, cwd=folder)
        shutil.rmtree(signed)
    elif extra == "serve":
        _run(place / "python", "-c", SERVED, command, digits, cwd=folder)
    else:
        _run(place / "python", "-c", f"import {IMPORTS[extra]}", cwd=folder)
        _run(command, "check", digits, cwd=folder)


def _install(folder: Path, python: str, package: Path | str) -> Path:
    """The programs of a fresh environment, in the place of the one before, that holds this package."""
    place = folder / "environment"
    shutil.rmtree(place, ignore_errors=True)
    if shutil.which("uv"):
        _run("uv", "venv", "-q", "--python", python, place)
        _run("uv", "pip", "install", "-q", "--python", place / "bin" / "python", package)
    else:
        _run(python, "-m", "venv", place)
        _run(place / "bin" / "pip", "install", "-q", package)
    return place / "bin"


def _python(version: str) -> str | None:
    """A Python of this version that can make environments, on the path or among pyenv's and uv's."""
    places = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    if uv := shutil.which("uv"):
        found = subprocess.run([uv, "python", "find", "--no-project", "-q", version], capture_output=True, text=True)
        places.append(found.stdout.strip() or None)
    for place in places:
        if (
            place
            and subprocess.run(
                [place, "-c", f"import venv, sys; assert sys.version.startswith('{version}.')"], capture_output=True
            ).returncode
            == 0
        ):
            return str(place)
    return None


def _built(folder: Path) -> tuple[Path, Path]:
    """Wheel and sdist of what is committed: setuptools writes beside the sources, so of a clone."""
    _run("git", "clone", "-q", ROOT, folder / "source")
    _run(sys.executable, "-m", "venv", folder / "build")
    _run(folder / "build" / "bin" / "pip", "install", "-q", "build")
    _run(folder / "build" / "bin" / "python", "-m", "build", "-o", folder / "dist", folder / "source")
    return next((folder / "dist").glob("*.whl")), next((folder / "dist").glob("*.tar.gz"))


def _run(*command, cwd: Path | None = None) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


if __name__ == "__main__":
    sys.exit(main())
