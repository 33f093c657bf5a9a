"""python tests/release_check.py: build wheel and sdist of a clean copy, install each in a fresh environment of every installed Python.

The light wheel checks a bundle and predicts with it; with `[train]` a small training runs from an empty folder. A version of Python that
is not installed is reported and skipped; without any, the check fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.12", "3.13")


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
        bundle = folder / "made" / "digits"
        for version, python in pythons.items():
            for kind, package in (("wheel[train]", f"{wheel}[train]"), ("wheel", str(wheel)), ("sdist", str(sdist))):
                environment = folder / f"{version}-{kind.replace('[', '-').rstrip(']')}"
                _run(python, "-m", "venv", environment)
                _run(environment / "bin" / "pip", "install", "-q", package)
                command = environment / "bin" / "applied-dl"
                if kind == "wheel[train]":
                    quick = ["--set", "train.epochs=3", "--set", "model.width=0.25", "--overwrite", "--quiet"]
                    _run(command, "train", "image", "--out", bundle, *quick, cwd=folder)
                _run(command, "check", bundle, cwd=folder)
                _run(command, "predict", bundle, ROOT / "docs" / "images" / "digit_3.png", "--json", cwd=folder)
                shutil.rmtree(environment)
                print(f"Python {version}, {kind}: installs, checks and predicts" + (", trains" if "train" in kind else ""), flush=True)
    return 0


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
