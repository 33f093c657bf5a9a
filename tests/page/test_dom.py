"""What the views of the page share, in Node."""

import json
import subprocess

from tests.page.javascript import SCRIPTS, node

BURST = """
const {later} = await import(process.argv[1]);
const shown = [], wait = (ms) => new Promise((done) => setTimeout(done, ms));
let typed = '';
const soon = later(async () => {
  const text = typed;
  await wait(text === 'slow' ? 300 : 1);
  shown.push(text);
  if (text === 'broken') throw new Error(text);
}, 5);
for (const text of ['s', 'slow']) { typed = text; soon(); }
await wait(100);
typed = 'broken'; soon();
await wait(600);
for (const text of ['n', 'new']) { typed = text; soon(); }
await wait(300);
console.log(shown.join(' '));
"""


def test_a_burst_is_answered_once_and_an_older_answer_never_comes_last():
    words = [node(), "--input-type=module", "-e", BURST, (SCRIPTS / "dom.js").as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["slow", "broken", "new"], done.stderr


HEADERS = """
const {readRows} = await import(process.argv[1]), {useRules} = await import(process.argv[1].replace('rows', 'text'));
useRules({casefold: {}});
const found = readRows('PREIS;Size (m2);x\\n1;2;3\\n', ['Preis', 'size_m2']);
const error = readRows('Preis;preis\\n1;2\\n', ['PREIS']).error;
console.log(JSON.stringify([found.rows, error, readRows('x_12;y\\n1;2\\n', ['x_1_2', 'y']).error,
  readRows('growth;Price €\\n1;2\\n', ['growth %', 'price (€)']).error]));
"""


def test_pasted_columns_are_found_by_names_that_differ_by_capitals_and_marks():
    words = [node(), "--input-type=module", "-e", HEADERS, (SCRIPTS / "rows.js").as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    rows, error, apart, unit = json.loads(done.stdout)
    assert rows == [{"Preis": "1", "size_m2": "2", "x": "3"}], done.stderr
    assert "lacks the columns PREIS" in error
    assert "lacks the columns x_1_2" in apart
    assert "lacks the columns growth %;" in unit
