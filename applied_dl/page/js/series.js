// A history → the inputs of a forecaster (applied_dl/tasks/forecast/encoder.py, gaps.py, readers; applied_dl/io/stamps.py), and its outputs.

import {rules, regex, match, contains, roundHalfEven} from './text.js';
import {clean, parseNumber, numberStyle, decimalMark} from './cells.js';
import {bareMoment, readMoment, fromYears} from './dates.js';
import {clockOf} from './clock.js';
import {readNumber} from './quantities.js';

const NEAR = 0.05, OFF_GRID = 0.05, LEAST_ALLOWED = 0.4, LARGEST = 1e18, FAR = 8;
const PERIODS = {hour: 24, weekday: 7, year: 365.2425};

export function readSeries(encoder, rows) {   // rows: [{column: text}] → {series: [{names, start, values: [[…] of each step]}], notes}
  const {columns} = encoder, clock = clockOf(encoder.clock), notes = [];
  const table = Object.fromEntries([columns.time, columns.series, ...columns.targets].filter(Boolean).map((name) => [name, rows.map((row) => clean(row[name]))]));
  const kept = rows.map((_, i) => i).filter((i) => !columns.time || table[columns.time][i] !== null || columns.targets.some((name) => table[name][i] !== null));
  const stamps = columns.time ? readStamps(table[columns.time], kept, columns, clock) : null;
  const decimal = decimalMark(Object.values(table)), learned = decimal === null || decimal === columns.mark ? columns.style : '';
  const values = columns.targets.map((name) => readColumn(name, table[name], learned, decimal, columns));
  const groups = new Map();
  for (const i of kept) {
    const key = columns.layout === 'long' ? table[columns.series][i] : '';
    if (key === null) throw new Error(`row ${i + 2}: the series has no name`);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(i);
  }
  const found = [...groups].map(([key, own]) => {
    const name = columns.layout === 'long' ? key : columns.targets.slice(0, 3).join(', ');
    const order = own.map((row, i) => [stamps ? stamps[row] : i, row]).sort((a, b) => a[0] - b[0]);
    const {first, lines} = onGrid(order.map(([stamp]) => stamp), order.map(([, row]) => values.map((column) => column[row])), clock, name, columns, notes);
    let end = lines.length;
    while (end > 0 && lines[end - 1].every(Number.isNaN)) end--;
    if (!end) throw new Error(`${name}: every value is missing`);
    return {names: columns.layout === 'long' ? [key] : columns.targets, start: first, values: lines.slice(0, end)};
  });
  return {series: encoder.form === 'aligned' || columns.layout === 'long' ? found : apart(found), notes};
}

function apart(found) {   // of a panel every series is a window of its own
  return found.flatMap(({names, start, values}) => names.map((name, k) => ({names: [name], start, values: values.map((line) => [line[k]])})));
}

function readColumn(name, cells, learned, decimal, columns) {
  const format = columns.formats?.[name], other = decimal !== null && decimal !== columns.mark;
  if (format) return readAs(name, cells, format, other ? {'.': 'thousands', ',': 'comma'}[decimal] : format.style ?? 'plain', columns);
  let texts = cells;
  const filled = cells.filter((text) => text !== null), units = new Set(filled.map((text) => match('series_unit', text)?.[2] ?? ''));
  if (units.size === 1 && !units.has('')) texts = cells.map((text) => text === null ? null : match('series_unit', text)[1]);   // 12.5 kW
  const style = learned || numberStyle(texts, decimal)[0];
  return texts.map((text, i) => {
    const none = text === null || columns.missing?.includes(text), value = none ? NaN : parseNumber(text, style);
    if (!none && !(Math.abs(value) <= LARGEST)) throw new Error(`column ${name}, row ${i + 2}: expected a number, received '${cells[i]}'`);
    return columns.sentinels?.includes(value) ? NaN : value;
  });
}

function readAs(name, cells, format, style, columns) {   // 1.2 K alone means what it meant beside 900 in training
  return cells.map((text, i) => {
    const {value, wrong} = readNumber(text, format, style);
    if (wrong || Math.abs(value) > LARGEST) throw new Error(`column ${name}, row ${i + 2}: expected a number, received '${text}'`);
    return columns.sentinels?.includes(value) ? NaN : value;
  });
}

function readStamps(cells, kept, columns, clock) {   // seconds since 1970 in UTC where a zone is named; numbers of rows as they are
  const used = new Set(kept), whole = kept.every((i) => /^[+-]?(0|[1-9]\d*)(\.0*)?$/.test(cells[i] ?? '')), numeric = kept.every((i) => Number.isFinite(parseNumber(cells[i] ?? '', 'plain')));
  const bare = cells.map((text) => text === null ? null : bareMoment(text)), zoned = kept.some((i) => bare[i]?.includes(':') && contains('zoned', bare[i]));
  return cells.map((text, i) => {
    if (!used.has(i)) return NaN;
    const value = text === null ? NaN : clock.unit === 'step' ? (whole ? Number(text) : NaN) : numeric ? fromNumber(Number(text), columns.form) : textStamp(bare[i], columns.form, zoned);
    if (Number.isNaN(value)) throw new Error(`column ${columns.time}, row ${i + 2}: expected a time as in the training data, received '${text ?? ''}'`);
    return value;
  });
}

function textStamp(text, form, zoned) {
  const value = readMoment(text, form || '%Y-%m-%d');
  if (!zoned) return value;
  const zone = text.includes(':') ? regex('zoned').exec(text) : null;
  if (!zone) return NaN;
  return value - ({'+': 1, '-': -1}[zone[1]] ?? 0) * (Number(zone[2] ?? 0) * 3600 + Number(zone[3] ?? 0) * 60);
}

function fromNumber(value, form) {   // forms of numeric_times.py
  const [kind, detail] = ({'%Y%m%d': 'compact:8', '%Y%m': 'compact:6'}[form] ?? form).split(':');
  if (kind === 'epoch') return roundHalfEven(value / rules.epochs[detail] * 1e6) / 1e6;
  if (kind === 'excel') return roundHalfEven(value * 86400) - 2209161600;
  if (kind === 'year') return Date.UTC(Math.trunc(value), 0, 1) / 1000;
  if (kind === 'decimal_year' || rules.by_parts.includes(kind)) return fromYears(value, form);
  if (kind !== 'compact') return NaN;
  const digits = String(value).padStart(Number(detail), '0'), part = (a, b) => Number(digits.slice(a, b) || 0), day = detail === '6' ? 1 : part(6, 8);
  const found = Date.UTC(part(0, 4), part(4, 6) - 1, day, part(8, 10), part(10, 12), part(12, 14));
  const fits = digits.length === Number(detail) && new Date(found).getUTCMonth() === part(4, 6) - 1 && part(8, 10) < 24 && part(10, 12) < 60 && part(12, 14) < 60;
  return fits ? found / 1000 : NaN;
}

function onGrid(stamps, lines, clock, name, columns, notes) {   // lines on every step of the clock, NaN where there is none
  if (stamps.some(clock.closed) && !stamps.every(clock.closed)) {
    const open = stamps.map((stamp) => !clock.closed(stamp));
    notes.push(`${name}: rows at times that are otherwise closed were left out`);
    [stamps, lines] = [stamps.filter((_, i) => open[i]), lines.filter((_, i) => open[i])];
  }
  const place = stamps.map(clock.place), resample = columns.irregular === 'resample', steps = place.map((at) => resample ? Math.floor(at + 1e-6) : roundHalfEven(at));
  const off = place.filter((at, i) => Math.abs(at - steps[i]) > (clock.unit === 'step' ? 1e-6 : NEAR)).length;
  if (!resample && off) {
    if (off > OFF_GRID * stamps.length) throw new Error(`${name}: ${off} of ${stamps.length} times are off the grid of the training data`);
    notes.push(`${name}: ${off} times off the grid were moved to the nearest step`);
  }
  const gaps = steps.slice(1).map((step, i) => step - steps[i]), rising = (gaps.some((gap) => gap > 0) ? gaps.filter((gap) => gap > 0) : [1]).sort((a, b) => a - b);
  const middle = (rising[(rising.length - 1) >> 1] + rising[rising.length >> 1]) / 2;
  if (!resample && gaps.length > 3 && middle > 1) throw new Error(`${name}: its times are mostly ${Math.trunc(middle)} steps of the training data apart`);
  const repeated = gaps.filter((gap) => gap === 0).length;
  if (repeated && !resample && columns.duplicates === 'refuse') throw new Error(`${name}: ${repeated} times occur more than once`);
  if (repeated && !resample) notes.push(`${name}: ${repeated} repeated times were combined`);
  const first = steps[0], length = steps.at(-1) - first + 1;
  if (length > 100 * steps.length + 1000) throw new Error(`${name}: ${steps.length} times span ${length} steps; check the times`);
  const width = lines[0].length, combined = Array.from({length}, () => Array.from({length: width}, () => []));
  lines.forEach((line, i) => line.forEach((value, k) => Number.isNaN(value) || combined[steps[i] - first][k].push(value)));
  const how = {sum: (all) => all.reduce((a, b) => a + b, 0), last: (all) => all.at(-1)}[columns.duplicates] ?? ((all) => all.reduce((a, b) => a + b, 0) / all.length);
  return {first, lines: combined.map((line) => line.map((all) => all.length ? how(all) : NaN))};
}

function base(values) {   // the roundest number below all values that is within ten times their range of them
  const least = values.reduce((a, b) => Math.min(a, b)), span = values.reduce((a, b) => Math.max(a, b)) - least || 1;
  let digits = Math.ceil(Math.log10(span));   // whose last bit is not the same everywhere
  while (Number(`1e${digits - 1}`) >= span) digits--;
  while (Number(`1e${digits}`) < span) digits++;
  const unit = Number(`1e${digits}`);
  const found = Math.floor(least / unit) * unit;
  return found <= least ? found : found - unit;
}

export function encodeSeries(encoder, {names, start, values}) {   // → {inputs: {name: flat array}, offset, notes}
  const {lookback: L, horizon: H, season} = encoder, width = names.length;
  const filled = names.map((_, k) => fill(values.map((line) => line[k]), season));
  const offset = names.map((_, k) => encoder.offset.length ? encoder.offset[k] : encoder.own_offset ? base(filled[k]) : 0);
  let channels = filled.map((line, k) => line.map((value) => Math.fround(value - offset[k])));
  const end = values.length, least = encoder.least || L;
  if (end < least && encoder.form === 'aligned') throw new Error(`${names.slice(0, 3).join(', ')}: the history has ${end} steps, expected at least ${least}`);
  const recent = values.slice(-L).map((line, i) => line.map((value, k) => Math.fround(value - offset[k])));
  names.forEach((name, k) => {
    const missing = recent.filter((line) => Number.isNaN(line[k])).length / recent.length;
    if (missing > Math.max(encoder.max_missing, LEAST_ALLOWED)) throw new Error(`${name}: ${(100 * missing).toFixed(0)}% of its last ${recent.length} steps are missing`);
  });
  channels = channels.map((line) => end < L ? lengthen(line, L, season, Boolean(encoder.least)).map(Math.fround) : line).map((line) => line.slice(-L));
  const inputs = {history: Array.from({length: L * width}, (_, i) => channels[i % width][Math.floor(i / width)])};
  if (encoder.calendar.length) inputs.future = calendarOf(encoder, start, end, L, H, season);
  if (encoder.cycle) inputs.phase = [(((start + end - L) % encoder.cycle) + encoder.cycle) % encoder.cycle];
  return {inputs, offset, notes: unlike(encoder, names, recent, offset)};
}

function fill(line, season) {   // each missing value continues from the one before as the series did one season earlier
  const values = [...line], first = values.findIndex((value) => !Number.isNaN(value));
  if (first < 0) return values;
  for (let t = 0; t < first; t++) values[t] = values[first];
  for (let t = first + 1; t < values.length; t++) {
    if (Number.isNaN(values[t])) values[t] = values[t - 1] + (season > 1 && season < t - first ? values[t - season] - values[t - season - 1] : 0);
  }
  return values;
}

function lengthen(values, length, season, trend) {   // the first season again on the left, or the first value of shorter series
  const missing = length - values.length, n = values.length;
  if (missing <= 0) return values;
  if (trend && n > season) {
    let change = (values[n - 1] - values[0]) / (n - 1);
    if (season > 1) change = values.slice(season).reduce((sum, value, i) => sum + value - values[i], 0) / (n - season);
    const at = (back) => values[(season - (back % season)) % season] - change * Math.ceil(back / season);
    return [...Array.from({length: missing}, (_, i) => at(missing - i)), ...values];
  }
  const cycle = n >= season ? values.slice(0, season) : values.slice(0, 1), size = cycle.length, shift = (size - (missing % size)) % size;
  return [...Array.from({length: missing}, (_, i) => cycle[(i + shift) % size]), ...values];
}

function calendarOf(encoder, start, end, L, H, season) {   // (L + H, 2 of each period)
  const clock = clockOf(encoder.clock), pad = Math.max(0, L - end), day = 86400;
  const rows = Array.from({length: end + H}, (_, i) => {
    const stamp = clock.stamp(start + i), days = Math.floor(stamp / day), hours = (stamp - days * day) / 3600, date = new Date(days * day * 1000);
    const place = {hour: hours, weekday: days + 4 + hours / 24, year: days - Date.UTC(date.getUTCFullYear(), 0, 1) / 1000 / day + hours / 24};
    return encoder.calendar.flatMap((name) => {
      const angle = 2 * Math.PI * place[name] / PERIODS[name];
      return [Math.fround(Math.sin(angle)), Math.fround(Math.cos(angle))];
    });
  });
  const padded = pad ? rows[0].map((_, k) => lengthen(rows.map((row) => row[k]), rows.length + pad, season, false)) : null;
  return Array.from({length: L + H}, (_, i) => rows[0].map((_, k) => pad ? padded[k][end + pad - L + i] : rows[end - L + i][k])).flat();
}

function unlike(encoder, names, recent, offset) {
  return names.flatMap((name, k) => {
    const known = recent.map((line) => line[k]).filter((value) => !Number.isNaN(value)), mean = known.reduce((a, b) => a + b, 0) / known.length;
    if (encoder.form !== 'aligned') {
      const [low, high] = encoder.seen ?? [-Infinity, Infinity], own = mean + offset[k];
      return own >= low - (high - low) && own <= high + (high - low) ? [] : [`${name}: its mean is far from the training values (${low} to ${high})`];
    }
    const away = Math.abs(mean - encoder.center[k]) / encoder.scale[k], times = Math.sqrt(known.reduce((a, b) => a + (b - mean) ** 2, 0) / known.length) / encoder.scale[k];
    return [...(away > FAR ? [`${name} is ${away.toFixed(0)} training standard deviations away from what the model was trained on`] : []),
      ...(times > FAR ? [`${name} varies ${times.toFixed(0)} times as much as what the model was trained on`] : [])];
  });
}

export function seriesForecasts(encoder, {names, start, values}, offset, outputs) {   // one a series
  const clock = clockOf(encoder.clock), {horizon: H} = encoder, width = names.length;
  const times = Array.from({length: H}, (_, i) => clock.text(start + values.length + i));
  return names.map((name, k) => {
    const line = (key) => Array.from({length: H}, (_, i) => outputs[key][i * width + k] + offset[k]);
    return {series: name, times, forecast: line('forecast'), lower: line('lower'), upper: line('upper')};
  });
}
