// Start of the page: what is known of the model, the runtime, the golden examples, and then the view of the task.

import {useRules} from './text.js';
import {openModel, selfCheck} from './runtime.js';
import {make, nice} from './dom.js';
import {taskView} from './view.js';   // view_image.js, view_table.js, …

const $ = (id) => document.getElementById(id), spec = JSON.parse($('spec').textContent);
const TOLERANCE = 1e-3;   // of the scale of an output; another processor rounds otherwise

function showFacts() {
  $('name').textContent = spec.name;
  $('summary').textContent = spec.summary;
  const value = spec.metrics[spec.main], between = spec.interval ? `, 95% interval ${nice(spec.interval[0])} to ${nice(spec.interval[1])}` : '';
  const best = Object.entries(spec.baselines).map(([name, score]) => `${name} ${nice(score)}`).slice(0, 3).join(', ');
  $('score').textContent = value === undefined ? '' : `Measured on ${spec.rows?.toLocaleString('en') ?? ''} held-out rows: ${spec.main} ${nice(value)}${between}` + (best ? ` (baselines: ${best})` : '');
  const runtime = spec.runtime.address ? `LiteRT.js ${spec.runtime.version}, fetched from ${spec.runtime.address} and verified by its hash; without a network this page cannot start` : `LiteRT.js ${spec.runtime.version}, in this file; no network is needed`;
  const lists = [['Limits of this page', spec.limits], ['Warnings of the training', spec.warnings]].filter(([, texts]) => texts.length);
  const scores = Object.entries(spec.metrics).map(([name, score]) => make('tr', {}, make('td', {textContent: name}), make('td', {textContent: score === null ? 'none' : nice(score)})));
  $('facts').append(make('p', {textContent: `Trained ${spec.created}; the file has the precision ${spec.variant}. Runtime: ${runtime}.`}),
    make('div', {className: 'scroll'}, make('table', {}, make('tbody', {}, ...scores))),
    ...lists.flatMap(([title, texts]) => [make('h2', {textContent: title}), make('ul', {}, ...texts.map((text) => make('li', {}, ...withCode(text))))]),
    make('p', {id: 'verified'}));
}

const apart = (value) => value ? value.toExponential(1) : '0';

/** A sentence as nodes: what stands between backticks is code. */
const withCode = (text) => text.split('`').map((part, i) => i % 2 ? make('code', {textContent: part}) : part);

async function start() {
  const begin = performance.now();
  useRules(spec.rules);
  showFacts();
  try {
    const run = await openModel(spec), view = await taskView(spec, run);
    const ready = performance.now() - begin, worst = await selfCheck(spec, view.encode, run);
    const good = worst.arrays <= TOLERANCE && worst.outputs <= TOLERANCE;
    $('verified').textContent = `Self-check: ${worst.examples} examples, encoder apart by ${apart(worst.arrays)}, outputs by ${apart(worst.outputs)} of their scale.`;
    $('status').textContent = good ? `Ready after ${(ready / 1000).toFixed(1)} s; self-check passed on ${worst.examples} examples.`
      : 'Self-check failed: this browser gives other answers than the trained model (see “About this model”). Do not rely on them.';
    $('status').classList.toggle('note', !good);
    await view.show($('main'));
    globalThis.page = {run, encode: view.encode, predict: view.predict, ready, worst, good};   // for tests
  } catch (error) {
    const network = spec.runtime.address ? ' The runtime is fetched from the network; is there a connection?' : '';
    $('status').textContent = `This browser cannot run the model: ${error.message}.${network}`;
    $('status').classList.add('note');
    globalThis.page = {failed: error.stack ?? String(error)};
  }
}

start();
