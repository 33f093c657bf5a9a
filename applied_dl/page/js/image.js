// An image → uint8 (height, width, channels), as applied_dl/vision/images.py makes it with Pillow.

import {withAnswers} from './answers.js';

export async function decodeImage(encoder, file) {   // the pixels of a file: first frame, EXIF orientation, on the background, no colour management
  const image = await createImageBitmap(file, {colorSpaceConversion: 'none'}), {width, height} = image;
  const canvas = new OffscreenCanvas(width, height).getContext('2d', {alpha: false, willReadFrequently: true});
  canvas.fillStyle = `rgb(${(encoder.background ?? [255, 255, 255]).join(' ')})`;
  canvas.fillRect(0, 0, width, height);
  canvas.drawImage(image, 0, 0);
  return fromRgba(encoder, canvas.getImageData(0, 0, width, height).data, width, height);
}

export function fromRgba(encoder, rgba, width, height) {
  const {channels} = encoder, pixels = new Uint8Array(width * height * channels);
  for (let i = 0, o = 0; i < rgba.length; i += 4) {
    if (channels === 1) pixels[o++] = (rgba[i] * 19595 + rgba[i + 1] * 38470 + rgba[i + 2] * 7471 + 32768) >> 16;   // Pillow's grey
    else for (let b = 0; b < 3; b++) pixels[o++] = rgba[i + b];
  }
  return fitted(encoder, pixels, width, height);
}

export function fitted(encoder, pixels, width, height) {   // stretched, cropped or padded to the size of the model
  const to = [encoder.width, encoder.height], ratio = width / height, wanted = to[0] / to[1];
  if (width === to[0] && height === to[1]) return pixels;
  if (encoder.fit === 'crop') {
    const size = ratio === wanted ? [width, height] : ratio >= wanted ? [wanted * height, height] : [width, width / wanted];
    const left = Math.fround((width - size[0]) * 0.5), top = Math.fround((height - size[1]) * 0.5);
    const right = Math.fround((width - size[0]) * 0.5 + size[0]), bottom = Math.fround((height - size[1]) * 0.5 + size[1]);
    return resized(pixels, width, height, encoder.channels, to, [left, top, right, bottom]);
  }
  if (encoder.fit !== 'pad') return resized(pixels, width, height, encoder.channels, to, [0, 0, width, height]);
  const inner = ratio === wanted ? to : ratio > wanted ? [to[0], halfEven(height / width * to[0])] : [halfEven(width / height * to[1]), to[1]];
  if (!inner[0] || !inner[1]) throw new Error('the image is too narrow');
  return onGrey(resized(pixels, width, height, encoder.channels, inner, [0, 0, width, height]), inner, to, encoder.channels);
}

function onGrey(pixels, inner, size, channels) {
  const out = new Uint8Array(size[0] * size[1] * channels).fill(128), row = inner[0] * channels;
  const x = inner[0] === size[0] ? 0 : halfEven((size[0] - inner[0]) * 0.5), y = inner[0] === size[0] ? halfEven((size[1] - inner[1]) * 0.5) : 0;
  for (let i = 0; i < inner[1]; i++) out.set(pixels.subarray(i * row, (i + 1) * row), ((y + i) * size[0] + x) * channels);
  return out;
}

function halfEven(x) {
  const low = Math.floor(x), part = x - low;
  return part < 0.5 ? low : part > 0.5 ? low + 1 : low + low % 2;
}

function resized(pixels, width, height, channels, [w, h], [left, top, right, bottom]) {   // across first, then down
  if (w !== width || left !== 0 || right !== width) {
    pixels = pass(pixels, width, height, channels, weights(width, left, right, w), false);
    width = w;
  }
  if (h !== height || top !== 0 || bottom !== height) pixels = pass(pixels, width, height, channels, weights(height, top, bottom, h), true);
  return pixels;
}

function weights(size, from, to, wanted) {   // of each output the first pixel and the weights of Pillow's bilinear filter, in 22 bits
  const scale = Math.fround(to - from) / wanted, wide = Math.max(scale, 1), inverse = 1 / wide;
  return Array.from({length: wanted}, (_, i) => {
    const centre = from + (i + 0.5) * scale, first = Math.max(0, Math.trunc(centre - wide + 0.5));
    const last = Math.min(size, Math.trunc(centre + wide + 0.5));
    const k = Array.from({length: last - first}, (_, j) => Math.max(0, 1 - Math.abs((first + j - centre + 0.5) * inverse)));
    const sum = k.reduce((a, b) => a + b, 0);
    return [first, k.map((weight) => Math.trunc(0.5 + (sum ? weight / sum : weight) * 2 ** 22))];
  });
}

function pass(from, width, height, channels, ks, down) {
  const lines = down ? width : height, step = (down ? width : 1) * channels, to = new Uint8Array(lines * ks.length * channels);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < ks.length; i++) {
      for (let b = 0; b < channels; b++) {
        let sum = 2 ** 21, at = line * (down ? 1 : width) * channels + ks[i][0] * step + b;
        for (const weight of ks[i][1]) {
          sum += from[at] * weight;
          at += step;
        }
        to[(down ? i * width + line : line * ks.length + i) * channels + b] = Math.min(255, sum >> 22);
      }
    }
  }
  return to;
}

export function imageNotes(encoder, pixels) {   // where brightness or contrast are outside those of all training images
  const mean = pixels.reduce((a, b) => a + b, 0) / pixels.length;
  const spread = Math.sqrt(pixels.reduce((a, b) => a + (b - mean) ** 2, 0) / pixels.length), near = 1e-3;
  const outside = (value, [low, high]) => value < low - near || value > high + near;
  const odd = outside(mean, encoder.brightness ?? [0, 255]) || outside(spread, encoder.contrast ?? [0, 255]);
  return odd ? ['unlike the training images (brightness or contrast)'] : [];
}

export function imagePrediction(encoder, outputs) {
  const labels = encoder.labels ?? [];
  if (!labels.length) return withAnswers({targets: [{name: encoder.target ?? '', prediction: outputs.prediction[0], lower: outputs.lower[0], upper: outputs.upper[0]}]}, outputs, labels);
  const top = labels.map((label, i) => ({label, probability: outputs.probabilities[i]})).sort((a, b) => b.probability - a.probability);
  const several = encoder.multi_label ? top.filter(({probability}) => probability >= 0.5).map(({label}) => label) : undefined;
  return withAnswers({...top[0], top, labels: several}, outputs, labels);
}
