// The view of segmentation: an image under the colours of its mask, with the share of each class.

import {decodeImage, imageNotes} from './image.js';
import {areas, classMask, coloured, innerBox} from './segment.js';
import {make, notes, onFiles} from './dom.js';

const MOST_SHOWN = 30, WIDEST = 640;

export function taskView(spec, run) {
  const {encoder} = spec;
  const encode = async (given) => {   // a file, or an example as base64 → flat arrays
    const file = given.base64 ? new Blob([Uint8Array.from(atob(given.base64), (c) => c.charCodeAt(0))]) : given;
    return {image: await decodeImage(encoder, file)};
  };
  const predict = async (file) => {
    const image = await createImageBitmap(file, {colorSpaceConversion: 'none'}), inputs = await encode(file);
    const outputs = await run(inputs), mask = classMask(encoder, outputs), box = innerBox(encoder, image.width, image.height);
    return {image, mask, box, classes: areas(encoder, mask, box), confidence: outputs.confidence?.[0], notes: imageNotes(encoder, inputs.image)};
  };
  const list = make('div', {attributes: {'aria-live': 'polite'}});

  function draw({image, mask, box}, share) {   // the image with its mask laid over it
    const scale = Math.min(1, WIDEST / image.width), small = document.createElement('canvas'), shown = document.createElement('canvas');
    [small.width, small.height] = [box[2], box[3]];
    small.getContext('2d').putImageData(new ImageData(coloured(encoder, mask, box), box[2], box[3]), 0, 0);
    [shown.width, shown.height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
    const context = shown.getContext('2d');
    context.drawImage(image, 0, 0, shown.width, shown.height);
    context.globalAlpha = share;
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, shown.width, shown.height);
    shown.setAttribute('role', 'img');
    return shown;
  }

  function legend(classes) {
    return make('table', {}, make('tbody', {}, ...classes.map((one) => {
      const swatch = make('i', {className: 'track'});
      swatch.style.cssText = `display:inline-block;width:1em;height:1em;background:rgb(${encoder.palette[one.number].join(' ')})`;
      return make('tr', {}, make('td', {}, swatch), make('td', {textContent: one.class}), make('td', {textContent: (100 * one.share).toFixed(1) + '%'}));
    })));
  }

  async function take(files) {
    for (const file of files.slice(0, MOST_SHOWN)) {
      const card = make('section', {className: 'answer'});
      list.prepend(card);
      try {
        const found = await predict(file);
        card.append(draw(found, 0.5), legend(found.classes), ...notes(found.notes), make('div', {className: 'soft', textContent: file.name}));
      } catch (error) {
        card.append(...notes([`${file.name} cannot be read as an image: ${error.message}`]));
      }
    }
    while (list.children.length > MOST_SHOWN) list.lastChild.remove();
  }

  const chooser = (text, values) => {
    const input = make('input', {type: 'file', accept: 'image/*', ...values, onchange: () => {
      take([...input.files]);
      input.value = '';
    }});
    return make('label', {}, text, input);
  };
  return {encode, predict: async (file) => {
    const {classes, confidence, mask} = await predict(file);
    return {prediction: {classes, confidence, mask}, notes: []};
  }, show: (main) => {
    main.append(make('div', {className: 'drop'}, make('span', {textContent: 'Drop or paste images here, or'}), chooser('choose files', {multiple: true})), list);
    onFiles(take);
  }};
}
