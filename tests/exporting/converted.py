"""A model as the fp32 file that the export would write."""

from applied_dl.exporting import convert
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.exporting.serving import Serving


def fp32(model, folder) -> bytes:
    """The file of a model of named inputs and outputs; `folder` takes what comes between."""
    write_saved_model(Serving(model), folder / "m")
    (folder / "rows.npz").write_bytes(b"")
    assert convert.convert(folder / "m", folder, ("fp32",), folder / "rows.npz") == {}
    return (folder / "fp32.tflite").read_bytes()
