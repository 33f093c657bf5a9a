"""The recipe of an image classifier."""

from msgspec import field

from applied_dl.config.common import Card, Export, Section, Train, about


class Data(Section, frozen=True, kw_only=True):
    source: about(str, 'built-in "digits", a folder of class folders, a CSV/Parquet with path,label, an .npz, or tfds:NAME') = "digits"
    train: about(str | None, "explicit training part, used exactly as given") = None
    validation: about(str | None, "explicit validation part") = None
    test: about(str | None, "explicit test part") = None
    target: about(str, "label column of a CSV/Parquet") = "label"
    split: about(tuple[float, float, float], "shares of train, validation and test") = (0.7, 0.1, 0.2)
    image_size: about(tuple[int, int] | None, "height and width fed to the model; chosen from the pictures by default") = None
    channels: about(int | None, "1 grey, 3 RGB; chosen from the pictures by default") = None
    fit: about(str, "how another aspect ratio becomes the model's: stretch, crop (the middle) or pad (grey bars)") = "stretch"
    manual_dir: about(str | None, "folder with the original files of a tfds: source, for machines without a network") = None
    max_unreadable: about(float, "largest share of pictures that may be unreadable and skipped", ge=0, le=1) = 0.05


class Preprocess(Section, frozen=True, kw_only=True):
    normalize: about(str, "standardize (per channel), rescale (to -1..1), pca, zca or none; pca is for mlp alone") = "standardize"
    components: about(int | None, "dimensions kept by pca whitening") = None
    augment: about(
        tuple[str, ...] | None, "flip, shift, rotate, zoom, shear, perspective, pad, color, erase, randaugment, mixup, cutmix"
    ) = None
    strength: about(float, "scales the strength of every augmentation", ge=0) = 1.0


class Model(Section, frozen=True, kw_only=True):
    name: about(str | None, "mlp, lenet, small_cnn, resnet, mobile, whitened_cnn or backbone; chosen from the data by default") = None
    preset: about(str, "fast, default or best") = "default"
    weights: about(str | None, 'backbone weights: a local file, or "imagenet" to download') = None
    backbone: about(str, "any keras.applications model name, e.g. MobileNetV2") = "MobileNetV2"
    alpha: about(float | None, "width multiplier of MobileNet backbones") = None
    width: about(float | None, "multiplies the number of filters") = None
    depth: about(int | None, "blocks per stage of resnet") = None
    hidden: about(tuple[int, ...] | None, "widths of the dense layers of mlp and lenet") = None
    activation: about(str | None, "relu, gelu, elu, leaky_relu, tanh, sigmoid, softplus, bru, maxout, …") = None
    norm: about(str | None, "batch, layer, group, rms or none") = None
    dropout: about(float | None, "dropout before the head", ge=0, lt=1) = None
    pooling: about(str | None, "max, avg, global_max or global_avg") = None


class Score(Section, frozen=True, kw_only=True):
    tta: about(bool | str, 'average over looks in the graph: "flip" (or true) the mirrored one, "flip_shift" four moved ones too') = False
    temperature: about(bool, "calibrate the probabilities by one temperature, fitted on validation") = True


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "image"
    data: Data = field(default_factory=Data)
    preprocess: Preprocess = field(default_factory=Preprocess)
    model: Model = field(default_factory=Model)
    train: Train = field(default_factory=Train)
    score: Score = field(default_factory=Score)
    export: Export = field(default_factory=Export)
    card: Card = field(default_factory=Card)
