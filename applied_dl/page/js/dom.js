// Small parts of the page: elements, bars, intervals, charts.

export function make(tag, values = {}, ...children) {
  const {attributes = {}, ...own} = values, element = Object.assign(document.createElement(tag), own);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function draw(tag, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

export const nice = (value) => Number.isFinite(value) ? (Math.abs(value) >= 1e15 ? value.toExponential(3) : Number(value.toPrecision(4)).toLocaleString('en', {maximumSignificantDigits: 4})) : '–';

export function bars(top, most = 5) {   // of probabilities
  const percent = (p) => (100 * p).toFixed(1) + '%';
  return make('div', {className: 'bars'}, ...top.slice(0, most).flatMap(({label, probability}) => {
    const fill = make('i');
    fill.style.width = percent(Math.max(0, Math.min(1, probability)));
    return [make('span', {textContent: label}), make('span', {className: 'track', attributes: {'aria-hidden': 'true'}}, fill), make('span', {textContent: percent(probability)})];
  }));
}

export function classAnswer(prediction) {
  const title = prediction.labels ? prediction.labels.join(', ') || 'none of the labels' : prediction.label;
  const set = prediction.set?.length > 1 ? make('p', {className: 'soft', textContent: `could be: ${prediction.set.join(', ')}`}) : null;
  return [make('div', {className: 'value', textContent: title}), set, bars(prediction.top)];
}

export const share = (coverage) => coverage ? `${Number((100 * coverage).toPrecision(3))}% interval` : 'interval';

export function numberAnswer(targets, extent, coverage) {   // each number with its interval on a scale of [low, high]
  return targets.flatMap(({name, prediction, lower, upper}) => [
    make('div', {className: 'soft', textContent: name}),
    make('div', {className: 'value', textContent: nice(prediction)}),
    make('div', {className: 'soft', textContent: `between ${nice(lower)} and ${nice(upper)} (${share(coverage)})`}),
    interval(prediction, lower, upper, extent ?? [Math.min(lower, prediction), Math.max(upper, prediction)]),
  ]);
}

function interval(value, lower, upper, [low, high]) {
  const svg = draw('svg', {viewBox: '0 0 600 40', role: 'img', 'aria-label': `${nice(value)}, between ${nice(lower)} and ${nice(upper)}`});
  const x = (at) => 10 + 580 * (at - low) / (high - low || 1);
  svg.append(draw('line', {class: 'axis', x1: 10, x2: 590, y1: 14, y2: 14}),
    draw('rect', {class: 'fan', x: x(lower), y: 6, width: Math.max(1, x(upper) - x(lower)), height: 16, rx: 4}),
    draw('circle', {class: 'dot', cx: x(value), cy: 14, r: 6}),
    draw('text', {x: 10, y: 36}, nice(low)), draw('text', {x: 590, y: 36, 'text-anchor': 'end'}, nice(high)));
  return svg;
}

export function chart({past = [], line = [], lower = [], upper = [], first = '', last = '', dot = null, label = ''}) {
  const svg = draw('svg', {viewBox: '0 0 600 200', role: 'img', 'aria-label': label});
  const all = [...past, ...line, ...lower, ...upper].filter(Number.isFinite), [low, high] = [Math.min(...all), Math.max(...all)];
  const count = past.length + line.length, x = (i) => 60 + 530 * i / Math.max(1, count - 1), y = (v) => 172 - 160 * (v - low) / (high - low || 1);
  const path = (values, start) => values.map((v, i) => Number.isFinite(v) ? `${i && Number.isFinite(values[i - 1]) ? 'L' : 'M'}${x(start + i).toFixed(1)} ${y(v).toFixed(1)}` : '').join('');
  svg.append(draw('line', {class: 'axis', x1: 60, x2: 590, y1: 172, y2: 172}),
    draw('text', {x: 54, y: 18, 'text-anchor': 'end'}, nice(high)), draw('text', {x: 54, y: 172, 'text-anchor': 'end'}, nice(low)),
    draw('text', {x: 60, y: 190}, first), draw('text', {x: 590, y: 190, 'text-anchor': 'end'}, last));
  if (lower.length) {
    const back = lower.map((v, i) => `L${x(past.length + i).toFixed(1)} ${y(v).toFixed(1)}`).reverse().join('');
    svg.append(draw('path', {class: 'fan', d: path(upper, past.length) + back + 'Z'}));
  }
  if (past.length) svg.append(draw('path', {class: 'line past', d: path(past, 0)}));
  svg.append(draw('path', {class: 'line', d: path(line, past.length)}));
  if (dot) svg.append(draw('circle', {class: 'dot', cx: 60 + 530 * dot[0], cy: y(dot[1]), r: 5}));
  return svg;
}

export const notes = (texts) => texts.map((text) => make('p', {className: 'note', textContent: text}));

export function later(action, wait = 120) {   // at the end of a burst of events, and after the run before: an older answer never replaces a newer one
  let timer, before = Promise.resolve();
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => { before = before.then(action).catch(console.error); }, wait);
  };
}

export function onFiles(take) {   // dropped anywhere on the page, or pasted
  for (const kind of ['dragover', 'dragleave', 'drop']) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      document.body.classList.toggle('over', kind === 'dragover');
      if (kind === 'drop') take([...event.dataTransfer.files]);
    });
  }
  document.addEventListener('paste', (event) => event.clipboardData.files.length && take([...event.clipboardData.files]));
}
