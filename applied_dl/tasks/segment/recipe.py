"""The recipe of the segmentation task: a class for every pixel."""

from typing import Literal

from msgspec import field

from applied_dl.core import sections
from applied_dl.core.sections import Card, Export, Section, Tune, about

Augmentation = Literal["crop", "flip", "shift", "rotate", "zoom", "shear", "perspective", "color"]


class Data(Section, frozen=True, kw_only=True):
    source: about(str, 'built-in "scenes", a folder of images and masks (or a .zip of it), a table of paths, or a COCO file (.json)') = (
        "scenes"
    )
    train: about(str | None, "training part; with it, the parts are used exactly as given") = None
    validation: about(str | None, "validation part") = None
    test: about(str | None, "test part") = None
    image: about(str | None, "column of a table that names the images; by default detected") = None
    mask: about(str | None, "column of a table that names the masks; by default detected") = None
    classes: about(
        str | tuple[str, ...] | None, "class names in the order of their values, or a file of them, with colours for coloured masks"
    ) = None
    ignore: about(
        tuple[int | str, ...] | None, 'void: values, names or colours ("#000000") of pixels that count nowhere; by default 255 and "void"'
    ) = None
    group: about(str | None, 'images of a group stay in one part: "folder", or a regular expression with a group on the path') = None
    split: about(tuple[float, float, float], "shares of train, validation and test") = (0.7, 0.1, 0.2)
    image_size: about(tuple[int, int] | None, "height and width fed to the model; chosen from the images by default") = None
    channels: about(Literal[1, 3] | None, "1 (grayscale) or 3 (RGB); by default chosen from the images and the encoder") = None
    resize: about(
        Literal["stretch", "pad", "tile"], "how images of another size are fed: stretched, padded with grey bars, or cut into tiles"
    ) = "stretch"
    max_unreadable: about(float, "largest share of images that may be unreadable or without a mask, and are skipped", ge=0, le=1) = 0.05


class Preprocess(Section, frozen=True, kw_only=True):
    normalize: about(
        Literal["standardize", "rescale", "none"], "of a net from scratch: standardize (per channel), rescale (to -1..1) or none"
    ) = "standardize"
    augment: about(
        tuple[Augmentation, ...] | None,
        "of image and mask together: crop (random scale), flip, shift, rotate, zoom, shear, perspective, color",
    ) = None
    strength: about(float, "scales the strength of every augmentation", ge=0) = 1.0


class Model(Section, frozen=True, kw_only=True):
    name: about(str | None, "unet, unet_small, fpn or deeplab_lite; chosen from the images by default") = None
    preset: about(Literal["fast", "default", "best"], "how long to train, and how large the images are") = "default"
    weights: about(
        str | None, 'of the encoder: "embedded" (in the package), "imagenet" (downloaded), a local file, a preset of KerasHub, or "none"'
    ) = None
    backbone: about(str | None, "any keras.applications net of convolutions as the encoder; read from the weights file by default") = None
    alpha: about(float | None, "width multiplier of MobileNet encoders; read from the weights file, else 1", gt=0) = None
    width: about(float | None, "multiplies the number of filters", gt=0) = None
    depth: about(int | None, "levels of an encoder from scratch", ge=1) = None
    activation: about(str | None, "relu, gelu, elu, leaky_relu, …") = None
    norm: about(Literal["batch", "layer", "group", "rms", "none"] | None, "batch, layer, group, rms or none") = None
    dropout: about(float | None, "share of the channels dropped", ge=0, lt=1) = None
    pooling: about(Literal["max", "avg"] | None, "max or avg, of an encoder from scratch") = None


class Predict(Section, frozen=True, kw_only=True):
    tta: about(bool, "average over the mirrored image, in the graph") = False
    scores: about(
        bool, "export the probability of every class at every pixel in place of the mask, as MediaPipe's ImageSegmenter takes it"
    ) = False


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "segment"
    data: Data = field(default_factory=Data)
    preprocess: Preprocess = field(default_factory=Preprocess)
    model: Model = field(default_factory=Model)
    train: sections.Train = field(default_factory=sections.Train)
    predict: Predict = field(default_factory=Predict)
    export: Export = field(default_factory=Export)
    tune: Tune = field(default_factory=Tune)
    card: Card = field(default_factory=Card)


MAIN_KEYS = (  # what people change most; `applied-dl new` writes them first
    "data.source",
    "data.classes",
    "data.ignore",
    "data.split",
    "data.image_size",
    "data.resize",
    "preprocess.augment",
    "model.preset",
    "model.weights",
    "train.epochs",
    "train.seed",
)
