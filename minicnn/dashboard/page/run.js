// What is known of a run, and its figures as points of a curve.

// Where the figures stand in the log: of a step or an epoch in training, of an epoch on held-out images.
const FIGURES = {
  loss: { step: "loss", epoch: "train_loss", heldOut: "test_loss" },
  accuracy: { step: "accuracy", epoch: "train_accuracy", heldOut: "test_accuracy" },
  lr: { step: "lr", epoch: "lr" },
  gradient_norm: { step: "gradient_norm" },
  images_per_second: { epoch: "images_per_second" },
};

export class Run {
  constructor(name, colour) {
    this.name = name;
    this.colour = colour; // a class of the style sheet
    this.shown = true;
    this.status = "waiting";
    this.heldOut = null; // the contents of held_out.json
    this.forget();
  }

  forget() {
    this.start = {}; // the line with settings and versions
    this.steps = [];
    this.epochs = [];
  }

  take(lines, anew) {
    if (anew) this.forget();
    for (const line of lines) {
      if (line.kind === "run") this.start = line;
      if (line.kind === "step" && Number.isFinite(line.step)) this.steps.push(line);
      if (line.kind === "epoch" && Number.isFinite(line.epoch)) this.epochs.push(line);
    }
  }

  get stepsPerEpoch() { return this.start.steps_per_epoch; }

  get lastEpoch() { return this.epochs.at(-1); }

  // The share of the run that is done, as far as the settings tell.
  get progress() {
    const all = this.start.settings?.epochs;
    const now = Math.max(this.lastEpoch?.epoch ?? 0, this.steps.length ? this.steps.at(-1).step / this.stepsPerEpoch : 0);
    return all ? Math.min(1, now / all) : 0;
  }

  isBySteps(figure) { return this.steps.some((line) => Number.isFinite(line[FIGURES[figure].step])); }

  // Points [x, y] of a figure over "step" or "epoch", where training is told of by step if the log has that, else by epoch.
  training(figure, axis) {
    const of = FIGURES[figure];
    return this.isBySteps(figure) ? points(this.steps, of.step, (line) => this.place(line.step, "step", axis)) : points(this.epochs, of.epoch, (line) => this.place(line.epoch, "epoch", axis));
  }

  heldOutPoints(figure, axis) {
    return points(this.epochs, FIGURES[figure].heldOut, (line) => this.place(line.epoch, "epoch", axis));
  }

  // A number of steps or epochs as a place on an axis of steps or epochs.
  place(number, kind, axis) {
    if (kind === axis) return number;
    return axis === "step" ? number * this.stepsPerEpoch : number / this.stepsPerEpoch;
  }
}

function points(lines, key, x) {
  return lines.filter((line) => Number.isFinite(line[key])).map((line) => [x(line), line[key]]).filter(([at]) => Number.isFinite(at) && at > 0);
}

// A running mean whose weights fall by `amount` from point to point; divided by their sum, which is small at the beginning.
export function smooth(points, amount) {
  let sum = 0;
  let weights = 0;
  return points.map(([x, y]) => {
    sum = amount * sum + (1 - amount) * y;
    weights = amount * weights + (1 - amount);
    return [x, sum / weights];
  });
}
