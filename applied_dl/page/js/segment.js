// The outputs of a segmentation model → the classes that occur and a mask in colours, as applied_dl/tasks/segment/predict.py gives them.

export function classMask(encoder, outputs) {   // the class of each pixel of the model's size
  if (outputs.mask) return Uint8Array.from(outputs.mask);
  const classes = encoder.labels.length, mask = new Uint8Array(outputs.scores.length / classes);
  for (let i = 0; i < mask.length; i++) {
    for (let c = 1; c < classes; c++) if (outputs.scores[i * classes + c] > outputs.scores[i * classes + mask[i]]) mask[i] = c;
  }
  return mask;
}

export function innerBox(encoder, width, height) {   // where the image lies between bars: left, top, width, height
  const ratio = width / height, wanted = encoder.width / encoder.height;
  let [w, h] = [encoder.width, encoder.height];
  if (encoder.fit !== 'pad') return [0, 0, w, h];
  if (ratio > wanted) h = halfEven(height / width * w);
  else if (ratio < wanted) w = halfEven(width / height * h);
  return [halfEven((encoder.width - w) * 0.5), halfEven((encoder.height - h) * 0.5), Math.max(w, 1), Math.max(h, 1)];
}

function halfEven(x) {
  const low = Math.floor(x), part = x - low;
  return part < 0.5 ? low : part > 0.5 ? low + 1 : low + low % 2;
}

export function areas(encoder, mask, [left, top, w, h]) {   // the classes that occur, the largest first
  const counts = new Array(encoder.labels.length).fill(0);
  for (let y = top; y < top + h; y++) for (let x = left; x < left + w; x++) counts[mask[y * encoder.width + x]]++;
  return counts.map((count, number) => ({class: encoder.labels[number], number, share: count / (w * h)}))
    .filter(({share}) => share > 0).sort((a, b) => b.share - a.share);
}

export function coloured(encoder, mask, [left, top, w, h]) {   // RGBA of the part that shows the image
  const rgba = new Uint8ClampedArray(4 * w * h);
  for (let y = 0, o = 0; y < h; y++) {
    for (let x = 0; x < w; x++, o += 4) {
      rgba.set(encoder.palette[mask[(top + y) * encoder.width + left + x]] ?? [255, 255, 255], o);
      rgba[o + 3] = 255;
    }
  }
  return rgba;
}
