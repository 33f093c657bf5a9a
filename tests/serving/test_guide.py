"""The commands of the guide are run as they stand, against a server with a bundle of every task."""

import json
import re
import shutil
import subprocess

import pytest

from applied_dl.core.bundle import read_manifest
from applied_dl.serving.limits import MEGABYTE, Limits
from applied_dl.serving.openapi import describe
from tests.serving.server import ROOT, serving

GUIDE = (ROOT / "docs" / "guides" / "serve.md").read_text(encoding="utf-8")
NAMES = {"digits": "image", "diabetes": "tabular", "co2": "forecast", "words": "words", "notes": "sentences"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_requests_of_the_guide_are_answered(folders):
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) if "curl" in block]
    assert {name for name in NAMES if any(f"/models/{name}" in block for block in blocks)} == set(NAMES)
    with serving(*(f"{name}={folders[task]}" for name, task in NAMES.items())) as server:
        for block in blocks:
            commands = block.replace("localhost:8080", server.url).replace("curl ", "curl -sS ")
            done = subprocess.run(["bash", "-ec", commands], capture_output=True, text=True, cwd=ROOT, check=True)
            answers, decoder = [], json.JSONDecoder()
            text = done.stdout.strip()
            while text:
                answer, end = decoder.raw_decode(text)
                answers.append(answer)
                text = text[end:].strip()
            assert len(answers) == block.count("curl ")
            for answer in answers:
                assert "error" not in answer, answer
                for output in answer["outputs"]:
                    if output["name"] == "predictions":
                        assert all("error" not in json.loads(one) for one in output["data"])


def test_the_limits_of_the_guide_are_those_of_the_code():
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|", GUIDE, re.MULTILINE))
    limits = Limits()
    expected = {
        "bytes of a request": limits.body / MEGABYTE,
        "rows, inputs, or steps of a history in a request": limits.rows,
        "pixels of all images in a request, by their headers": limits.pixels / 1e6,
        "requests of a process that wait or run": limits.queue,
        "seconds until the answer": limits.seconds,
        "seconds for the header, and for the body, to arrive": limits.reading,
        "open connections of a process": limits.connections,
    }
    assert {name: float(re.match(r"[\d,]+", rows[name])[0].replace(",", "")) for name in expected} == expected


def test_the_addresses_of_the_guide_are_those_of_the_server(models):
    paths = {path.replace("{name}", "NAME") for path in describe(list(models.models.values()))["paths"] if "versions" not in path}
    assert all(path in GUIDE for path in paths), paths


def test_the_card_says_how_to_serve(folders):
    from applied_dl.report.card import _shipping
    from tests.report.test_card import ABOUT

    manifest = read_manifest(folders["image"])
    assert f"applied-dl serve {manifest.name}" in _shipping(manifest, ABOUT)
