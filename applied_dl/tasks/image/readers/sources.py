"""The sources of images by their name in a recipe: built-in, folder, archive, table, arrays, TensorFlow Datasets."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.tasks.image.readers.arrays import digits, list_arrays
from applied_dl.tasks.image.readers.folders import list_folder
from applied_dl.tasks.image.readers.listing import Listing, Options
from applied_dl.tasks.image.readers.table import list_table
from applied_dl.tasks.image.readers.tfds import list_tfds
from applied_dl.vision.archives import cure, opened
from applied_dl.vision.tables import TABLES

BUILT_IN = ("digits",)


def list_source(source: str, options: Options, cache: Path) -> dict[str, Listing]:
    """The listings of a source by part: `{"all": …}`, or some of train, validation and test where the source has its own parts.

    Args:
        source: "digits", a folder, an archive of one, a table of paths and labels, an `.npz` or "tfds:NAME".
        options: how labels and groups are found.
        cache: folder for what is unpacked or downloaded.

    Raises:
        DataError: there is nothing at `source`, or it cannot be understood.
        UsageError: the source is of an unknown kind.
    """
    if source in BUILT_IN:
        return {"all": digits()}
    if source.startswith("tfds:"):
        return list_tfds(source.removeprefix("tfds:"), cache, options.manual_dir)
    path = opened(Path(source).expanduser(), cache)
    if path.is_dir():
        return list_folder(path, options)
    if not path.exists():
        hint = nearest(source, BUILT_IN) if get_close_matches(source, BUILT_IN) else ""
        raise DataError(f"There is no data at {source!r}; expected a built-in name, a folder, a table, an .npz or tfds:NAME.{hint}")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return list_arrays(path, options)
    if suffix in TABLES:
        return list_table(path, options)
    raise UsageError(
        f"data.source {source!r} is not of a known kind; expected a folder, a .zip or .tar.gz, a table ({', '.join(TABLES[:4])}, …), an "
        f".npz, 'digits' or tfds:NAME.{cure(path)}"
    )
