"""Standard TFLite metadata, so that on-device task libraries accept a file and name its classes.

A `ModelMetadata` flatbuffer (identifier `M001`, TFLite Support's `metadata_schema.fbs`) goes into a model buffer named
`TFLITE_METADATA`; the files it names follow the model as an uncompressed zip archive, which any unzip reads. It is written here because
Google's metadata writer cannot be installed with a current TensorFlow.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np

from applied_dl.exporting.serving import Serving

IMAGE_PROPERTIES, FEATURE_PROPERTIES = 2, 1  # union ContentProperties
NORMALIZATION_OPTIONS = 1  # union ProcessUnitOptions
RGB, GRAYSCALE = 1, 2  # enum ColorSpaceType
TENSOR_AXIS_LABELS, DESCRIPTIONS = 2, 1  # enum AssociatedFileType
LABELS_FILE = "labels.txt"


def add_metadata(content: bytes, name: str, serving: Serving) -> bytes:
    """The TFLite model with metadata added; its tensors, buffers and outputs are unchanged."""
    from ai_edge_litert import schema_py_generated as schema

    files = dict(serving.files)
    if serving.labels:
        files[LABELS_FILE] = ("\n".join(serving.labels) + "\n").encode()
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    return _pack(model, len(content), _Metadata(model, name, serving, tuple(files)).build(), files)


class _Metadata:
    """One flatbuffer of the schema; fields are numbered as in `metadata_schema.fbs`."""

    def __init__(self, model, name: str, serving: Serving, files: tuple[str, ...]):
        import flatbuffers

        self.builder = flatbuffers.Builder(1024)
        self.name, self.serving, self.files = name, serving, files
        graph = model.subgraphs[0]
        self.inputs = [graph.tensors[i] for i in graph.inputs]
        self.outputs = [graph.tensors[i] for i in _probabilities_first(model)]

    def build(self) -> bytes:
        builder = self.builder
        inputs = self._vector([self._input(tensor) for tensor in self.inputs])
        outputs = self._vector([self._output(tensor) for tensor in self.outputs])
        graph = self._vector([self._table(10, {2: inputs, 3: outputs})])
        associated = self._vector([self._file(name, DESCRIPTIONS) for name in self.files if name != LABELS_FILE])
        name, about = builder.CreateString(self.name), builder.CreateString("trained by applied_dl")
        version, least = builder.CreateString("1"), builder.CreateString("1.5.0")
        root = self._table(8, {0: name, 1: about, 2: version, 3: graph, 6: associated, 7: least})
        builder.Finish(root, b"M001")
        return bytes(builder.Output())

    def _input(self, tensor) -> int:
        name = self.builder.CreateString(tensor.name.decode())
        if self.serving.normalisation is None:
            return self._table(7, {0: name})
        mean, std = (self._floats(values) for values in self.serving.normalisation)
        unit = self._table(2, {1: self._table(2, {0: mean, 1: std})}, {0: ("u8", NORMALIZATION_OPTIONS)})
        units = self._vector([unit])
        image = self._table(2, {}, {0: ("i8", RGB if tensor.shape[-1] == 3 else GRAYSCALE)})
        content = self._table(3, {1: image}, {0: ("u8", IMAGE_PROPERTIES)})
        return self._table(7, {0: name, 3: content, 4: units})

    def _output(self, tensor) -> int:
        name = self.builder.CreateString(tensor.name.decode())
        feature = self._table(3, {1: self._table(0, {})}, {0: ("u8", FEATURE_PROPERTIES)})
        slots = {0: name, 3: feature}
        if self.serving.labels and tensor.shape[-1] == len(self.serving.labels):
            slots[6] = self._vector([self._file(LABELS_FILE, TENSOR_AXIS_LABELS)])
        return self._table(7, slots)

    def _file(self, name: str, kind: int) -> int:
        return self._table(5, {0: self.builder.CreateString(name)}, {2: ("i8", kind)})

    def _table(self, fields: int, offsets: dict[int, int], scalars: dict[int, tuple[str, int]] | None = None) -> int:
        builder = self.builder
        builder.StartObject(fields)
        for slot, (kind, value) in (scalars or {}).items():
            (builder.PrependInt8Slot if kind == "i8" else builder.PrependUint8Slot)(slot, value, 0)
        for slot, offset in offsets.items():
            builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        return builder.EndObject()

    def _vector(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def _floats(self, values) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependFloat32(float(value))
        return self.builder.EndVector()


def _probabilities_first(model) -> list[int]:
    """The outputs of the graph by tensor number, the probabilities in front: task libraries read the first, the converter sorts by name."""
    first = {int(output.tensorIndex) for one in model.signatureDefs or () for output in one.outputs if output.name == b"probabilities"}
    return sorted((int(place) for place in model.subgraphs[0].outputs), key=lambda place: place not in first)


def _pack(model, size: int, metadata: bytes, files: dict[str, bytes]) -> bytes:
    """The changed model (a `ModelT` of about `size` bytes) with its metadata, and the files behind it."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model.subgraphs[0].outputs = np.array(_probabilities_first(model), np.int32)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(metadata, np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [m for m in model.metadata or [] if m.name != entry.name] + [entry]
    builder = flatbuffers.Builder(size + len(metadata) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for name, data in files.items():
            packed.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data)
    return bytes(builder.Output()) + (archive.getvalue() if files else b"")
