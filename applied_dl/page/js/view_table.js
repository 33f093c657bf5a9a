// The view of a table: a form made of its columns, the answer with its interval, what-if by slider, and rows that are pasted.

import {encodeRows, tablePredictions} from './table.js';
import {readRows} from './rows.js';
import {make, nice, bars, classAnswer, numberAnswer, chart, notes, later} from './dom.js';

const SWEEP = 24;   // steps of a what-if curve
const MOST_ROWS = 1000;

export function taskView(spec, run) {
  const {encoder} = spec, columns = encoder.columns.filter((column) => !column.of_unit), names = columns.map(({name}) => name);
  const row = Object.fromEntries(names.map((name) => [name, spec.form[name] ?? '']));
  let extent = null, swept = columns.find(({kind}) => kind === 'number')?.name;

  const encode = async (given) => {   // a row → flat arrays
    const {inputs, errors} = encodeRows(encoder, [given]);
    if (errors[0]) throw new Error(errors[0]);
    return Object.fromEntries(Object.entries(inputs).map(([name, {data}]) => [name, data]));
  };
  const predict = async (rows) => {   // → [{prediction, error, notes}]
    const {inputs, errors, notes: found} = encodeRows(encoder, rows), answers = [];
    for (let i = 0; i < rows.length; i++) {
      if (errors[i]) {
        answers.push({error: errors[i]});
        continue;
      }
      const own = Object.fromEntries(Object.entries(inputs).map(([name, {data, width}]) => [name, data.slice(i * (width || 1), (i + 1) * (width || 1))]));
      const [prediction] = tablePredictions(encoder, await run(own), 1);
      answers.push({prediction, notes: found.filter(([at]) => at === i).map(([, text]) => text)});
    }
    return answers;
  };

  const answer = make('section', {className: 'answer', attributes: {'aria-live': 'polite'}}), whatIf = make('section');

  async function refresh() {
    const [{prediction, error, notes: found}] = await predict([row]);
    for (const input of fields.querySelectorAll('[data-name]')) input.setAttribute('aria-invalid', String(Boolean(error?.startsWith(input.dataset.name + ':'))));
    if (error) {
      answer.replaceChildren(...notes([error]));
      return;
    }
    if (prediction.targets) {
      const bounds = prediction.targets.flatMap(({lower, upper}) => [lower, upper]);
      extent = [Math.min(...bounds, extent?.[0] ?? Infinity), Math.max(...bounds, extent?.[1] ?? -Infinity)];
    }
    answer.replaceChildren(...(prediction.targets ? numberAnswer(prediction.targets, extent, spec.coverage) : classAnswer(prediction)).filter(Boolean), ...notes([...found, ...(prediction.warnings ?? [])]));
    await sweep(prediction);
  }

  async function sweep(now) {   // the answer as one number changes through its training range, all else as in the form
    const column = columns.find(({name}) => name === swept);
    if (!column || !(column.high > column.low)) return whatIf.replaceChildren();
    const at = (i) => column.low + (column.high - column.low) * i / SWEEP, cell = (value) => written(column, value);
    const found = await predict(Array.from({length: SWEEP + 1}, (_, i) => ({...row, [swept]: cell(at(i))})));
    if (found.some(({error}) => error)) return whatIf.replaceChildren();
    const value = ({prediction}) => prediction.targets ? prediction.targets[0] : {prediction: prediction.top.find(({label}) => label === now.label).probability};
    const values = found.map(value);
    if (now.targets) {   // the interval is drawn on the scale of the curve
      extent = [Math.min(extent[0], ...values.map(({lower}) => lower)), Math.max(extent[1], ...values.map(({upper}) => upper))];
      answer.querySelector('svg').replaceWith(numberAnswer(now.targets.slice(0, 1), extent).at(-1));
    }
    const place = (Number(String(row[swept]).replace(',', '.')) - column.low) / (column.high - column.low);
    const of = now.targets ? now.targets[0].name : `probability of ${now.label}`;
    whatIf.replaceChildren(make('h2', {textContent: `What if ${swept} were another?`}), chart({
      line: values.map(({prediction}) => prediction), lower: now.targets ? values.map(({lower}) => lower) : [], upper: now.targets ? values.map(({upper}) => upper) : [],
      first: `${swept} ${nice(column.low)}`, last: nice(column.high), label: `${of} as ${swept} changes`,
      dot: place >= 0 && place <= 1 ? [place, value({prediction: now}).prediction] : null,
    }), make('p', {className: 'soft', textContent: `${of}, all other columns as in the form. Move a slider to see another column.`}));
    return undefined;
  }

  const soon = later(() => refresh().catch((error) => answer.replaceChildren(...notes([error.message]))));
  const fields = make('div', {className: 'fields'}, ...columns.map((column) => field(column, row, (name) => {
    if (columns.find((one) => one.name === name).kind === 'number') swept = name;
    soon();
  })));
  return {encode, predict, show: (main) => {
    main.append(answer, fields, whatIf, pasted(names, encoder.targets, predict));
    return refresh();
  }};
}

function written(column, value) {   // a number as the column writes it
  const [unit, factor] = Object.entries(column.units ?? {})[0] ?? ['', 1], text = String(Number((value / factor).toPrecision(6)));
  const [currency, name] = unit.includes('|') ? unit.split('|') : ['', unit];
  return `${currency}${column.style === 'comma' ? text.replace('.', ',') : text} ${name}`.trim();
}

function field(column, row, changed) {
  const {name, kind} = column, bare = kind === 'number' && !Object.keys(column.units ?? {}).length && column.high > column.low;
  const hint = {number: `${nice(column.low)} to ${nice(column.high)}`, moment: 'a date, such as 2024-01-31', tags: `of ${column.levels?.length} values, separated by ${column.separator}`,
    text: 'a text', measures: column.separator, boolean: '', category: `${column.levels?.length} levels`}[kind];
  const options = kind === 'boolean' ? ['yes', 'no'] : kind === 'category' ? column.levels : null;
  const set = (value) => {
    row[name] = value;
    changed(name);
  };
  let input, list = null;
  if (options && options.length <= 30) {
    input = make('select', {}, ...['', ...options].map((value) => make('option', {value, textContent: value || '(empty)'})));
    input.value = row[name] ?? '';
    input.onchange = () => set(input.value);
  } else {
    input = make(kind === 'text' ? 'textarea' : 'input', {value: row[name] ?? '', placeholder: '(empty)', autocomplete: 'off', inputMode: bare ? 'decimal' : 'text'});
    if (options) {
      list = make('datalist', {id: 'list-' + column.inputs[0]}, ...options.map((value) => make('option', {value})));
      input.setAttribute('list', list.id);
    }
    input.oninput = () => {
      set(input.value);
      if (slider) slider.value = input.value.replace(',', '.');
    };
  }
  input.dataset.name = name;
  const slider = bare ? make('input', {type: 'range', min: column.low, max: column.high, step: 'any', value: String(row[name]).replace(',', '.'), attributes: {'aria-label': name}}) : null;
  if (slider) {
    slider.oninput = () => {
      input.value = written(column, Number(slider.value));
      set(input.value);
    };
  }
  return make('label', {}, name, input, slider, list, make('small', {textContent: hint, title: hint}));
}

function pasted(names, targets, predict) {
  const labels = targets[0].labels ?? [];
  const area = make('textarea', {placeholder: `${names.join(', ')}\n…`, attributes: {'aria-label': 'rows'}}), out = make('div', {className: 'scroll'});
  const titles = labels.length ? ['label', 'probability'] : targets.flatMap(({name}) => [name, 'lower', 'upper']);
  area.oninput = later(async () => {
    const {header, rows, error} = readRows(area.value, names);
    if (error || !rows.length) return out.replaceChildren(...notes(error && area.value.trim() ? [error] : []));
    const shown = rows.slice(0, MOST_ROWS), found = await predict(shown), plain = found.map(({prediction}) => !prediction ? []
      : prediction.targets ? prediction.targets.flatMap(({prediction: value, lower, upper}) => [value, lower, upper].map(nice)) : [prediction.label, (100 * prediction.probability).toFixed(1) + '%']);
    const cells = (tag, texts) => texts.map((text) => make(tag, {textContent: text ?? ''}));
    const line = (texts, i) => make('tr', {}, ...cells('td', [String(i + 1)]), ...(found[i].error ? [make('td', {className: 'note', colSpan: titles.length, textContent: found[i].error})] : cells('td', texts)),
      ...cells('td', header.map((name) => shown[i][name])));
    return out.replaceChildren(make('table', {}, make('thead', {}, make('tr', {}, ...cells('th', ['row', ...titles, ...header]))), make('tbody', {}, ...plain.map(line))),
      ...notes(rows.length > shown.length ? [`the first ${MOST_ROWS} of ${rows.length} rows are shown`] : []));
  }, 300);
  return make('details', {}, make('summary', {textContent: 'Paste rows'}), make('p', {className: 'soft', textContent: 'From a spreadsheet or a CSV file, with the names of the columns in the first line.'}), area, out);
}
