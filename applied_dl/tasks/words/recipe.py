"""The recipe of word vectors."""

from typing import Literal

from msgspec import field

from applied_dl.core.sections import Card, Export, Section, TimeLimit, about

Method = Literal["skipgram", "cbow", "glove", "svd"]


class Data(Section, frozen=True, kw_only=True):
    source: about(str, 'built-in "english", a text file, a folder of them, or a CSV/Parquet/JSONL table, also compressed') = "english"
    train: about(str | None, "training text; with it, the texts are used exactly as given") = None
    validation: about(str | None, "validation text") = None
    test: about(str | None, "test text") = None
    column: about(str | None, "text column of a table") = None
    sheet: about(str | None, "sheet of a workbook; needed if more than one holds data") = None
    split: about(tuple[float, float, float], "shares of the text's pieces for train, validation and test") = (0.96, 0.02, 0.02)
    similarity: about(str | None, "file of word, word, score: the test, instead of held-out text") = None
    analogies: about(
        str | None, "file of questions (a b c d on each line, as in word2vec's questions-words.txt), scored as part of the test"
    ) = None


class Preprocess(Section, frozen=True, kw_only=True):
    lowercase: about(bool, "lower-case the text") = True
    min_count: about(int | None, "words that occur less often are dropped", ge=1) = None
    vocabulary: about(int, "maximum number of words", ge=2, le=2_000_000) = 60_000
    phrases: about(int, "passes that join common neighbours (new york → new_york); 0 joins none", ge=0, le=4) = 0
    phrase_score: about(float | None, "phrases: how many times more frequent than by chance a joined pair must be", gt=0) = None
    ngrams: about(tuple[int, int] | None, "lengths of sub-words in characters, such as [3, 6]: unseen words get vectors too") = None
    buckets: about(int | None, "ngrams: rows that the sub-words share by hashing", ge=16, le=4_000_000) = None


class Model(Section, frozen=True, kw_only=True):
    name: about(Method, "skipgram, cbow, glove or svd (positive PMI, factorised)") = "skipgram"
    dimensions: about(int | None, "dimensions of the vectors; by default those of the file in learn.init, or 100", ge=1, le=4096) = None


class Learn(Section, frozen=True, kw_only=True):
    window: about(int, "maximum number of context words on each side", ge=1, le=64) = 5
    objective: about(Literal["negative", "hierarchical"] | None, "skipgram, cbow: negative sampling or hierarchical softmax") = None
    negative: about(int | None, "noise words for each true one", ge=1, le=100) = None
    sample: about(float | None, "words more frequent than this share are subsampled (0 keeps all)", ge=0, lt=1) = None
    init: about(
        str | None,
        "embedding initialisation: random, svd (factorised counts, a sixth of the epochs) or a file of vectors (GloVe, word2vec, .npz)",
    ) = None


class Train(Section, frozen=True, kw_only=True):
    epochs: about(int | None, "passes over the text", ge=1) = None
    learning_rate: about(float | None, "initial learning rate; it falls linearly to zero", gt=0) = None
    threads: about(int | None, "threads that update the vectors at once, without locks; one per core by default", ge=1, le=256) = None
    time_limit: TimeLimit = None
    seed: about(int, "seed of split, vectors, order and noise", ge=0, lt=2**31) = 0
    deterministic: about(bool, "one thread: the same seed gives the same vectors, bit for bit") = False
    log: about(Literal["tensorboard", "mlflow"] | None, "follow the training: tensorboard (in OUT.logs/) or mlflow") = None
    checkpoint_minutes: about(float, "how often, at least, the state is saved for --resume", ge=0) = 1.0


class Recipe(Section, frozen=True, kw_only=True):
    task: str = "words"
    data: Data = field(default_factory=Data)
    preprocess: Preprocess = field(default_factory=Preprocess)
    model: Model = field(default_factory=Model)
    learn: Learn = field(default_factory=Learn)
    train: Train = field(default_factory=Train)
    export: Export = field(default_factory=Export)
    card: Card = field(default_factory=Card)


MAIN_KEYS = (  # what people change most; `applied-dl new` writes them first
    "data.source",
    "data.column",
    "preprocess.lowercase",
    "preprocess.min_count",
    "preprocess.vocabulary",
    "model.name",
    "model.dimensions",
    "learn.window",
    "train.epochs",
    "train.seed",
)
