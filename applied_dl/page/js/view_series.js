// The view of series: a CSV dropped or pasted; a chart of each with its forecast and interval.

import {readSeries, encodeSeries, seriesForecasts} from './series.js';
import {clockOf} from './clock.js';
import {readRows} from './rows.js';
import {make, nice, share, chart, notes, later, onFiles} from './dom.js';

const MOST_CHARTS = 12, SHOWN_SEASONS = 4;

export function taskView(spec, run) {
  const {encoder} = spec, {columns} = encoder, names = [columns.time, columns.series, ...columns.targets].filter(Boolean);
  const rowsOf = (table) => Object.values(table)[0].map((_, i) => Object.fromEntries(Object.entries(table).map(([name, cells]) => [name, cells[i] === null ? null : String(cells[i])])));
  const encode = async (table) => encodeSeries(encoder, readSeries(encoder, rowsOf(table)).series[0]).inputs;
  const predict = async (rows) => {   // → [{error} or {forecasts, series, notes}]
    const {series, notes: read} = readSeries(encoder, rows), answers = [];
    for (const one of series) {
      try {
        const {inputs, offset, notes: found} = encodeSeries(encoder, one);
        answers.push({series: one, forecasts: seriesForecasts(encoder, one, offset, await run(inputs)), notes: found});
      } catch (error) {
        answers.push({error: error.message});
      }
    }
    return {answers, notes: read};
  };

  const area = make('textarea', {placeholder: `${names.join(',')}\n…`, attributes: {'aria-label': 'history'}}), out = make('div', {attributes: {'aria-live': 'polite'}});
  async function refresh() {
    const {rows, error} = readRows(area.value, names);
    if (error || !rows.length) return out.replaceChildren(...notes(error && area.value.trim() ? [error] : []));
    try {
      const {answers, notes: read} = await predict(rows), shown = answers.slice(0, MOST_CHARTS);
      return out.replaceChildren(...shown.flatMap((answer) => answer.error ? notes([answer.error]) : answer.forecasts.map((forecast, k) => card(answer, forecast, k))),
        ...notes([...read, ...(answers.length > shown.length ? [`the first ${MOST_CHARTS} of ${answers.length} series are shown`] : [])]));
    } catch (wrong) {
      return out.replaceChildren(...notes([wrong.message]));
    }
  }

  function card({series, notes: found}, forecast, k) {
    const steps = Math.max(encoder.horizon * 2, encoder.season * SHOWN_SEASONS), past = series.values.slice(-Math.min(steps, 400)).map((line) => line[k]);
    const rows = forecast.times.map((time, i) => make('tr', {}, ...[time, ...['forecast', 'lower', 'upper'].map((key) => nice(forecast[key][i]))].map((text) => make('td', {textContent: text}))));
    const head = make('tr', {}, ...['time', 'forecast', 'lower', 'upper'].map((text) => make('th', {textContent: text})));
    return make('section', {className: 'answer'}, make('h2', {textContent: forecast.series}),
      chart({past, line: forecast.forecast, lower: forecast.lower, upper: forecast.upper, first: clockOf(encoder.clock).text(series.start + series.values.length - past.length), last: forecast.times.at(-1), label: `history and forecast of ${forecast.series}`}),
      make('p', {className: 'soft', textContent: `The last ${past.length} steps, and the forecast of ${forecast.times.length} with its ${share(encoder.coverage)}.${area.value === spec.form ? ' The history is invented: put your own in its place.' : ''}`}),
      make('details', {}, make('summary', {textContent: 'Numbers'}), make('div', {className: 'scroll'}, make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows)))), ...notes(found));
  }

  const soon = later(refresh, 200), file = make('input', {type: 'file', accept: '.csv,.tsv,.txt', onchange: () => take([...file.files])});
  async function take([first]) {
    if (!first) return;
    area.value = await first.text();
    soon();
  }
  area.oninput = soon;
  return {encode, predict, show: (main) => {
    main.append(make('div', {className: 'drop'}, make('span', {textContent: `Drop a CSV file with the columns ${names.join(', ')}, paste it below, or`}), make('label', {}, 'choose a file', file)), area, out);
    onFiles(take);
    area.value = spec.form;
    return refresh();
  }};
}
