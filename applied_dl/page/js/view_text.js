// The view of texts: typed live; labels, nearest neighbours, and the similarity of two texts.

import {inflate} from './runtime.js';
import {wordEncoder, encodeWords} from './words.js';
import {subwordEncoder} from './subwords.js';
import {withAnswers} from './answers.js';
import {make, classAnswer, notes, later} from './dom.js';

const NEAREST = 8;

export async function taskView(spec, run) {
  const bytesOf = (id) => inflate(document.getElementById('block-' + id)?.textContent ?? ''), one = spec.form;
  const state = JSON.parse(new TextDecoder().decode(await bytesOf('state'))), input = Object.keys(spec.inputs)[0], width = spec.inputs[input].shape[1];
  const words = spec.task === 'words' ? wordEncoder(state) : null, read = words ? (text) => encodeWords(words, text) : subwordEncoder({...spec.encoder, ...state});
  const table = one.vectors ? unitVectors(await bytesOf('vectors'), one.vectors) : null, names = words ? state.words : state.texts;

  const encode = async (text) => {
    const {ids, error} = read(text);
    if (error) throw new Error(error);
    return {[input]: Array.from({length: width}, (_, i) => ids[i] ?? one.padding)};
  };
  const predict = async (text) => {
    const {ids, error, notes: found} = read(text);
    if (error) throw new Error(error);
    const outputs = await run(await encode(text)), cut = ids.length > width ? [`the page reads the first ${width} tokens of a text; this one has ${ids.length}`] : [];
    return {vector: outputs.vector, prediction: outputs.probabilities && named(outputs), ids, notes: [...found, ...cut]};
  };
  const named = (outputs) => {
    const top = spec.encoder.labels.map((label, i) => ({label, probability: outputs.probabilities[i]})).sort((a, b) => b.probability - a.probability);
    const several = spec.encoder.multi_label ? top.filter(({probability}) => probability >= 0.5).map(({label}) => label) : undefined;
    return withAnswers({...top[0], top, labels: several}, outputs, spec.encoder.labels);
  };
  const nearest = ({vector, ids}) => {
    const unit = scaled(vector), own = words ? new Set(ids.map((id) => id - 1)) : new Set(), size = unit.length, found = [];
    for (let row = 0; row < one.vectors[0]; row++) {
      if (own.has(row)) continue;
      let dot = 0;
      for (let k = 0; k < size; k++) dot += unit[k] * table[row * size + k];
      if (found.length < NEAREST || dot > found.at(-1).similarity) {
        found.push({text: names[row], similarity: dot});
        found.sort((a, b) => b.similarity - a.similarity);
        found.length = Math.min(found.length, NEAREST);
      }
    }
    return found;
  };

  const what = words ? 'a word or a few' : 'a text', first = make('textarea', {placeholder: `Type ${what}`, attributes: {'aria-label': 'text'}});
  const second = make('textarea', {placeholder: `Type another to compare`, attributes: {'aria-label': 'text to compare'}}), answer = make('section', {className: 'answer', attributes: {'aria-live': 'polite'}});

  async function refresh() {
    const shown = [];
    try {
      const a = first.value.trim() ? await predict(first.value) : null, b = second.value.trim() ? await predict(second.value) : null;
      if (a?.prediction) shown.push(...classAnswer(a.prediction));
      if (a && b && a.vector) {
        const cosine = scaled(a.vector).reduce((sum, value, i) => sum + value * scaled(b.vector)[i], 0);
        shown.push(make('h2', {textContent: 'Similarity of the two'}), make('div', {className: 'value', textContent: cosine.toFixed(3)}));
      }
      if (a?.vector && table) {
        shown.push(make('h2', {textContent: words ? 'Nearest words' : 'Nearest texts of the training'}), similar(nearest(a)));
      }
      if (!a) shown.push(make('p', {className: 'soft', textContent: `Type ${what}: the answer appears as you type.`}));
      shown.push(...notes([...(a?.notes ?? []), ...(b?.notes ?? []), ...(a?.prediction?.warnings ?? [])]));
    } catch (error) {
      shown.push(...notes([error.message]));
    }
    answer.replaceChildren(...shown.filter(Boolean));
  }
  first.oninput = second.oninput = later(refresh);
  return {encode, predict, show: (main) => {
    main.append(first, one.similarity ? second : '', answer);
    first.value = one.text;
    return refresh();
  }};
}

function similar(found) {   // texts with their cosine, best first
  const row = ({text, similarity}) => make('tr', {}, make('td', {textContent: similarity.toFixed(3)}), make('td', {textContent: text}));
  return make('table', {}, make('tbody', {}, ...found.map(row)));
}

function scaled(vector) {
  const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) || 1;
  return vector.map((value) => value / norm);
}

function unitVectors(bytes, [rows, size]) {   // float16 → float32, each row of length one
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, rows * size), found = Float32Array.from(halves, half);
  for (let row = 0; row < rows; row++) found.set(scaled(found.subarray(row * size, (row + 1) * size)), row * size);
  return found;
}

function half(bits) {
  const exponent = (bits >> 10) & 31, part = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  return exponent === 0 ? sign * part * 2 ** -24 : exponent === 31 ? NaN : sign * (1 + part / 1024) * 2 ** (exponent - 15);
}
