"""python -m benchmarks.export.conversion_matrix [NAME…]: every builder in every precision.

Each builder builds an untrained network of a usual size; every variant is converted, run and timed in processes of their
own, the latter without TensorFlow, and compared with Keras on 256 random rows. Written to docs/conversion.md as well.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.runner import ROOT, Row, read, write

ROWS = 256
CLASSES = 10
VARIANTS = ("fp32", "fp16", "dynamic", "int8_weights", "int8")
PAGE = ROOT / "docs" / "conversion.md"


def builders() -> dict[str, Callable]:
    """Builder functions by name; a builder that is added to its family's table is in the matrix at once."""
    from applied_dl.layers.activations import NAMES
    from applied_dl.models import forecast, generate, image, recommend, segment, tabular
    from applied_dl.text.models.static import raw_bytes, static
    from applied_dl.text.models.transformer import classifier, masked_language_model, transformer
    from applied_dl.text.models.word_vectors import word_lookup

    special = {"backbone": {"backbone": "MobileNetV2", "alpha": 0.35, "weights": None}}
    sides = {"backbone": 96, "lenet": 28, "mlp": 28}

    def series(name: str):
        cycle = {"cycle": 24} if name == "cyclenet" else {}
        return forecast.Spec(lookback=96, horizon=24, channels=1 if name == "panel" else 3, season=24, **cycle)

    columns = tabular.plain_features(8, (5, 40))
    found = {
        f"image {n}": lambda b=b, n=n: b((sides.get(n, 32), sides.get(n, 32), 3), CLASSES, **special.get(n, {}))
        for n, b in image.BUILDERS.items()
    }
    found |= {f"segment {n}": lambda b=b: b((32, 32, 3), CLASSES) for n, b in segment.BUILDERS.items()}
    found |= {f"tabular {n}": lambda b=b: b(columns, 3) for n, b in tabular.BUILDERS.items()}
    found |= {f"forecast {n}": lambda b=b, n=n: b(series(n)) for n, b in forecast.BUILDERS.items()}
    found |= {f"recommend {n}": lambda b=b: _filled(b(200, 500, events=2000, longest=40)) for n, b in recommend.BUILDERS.items()}
    found |= {f"generate {n}": lambda b=b: b((32, 32, 3), 64, CLASSES) for n, b in generate.GENERATORS.items()}
    sizes = (9, 33, 6, 17)
    found |= {"generate autoregressive": lambda: generate.column_net(sizes), "generate row_gan": lambda: generate.row_generator(sizes, 64)}
    found |= {
        "text static": lambda: static(8000, dimensions=128),
        "text raw_bytes": lambda: raw_bytes(128, buckets=8000, dimensions=64),
        "text word_lookup": lambda: word_lookup(8000, dimensions=100),
        "text transformer": lambda: transformer(8000, length=64),
        "text transformer, rotary": lambda: transformer(8000, length=64, positions="rotary"),
        "text classifier": lambda: classifier(transformer(8000, length=64), CLASSES),
        "text masked language model": lambda: masked_language_model(transformer(8000, length=64, width=64, depth=2)),
    }
    return found | {f"activation {n}": lambda n=n: image.mlp((16, 16, 1), CLASSES, activation=n) for n in NAMES}


def _filled(model):
    """A recommender with random factors in place of zeros; its known users have nothing."""
    import numpy as np

    random = np.random.default_rng(0)
    for weight in model.get_layer("scores").weights if any(one.name == "scores" for one in model.layers) else ():
        weight.assign(random.normal(0, 0.2, weight.shape))
    return model


def rows_for(model, random) -> dict:
    """Random inputs of a network: standardised numbers, letters with spaces, or small codes."""
    found = {}
    given = model.input if isinstance(model.input, dict) else {"x": model.input}
    for name, tensor in given.items():
        shape = (ROWS, *(side or 24 for side in tensor.shape[1:]))
        if "int" not in str(tensor.dtype):
            found[name] = random.normal(size=shape).astype("float32")
        elif name == "bytes":
            found[name] = random.choice([32, *range(97, 123)], size=shape).astype(tensor.dtype)
        else:
            found[name] = random.integers(0 if name == "codes" else 1, 5, size=shape).astype(tensor.dtype)
    return found


def with_names(model):
    """The network with named inputs and outputs, as export takes it."""
    import keras

    given = model.input if isinstance(model.input, dict) else {"x": model.input}
    answers = model.output if isinstance(model.output, dict) else {"y": model.output}
    fresh = {name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name) for name, tensor in given.items()}
    output = model(fresh if isinstance(model.input, dict) else fresh["x"])
    return keras.Model(fresh, output if isinstance(output, dict) else dict.fromkeys(answers, output))


def examine(make: Callable, folder: Path) -> dict:
    """One builder in every variant."""
    import keras
    import numpy as np

    from applied_dl.exporting.isolated import run_isolated
    from applied_dl.exporting.precisions import convert_variants
    from applied_dl.exporting.serving import Serving
    from applied_dl.exporting.verification import differences
    from applied_dl.runtime.interpreter import Runtime, operators

    keras.utils.set_random_seed(0)
    model = with_names(make())
    rows = rows_for(model, np.random.default_rng(0))
    np.savez(folder / "representative.npz", **rows)
    expected = {name: np.asarray(value) for name, value in model.predict(rows, verbose=0).items()}
    made, reasons = convert_variants(Serving(model), VARIANTS, folder)
    refused, costs = run_isolated(made, folder / "representative.npz")
    found = {"parameters": model.count_params(), "variants": {}}
    for variant in VARIANTS:
        if variant in reasons or variant in refused:
            found["variants"][variant] = {"refused": reasons.get(variant) or refused[variant]}
        elif variant in made:
            content = made[variant].read_bytes()
            outputs = Runtime(content, threads=1).run(rows)
            ops = operators(content)
            found["variants"][variant] = {
                "bytes": len(content),
                "flex": [op for op in ops if op.startswith("Flex") or not op.isupper()],
                **differences(outputs, expected),
                **costs[variant],
            }
    return found


def main(wanted: list[str]) -> None:
    """Examine the builders (those whose name holds one of the words given), and write JSON and page."""
    found = (read("export_conversion_matrix") or {"builders": {}}) if wanted else {"builders": {}}
    for name, make in builders().items():
        if wanted and not any(word in name for word in wanted):
            continue
        with tempfile.TemporaryDirectory() as folder:
            found["builders"][name] = examine(make, Path(folder))
        print(name, {v: f.get("refused") or f"{f['max_rel_diff']:.0e}" for v, f in found["builders"][name]["variants"].items()}, flush=True)
    write("export_conversion_matrix", {"builders": found["builders"]})
    PAGE.write_text(page(read("export_conversion_matrix")), encoding="utf-8")


def summary(found: dict) -> list[Row]:
    """Over the whole matrix."""
    nets = found["builders"]
    float_files = [nets[n]["variants"][v] for n in nets for v in ("fp32", "fp16", "dynamic")]
    good = sum("refused" not in f for f in float_files)
    files = [f for n in nets.values() for f in n["variants"].values() if "refused" not in f]
    flex = sum(bool(f["flex"]) for f in files)
    worst = max(n["variants"]["fp32"].get("max_rel_diff", float("inf")) for n in nets.values())
    int8 = [n["variants"]["int8"] for n in nets.values()]
    run = [f for f in int8 if "refused" not in f]
    near = sum(f["max_rel_diff"] <= 0.05 for f in run)
    return [
        Row(
            f"{len(nets)} builders as fp32, fp16 and dynamic",
            f"{good} of {len(float_files)} convert and run",
            "all",
            good == len(float_files),
        ),
        Row("files that need Flex", f"{flex} of {len(files)}", "none", flex == 0),
        Row("fp32 against Keras, the worst of all", f"{worst:.0e} of the output's scale", "≤ 1e-4", worst <= 1e-4),
        Row("full int8", f"{len(run)} of {len(int8)} convert and run, {near} of them within 5% of the output's scale"),
    ]


def details(found: dict) -> list[str]:
    """One row per builder; the page holds the rest."""
    return [f"By builder: [conversion.md](conversion.md), {len(found['builders'])} builders in {len(VARIANTS)} precisions."]


def page(found: dict) -> str:
    """docs/conversion.md."""
    rows = summary(found)
    lines = [
        "# Every builder in every precision",
        "",
        "Written by `make conversion-matrix` (`benchmarks/export/conversion_matrix.py`). Each cell gives the largest difference from Keras",
        "relative to the scale of the output, the size in kilobytes, and the median time of one row on one thread in microseconds. Weights",
        "are untrained and inputs random: a cell says whether a file converts, runs without TensorFlow and stays close to Keras. What a",
        "*trained* model loses is measured for every bundle on its own held-out rows and decides which file is shipped. `—`: the model has",
        "no weights large enough to quantise. "
        f"Processor: {found['machine']['processor']}, {found['machine']['cores']} cores, shared with other work.",
        "",
        *(f"- {row.what}: {row.measured}" for row in rows),
        "",
        "Where full int8 is far off (one-hot categories, wide ranges of numbers, depthwise layers with untrained batch normalisation), a",
        "file converts without any warning and gives wrong answers: the score on held-out rows keeps it out of a bundle.",
        "",
    ]
    for family in dict.fromkeys(name.split(" ")[0] for name in found["builders"]):
        lines += [f"## {family}", "", "| builder | parameters | " + " | ".join(VARIANTS) + " |", "|---|---|" + "---|" * len(VARIANTS)]
        for name, net in found["builders"].items():
            if name.split(" ")[0] == family:
                cells = " | ".join(_cell(net["variants"].get(variant)) for variant in VARIANTS)
                lines.append(f"| {name.split(' ', 1)[1]} | {net['parameters']:,} | {cells} |")
        lines.append("")
    return "\n".join(lines)


def _cell(file: dict | None) -> str:
    if file is None:
        return "—"
    if "refused" in file:
        return f"refused: {file['refused']}"
    flex = f" **needs {', '.join(file['flex'])}**" if file["flex"] else ""
    return f"{file['max_rel_diff']:.0e} · {file['bytes'] / 1000:,.0f} kB · {file['latency_ms'] * 1000:,.0f} µs{flex}"


if __name__ == "__main__":
    main(sys.argv[1:])
