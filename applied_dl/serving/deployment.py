"""Files that put bundles behind HTTP elsewhere: a Dockerfile, a KServe manifest, a configuration of OpenVINO Model Server."""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from applied_dl.core.bundle import MANIFEST, checked_bytes, read_manifest
from applied_dl.core.errors import UsageError
from applied_dl.predictor import needed_files
from applied_dl.runtime.interpreter import Runtime
from applied_dl.tasks import load_predict

IMAGE = "python:3.12-slim"
PORT = 8080
UNUSED = ("hf_xet", "ai_edge_litert/tools", "ai_edge_litert/libLiteRtWebGpuAccelerator.so")  # 46 MB with the folders of tests
POLARS = "_polars_runtime*"  # 170 MB
MEMORY = {"requests": "256Mi", "limits": "1Gi"}


def write_deployment(folders: dict[str, Path], target: str | Path) -> list[Path]:
    """Write the files of a deployment.

    Args:
        folders: of the bundles, by name of the model.
        target: a folder that is empty or does not exist.

    Returns:
        The files that a person reads or edits, without the copies of the bundles.

    Raises:
        UsageError: the folder holds files.
        DataError: a bundle is damaged, or has no TFLite file.
    """
    target = Path(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{str(target)!r} exists already; give --write-deployment a new folder.")
    wanted = {name: needed_files(folder, None) for name, folder in folders.items()}
    for name, folder in folders.items():
        _copy_bundle(folder, wanted[name], target / "bundles" / name)
        _copy_model(folder, target / "ovms" / name / "1" / "model.tflite")
    written = {
        "Dockerfile": dockerfile(list(folders), any(reads_tables(folder) for folder in folders.values())),
        "inference-service.yaml": inference_service(list(folders)),
        "ovms/config.json": json.dumps(ovms_config(list(folders)), indent=2) + "\n",
        "README.md": readme({name: tensor_names(folder) for name, folder in folders.items()}),
    }
    for file, text in written.items():
        (target / file).write_text(text, encoding="utf-8")
    return [target / file for file in written]


def reads_tables(folder: Path) -> bool:
    """Whether raw inputs of a bundle are tables, which polars reads."""
    return load_predict(read_manifest(folder).task).INPUT in ("row", "history")


def dockerfile(names: list[str], tables: bool = True) -> str:
    """An image with the light runtime and the bundles.

    Args:
        names: of the models.
        tables: whether one of them reads tables; without, the image holds no polars.
    """
    models = [f"{name}=/bundles/{name}" for name in names]
    entry = json.dumps(["applied-dl", "serve", *models, "--host", "0.0.0.0", "--port", str(PORT)])
    probe = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{PORT}/v2/health/ready')"
    unused = " ".join([*UNUSED, *([] if tables else [POLARS])])
    return f"""# docker build -t {image_name(names)} . && docker run -p {PORT}:{PORT} {image_name(names)}
FROM {IMAGE}
ARG PACKAGE="applied_dl[serve]{_pinned()}"
# without what a server of these bundles never loads: tests, the WebGPU accelerator, helpers{"" if tables else ", the engine of tables"}
RUN pip install --no-cache-dir --no-compile "$PACKAGE" \\
 && cd "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \\
 && rm -rf {unused} && find . -type d -name tests -prune -exec rm -rf {{}} + \\
 && useradd --uid 10001 --no-create-home serve
COPY bundles /bundles
USER 10001
EXPOSE {PORT}
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", {json.dumps(probe)}]
# APPLIED_DL_TOKEN in the environment is the token that clients must send
ENTRYPOINT {entry}
CMD ["--workers", "1"]
"""


def inference_service(names: list[str]) -> str:
    """A KServe `InferenceService` whose predictor is the image of the Dockerfile."""
    name = image_name(names)
    return f"""# kubectl apply -f inference-service.yaml
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {name}
spec:
  predictor:
    containers:
      - name: kserve-container
        image: REGISTRY/{name}:latest
        ports:
          - name: http1
            containerPort: {PORT}
            protocol: TCP
        readinessProbe:
          httpGet: {{path: /v2/health/ready, port: {PORT}}}
        livenessProbe:
          httpGet: {{path: /v2/health/live, port: {PORT}}}
        resources:
          requests: {{cpu: "1", memory: {MEMORY["requests"]}}}
          limits: {{cpu: "2", memory: {MEMORY["limits"]}}}
"""


def ovms_config(names: list[str]) -> dict[str, object]:
    """The configuration of OpenVINO Model Server; its models take the tensors of the graph only, never raw inputs."""
    return {"model_config_list": [{"config": {"name": name, "base_path": f"/models/{name}"}} for name in names]}


def tensor_names(folder: Path) -> dict[str, str]:
    """The tensors of a bundle's file, by the name that they have in its signature."""
    manifest = read_manifest(folder)
    return Runtime(checked_bytes(folder, manifest, manifest.variant(None).file), threads=1).tensors


def readme(tensors: dict[str, dict[str, str]]) -> str:
    """What the files are for, and the names of each model's tensors."""
    names = list(tensors)
    name = image_name(names)
    rows = "\n".join(f"| {model} | `{one}` | `{tensor}` |" for model, found in tensors.items() for one, tensor in found.items())
    return f"""# Deployment of {", ".join(names)}

`bundles/` holds what a server reads of each bundle: manifest, encoder and `.tflite`.

| file | use |
|---|---|
| `Dockerfile` | `docker build -t {name} . && docker run -p {PORT}:{PORT} {name}` |
| `inference-service.yaml` | push the image, put its address in place of `REGISTRY`, `kubectl apply -f inference-service.yaml` |
| `ovms/` | `docker run -v "$PWD/ovms:/models" -p 8000:8000 openvino/model_server --config_path /models/config.json --rest_port 8000` |

The first two answer raw inputs and tensors; OpenVINO Model Server takes tensors under the names that the `.tflite` file gives them:

| model | tensor | name in OpenVINO Model Server |
|---|---|---|
{rows}
"""


def image_name(names: list[str]) -> str:
    """A name that Docker and Kubernetes accept: small letters, digits and dashes, at most 50."""
    plain = re.sub(r"[^a-z0-9]+", "-", names[0].lower()).strip("-")[:50].strip("-")
    return plain if plain[:1].isalpha() else f"model-{plain}".strip("-")


def _copy_bundle(folder: Path, files: set[str], target: Path) -> None:
    for name in [MANIFEST, *sorted(files)]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target / name)


def _copy_model(folder: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / read_manifest(folder).variant(None).file, target)


def _pinned() -> str:
    try:
        return f"=={version('applied_dl')}"
    except PackageNotFoundError:
        return ""
