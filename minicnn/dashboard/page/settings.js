// The settings of several runs side by side, with what differs on top.

import { element } from "./plot.js";

export function settingsTable(runs, onlyDifferences) {
  const columns = runs.map((run) => settingsOf(run.start));
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  const rows = names.map((name) => ({ name, values: columns.map((column) => column.get(name) ?? "–") }));
  for (const row of rows) row.differs = new Set(row.values).size > 1;
  const ordered = [...rows.filter((row) => row.differs), ...rows.filter((row) => !row.differs && !onlyDifferences)];

  const head = element("tr");
  head.append(element("td"));
  for (const run of runs) {
    const cell = element("th", { scope: "col" });
    cell.append(element("i", { class: `swatch ${run.colour}` }), run.name);
    head.append(cell);
  }
  const table = element("table");
  const header = element("thead");
  header.append(head);
  const body = element("tbody");
  for (const { name, values, differs } of ordered) {
    const row = element("tr", differs ? { class: "differs" } : {});
    row.append(element("th", { scope: "row" }, name), ...values.map((value) => element("td", {}, value)));
    body.append(row);
  }
  table.append(header, body);
  return table;
}

// Everything that the first line of the log tells, as texts by name.
function settingsOf({ settings = {}, versions = {}, kind, ...rest }) {
  const version = Object.entries(versions).map(([name, value]) => [`version of ${name}`, value]);
  return new Map([...Object.entries(settings), ...Object.entries(rest), ...version].map(([name, value]) => [name, written(value)]));
}

function written(value) {
  if (value === null) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
