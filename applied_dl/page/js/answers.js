// What a prediction says beside the answer, where the graph has it: the set of labels, and a warning (applied_dl/runtime/answers.py).

export function withAnswers(prediction, outputs, labels, row = 0) {
  const distance = outputs.distance?.[row], more = {};
  if (outputs.set) more.set = prediction.top.filter(({label}) => outputs.set[row * labels.length + labels.indexOf(label)] > 0.5).map(({label}) => label);
  if (distance > 1) more.warnings = [`unlike the training data: ${Number(distance.toPrecision(3))} times the usual distance; the answer may be wrong`];
  return {...prediction, ...more};
}
