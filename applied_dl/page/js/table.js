// A row of cells → the inputs of the graph (applied_dl/tasks/tabular/encoder.py), and its outputs → predictions.

import {rules, regex, strip, trimSet, quoted, casefold} from './text.js';
import {clean, numberStyle, isNumbers, decimalMark, readBoolean, placeFinder, isMark} from './cells.js';
import {readNumber, readQuantity, readMeasures} from './quantities.js';
import {readMoment} from './dates.js';
import {withAnswers} from './answers.js';

const UNKNOWN = 0, ABSENT = 1, FIRST = 2, FAR = 3, LARGEST = 3.4028234663852886e38;
const single = (value) => Math.fround(Math.min(Math.max(value, -LARGEST), LARGEST));
const WANTED = {moment: 'a date or time', boolean: 'yes or no'};

export function encodeRows(encoder, rows) {
  // rows: [{column: text or null}] → {inputs: {name: {data, width, kind}} of all rows, errors: {row: sentence}, notes: [[row, note]]}
  const names = [...new Set([...encoder.columns.map((column) => column.name), ...rows.flatMap(Object.keys)])];
  const table = new Map(names.map((name) => [name, rows.map((row) => clean(row[name]))]));
  const decimal = otherMark(encoder, table);
  const found = {inputs: {}, errors: {}, notes: []};
  for (const column of encoder.columns) encodeColumn(encoder, column, table.get(column.name), decimal, table, found);
  return found;
}

function encodeColumn(encoder, column, cells, decimal, table, {inputs, errors, notes}) {
  const put = (name, values, kind = 'float32', width = 0) => { inputs[name] = {data: values, kind, width}; };
  const fail = (row, wanted) => { errors[row] ??= `${column.name}: expected ${wanted}, received ${quoted(cells[row])}`; };
  if (column.kind === 'number') {
    const style = columnStyle(column, cells, decimal);
    const values = cells.map((text, row) => {
      const {value, wrong} = readNumber(text, column, style);
      if (wrong) fail(row, 'a number');
      if (isFar(column, value)) notes.push([row, `${column.name}: ${short(value)} is far outside the training range, ${short(column.low)} to ${short(column.high)}`]);
      return single(value);
    });
    put(column.inputs[0], values);
  } else if (column.kind === 'measures') {
    const read = cells.map((text) => readMeasures(text, column.style, column.separator));
    read.forEach(({wrong}, row) => wrong && fail(row, `${column.separator.split('#').length - 1} numbers`));
    column.inputs.forEach((name, i) => put(name, read.map(({values}) => single(values[Number(column.parts[i]) - 1]))));
  } else if (column.kind === 'category') {
    const find = placeFinder(column.levels);
    put(column.inputs[0], cells.map((text, row) => {
      const level = column.of_unit && text !== null ? readQuantity(text, column.units, column.style).unit : text;
      const place = find(level);
      if (place === -2 && column.levels.length) notes.push([row, `${column.name}: ${quoted(cells[row])} was never seen in training`]);
      return place >= 0 ? place + FIRST : place === -1 ? ABSENT : UNKNOWN;
    }), 'int32');
  } else if (column.kind === 'moment') {
    const moments = cells.map((text, row) => {
      const value = text === null ? NaN : readMoment(text, column.style);
      if (Number.isNaN(value) && text !== null && !isMark(text)) fail(row, WANTED.moment);
      return value;
    });
    column.inputs.forEach((name, i) => put(name, moments.map((value) => Math.fround(momentPart(value, column.parts[i], column.origin)))));
  } else if (column.kind === 'boolean') {
    put(column.inputs[0], cells.map((text, row) => {
      const value = text === null ? NaN : readBoolean(text);
      if (Number.isNaN(value) && text !== null && !isMark(text)) fail(row, WANTED.boolean);
      return value;
    }));
  } else if (column.kind === 'tags') {
    put(column.inputs[0], cells.flatMap((text, row) => {
      const parts = text === null ? [] : splitTags(text, column.separator);
      if (parts.some((part) => !column.levels.includes(part))) notes.push([row, `${column.name}: a value was never seen in training`]);
      return column.levels.map((level) => parts.includes(level) ? 1 : 0);
    }), 'float32', column.levels.length);
  } else {
    const score = textScorer(column.scores);
    put(column.inputs[0], cells.flatMap(score), 'float32', column.scores.bias.length + 1);
  }
}

function columnStyle(column, cells, decimal) {   // the learned style, unless the rows have another decimal mark
  if (decimal === null || column.style === 'either') return column.style;
  const [other, share] = numberStyle(cells, decimal);
  return share === 1 ? other : column.style;
}

function otherMark(encoder, table) {   // the rows' decimal mark where it is another: columns that can be read in one style only decide
  const styles = new Map(encoder.columns.filter(({kind}) => kind === 'number').map(({name, style}) => [name, style]));
  for (const {name, labels, format} of encoder.targets) if (!labels.length && table.has(name)) styles.set(name, format.style);
  const decimal = decimalMark([...table].filter(([name]) => styles.get(name) !== 'either').map(([, cells]) => cells));
  if (decimal === null || decimal === encoder.decimal) return null;
  let votes = 0;
  for (const [name, style] of styles) {
    if (style === 'either') continue;
    const comma = isNumbers(table.get(name), 'comma'), point = isNumbers(table.get(name), 'plain') || isNumbers(table.get(name), 'thousands');
    votes += style === 'comma' ? point - comma : comma - point;
  }
  return votes >= 0 ? decimal : null;
}

function isFar(column, value) {
  const reach = FAR * Math.max(column.high - column.low, 1e-12);
  return value < column.low - reach || value > column.high + reach;
}

export const short = (value) => String(Number(value.toPrecision(6)));

const modulo = (a, b) => (a % b + b) % b;

function momentPart(value, part, origin) {
  if (Number.isNaN(value)) return NaN;
  const whole = Math.trunc(value), days = (whole - modulo(whole, 86400)) / 86400, eras = Math.floor(days / 146097);   // of 400 years
  const date = new Date((days - eras * 146097) * 864e5);
  if (part === 'days') return (value - origin) / 86400;
  if (part === 'year') return date.getUTCFullYear() + 400 * eras;
  if (part === 'month') return date.getUTCMonth() + 1;
  if (part === 'day') return date.getUTCDate();
  if (part === 'weekday') return modulo(days + 3, 7);
  return modulo(value, 86400) / 3600;
}

function splitTags(text, separator) {   // the parts of a list, each once
  const bare = trimSet(strip(text), '[](){}<>');
  const parts = bare.split(separator).map((part) => strip(trimSet(strip(part), '\'"')));
  return [...new Set(parts.filter((part) => part))];
}

function textScorer(model) {
  const place = new Map(model.terms.map((term, i) => [term, i]));
  return (text) => {
    const found = text === null ? [] : termsOf(text), counts = new Map();
    for (const term of found) if (place.has(term)) counts.set(place.get(term), (counts.get(place.get(term)) ?? 0) + 1);
    const values = [...counts].map(([i, n]) => [i, (1 + Math.log(n)) * model.idf[i]]);
    const norm = Math.sqrt(values.reduce((sum, [, value]) => sum + value * value, 0));
    const scores = model.bias.map((bias, k) => {
      const dot = values.reduce((sum, [i, value]) => sum + value / norm * model.weights[k][i], 0);
      return counts.size ? Math.fround(Math.fround(bias) + dot) : Math.fround(bias);
    });
    return [...scores, Math.fround(Math.log1p(found.length))];
  };
}

function termsOf(text) {   // words in lower case, and pairs of neighbours
  const found = (text.match(regex('word', 'g')) ?? []).slice(0, rules.longest_text).map((word) => word.toLowerCase());
  return [...found, ...found.slice(1).map((word, i) => `${found[i]} ${word}`)];
}

export function tablePredictions(encoder, outputs, count) {   // outputs: {name: flat array} of `count` rows
  const labels = encoder.targets[0].labels ?? [], width = outputs[labels.length ? 'probabilities' : 'prediction'].length / count;
  return Array.from({length: count}, (_, row) => {
    const at = (name, k = 0) => outputs[name][row * width + k];
    if (!labels.length) {
      const targets = encoder.targets.map(({name}, k) => ({name, prediction: at('prediction', k), lower: at('lower', k), upper: at('upper', k)}));
      return withAnswers({targets}, outputs, labels, row);
    }
    const ranked = labels.map((label, k) => ({label, probability: at('probabilities', k)}));
    const best = outputs.decision ? ranked[outputs.decision[row]] : ranked.reduce((a, b) => b.probability > a.probability ? b : a);
    return withAnswers({...best, top: ranked.sort((a, b) => b.probability - a.probability)}, outputs, labels, row);
  });
}
