"""Which tokenizer the texts get: that of the package's table where they are English."""

import numpy as np
import pytest

from applied_dl.tasks.sentences.readers.learn import is_english
from applied_dl.tasks.sentences.readers.prepare import prepare_sentences
from applied_dl.text.subwords import english
from applied_dl.workflows import recipes

ENGLISH = ["The parcel has not arrived yet.", "Can I get a refund for the broken lamp?", "Thank you, the driver was very kind!"]
OTHERS = {
    "German": ["Das Paket ist leider noch nicht angekommen.", "Kann ich für die kaputte Lampe eine Rückerstattung bekommen?"],
    "Russian": ["Посылка ещё не пришла.", "Можно вернуть деньги за сломанную лампу?"],
    "Chinese": ["包裹还没有到。", "坏掉的灯可以退款吗？"],
    "codes": ["X7F-99A-KQZ", "PPO81-ZZQ-0TR", "QXJ-441-VVK"],
}


def test_english_texts_are_recognised_in_any_case_and_with_a_few_foreign_words():
    assert is_english(ENGLISH)
    assert is_english([text.upper() for text in ENGLISH])
    assert is_english([*ENGLISH * 5, OTHERS["German"][0]])


@pytest.mark.parametrize("texts", OTHERS.values(), ids=OTHERS)
def test_other_texts_are_not(texts):
    assert not is_english(texts)


@pytest.mark.parametrize(
    ("texts", "sections", "taken"),
    [
        (ENGLISH, {}, True),
        (OTHERS["German"], {}, False),
        (OTHERS["German"], {"learn": {"init": "english"}}, True),
        (ENGLISH, {"learn": {"init": "random"}}, False),
        (ENGLISH, {"preprocess": {"vocabulary": 500}}, False),
        (ENGLISH, {"preprocess": {"lowercase": False}}, False),
        (ENGLISH, {"model": {"dimensions": 16}}, False),
        (ENGLISH, {"model": {"name": "transformer"}}, False),
    ],
)
def test_the_table_is_taken_where_no_key_asks_for_another(tmp_path, texts, sections, taken):
    rows = [(f"{text} {word}", f"label{i % 2}") for word in ("one", "two", "three", "four", "five") for i, text in enumerate(texts[:2])]
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
    recipe = recipes.read_recipe({"task": "sentences", "data": {"source": str(tmp_path / "a.csv")}, **sections})
    prepared = prepare_sentences(recipe, tmp_path)
    assert prepared.state.english == taken
    assert (prepared.encoder.tokenizer == english().tokenizer) == taken
    assert np.all(prepared.train.inputs["ids"][:, 0] > 0)
