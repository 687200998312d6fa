// What a run's network takes for what: the confusion matrix, its mistakes, and a few pictures.

import { element } from "./plot.js";

const TABLE = 20; // classes up to which the whole matrix is shown
const WORST = 25; // pairs that are listed where there are more

export function showHeldOut({ epoch, classes, confusion, samples, mistakes }) {
  const all = sum(confusion.map(sum));
  const right = sum(confusion.map((row, k) => row[k]));
  byId("held-out-summary").textContent = `After epoch ${epoch}: ${percent(right / all)} of ${all.toLocaleString("en")} are right, ${(all - right).toLocaleString("en")} wrong.`;
  byId("confusion").replaceChildren(...(classes.length <= TABLE ? [heatMap(classes, confusion)] : worst(classes, confusion)));
  byId("mistakes").replaceChildren(...pictures(mistakes, classes));
  byId("samples").replaceChildren(...pictures(samples, classes));
}

// A row for each label, a column for each class that was found. Colours are shares of the row; the roots of them, so that a few mistakes can be seen.
function heatMap(classes, confusion) {
  const table = element("table", { class: "heat" });
  const head = element("tr");
  head.append(element("th", { class: "corner" }, "found →\nlabel ↓"));
  const long = classes.some((name) => name.length > 3) ? " long" : "";
  for (const name of classes) {
    const cell = element("th", { scope: "col", class: `found${long}` });
    cell.append(element("span", {}, name));
    head.append(cell);
  }
  head.append(element("th", { scope: "col", class: "found" }, "right"));
  const body = element("tbody");
  confusion.forEach((counts, label) => {
    const row = element("tr");
    const total = sum(counts);
    row.append(element("th", { scope: "row" }, classes[label]));
    counts.forEach((count, found) => row.append(heatCell(count, total, label === found, `${classes[label]} taken for ${classes[found]}: ${count} of ${total}`)));
    row.append(element("td", { class: "total" }, total ? percent(counts[label] / total) : "–"));
    body.append(row);
  });
  const header = element("thead");
  header.append(head);
  table.append(header, body);
  return table;
}

function heatCell(count, total, isRight, title) {
  const strength = total ? Math.sqrt(count / total) : 0;
  const kind = `${isRight ? "" : " mistake"}${count ? "" : " zero"}${strength > 0.6 ? " strong" : ""}`;
  const cell = element("td", { class: `cell${kind}`, title }, String(count));
  cell.style.setProperty("--strength", strength);
  return cell;
}

function worst(classes, confusion) {
  const pairs = confusion.flatMap((row, label) => row.map((count, found) => ({ label, found, count, share: count / sum(row) })));
  const mistakes = pairs.filter((pair) => pair.label !== pair.found && pair.count).sort((a, b) => b.count - a.count || b.share - a.share);
  const table = element("table", { class: "list" });
  const head = element("tr");
  for (const title of ["label", "taken for", "times", "of its images"]) head.append(element("th", { scope: "col" }, title));
  const header = element("thead");
  header.append(head);
  const body = element("tbody");
  for (const { label, found, count, share } of mistakes.slice(0, WORST)) {
    const row = element("tr");
    for (const text of [classes[label], classes[found], String(count), percent(share)]) row.append(element("td", {}, text));
    body.append(row);
  }
  table.append(header, body);
  return [element("p", { class: "hint" }, `The most frequent of ${mistakes.length} confusions among ${classes.length} classes.`), table];
}

function pictures(list, classes) {
  return list.length ? list.map((one) => picture(one, classes)) : [element("p", { class: "hint" }, "none")];
}

function picture({ index, label, found, probability, height, width, channels, pixels }, classes) {
  const isRight = label === found;
  const figure = element("figure", { class: `picture${isRight ? "" : " mistake"}` });
  const canvas = element("canvas", { width, height, role: "img", "aria-label": `held-out image ${index}`, title: `held-out image ${index}` });
  const image = new ImageData(width, height);
  const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = bytes[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  const caption = element("figcaption");
  caption.append(element("b", {}, `${isRight ? "✓" : "✗"} ${classes[found]}`), element("span", { class: "probability" }, ` ${Math.round(100 * probability)} %`));
  if (!isRight) caption.append(element("div", { class: "label" }, `is ${classes[label]}`));
  figure.append(canvas, caption);
  return figure;
}

function sum(numbers) { return numbers.reduce((total, number) => total + number, 0); }
function percent(share) { return `${(100 * share).toFixed(1)} %`; }
function byId(id) { return document.getElementById(id); }
