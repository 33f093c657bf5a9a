"""Images that are damaged, foreign, huge or odd: what `predict` says of each, and that the good ones beside them are answered."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import applied_dl
from applied_dl.core.errors import AppliedError
from applied_dl.predictor import load
from tests.hostile import QUICK, answered, check_answers, check_command, named, names, one_sentence, refused


@pytest.fixture(scope="module")
def bundle(trained):
    return trained("image").bundle


def image(size=(40, 30), mode="RGB") -> Image.Image:
    shape = (size[1], size[0], 3)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)).convert(mode)


def encoded(kind="PNG", mode="RGB", size=(40, 30), **options) -> bytes:
    buffer = io.BytesIO()
    image(size, mode).save(buffer, kind, **options)
    return buffer.getvalue()


def put(name: str, content):
    """A maker that writes `content` (bytes, or what makes them) under `name`."""

    def make(folder):
        (folder / name).write_bytes(content() if callable(content) else content)
        return [folder / name]

    return make


def saved(name: str, image, **options):
    """A maker that lets Pillow write an image."""

    def make(folder):
        image().save(folder / name, **options)
        return [folder / name]

    return make


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes = b"", extra: bytes = b"") -> bytes:
    """A grey PNG whose header says what it likes."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def with_bad_crc() -> bytes:
    content = bytearray(encoded())
    content[content.find(b"IDAT") + 10] ^= 255
    return bytes(content)


def bomb() -> bytes:
    """48 kB that decode to 400 million pixels."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * 20001) for _ in range(20000))
    return png(20000, 20000, rows + packer.flush())


def linked(folder):
    (folder / "a.png").symlink_to(folder / "b.png")
    (folder / "b.png").symlink_to(folder / "a.png")
    return [folder / "a.png"]


def dangling(folder):
    (folder / "a.png").symlink_to(folder / "gone.png")
    return [folder / "a.png"]


def piped(folder):
    os.mkfifo(folder / "pipe.png")
    return [folder / "pipe.png"]


def forbidden(folder):
    path = folder / "closed.png"
    path.write_bytes(encoded())
    path.chmod(0)
    return [path]


def empty_folder(folder):
    (folder / "images").mkdir()
    (folder / "images" / "notes.txt").write_text("none")
    return [folder / "images"]


def mixed_folder(folder):
    (folder / "1.png").write_bytes(encoded())
    (folder / "2.jpg").write_bytes(b"")
    (folder / "3.jpg").write_bytes(encoded("JPEG"))
    (folder / "4.gif").write_bytes(b"GIF89a")
    return [folder]


def table(text: str):
    def make(folder):
        (folder / "good.png").write_bytes(encoded())
        (folder / "list.csv").write_text(text)
        return [folder / "list.csv"]

    return make


def among_good(content: bytes):
    def make(folder):
        (folder / "a.png").write_bytes(encoded())
        (folder / "b.png").write_bytes(content)
        return [folder / "a.png", folder / "b.png", folder / "a.png"]

    return make


def floats(value: float):
    return lambda: Image.fromarray(np.full((9, 9), value, np.float32))


CASES = [
    named("empty", put("a.jpg", b""), "it is empty (0 bytes)"),
    named("web page", put("a.png", b"<!DOCTYPE html><html>404</html>"), "first bytes"),
    named("text", put("a.jpg", b"no image at all"), "a.jpg"),
    named("zeros", put("a.jpg", bytes(4096)), "a.jpg"),
    named("zip", put("a.png", b"PK\x03\x04" + bytes(60)), "expected JPEG, PNG"),
    named("svg", put("a.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>'), "expected JPEG, PNG"),
    named("pdf", put("a.jpg", b"%PDF-1.7\n1 0 obj\n"), "expected JPEG, PNG"),
    named("half a JPEG", put("a.jpg", lambda: encoded("JPEG", size=(300, 200))[: 2**13]), "is damaged"),
    named("a JPEG without its end", put("a.jpg", lambda: encoded("JPEG")[:-20]), "is damaged"),
    named("a JPEG header alone", put("a.jpg", lambda: encoded("JPEG")[:20]), "a.jpg"),
    named("half a PNG", put("a.png", lambda: encoded()[:700]), "is damaged"),
    named("a PNG without pixels", put("a.png", png(8, 8)), "is damaged"),
    named("a PNG with a wrong checksum", put("a.png", with_bad_crc), "is damaged"),
    named("a PNG of no width", put("a.png", png(0, 8)), "a.png"),
    named("a PNG that says 2^31 pixels wide", put("a.png", png(2**31 - 1, 2**31 - 1)), "too many pixels"),
    named("a bomb", put("a.png", bomb), "pixels"),
    named("a text bomb", put("a.png", lambda: png(8, 8, b"", chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**27))))), "a.png"),
    named("half a WebP", put("a.webp", lambda: encoded("WEBP")[:300]), "a.webp"),
    named("half a GIF", put("a.gif", lambda: encoded("GIF", "P")[:500]), "cut short or damaged"),
    named("a GIF header alone", put("a.gif", b"GIF89a"), "a.gif"),
    named("half a TIFF", put("a.tif", lambda: encoded("TIFF")[:200]), "a.tif"),
    named("a TIFF in a circle", put("a.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"), "a.tif"),
    named("half a BMP", put("a.bmp", lambda: encoded("BMP")[:200]), "is damaged"),
    named("a BMP of huge size", put("a.bmp", lambda: encoded("BMP")[:18] + b"\xff\xff\xff\x7f" * 2 + encoded("BMP")[26:]), "pixels"),
    named("floats with NaN", saved("a.tif", floats(np.nan)), "NaN or infinity"),
    named("floats beyond one", saved("a.tif", floats(255.0)), "must lie in 0..1"),
    named("absent", lambda folder: [folder / "nowhere.png"], "There is no file"),
    named("a link in a circle", linked, "a.png"),
    named("a link to nowhere", dangling, "There is no file"),
    named("a pipe", piped, "There is no file"),
    named("a name too long", lambda folder: [folder / ("n" * 300 + ".png")], "There is no file"),
    named("no name", lambda folder: [""], "There is no file"),
    named("one bad among good", among_good(b"\xff\xd8\xff"), {1: "b.png"}, count=3),
    named("a folder of good and bad", mixed_folder, {1: "2.jpg", 3: "4.gif"}, count=4),
    named("a table with an absent image", table("path\ngood.png\nbad.png\n"), {1: "bad.png"}, count=2),
    refused("a folder without images", empty_folder, "holds no images"),
    refused("a table without paths", table("weight,label\n12,3\n"), "list.csv", "data.path"),
    answered("a table with paths in a column of any name", table("weight,shot\n12,good.png\n")),
    refused("a table without rows", table("path\n"), "list.csv"),
    refused("an empty table", table(""), "list.csv"),
    answered("one pixel", saved("a.png", lambda: image((1, 1)))),
    answered("a line", saved("a.png", lambda: image((5000, 1)))),
    answered("16 bits", saved("a.png", lambda: Image.fromarray(np.full((9, 9), 60000, np.uint16)))),
    answered("1 bit", saved("a.png", lambda: image(mode="1"))),
    answered("a palette with transparency", saved("a.png", lambda: image(mode="P"), transparency=3)),
    answered("grey with transparency", saved("a.png", lambda: image(mode="LA"))),
    answered("four inks", saved("a.jpg", lambda: image(mode="CMYK"))),
    answered("an animation", saved("a.gif", lambda: image(mode="P"), save_all=True, append_images=[image((40, 30), "P")])),
    answered("a wrong suffix", put("a.png", lambda: encoded("JPEG"))),
    answered("something after its end", put("a.jpg", lambda: encoded("JPEG") + bytes(999))),
    answered("broken camera facts", put("a.jpg", lambda: encoded("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))),
    answered("an odd name", put("-ä\n\u202e☃.png", lambda: encoded())),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_a_hostile_image_is_named_or_answered(case, bundle, tmp_path, capsys):
    check_command(case, bundle, tmp_path, capsys)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_a_image_that_may_not_be_read(bundle, tmp_path, capsys):
    check_command(named("forbidden", forbidden, "permission denied"), bundle, tmp_path, capsys)


GIVEN = [
    named("nothing", lambda _: [None], "received NoneType"),
    named("a number", lambda _: [7], "received int"),
    named("a mapping", lambda _: [{"path": "a.png"}], "received dict"),
    named("a line of pixels", lambda _: [np.zeros(64, np.uint8)], "(64,)"),
    named("two channels", lambda _: [np.zeros((8, 8, 2), np.uint8)], "(8, 8, 2)"),
    named("no pixels", lambda _: [np.zeros((0, 8, 3), np.uint8)], "(0, 8, 3)"),
    named("five axes", lambda _: [np.zeros((1, 1, 8, 8, 3), np.uint8)], "(1, 1, 8, 8, 3)"),
    named("negative numbers", lambda _: [np.full((8, 8), -1)], "received int64"),
    named("numbers beyond a byte", lambda _: [np.full((8, 8), 256)], "received int64"),
    named("complex numbers", lambda _: [np.zeros((8, 8), complex)], "complex128"),
    named("texts", lambda _: [np.full((8, 8), "a")], "received <U1"),
    named("objects", lambda _: [np.full((8, 8), None)], "received object"),
    named("floats of a byte's range", lambda _: [np.full((8, 8), 128.0)], "0..1"),
    named("not a number", lambda _: [np.full((8, 8), np.nan)], "NaN"),
    named("infinity", lambda _: [np.full((8, 8), np.inf, np.float16)], "NaN or infinity"),
    named("bytes of nothing", lambda _: [b"", bytearray(b"\0"), memoryview(b"x")], {0: "empty", 1: "image", 2: "image"}, count=3),
    answered("booleans", lambda _: [np.eye(8, dtype=bool)]),
    answered("a turned view", lambda _: [np.zeros((16, 16, 4), np.uint8)[::-2, ::-2]]),
]


@pytest.mark.parametrize("case", GIVEN, ids=names(GIVEN))
def test_a_hostile_array_is_named_or_answered(case, bundle):
    check_answers(case, load(bundle).predict(case.make(None)))


def test_a_turned_camera_is_turned_back(bundle, tmp_path):
    """EXIF orientation 6: the same answer as the upright image."""
    upright, exif = image((8, 8), "L"), Image.Exif()
    exif[0x0112] = 6
    upright.save(tmp_path / "up.png")
    upright.rotate(90, expand=True).save(tmp_path / "turned.png", exif=exif)
    first, second = load(bundle).predict([tmp_path / "up.png", tmp_path / "turned.png"])
    assert first == second


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")), damage=st.data())
def test_any_damage_to_a_file_is_a_sentence_or_an_answer(kind, damage, bundle):
    content = bytearray(encoded(kind))
    for _ in range(damage.draw(st.integers(1, 20))):
        content[damage.draw(st.integers(0, len(content) - 1))] = damage.draw(st.integers(0, 255))
    content = bytes(content[: damage.draw(st.integers(0, len(content)))]) if damage.draw(st.booleans()) else bytes(content)
    (found,) = load(bundle).predict([content])
    if "error" in found:
        one_sentence(found["error"])
    else:
        assert 0 <= found["probability"] <= 1


HOSTILE_SOURCES = [
    refused("a source that is not there", lambda folder: folder / "gone", "gone"),
    refused("a folder with nothing in it", lambda folder: folder, "image"),
    refused("a single class", lambda folder: _classes(folder, {"a": 20}), "class"),
    refused("all damaged", lambda folder: _classes(folder, {"a": 9, "b": 9}, b"none"), "max_unreadable"),
    refused("a file that is no data", lambda folder: _file(folder, "x.npz", b"no zip"), "x.npz"),
    refused("an archive without arrays", lambda folder: _file(folder, "x.npz", _npz(a=np.zeros(3))), "x.npz"),
    refused("an archive of objects", lambda folder: _file(folder, "x.npz", _npz(x=np.full((4, 8, 8), None), y=np.arange(4))), "x.npz"),
    refused("labels of another length", lambda folder: _file(folder, "x.npz", _npz(x=np.zeros((9, 8, 8), "u1"), y=np.arange(4))), "9", "4"),
    refused("a table of other columns", lambda folder: _file(folder, "x.csv", b"a,b\n1,2\n"), "x.csv"),
]


def _classes(folder, counts, content=None):
    for name, count in counts.items():
        (folder / name).mkdir()
        for i in range(count):
            (folder / name / f"{i}.png").write_bytes(content or encoded(size=(8 + i, 8)))
    return folder


def _file(folder, name, content):
    (folder / name).write_bytes(content)
    return folder / name


def _npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("case", HOSTILE_SOURCES, ids=names(HOSTILE_SOURCES))
def test_hostile_training_data_are_refused_before_any_training(case, tmp_path):
    (tmp_path / "data").mkdir()
    source = case.make(tmp_path / "data")
    with pytest.raises(AppliedError) as caught:
        applied_dl.train("image", out=tmp_path / "out", data={"source": str(source)}, export=QUICK)
    assert caught.value.exit_code == 3
    one_sentence(str(caught.value), case.says)
    assert not (tmp_path / "out").exists()
