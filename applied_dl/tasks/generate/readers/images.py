"""Images by class, or without, → decoded parts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from msgspec import Struct, structs

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.fingerprint import fingerprint, row_keys
from applied_dl.core.plurals import numbered
from applied_dl.core.records import Part, Prepared
from applied_dl.core.splits import split_parts
from applied_dl.io.parts import PARTS, part_of
from applied_dl.tasks.generate.encoder import Form, GenerateEncoder, Request, inputs_of
from applied_dl.vision.archives import cure, opened
from applied_dl.vision.cache import decode_all, rows_of
from applied_dl.vision.class_folders import class_folders, entered
from applied_dl.vision.folders import scan
from applied_dl.vision.images import ImageForm, check_resize
from applied_dl.vision.ranges import fit_ranges, header_of

NAMES = ("train", "validation", "test")
LARGEST = 64  # pixels of the shorter side, where the recipe leaves it open
FEWEST = 20  # images
FEWEST_OF_CLASS = 5
SAMPLE = 500  # images whose header decides size and channels
IMAGE_KEYS, LABEL_KEYS = ("images", "image", "x", "data"), ("labels", "label", "y", "target", "targets")
HELD_SEED = {"train": 1, "validation": 2, "test": 3}  # of the latents that are scored, beside the recipe's seed


class Listed(Struct, frozen=True, kw_only=True):
    """Images of a source, paths or arrays; their class, empty where they have none; and their part, "all" where the source has none."""

    items: list
    labels: list[str]
    parts: list[str]
    notes: list[str] = []


class ImageState(Struct, frozen=True, kw_only=True):
    """`pixels` (N, H, W, C) of the training images, and their codes (N,) or None."""

    pixels: np.ndarray
    codes: np.ndarray | None


def prepare_images(recipe, cache: Path) -> Prepared:
    """Read, decode and split the images of a recipe.

    Raises:
        DataError: the images cannot be learned from; one sentence says why and what to do.
    """
    data = recipe.data
    listed = _listed(data, cache)
    labels, notes = _labels(listed, data.conditional)
    notes = [*listed.notes, *notes]
    form, more = _input(data, listed.items)
    done = decode_all(form, listed.items, cache)
    kept = np.array([i for i in range(len(listed.items)) if i not in done.errors], np.int64)
    notes += more + _unreadable(done.errors, len(listed.items), data.max_unreadable)
    if len(kept) < FEWEST:
        raise DataError(f"{data.train or data.source!r} has {len(kept)} images that can be read; expected at least {FEWEST} to learn from.")
    pixels = rows_of(done.pixels, kept, cache) if len(kept) < len(listed.items) else done.pixels
    keys = row_keys(pixels)
    if len(np.unique(keys)) == 1:
        raise DataError(f"All {len(keys)} images are the same after decoding; there is nothing to learn but that image.")
    place = {label: i for i, label in enumerate(labels)}
    codes = np.array([place[listed.labels[i]] for i in kept], np.int64) if labels else None
    rows = split_parts(np.array(listed.parts)[kept], data.split, recipe.train.seed, strata=codes, keys=keys)
    if empty := [name for name in NAMES if not len(rows[name])]:
        raise DataError(f"The {empty[0]} part is empty; give data.split a share for it, or name data.{empty[0]}.")
    own = codes[rows["train"]] if labels else None
    if labels and (few := [labels[i] for i, n in enumerate(np.bincount(own, minlength=len(labels))) if n < FEWEST_OF_CLASS]):
        raise DataError(
            f"The class {few[0]!r} has fewer than {FEWEST_OF_CLASS} training images; add some, remove the class, or set "
            "data.conditional = false to make images without classes."
        )
    shares = tuple((np.bincount(own, minlength=len(labels)) / len(own)).tolist()) if labels else ()
    made = Form(
        latent=recipe.model.latent or 64, labels=labels, shares=shares, height=form.height, width=form.width, channels=form.channels
    )
    parts = {name: _part(made, pixels, codes, rows[name], recipe.train.seed, name, cache) for name in NAMES}
    train = parts["train"].extra["image"]
    state = ImageState(pixels=train, codes=parts["train"].inputs.get("label"))
    for part in parts.values():
        part.extra["train"] = state
    copies = len(keys) - len(np.unique(keys))
    what = f"{len(labels)} classes" if labels else "no classes"
    shape = f"{form.height} by {form.width} {'grey' if form.channels == 1 else 'RGB'}"
    facts = {
        "summary": f"{len(kept):,} images, {what}, {shape}{f', {copies} exact duplicates' if copies else ''}", "images": len(kept),
        "classes": len(labels), "image_size": f"{form.height} x {form.width} x {form.channels}", "unreadable": len(done.errors),
        "unreadable_files": [done.errors[i] for i in sorted(done.errors)[:1000]], "duplicates": copies,
    }  # fmt: skip
    digest = fingerprint(*(a for name in NAMES for a in (parts[name].extra["image"], *parts[name].inputs.values())), *labels)
    return Prepared(encoder=GenerateEncoder(form=made), **parts, fingerprint=digest, facts=facts, warnings=notes, state=state)


def read_part(form: Form, source: str, data, cache: Path) -> Part:
    """The images of another source, beside which made ones are scored; its test part, where it has parts.

    Raises:
        DataError: a class is unknown, or none of the images can be read.
    """
    listed = list_images(source, cache)
    wanted = [i for i, part in enumerate(listed.parts) if part in ("all", "test")]
    if not wanted:
        raise DataError(f"{source!r} has no test part; name the folder of the images to score against.")
    if unknown := sorted({listed.labels[i] for i in wanted} - set(form.labels)) if form.labels else []:
        raise DataError(f"{source!r} has the class {unknown[0]!r}, which the model does not know; it knows: {', '.join(form.labels)}.")
    items = [listed.items[i] for i in wanted]
    shape = ImageForm(height=form.height, width=form.width, channels=form.channels, fit=check_resize(data.resize), reduce_jpeg=False)
    done = decode_all(shape, items, cache)
    kept = np.array([i for i in range(len(items)) if i not in done.errors], np.int64)
    if not len(kept):
        raise DataError(f"None of the {len(items)} images of {source!r} can be read; the first: {done.errors[0]}")
    place = {label: i for i, label in enumerate(form.labels)}
    codes = np.array([place[listed.labels[wanted[i]]] for i in kept], np.int64) if form.labels else None
    notes = _unreadable(done.errors, len(items), 1.0)
    part = _part(form, done.pixels[kept], codes, np.arange(len(kept)), 0, "test", cache)
    return structs.replace(part, warnings=notes)


def _part(form: Form, pixels: np.ndarray, codes: np.ndarray | None, rows: np.ndarray, seed: int, name: str, cache: Path) -> Part:
    """As many requests as there are real images, of the same classes, with these beside them."""
    requests = [Request(seed=seed, number=HELD_SEED[name] * 10_000_000 + i) for i in range(len(rows))]
    inputs = inputs_of(structs.replace(form, labels=()), requests)
    if codes is not None:
        inputs["label"] = codes[rows].astype(np.int32)
    return Part(inputs=inputs, extra={"image": rows_of(pixels, rows, cache)})


def _listed(data, cache: Path) -> Listed:
    """All images of the recipe."""
    if not (data.train or data.validation or data.test):
        found = list_images(data.source, cache)
        if "all" not in found.parts and "train" not in found.parts:
            raise DataError(f"{data.source!r} has no training images; expected a folder named train beside {sorted(set(found.parts))}.")
        return found
    if not data.train:
        raise DataError("data.test or data.validation is given without data.train; name the training part too, or only data.source.")
    every = {name: list_images(path, cache) for name in NAMES if (path := getattr(data, name))}
    return Listed(
        items=[item for one in every.values() for item in one.items],
        labels=[label for one in every.values() for label in one.labels],
        parts=[name for name, one in every.items() for _ in one.items],
        notes=[note for one in every.values() for note in one.notes],
    )


def list_images(source: str, cache: Path) -> Listed:
    """The images of a built-in name, a folder, a `.zip` or an `.npz`. Raises `DataError` where there are none."""
    if source == "digits":
        from sklearn.datasets import load_digits

        data = load_digits()
        images = np.round(data.images * (255 / 16)).astype(np.uint8)[..., None]
        return Listed(items=list(images), labels=[str(n) for n in data.target], parts=["all"] * len(images))
    path = Path(source).expanduser()
    if not path.exists():
        raise DataError(f"There is no data at {source!r}; expected a folder of images, a .zip, an .npz, a table, or a built-in name.")
    if path.suffix.lower() == ".npz":
        return _arrays(path)
    path = opened(path, cache)
    if not path.is_dir():
        raise UsageError(f"data.source {source!r} is no source of images; expected a folder, a .zip or .tar.gz, or an .npz.{cure(path)}")
    return _folder(path)


def _folder(path: Path) -> Listed:
    """Class folders, parts of class folders, or images without classes."""
    folder = entered(scan(path), lambda inside: bool(inside.filled) or part_of(inside.name) is not None)
    if not folder.count:
        raise DataError(f"The folder {str(path)!r} holds no images; expected images, or class folders: {path.name}/CLASS/image.jpg.")
    found = class_folders(folder) if folder.filled else None
    if found is None:
        parts = [(part_of(inside.name) or "all", item) for inside in folder.filled for item in inside.all_images()]
        parts = parts if any(part == "train" for part, _ in parts) else [("all", item) for item in folder.all_images()]
        return Listed(items=[item for _, item in parts], labels=[""] * len(parts), parts=[part for part, _ in parts])
    rows = [(part, name, item) for part, classes in found.parts.items() for name, items in classes.items() for item in items]
    return Listed(
        items=[item for *_, item in rows],
        labels=[name for _, name, _ in rows],
        parts=[part for part, *_ in rows],
        notes=[*found.notes, *found.missing],
    )


def _arrays(path: Path) -> Listed:
    """Arrays of an `.npz`: x and, with classes, y; or x_train, y_train, x_test, …"""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise DataError(f"{str(path)!r} cannot be read as .npz: {error}.") from error
    images, labels = {}, {}
    for name, array in arrays.items():
        words = name.lower().split("_")
        part = next((PARTS[word] for word in words if word in PARTS), "all")
        rest = [word for word in words if word not in PARTS]
        if rest and rest[0] in IMAGE_KEYS:
            images[part] = array
        elif rest and rest[0] in LABEL_KEYS:
            labels[part] = array
    if not images:
        raise DataError(f"{str(path)!r} has no array of images: expected x (or x_train, …); received {sorted(arrays)}.")
    names = [str(name) for name in arrays.get("class_names", ())]
    items, found, parts = [], [], []
    for part, array in images.items():
        if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[-1] not in (1, 3, 4)) or array.dtype.kind not in "iufb":
            raise DataError(f"{str(path)!r}: images must be numbers of shape (N, H, W) or (N, H, W, 1, 3 or 4); received {array.shape}.")
        own = labels.get(part)
        if own is not None and (own.ndim > 2 or len(own) != len(array) or (own.ndim == 2 and own.shape[1] != 1)):
            raise DataError(f"{str(path)!r}: {len(array)} images and labels of shape {own.shape}; expected one label for each image.")
        flat = [""] * len(array) if own is None else own.reshape(-1).tolist()
        items += list(array if array.ndim == 4 else array[..., None])
        found += [names[int(v)] if names and not isinstance(v, str) else f"{v:g}" if isinstance(v, float) else str(v) for v in flat]
        parts += [part] * len(array)
    return Listed(items=items, labels=found, parts=parts)


def _labels(listed: Listed, wanted: bool | None) -> tuple[tuple[str, ...], list[str]]:
    """The classes in order, numbers as numbers; none where images are made without. Raises `DataError` where they are asked for in vain."""
    counts = Counter(label for label, part in zip(listed.labels, listed.parts) if part in ("train", "all"))
    some = "" not in counts and len(counts) > 1
    if wanted and not some:
        have = "no classes" if "" in counts else f"only the class {next(iter(counts))!r}"
        raise DataError(
            f"data.conditional = true needs images of at least two classes, and the images have {have}; put them into class folders, or "
            "leave the key out to make images without classes."
        )
    if wanted is False or not some:
        one = [f"all images are of the class {next(iter(counts))!r}, so that images are made without classes"]
        return (), one if "" not in counts and len(counts) == 1 and wanted is None else []
    if unknown := sorted(set(listed.labels) - set(counts)):
        raise DataError(f"The class {unknown[0]!r} has no training image; classes: {', '.join(sorted(counts))}.")
    numeric = all(label.lstrip("-").isdigit() for label in counts)
    return tuple(sorted(counts, key=(lambda label: (int(label), label)) if numeric else None)), []


def _input(data, items: list) -> tuple[ImageForm, list[str]]:
    """Size and channels of the images, and notes."""
    sample = [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(len(items), SAMPLE)).astype(int))]
    headers = [(item, header) for item in sample if (header := header_of(item))]
    sizes = {(header.height, header.width) for _, header in headers} or {(LARGEST, LARGEST)}
    notes = []
    if data.image_size:
        height, width = data.image_size
    elif len(sizes) == 1 and max(next(iter(sizes))) <= LARGEST:
        height, width = next(iter(sizes))
    else:
        side = int(np.median([min(size) for size in sizes]))
        height = width = LARGEST if side >= LARGEST else max(8, 8 * round(side / 8))
        notes.append(
            f"images of {numbered(len(sizes), 'size', 'sizes')} are made {height} by {width} pixels (data.image_size); the net is small "
            "and learns these best"
        )
    if min(height, width) < 4 or max(height, width) > 256:
        raise DataError(f"data.image_size must lie between 4 and 256 pixels, received {height} by {width}.")
    channels = data.channels or (1 if headers and all(header.grey for _, header in headers) else 3)
    form = ImageForm(height=height, width=width, channels=channels, fit=check_resize(data.resize), reduce_jpeg=False)
    form, more = fit_ranges(form, headers)
    return form, notes + more


def _unreadable(errors: dict[int, str], n: int, allowed: float) -> list[str]:
    if not errors:
        return []
    first = errors[min(errors)]
    if len(errors) > allowed * n:
        raise DataError(f"{len(errors)} of {n} images cannot be read (data.max_unreadable allows {allowed:.1%}); the first: {first}")
    return [f"skipped {len(errors)} of {n} images that cannot be read; the first: {first.rstrip('.')}"]
