// The page: hears from the server what is new in the runs, and shows it.

import { showHeldOut } from "./held_out.js";
import { element, Plot, shortNumber } from "./plot.js";
import { Run, smooth } from "./run.js";
import { settingsTable } from "./settings.js";

const COLOURS = 7; // in the style sheet
const byId = (id) => document.getElementById(id);
const percent = (share) => `${Number((100 * share).toFixed(2))} %`;
const controls = byId("controls").elements;

const MEANING = {
  waiting: "its log is still empty",
  running: "its log grows",
  stalled: "its log has not grown for a while, and has no end: killed?",
  stopped: "ended before its last epoch",
  ended: "trained to its end",
};

const runs = new Map(); // by name, in the order of their appearance
const plots = {
  loss: new Plot("loss", "Loss", shortNumber),
  accuracy: new Plot("accuracy", "Accuracy", percent),
  lr: new Plot("lr", "Learning rate", shortNumber),
  gradient_norm: new Plot("gradient_norm", "Norm of the gradient", shortNumber),
  images_per_second: new Plot("images_per_second", "Images per second", shortNumber),
};
const WITH_HELD_OUT = ["loss", "accuracy"]; // a solid curve, beside which training is dashed
const LOGARITHMIC = ["loss", "lr", "gradient_norm"]; // if asked for
byId("plots").append(...Object.values(plots).map((plot) => plot.figure));

// ---- what the server tells

const events = new EventSource("events");
let firstLook = true; // the runs that were there before this page

function hear(kind, act) {
  events.addEventListener(kind, (event) => {
    act(JSON.parse(event.data));
    drawSoon();
  });
}

hear("start", () => {
  for (const run of runs.values()) run.old = true; // after a lost connection: what is not told of again is gone
  say("live", true);
});
hear("looked", () => {
  for (const run of [...runs.values()]) if (run.old) runs.delete(run.name);
  firstLook = false;
});
hear("lines", ({ run, lines, anew }) => known(run).take(lines, anew));
hear("status", ({ run, status }) => { known(run).status = status; });
hear("held_out", ({ run, ...contents }) => { known(run).heldOut = contents; });
hear("gone", ({ run }) => runs.delete(run));
events.onerror = () => say("not connected: trying again", false);

function known(name) {
  if (!runs.has(name)) {
    const run = new Run(name, `c${runs.size % COLOURS}`);
    run.shown = !firstLook || runs.size < COLOURS;
    runs.set(name, run);
  }
  runs.get(name).old = false;
  return runs.get(name);
}

function say(text, live) {
  byId("connection").textContent = text;
  byId("connection").classList.toggle("live", live);
}

// ---- what is shown

let waiting = false;

function drawSoon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    draw();
  });
}

function draw() {
  const sorted = [...runs.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const shown = sorted.filter((run) => run.shown);
  drawList(sorted);
  for (const [figure, plot] of Object.entries(plots)) drawPlot(figure, plot, shown);
  drawHeldOut(sorted);
  byId("settings").replaceChildren(settingsTable(shown, byId("differences").checked));
  const running = sorted.filter((run) => run.status === "running").length;
  document.title = running ? `${running} running – minicnn` : "minicnn dashboard";
}

function drawList(sorted) {
  byId("no-runs").hidden = sorted.length > 0;
  document.querySelector("main").hidden = sorted.length === 0;
  const list = byId("run-list");
  const items = new Map([...list.children].map((item) => [item.dataset.run, item]));
  for (const run of sorted) fill(items.get(run.name) ?? newItem(run), run);
  for (const [name, item] of items) if (!runs.has(name)) item.remove();
  sorted.forEach((run, place) => {
    const item = [...list.children].find((one) => one.dataset.run === run.name);
    if (list.children[place] !== item) list.insertBefore(item, list.children[place]);
  });
}

function newItem(run) {
  const item = element("li");
  item.dataset.run = run.name;
  const label = element("label");
  const box = element("input", { type: "checkbox" });
  box.addEventListener("change", () => {
    runs.get(run.name).shown = box.checked;
    drawSoon();
  });
  const about = element("span", { class: "about" });
  about.append(element("span", { class: "epoch" }), element("span", { class: "status" }));
  const bar = element("span", { class: "bar" });
  bar.append(element("i"));
  label.append(box, element("span", { class: "name" }, run.name), element("span", { class: "figure", title: "accuracy on held-out images" }), about, bar);
  item.append(label);
  byId("run-list").append(item);
  return item;
}

function fill(item, run) {
  const epochs = run.start.settings?.epochs;
  item.className = `run ${run.colour} ${run.status}`;
  item.querySelector("input").checked = run.shown;
  item.querySelector(".figure").textContent = Number.isFinite(run.lastEpoch?.test_accuracy) ? percent(run.lastEpoch.test_accuracy) : "";
  item.querySelector(".epoch").textContent = `epoch ${run.lastEpoch?.epoch ?? 0}${epochs ? ` of ${epochs}` : ""}`;
  item.querySelector(".status").textContent = run.status;
  item.querySelector(".status").title = MEANING[run.status];
  item.querySelector(".bar i").style.setProperty("--done", run.progress);
}

function drawPlot(figure, plot, shown) {
  const axis = controls.axis.value;
  const amount = Number(controls.smooth.value);
  const asError = figure === "accuracy" && controls.share.value === "error";
  const turned = (points) => (asError ? points.map(([x, y]) => [x, 1 - y]) : points);
  const curves = [];
  for (const run of shown) {
    const { name, colour } = run;
    const heldOut = turned(run.heldOutPoints(figure, axis));
    const training = turned(run.training(figure, axis));
    const dashed = WITH_HELD_OUT.includes(figure);
    const smoothed = amount > 0 && figure !== "lr" && run.isBySteps(figure);
    if (smoothed) curves.push({ name, colour, dashed: false, faint: true, points: training });
    curves.push({ name, colour, dashed, of: "training", points: smoothed ? smooth(training, amount) : training });
    curves.push({ name, colour, of: "held out", points: heldOut });
  }
  if (figure === "accuracy") plot.rename(asError ? "Error" : "Accuracy");
  plot.show(curves, axis, controls.log.checked && LOGARITHMIC.includes(figure));
}

let heldOutShown = null; // so that pictures are drawn anew only when they are new

function drawHeldOut(sorted) {
  const able = sorted.filter((run) => run.heldOut);
  byId("held-out").hidden = !able.length;
  if (!able.length) return;
  const select = byId("which");
  const names = able.map((run) => run.name);
  if ([...select.options].map((option) => option.value).join("\n") !== names.join("\n")) {
    const chosen = names.includes(select.value) ? select.value : (able.findLast((run) => run.status === "running") ?? able.at(-1)).name;
    select.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    select.value = chosen;
  }
  const contents = runs.get(select.value).heldOut;
  if (contents !== heldOutShown) showHeldOut(contents);
  heldOutShown = contents;
}

// ---- what the reader asks for

byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("controls").addEventListener("input", () => {
  controls.smoothness.value = Number(controls.smooth.value).toFixed(2);
  drawSoon();
});
for (const id of ["which", "differences"]) byId(id).addEventListener("change", drawSoon);
for (const [id, shown] of [["all", true], ["none", false]]) {
  byId(id).addEventListener("click", () => {
    for (const run of runs.values()) run.shown = shown;
    drawSoon();
  });
}
drawSoon();
