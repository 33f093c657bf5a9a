"""A bundle → one HTML file: the model with fixed shapes, the encoder and its rules, the scripts, golden examples, the runtime."""

from __future__ import annotations

import base64
import html
import json
import re
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.bundle import Manifest, finite
from applied_dl.core.page_parts import PageParts
from applied_dl.page.litert import ADDRESS, packed, runtime_parts
from applied_dl.page.rules import rules_of
from applied_dl.predictor import Predictor
from applied_dl.runtime.freeze import freeze
from applied_dl.runtime.interpreter import Runtime
from applied_dl.tasks import load_page

SHOWN = 6  # warnings of the model that the page lists
IMPORT = re.compile(r"^import \{([^}]*)\} from '\./(\w+)\.js';", re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|const) (\w+)", re.MULTILINE)


def build_page(bundle: Path, target: Path, runtime: str | Path | None = None) -> dict[str, Any]:
    """Write the page of a bundle.

    Args:
        bundle: its folder.
        target: the HTML file; its folder exists.
        runtime: folder of the npm package of LiteRT.js, to be packed into the page; without it the browser fetches it.

    Returns:
        `file`, `bytes`, `variant`, `runtime` (version), `offline`, `examples` (golden ones of the self-check), `limits`.

    Raises:
        UsageError: the model cannot run in a page, or `runtime` is not the package.
    """
    predictor = Predictor(bundle)
    parts = load_page(predictor.task)(predictor.encoder)
    held, about = runtime_parts(runtime)
    with tempfile.TemporaryDirectory() as folder:
        content = freeze(bundle, Path(folder) / "model.tflite", length=parts.length).read_bytes()
    fixed = Runtime(content, threads=1)
    golden = golden_examples(predictor, parts, fixed)
    spec = {
        **describe(predictor.manifest, predictor.variant),
        "encoder": parts.encoder,
        "rules": rules_of(parts.rules),
        "form": parts.form,
        "limits": list(parts.limits),
        "runtime": about,
        "inputs": {name: {"shape": shape_of(detail), "kind": np.dtype(detail["dtype"]).name} for name, detail in fixed.inputs.items()},
        "golden": golden,
    }
    page = template(parts, spec, content, held, predictor.manifest)
    target.write_text(page, encoding="utf-8")
    return {
        "file": str(target), "bytes": len(page.encode()), "variant": predictor.variant, "runtime": about["version"],
        "offline": bool(held), "examples": len(golden), "limits": list(parts.limits),
    }  # fmt: skip


def template(parts: PageParts, spec: dict[str, Any], content: bytes, held: dict[str, str], manifest: Manifest) -> str:
    """The page as text."""
    here = files("applied_dl.page")
    own = {name: packed(block) for name, block in parts.blocks.items()}
    blocks = {f"block-{name}": text for name, text in {"model": packed(content), **own, **held}.items()}
    values = {
        "name": html.escape(manifest.name),
        "style": (here / "page.css").read_text(encoding="utf-8"),
        "spec": json.dumps(finite(spec), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "blocks": "\n".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in blocks.items()),
        "script": script(in_order(parts.modules)),
        "license": "holds" if held else "fetches",
        "connect": "'none'" if held else ADDRESS,  # the browser itself refuses any other connection
    }
    page = (here / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], page)


def in_order(modules: tuple[str, ...]) -> tuple[str, ...]:
    """A task's scripts with those of every page: the helpers before its view, which is last, and the start after it."""
    return (*modules[:-1], "runtime", "dom", modules[-1], "start")


def script(modules: tuple[str, ...]) -> str:
    """The modules in one, each in a scope of its own: what it exports is in `modules`, from where the others take what they import.

    A module `view_…` is the one that others import as `view`.
    """
    folder = files("applied_dl.page") / "js"
    made = ["const modules = {};"]
    for name in modules:
        source = (folder / f"{name}.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
        exported = ", ".join(EXPORT.findall(source))
        body = IMPORT.sub(r"const {\1} = modules.\2;", source).replace("\nexport ", "\n")
        made.append(f"modules.{name.partition('_')[0]} = (() => {{\n{body}return {{{exported}}};\n}})();\n")
    return "\n".join(made)


def describe(manifest: Manifest, variant: str) -> dict[str, Any]:
    """What the page says of the model: its data, measured score, baselines and warnings."""
    test, interval = manifest.metrics.get("test", {}), manifest.intervals.get("test", {}).get(manifest.main)
    known = {name: score for name, found in manifest.baselines.items() if (score := found.get(manifest.main)) is not None}
    baselines = {
        name: known[name] for name in sorted(known, key=lambda name: known[name], reverse=manifest.rises())
    }  # the page shows the best
    item = manifest.variant(variant)
    return {
        "name": manifest.name, "task": manifest.task, "created": manifest.created[:10], "variant": variant, "main": manifest.main,
        "summary": str(manifest.facts.get("summary", "")), "metrics": test, "interval": interval, "rows": manifest.rows.get("test"),
        "file_metric": item.metric, "coverage": manifest.recipe.get("calibration", {}).get("coverage"),
        "baselines": baselines, "warnings": manifest.warnings[:SHOWN],
    }  # fmt: skip


def golden_examples(predictor: Predictor, parts: PageParts, fixed: Runtime) -> list[dict[str, Any]]:
    """Raw inputs with the arrays that Python's encoder makes of them and the outputs of the model: what the page verifies at its start."""
    found = []
    for raw in parts.examples:
        encoded = predictor.encode([raw])
        if not encoded.kept:
            continue
        arrays = fit_shapes({name: array[:1] for name, array in encoded.inputs.items()}, fixed, parts.padding)
        outputs = fixed.run(arrays)
        found.append({"input": as_json(raw), "inputs": flat(arrays), "outputs": flat(outputs)})
    return found


def as_json(raw: Any) -> Any:
    """An example as JSON: the bytes of a file in base64."""
    return {"base64": base64.b64encode(raw).decode()} if isinstance(raw, bytes) else raw


def fit_shapes(arrays: dict[str, np.ndarray], fixed: Runtime, padding: int) -> dict[str, np.ndarray]:
    """Sequences cut or filled to the fixed width of the model's inputs."""
    found = {}
    for name, array in arrays.items():
        shape = shape_of(fixed.inputs[name])
        if array.ndim == 2 and array.shape[1] != shape[1]:
            array = np.pad(array[:, : shape[1]], ((0, 0), (0, max(0, shape[1] - array.shape[1]))), constant_values=padding)
        found[name] = array
    return found


def shape_of(detail: dict[str, Any]) -> list[int]:
    """The shape of a tensor as a list."""
    return [int(size) for size in detail["shape"]]


def flat(arrays: dict[str, np.ndarray]) -> dict[str, list[float | None]]:
    """Arrays as flat lists for JSON, which has no NaN: None stands for it."""
    found: dict[str, list[float | None]] = {name: finite(array.ravel().tolist()) for name, array in arrays.items()}
    return found
