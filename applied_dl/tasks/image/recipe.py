"""The recipe of the image task: classification with one or several labels per image, and regression."""

from typing import Literal

from msgspec import field

from applied_dl.core import sections
from applied_dl.core.sections import Answers, Card, Export, Section, Tune, about

Augmentation = Literal["flip", "shift", "rotate", "zoom", "shear", "perspective", "pad", "color", "erase", "randaugment", "mixup", "cutmix"]


class Data(Section, frozen=True, kw_only=True):
    source: about(
        str, 'built-in "digits", a folder of class folders (or a .zip of it), a table of paths and labels, an .npz, or tfds:NAME'
    ) = "digits"
    train: about(str | None, "training part; with it, the parts are used exactly as given") = None
    validation: about(str | None, "validation part") = None
    test: about(str | None, "test part") = None
    target: about(
        str | tuple[str, ...] | None, "label column of a table, or a list of 0/1 columns; found by its name or as the only other column"
    ) = None
    kind: about(Literal["classification", "multi_label", "regression"] | None, "what is predicted; by default decided by the labels") = None
    path: about(str | None, "column of a table that names the images (folder and extension are completed); by default detected") = None
    label_separator: about(str | None, 'what separates several labels in a cell: "|", ";", "," or " "; by default detected') = None
    label_pattern: about(
        str | None, "regular expression whose group is the label, searched in each image's path, e.g. '^([a-z]+)_[0-9]+'"
    ) = None
    group: about(
        str | None, 'images of a group stay in one part: a column of a table, "folder", or a regular expression with a group on the path'
    ) = None
    split: about(tuple[float, float, float], "shares of train, validation and test") = (0.7, 0.1, 0.2)
    image_size: about(tuple[int, int] | None, "height and width fed to the model; chosen from the images by default") = None
    channels: about(Literal[1, 3] | None, "1 (grayscale) or 3 (RGB); by default chosen from the images") = None
    resize: about(
        Literal["stretch", "crop", "pad"], "how images are resized to another aspect ratio: stretch, crop the middle, or pad with grey bars"
    ) = "stretch"
    manual_dir: about(str | None, "folder with the original files of a tfds: source, for machines without a network") = None
    max_unreadable: about(float, "largest share of images that may be unreadable and skipped", ge=0, le=1) = 0.05


class Preprocess(Section, frozen=True, kw_only=True):
    normalize: about(
        Literal["standardize", "rescale", "pca", "zca", "none"],
        "standardize (per channel), rescale (to -1..1), pca, zca or none; pca is for mlp only; backbones have their own",
    ) = "standardize"
    components: about(int | None, "dimensions kept by pca or zca whitening", ge=1) = None
    augment: about(
        tuple[Augmentation, ...] | None, "flip, shift, rotate, zoom, shear, perspective, pad, color, erase, randaugment, mixup, cutmix"
    ) = None
    strength: about(float, "scales the strength of every augmentation", ge=0) = 1.0


class Model(Section, frozen=True, kw_only=True):
    name: about(str | None, "mlp, lenet, small_cnn, resnet, mobile, whitened_cnn or backbone; chosen from the data by default") = None
    preset: about(Literal["fast", "default", "best"], "how long to train and, for a backbone, how large the images are") = "default"
    weights: about(
        str | None,
        'pretrained weights: "embedded" (in the package), "imagenet" (downloaded), a local file, a preset of KerasHub (hf://…, kaggle://… '
        'or a directory; extra hub), or "none" (from scratch)',
    ) = None
    backbone: about(str | None, "any keras.applications model name; read from the weights file, else MobileNetV2") = None
    alpha: about(float | None, "width multiplier of MobileNet backbones; read from the weights file, else 1", gt=0) = None
    resolution: about(
        int | None, "side in pixels to which a backbone resizes the images inside the graph; small images are enlarged by default", ge=32
    ) = None
    width: about(float | None, "multiplies the number of filters", gt=0) = None
    depth: about(int | None, "blocks per stage of resnet", ge=1) = None
    hidden: about(tuple[int, ...] | None, "widths of the dense layers of mlp and lenet") = None
    activation: about(str | None, "relu, gelu, elu, leaky_relu, tanh, sigmoid, softplus, bru, maxout, …") = None
    norm: about(Literal["batch", "layer", "group", "rms", "none"] | None, "batch, layer, group, rms or none") = None
    dropout: about(float | None, "dropout before the head", ge=0, lt=1) = None
    spatial_dropout: about(float | None, "small_cnn and resnet: share of whole channels that are dropped", ge=0, lt=1) = None
    stochastic_depth: about(float | None, "resnet: probability that the last block is skipped in training", ge=0, lt=1) = None
    pooling: about(Literal["max", "avg", "global_max", "global_avg"] | None, "max, avg, global_max or global_avg") = None


class Train(sections.Train, frozen=True, kw_only=True):
    refit: about(bool, "once the scores are measured, train the exported model again on all images") = False


class Calibration(Answers, frozen=True, kw_only=True):
    temperature: about(bool, "temperature scaling: calibrate the probabilities on validation rows") = True


class Predict(Section, frozen=True, kw_only=True):
    tta: about(
        bool | Literal["flip", "flip_shift"], 'average over views, in the graph: "flip" (or true) mirrored, "flip_shift" four shifted too'
    ) = False


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "image"
    data: Data = field(default_factory=Data)
    preprocess: Preprocess = field(default_factory=Preprocess)
    model: Model = field(default_factory=Model)
    train: Train = field(default_factory=Train)
    calibration: Calibration = field(default_factory=Calibration)
    predict: Predict = field(default_factory=Predict)
    export: Export = field(default_factory=Export)
    tune: Tune = field(default_factory=Tune)
    card: Card = field(default_factory=Card)


MAIN_KEYS = (  # what people change most; `applied-dl new` writes them first
    "data.source",
    "data.target",
    "data.group",
    "data.split",
    "data.image_size",
    "preprocess.augment",
    "model.preset",
    "model.weights",
    "train.epochs",
    "train.seed",
)
