// Curves in a pair of axes, with a cursor that tells their values. Moved by the mouse, by touch, or by the arrow keys.

const LEFT = 52, RIGHT = 10, TOP = 8, BOTTOM = 30; // pixels around the axes
const MANY = 1500; // points of a curve above which each pixel is drawn by its lowest and highest point

export class Plot {
  // A figure with its title, and a function that writes a value as text.
  constructor(id, title, format) {
    this.title = element("h3", {}, title);
    this.format = format;
    this.curves = [];
    this.figure = element("figure", { id, class: "plot" });
    const caption = element("figcaption");
    caption.append(this.title);
    this.svg = svgElement("svg", { tabindex: 0, role: "img" });
    this.tip = element("div", { class: "tip", "aria-live": "polite" });
    this.tip.hidden = true;
    this.figure.append(caption, this.svg, this.tip);
    this.svg.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.svg.addEventListener("pointerdown", (event) => this.point(event.offsetX));
    for (const leaving of ["pointerleave", "blur"]) this.svg.addEventListener(leaving, () => this.point(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  // Curves are {name, of, colour, dashed, faint, points}; `of` says training or held out. What is faint is a background: it has no say in how high the
  // axes reach, and the cursor does not tell of it.
  show(curves, xName, logarithmic) {
    this.curves = curves.map((curve) => ({ ...curve, points: logarithmic ? curve.points.filter(([, y]) => y > 0) : curve.points })).filter((curve) => curve.points.length);
    this.xName = xName;
    this.logarithmic = logarithmic;
    this.draw();
  }

  rename(title) { this.title.textContent = title; }

  draw() {
    this.width = this.svg.clientWidth;
    this.height = this.svg.clientHeight;
    if (!this.width) return;
    const names = [...new Set(this.curves.map((curve) => curve.name))];
    this.svg.setAttribute("aria-label", `${this.title.textContent} over ${this.xName}s of ${names.join(", ") || "no run"}; the arrow keys tell values`);
    this.svg.replaceChildren();
    if (!this.curves.length) {
      this.svg.append(svgElement("text", { x: this.width / 2, y: this.height / 2, "text-anchor": "middle" }, "nothing logged yet"));
      this.point(null);
      return;
    }
    this.fitAxes();
    this.drawAxes();
    const [width, height] = [this.width - LEFT - RIGHT + 8, this.height - TOP - BOTTOM + 8];
    const inside = svgElement("svg", { x: LEFT - 4, y: TOP - 4, width, height, viewBox: `${LEFT - 4} ${TOP - 4} ${width} ${height}` }); // cuts off what sticks out
    for (const curve of this.curves) drawCurve(inside, curve, (points) => points.map(([x, y]) => [this.x(x), this.y(y)]));
    this.svg.append(inside);
    this.mark = svgElement("g");
    this.svg.append(this.mark);
    this.point(this.at ?? null);
  }

  fitAxes() {
    const right = extent(this.curves, 0)[1];
    const [low, high] = extent(this.curves.filter((curve) => !curve.faint), 1);
    this.x = scale(0, right, LEFT, this.width - RIGHT, false);
    const margin = this.logarithmic ? (high / low) ** 0.05 : (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
    this.y = this.logarithmic
      ? scale(low / Math.max(margin, 1.05), high * Math.max(margin, 1.05), this.height - BOTTOM, TOP, true)
      : scale(low - margin, high + margin, this.height - BOTTOM, TOP, false);
  }

  drawAxes() {
    const bottom = this.height - BOTTOM;
    for (const value of this.y.ticks(5)) {
      const y = this.y(value);
      this.svg.append(svgElement("path", { class: "grid", d: `M${LEFT} ${y}H${this.width - RIGHT}` }));
      this.svg.append(svgElement("text", { x: LEFT - 7, y: y + 4, "text-anchor": "end" }, this.format(value)));
    }
    for (const value of this.x.ticks(this.width / 90)) {
      this.svg.append(svgElement("text", { x: this.x(value), y: bottom + 15, "text-anchor": "middle" }, shortNumber(value)));
    }
    this.svg.append(svgElement("text", { x: this.width - RIGHT, y: this.height - 3, "text-anchor": "end" }, this.xName));
  }

  // Put the cursor to a place in pixels, or take it away.
  point(at) {
    this.at = at;
    const told = at === null ? [] : this.curves.filter((curve) => !curve.faint);
    this.tip.hidden = !told.length;
    this.mark?.replaceChildren();
    if (!told.length) return;
    const nearest = told.map((curve) => ({ ...curve, at: nearestPoint(curve.points, this.x.inverse(at)) }));
    const x = nearest.reduce((best, { at: [here] }) => (Math.abs(this.x(here) - at) < Math.abs(this.x(best) - at) ? here : best), Infinity);
    const here = nearest.filter((curve) => Math.abs(this.x(curve.at[0]) - this.x(x)) < Math.max(12, (this.width - LEFT) / 12));
    this.mark.append(svgElement("path", { class: "cursor", d: `M${this.x(x)} ${TOP}V${this.height - BOTTOM}` }));
    const table = element("table");
    for (const curve of here) {
      this.mark.append(svgElement("circle", { class: `dot ${curve.colour}`, cx: this.x(curve.at[0]), cy: this.y(curve.at[1]), r: 4 }));
      const name = element("td");
      name.append(element("i", { class: `swatch ${curve.colour}` }), curve.name);
      const row = element("tr");
      row.append(name, element("td", {}, curve.of), element("td", {}, this.format(curve.at[1])));
      table.append(row);
    }
    this.tip.replaceChildren(`${this.xName} ${shortNumber(Number(x.toFixed(2)))}`, table);
    const onTheLeft = this.x(x) > this.width / 2;
    this.tip.style.left = onTheLeft ? "" : `${this.x(x) + 12}px`;
    this.tip.style.right = onTheLeft ? `${this.width - this.x(x) + 12}px` : "";
  }

  key(event) {
    const step = (this.width - LEFT - RIGHT) / 40;
    const to = { ArrowLeft: (this.at ?? this.width) - step, ArrowRight: (this.at ?? LEFT - step) + step, Home: LEFT, End: this.width - RIGHT, Escape: null }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.point(to === null ? null : Math.min(this.width - RIGHT, Math.max(LEFT, to)));
  }
}

// A function from values to pixels, linear or logarithmic, with its inverse and with round values to write at the axis.
function scale(low, high, from, to, logarithmic) {
  const forth = logarithmic ? Math.log10 : (value) => value;
  const [a, b] = [forth(low), forth(high)];
  const place = (value) => from + ((forth(value) - a) / (b - a)) * (to - from);
  place.inverse = (pixel) => { const value = a + ((pixel - from) / (to - from)) * (b - a); return logarithmic ? 10 ** value : value; };
  place.ticks = (count) => (logarithmic ? logTicks(low, high) : linearTicks(low, high, count));
  return place;
}

function linearTicks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high) {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, 4);
  const factors = decades < 2.5 ? [1, 2, 5] : [1];
  const every = Math.ceil(decades / 6);
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += every) ticks.push(...factors.map((factor) => Number((factor * 10 ** power).toPrecision(12))));
  return ticks.filter((value) => value >= low && value <= high);
}

function drawCurve(svg, curve, placed) {
  const places = thin(placed(curve.points));
  const path = places.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  const kind = `curve ${curve.colour}${curve.dashed ? " dashed" : ""}${curve.faint ? " faint" : ""}`;
  svg.append(svgElement("path", { class: kind, "data-of": curve.of ?? "", d: `M${path}` }));
  if (places.length > 30 || curve.faint) return;
  for (const [x, y] of places) svg.append(svgElement("circle", { class: `dot ${curve.colour}`, cx: x, cy: y, r: places.length === 1 ? 3.5 : 2.2 }));
}

// The smallest and the largest x (0) or y (1).
function extent(curves, which) {
  let [low, high] = [Infinity, -Infinity];
  for (const curve of curves) for (const point of curve.points) {
    if (point[which] < low) low = point[which];
    if (point[which] > high) high = point[which];
  }
  return [low, high];
}

// Of so many places that several share a pixel, the lowest and the highest of each pixel.
function thin(places) {
  if (places.length <= MANY) return places;
  const kept = [];
  for (let i = 0; i < places.length;) {
    const column = Math.floor(places[i][0]);
    let [low, high] = [places[i], places[i]];
    for (; i < places.length && Math.floor(places[i][0]) === column; i++) {
      if (places[i][1] < low[1]) low = places[i];
      if (places[i][1] > high[1]) high = places[i];
    }
    kept.push(...(low === high ? [low] : [low, high].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}

function nearestPoint(points, x) {
  let [low, high] = [0, points.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < x) low = middle; else high = middle;
  }
  return Math.abs(points[low][0] - x) <= Math.abs(points[high][0] - x) ? points[low] : points[high];
}

export function shortNumber(value) {
  const size = Math.abs(value);
  if (size >= 1e5) return `${Number((value / (size >= 1e6 ? 1e6 : 1e3)).toPrecision(3))}${size >= 1e6 ? "M" : "k"}`;
  return size !== 0 && size < 1e-3 ? value.toExponential().replace(/(\.\d\d)\d*/, "$1") : String(Number(value.toPrecision(4)));
}

// All text goes through here: as text, never as HTML.
export function element(name, attributes = {}, text = "") {
  return filled(document.createElement(name), attributes, text);
}

function svgElement(name, attributes = {}, text = "") {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, text);
}

function filled(node, attributes, text) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== "") node.textContent = text;
  return node;
}
