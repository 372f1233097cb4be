// Small charts as inline SVG.
import { percent, shortClock } from "./format.js";

const SPACE = "http://www.w3.org/2000/svg";

function shape(name, attributes, parent) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

function picture(node, width, height, label) {
  node.replaceChildren();
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, node);
}

const HOUR = 3600;
const HOURS = 12;

function lastHours(hours) { // hours in which nothing came have no sums, and keep their places
  if (!hours.length) return [];
  const last = hours.at(-1)[0];
  const first = last - (HOURS - 1) * HOUR;
  const known = new Map(hours);
  const places = [];
  for (let at = first; at <= last; at += HOUR) places.push([at, known.get(at) ?? null]);
  return places;
}

// Bars of answered and abandoned contacts, an hour each, with the hours beneath.
export function bars(node, hours) {
  const places = lastHours(hours);
  const key = JSON.stringify(places.map(([at, each]) => [at, each?.answered, each?.abandoned]));
  if (node.dataset.drawn === key) return;
  node.dataset.drawn = key;
  node.replaceChildren();
  const most = Math.max(1, ...places.map(([, each]) => each?.offered ?? 0));
  const list = node.appendChild(document.createElement("ol"));
  for (const [at, each] of places) {
    const item = list.appendChild(document.createElement("li"));
    const [answered, abandoned] = [each?.answered ?? 0, each?.abandoned ?? 0];
    const label = `${shortClock(at)}: ${answered} answered, ${abandoned} abandoned`;
    item.title = label;
    const drawing = shape("svg", { viewBox: "0 0 10 100", preserveAspectRatio: "none", role: "img", "aria-label": label }, item);
    const [good, bad] = [(94 * answered) / most, (94 * abandoned) / most];
    shape("rect", { class: "base", x: 0, y: 98.5, width: 10, height: 1.5 }, drawing);
    if (answered) shape("rect", { class: "answered", x: 0, y: 98 - good, width: 10, height: good }, drawing);
    if (abandoned) shape("rect", { class: "lost", x: 0, y: 98 - good - bad, width: 10, height: Math.max(bad - 0.8, 0.8) }, drawing);
    const hour = item.appendChild(document.createElement("span"));
    hour.textContent = shortClock(at).slice(0, 2);
  }
}

// The same without the hours, for a row of a table.
export function columns(node, hours, what) {
  const places = lastHours(hours).map(([at, each]) => [at, each?.answered ?? 0, each?.abandoned ?? 0]);
  const some = places.filter(([, answered, abandoned]) => answered + abandoned);
  const key = JSON.stringify([what, some, places.length && places[0][0]]);
  if (node.dataset.drawn === key) return;
  node.dataset.drawn = key;
  if (!some.length) return void node.replaceChildren();
  const most = Math.max(...some.map(([, answered, abandoned]) => answered + abandoned));
  const said = some.map(([at, answered, abandoned]) => `${shortClock(at)} ${answered} answered, ${abandoned} abandoned`).join("; ");
  const drawing = picture(node, 10 * places.length, 100, `${what} by the hour: ${said}`);
  shape("rect", { class: "base", x: 0, y: 96, width: 10 * places.length, height: 4 }, drawing);
  places.forEach(([, answered, abandoned], index) => {
    const [good, bad] = [(94 * answered) / most, (94 * abandoned) / most];
    if (answered) shape("rect", { class: "answered", x: 10 * index + 1.5, y: 96 - good, width: 7, height: good }, drawing);
    if (abandoned) shape("rect", { class: "lost", x: 10 * index + 1.5, y: 96 - good - bad, width: 7, height: bad }, drawing);
  });
}

// A line of shares from 0 to 1 over the hours.
export function line(node, hours, of, what) {
  const places = lastHours(hours).map(([at, each]) => [at, each && of(each)]);
  const known = places.filter(([, value]) => value !== null);
  const key = JSON.stringify(known);
  if (node.dataset.drawn === key) return;
  node.dataset.drawn = key;
  if (known.length < 2) return void node.replaceChildren();
  const said = known.map(([at, value]) => `${shortClock(at)} ${percent(value)}`).join(", ");
  const drawing = picture(node, 100, 30, `${what} by the hour: ${said}`);
  const [first, last] = [known[0][0], known.at(-1)[0]];
  const points = known.map(([at, value]) => `${((at - first) / (last - first)) * 100},${28 - value * 26}`);
  shape("polygon", { class: "area", points: `${points.join(" ")} 100,30 0,30` }, drawing);
  shape("polyline", { class: "line", points: points.join(" "), "vector-effect": "non-scaling-stroke" }, drawing);
}

// Parts of a whole side by side: [[class, number] …].
export function parts(node, numbers, label) {
  const key = JSON.stringify([numbers, label]);
  if (node.dataset.drawn === key) return;
  node.dataset.drawn = key;
  const total = numbers.reduce((all, [, number]) => all + number, 0);
  const drawing = picture(node, 100, 4, label);
  let x = 0;
  for (const [name, number] of total ? numbers : []) {
    const width = (100 * number) / total;
    if (number) shape("rect", { class: name, x, y: 0, width: Math.max(width - 0.4, 0.4), height: 4 }, drawing);
    x += width;
  }
}
