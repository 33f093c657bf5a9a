"""The files of a deployment are those that Docker, Kubernetes and OpenVINO read, and their bundles answer."""

import json
import re
import subprocess

import pytest

from applied_dl import cli
from applied_dl.predictor import load
from applied_dl.serving.deployment import dockerfile, image_name, inference_service


@pytest.fixture
def written(folders, tmp_path, capsys):
    arguments = [f"digits={folders['image']}", f"my_words={folders['words']}"]
    assert cli.main(["serve", *arguments, "--write-deployment", str(tmp_path / "d"), "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert all((tmp_path / "d").joinpath(file).is_file() for file in files)
    return tmp_path / "d"


def test_the_copied_bundles_answer(written, folders):
    for name, task in (("digits", "image"), ("my_words", "words")):
        copy, bundle = load(written / "bundles" / name), load(folders[task])
        given = b"" if task == "image" else "the river"
        assert copy.predict([given]) == bundle.predict([given])
        chosen = bundle.manifest.chosen.file
        assert (written / "ovms" / name / "1" / "model.tflite").read_bytes() == (folders[task] / chosen).read_bytes()
        assert not (written / "bundles" / name / "model.keras").exists()


def test_the_image_serves_what_it_holds(written):
    text = (written / "Dockerfile").read_text()
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[1])
    more = json.loads(re.search(r"^CMD (.*)$", text, re.MULTILINE)[1])
    options = cli.build_parser().parse_args([*entry[1:], *more])
    assert entry[0] == "applied-dl"
    for bundle in options.bundles:
        name, _, folder = bundle.partition("=")
        assert (written / folder.removeprefix("/")).is_dir()
        assert folder == f"/bundles/{name}"
    assert options.host == "0.0.0.0"
    probe = re.search(r"HEALTHCHECK .* CMD (.*)$", text, re.MULTILINE)[1]
    compile(json.loads(probe)[2], "probe", "exec")
    assert 'ARG PACKAGE="applied_dl[serve]' in text
    assert "USER 10001" in text
    assert "_polars_runtime" in text  # images and words need none
    assert "_polars_runtime" not in dockerfile(["a"], tables=True)
    run = re.search(r"^RUN (.*?)^COPY", text, re.MULTILINE | re.DOTALL)[1]
    subprocess.run(["bash", "-n", "-c", run], check=True)


def test_the_manifest_is_an_inference_service(written):
    yaml = pytest.importorskip("yaml")
    manifest = yaml.safe_load((written / "inference-service.yaml").read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", manifest["metadata"]["name"])
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert container["name"] == "kserve-container"
    assert container["ports"][0]["containerPort"] == 8080 == container["readinessProbe"]["httpGet"]["port"]


def test_the_configuration_of_openvino_names_folders_that_exist(written):
    config = json.loads((written / "ovms" / "config.json").read_text())
    for model in config["model_config_list"]:
        path = model["config"]["base_path"].removeprefix("/models")
        assert (written / "ovms" / path.strip("/") / "1" / "model.tflite").is_file()


def test_the_readme_names_the_tensors_as_openvino_reads_them(written):
    text = (written / "README.md").read_text()
    assert "| digits | `image` | `serving_default_image:0` |" in text
    assert re.search(r"\| digits \| `probabilities` \| `StatefulPartitionedCall:\d` \|", text)
    openvino = pytest.importorskip("openvino")
    named = set(re.findall(r"\| digits \| `\w+` \| `(.*?)` \|", text))
    model = openvino.Core().read_model(written / "ovms" / "digits" / "1" / "model.tflite")
    assert {one.get_any_name() for one in [*model.inputs, *model.outputs]} == named


def test_nothing_is_overwritten(written, folders, capsys):
    before = (written / "Dockerfile").read_bytes()
    assert cli.main(["serve", f"m={folders['words']}", "--write-deployment", str(written)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (written / "Dockerfile").read_bytes() == before


@pytest.mark.parametrize("name", ["My Model", "_x", "9", "é", "a" * 90, "-"])
def test_names_fit_docker_and_kubernetes(name):
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,60}[a-z0-9])?", image_name([name]))
    assert image_name([name]) in dockerfile([name])
    assert image_name([name]) in inference_service([name])
