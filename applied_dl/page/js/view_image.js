// The view of images: dropped, pasted, chosen or taken with the camera; several at once.

import {decodeImage, imageNotes, imagePrediction} from './image.js';
import {make, classAnswer, numberAnswer, notes, onFiles} from './dom.js';

const MOST_SHOWN = 50;

export function taskView(spec, run) {
  const {encoder} = spec;
  const encode = async (given) => {   // a file, or an example as base64 → flat arrays
    const file = given.base64 ? new Blob([Uint8Array.from(atob(given.base64), (c) => c.charCodeAt(0))]) : given;
    return {image: await decodeImage(encoder, file)};
  };
  const predict = async (file) => {
    const inputs = await encode(file);
    return {prediction: imagePrediction(encoder, await run(inputs)), notes: imageNotes(encoder, inputs.image)};
  };
  const list = make('div', {attributes: {'aria-live': 'polite'}});

  async function take(files) {
    for (const file of files.slice(0, MOST_SHOWN)) {
      const image = make('img', {src: URL.createObjectURL(file), alt: file.name}), card = make('section', {className: 'answer shown'}, image);
      list.prepend(card);
      try {
        const {prediction, notes: found} = await predict(file);
        const answer = prediction.targets ? numberAnswer(prediction.targets, null, spec.coverage) : classAnswer(prediction);
        card.append(make('div', {}, ...answer.filter(Boolean), ...notes([...found, ...(prediction.warnings ?? [])]), make('div', {className: 'soft', textContent: file.name})));
      } catch (error) {
        image.remove();
        card.append(make('div', {}, ...notes([`${file.name} cannot be read as an image: ${error.message}`])));
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
  return {encode, predict, show: (main) => {
    const camera = matchMedia('(pointer: coarse)').matches ? chooser('Take a photo', {attributes: {capture: 'environment'}}) : null;
    main.append(make('div', {className: 'drop'}, make('span', {textContent: 'Drop or paste images here, or'}), chooser('choose files', {multiple: true}), camera), list);
    onFiles(take);
  }};
}
