// The model by LiteRT.js: its files are in the page, or fetched from a pinned address and verified by their hash.

const unpackBlock = async (id) => inflate(document.getElementById('block-' + id).textContent);

export async function inflate(text) {   // base64 of gzip → bytes
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Uint8Array(await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer());
}

async function runtimeFile(about, part) {
  if (!about.address) return unpackBlock(part);
  const {path, integrity} = about.files[part], answer = await fetch(about.address + path, {integrity});
  if (!answer.ok) throw new Error(`${about.address} answers ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

const KINDS = {float32: Float32Array, int32: Int32Array, uint8: Uint8Array};

export async function openModel(spec) {   // → run({name: flat array}) → {name: flat array}
  const text = (bytes) => new TextDecoder().decode(bytes);
  const [core, glue, wasmBinary, content] = await Promise.all([...['core', 'glue', 'wasm'].map((part) => runtimeFile(spec.runtime, part)), unpackBlock('model')]);
  globalThis.startLiteRt = async (Lib) => {   // instead of wasm-utils, which loads by URL: the glue as a classic script, WebAssembly as bytes
    const script = document.createElement('script');
    script.textContent = text(glue);   // sets ModuleFactory, at once
    document.body.append(script);
    return new Lib(await globalThis.ModuleFactory({wasmBinary, print: () => {}, printErr: () => {}}));   // errors are thrown, too
  };
  const code = text(core) + '\n//# sourceURL=litertjs-core.js\n';   // else errors quote the whole address
  const {loadLiteRt, loadAndCompile, Tensor} = await import('data:text/javascript,' + encodeURIComponent(code));
  await loadLiteRt('.js');   // a path that nobody opens
  const model = await loadAndCompile(content, {accelerator: 'wasm'});   // models of this size gain nothing from WebGPU
  return async (inputs) => {
    const given = Object.fromEntries(Object.entries(spec.inputs).map(([name, {shape, kind}]) => [name, new Tensor(KINDS[kind].from(inputs[name]), shape)]));
    const outputs = await model.run(given);
    const found = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, Array.from(tensor.toTypedArray())]));
    for (const tensor of [...Object.values(given), ...Object.values(outputs)]) tensor.delete();   // they live in WebAssembly's memory
    return found;
  };
}

export async function selfCheck(spec, encode, run) {   // the golden examples: {examples, arrays, outputs}: largest differences
  const worst = {examples: spec.golden.length, arrays: 0, outputs: 0};
  for (const {input, inputs, outputs} of spec.golden) {
    const made = await encode(input), got = await run(made);
    for (const name of Object.keys(inputs)) worst.arrays = Math.max(worst.arrays, apart(made[name], inputs[name]));
    for (const name of Object.keys(outputs)) worst.outputs = Math.max(worst.outputs, (name === 'mask' ? different : apart)(got[name], outputs[name]));
  }
  return worst;
}

function different(got, want) {   // the share of whole numbers, classes of pixels, that differ
  return want.reduce((count, value, i) => count + (value !== got[i]), 0) / (want.length || 1);
}

function apart(got, want) {   // the largest difference by the scale of what is wanted; null stands for NaN
  const scale = want.reduce((a, b) => Math.max(a, Math.abs(b ?? 0)), 0) || 1;
  return want.reduce((worst, value, i) => {
    const mine = Number.isNaN(got[i]) ? null : got[i];
    return Math.max(worst, value === mine ? 0 : value === null || mine === null || mine === undefined ? Infinity : Math.abs(value - mine) / scale);
  }, 0);
}
