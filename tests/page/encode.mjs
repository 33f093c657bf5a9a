// node encode.mjs JS_FOLDER < {"task", "rules", "encoder", "cases"}: the arrays of each case by the page's own encoders, as JSON.
import {readFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

const folder = pathToFileURL(process.argv[2] + '/').href, load = (name) => import(folder + name);
const given = JSON.parse(readFileSync(0, 'utf8')), {useRules} = await load('text.js');
useRules(given.rules);
const plain = (value) => typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
const encoders = {
  table: async () => {
    const {encodeRows} = await load('table.js');
    return (rows) => {
      const {inputs, errors} = encodeRows(given.encoder, rows);
      return {inputs: Object.fromEntries(Object.entries(inputs).map(([name, {data}]) => [name, [...data].map(plain)])), errors: Object.keys(errors).map(Number)};
    };
  },
  predictions: async () => {
    const {tablePredictions} = await load('table.js');
    return ({encoder, outputs, count}) => tablePredictions(encoder, outputs, count);
  },
  image: async () => {
    const {fromRgba} = await load('image.js');
    return ({encoder, rgba, width, height}) => {
      try { return [...fromRgba(encoder, rgba, width, height)]; } catch { return null; }
    };
  },
  segment: async () => {
    const {areas, classMask, coloured, innerBox} = await load('segment.js');
    return ({encoder, outputs, width, height}) => {
      const mask = classMask(encoder, outputs), box = innerBox(encoder, width, height);
      return {mask: [...mask], box, classes: areas(encoder, mask, box), first: [...coloured(encoder, mask, box).slice(0, 4)]};
    };
  },
  words: async () => {
    const {wordEncoder} = await load('words.js'), {rows} = wordEncoder(given.encoder);
    return rows;
  },
  sentences: async () => {
    const {subwordEncoder} = await load('subwords.js'), read = subwordEncoder(given.encoder);
    return (text) => read(text).ids ?? null;
  },
  series: async () => {
    const {readSeries, encodeSeries} = await load('series.js');
    return ({encoder, rows}) => {
      try {
        return readSeries(encoder, rows).series.map((one) => {
          try { return encodeSeries(encoder, one).inputs; } catch (error) { return error.message; }
        });
      } catch (error) { return error.message; }
    };
  },
  clock: async () => {
    const {clockOf} = await load('clock.js');
    return ({clock, steps}) => steps.map((step) => [clockOf(clock).text(step), clockOf(clock).place(clockOf(clock).stamp(step))]);
  },
};
const encode = await encoders[given.task]();
process.stdout.write(JSON.stringify(given.cases.map(encode)));
