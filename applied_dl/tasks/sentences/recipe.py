"""The recipe of a sentence encoder."""

from msgspec import field

from applied_dl.core.sections import Answers, Card, Export, Section, Train, Tune, about


class Data(Section, frozen=True, kw_only=True):
    source: about(
        str | tuple[str, ...],
        'built-in "english", a text file or folder (adjacent sentences become pairs), a table (CSV, TSV, JSON, Parquet, Excel) of pairs, '
        "triplets, sets of paraphrases or labelled texts, or a folder per class; several sources may be listed",
    ) = "english"
    train: about(str | None, "training part; with it, the parts are used exactly as given") = None
    validation: about(str | None, "validation part") = None
    test: about(str | None, "test part") = None
    kind: about(str | None, "text, pairs, triplets, sets or labelled; by default detected from the columns") = None
    column: about(
        str | tuple[str, ...] | None,
        'text column of a table, or several to join ("data.text" is a nested field); "file": each file is a text; detected if not set',
    ) = None
    sheet: about(str | None, "sheet of a workbook; needed if more than one holds data") = None
    target: about(str | tuple[str, ...] | None, "label column, or several columns of 0 and 1 (one per label); by default detected") = None
    label_separator: about(
        str | None, 'between several labels of a cell: "|", ",", "space", …; detected by default; "none" takes each cell as one label'
    ) = None
    group: about(str | None, "column of a table (user, patient, document, …) whose texts stay together in one part") = None
    split: about(tuple[float, float, float], "shares of train, validation and test (at most 1,000 held-out pairs each)") = (0.7, 0.1, 0.2)
    similarity: about(str | None, "CSV of sentence, sentence, score: the test; its sentences are never used for training") = None
    similarity_validation: about(str | None, "the same for validation, which chooses the best epoch") = None
    max_rows: about(int | None, "maximum number of training pairs, sets or texts read from each source", ge=2) = None
    in_memory: about(
        bool | None, "labelled texts: false reads a file in batches and trains from tokens on disk; by default so from 256 MB of text on"
    ) = None
    sample_rows: about(int, "rows of such a file from which tokenizer and labels are learned; some of them validate and test", ge=1000) = (
        200_000
    )
    balance: about(str, "labelled texts: none, over (repeat rows of rare labels) or under (drop rows of common ones)") = "none"


class Preprocess(Section, frozen=True, kw_only=True):
    tokenizer: about(str | None, "a tokenizer.json to use as it is; trained on the training rows by default") = None
    subwords: about(str, "wordpiece or bpe, if a tokenizer is trained") = "wordpiece"
    vocabulary: about(int | None, "maximum number of sub-words, if a tokenizer is trained", ge=8) = None
    lowercase: about(bool, "convert to lower case, if a tokenizer is trained") = True
    length: about(
        int | None, "maximum number of sub-words (or bytes) read of a text; by default static models read whole texts", ge=4, le=8192
    ) = None
    html: about(bool | None, "remove HTML tags and entities from the texts; by default if some are found") = None
    augment: about(tuple[str, ...] | None, "augmentation of the training tokens: drop, swap, reverse, span") = None
    strength: about(float, "scales the share of tokens that an augmentation changes", ge=0) = 1.0


class Model(Section, frozen=True, kw_only=True):
    name: about(str | None, "static (a table of sub-words), bytes (static, on raw UTF-8), transformer or pretrained") = None
    weights: about(
        str | None,
        "pretrained: a local Hugging Face directory (config.json, model.safetensors, tokenizer.json), or hf://USER/MODEL (extra hub)",
    ) = None
    teacher: about(str | None, "a local Hugging Face directory of a larger encoder to distil from, or hf://USER/MODEL") = None
    dimensions: about(int | None, "dimensions of the vector", ge=2) = None
    matryoshka: about(
        tuple[int, ...] | None, "shorter vectors (leading dimensions) that are trained too; by default half and a quarter"
    ) = None
    pooling: about(str | None, "mean, cls or max") = None
    width: about(int | None, "transformer: width of its layers", ge=4) = None
    depth: about(int | None, "transformer: layers", ge=1) = None
    heads: about(int | None, "transformer: attention heads", ge=1) = None
    hidden: about(int | None, "transformer: width of the feed-forward layers", ge=1) = None
    positions: about(str | None, "transformer: learned, sinusoidal or rotary") = None
    pre_norm: about(bool | None, "transformer: normalisation before each part (more stable) or after it (as in BERT)") = None
    activation: about(str | None, "transformer: gelu, relu, swish, …") = None
    dropout: about(float | None, "transformer: dropout", ge=0, lt=1) = None
    ngrams: about(
        bool | None, "static, labelled texts: a linear classifier of sub-words, pairs of them, letters and vectors beside the net"
    ) = None


class Learn(Section, frozen=True, kw_only=True):
    objective: about(str | None, "contrastive, simcse (each text with itself), mlm, classification or distillation") = None
    temperature: about(float | None, "temperature of the contrastive softmax", gt=0) = None
    init: about(
        str | None,
        "embedding initialisation of a table: english (sub-word vectors of the package, the default for English texts), svd (factorised "
        "counts), random, or a file of word vectors (GloVe, word2vec, .npz)",
    ) = None
    pretrain: about(int, "epochs of masked-language-model training before the objective (transformer)", ge=0) = 0
    mask: about(float, "share of tokens that are masked in masked-language-model training", gt=0, lt=1) = 0.15


class Fit(Train, frozen=True, kw_only=True):
    epochs: about(int | None, "passes over the training rows; 0 takes a pretrained encoder or table as it is", ge=0) = None
    refit: about(bool | None, "labelled texts: after scoring, fit the n-gram classifier again on all rows; by default if there are few") = (
        None
    )


class Predict(Section, frozen=True, kw_only=True):
    index: about(int, "training sentences kept in the bundle for `predict --nearest`", ge=0) = 2000


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "sentences"
    data: Data = field(default_factory=Data)
    preprocess: Preprocess = field(default_factory=Preprocess)
    model: Model = field(default_factory=Model)
    learn: Learn = field(default_factory=Learn)
    train: Fit = field(default_factory=Fit)
    calibration: Answers = field(default_factory=Answers)
    predict: Predict = field(default_factory=Predict)
    export: Export = field(default_factory=Export)
    tune: Tune = field(default_factory=Tune)
    card: Card = field(default_factory=Card)


MAIN_KEYS = (  # what people change most; `applied-dl new` writes them first
    "data.source",
    "data.kind",
    "data.column",
    "data.target",
    "data.split",
    "model.name",
    "model.weights",
    "model.dimensions",
    "train.epochs",
    "train.seed",
)
