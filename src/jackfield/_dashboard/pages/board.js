// The wallboard: one stream of the gateway's state, drawn at most a few times a second.
import { Alerts } from "./alerts.js";
import { bars, columns } from "./chart.js";
import { Scope, derive, sum, tone } from "./figures.js";
import { SECOND, clock, count, duration, element, percent, setAttribute, setText, shortClock, stateWord, toneOf } from "./format.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";
import { Tiles } from "./tiles.js";
import { TimelineDialog } from "./timeline.js";

const DRAW_EVERY = 250; // milliseconds
const MOST_SHARE = 0.25; // of the time for drawing; what takes longer is drawn less often
const { compare } = new Intl.Collator(undefined, { numeric: true });
const byId = (id) => document.getElementById(id);
const settings = await (await fetch("/settings.json")).json();
const store = new Store();
store.names = settings.names;
const { thresholds } = settings;
const asked = new URLSearchParams(location.search);
const wall = asked.get("view") === "wall";
const found = { q: "", queue: "", state: "", feed: "" };

document.documentElement.classList.toggle("wall", wall);
if (settings.title) {
  setText(byId("title"), settings.title);
  document.title = settings.title;
}
byId("to-operator").hidden = !settings.operator;
if (wall) {
  byId("to-wall").href = "/";
  setText(byId("to-wall"), "Leave wall view");
}

// -- what the tables show ---------------------------------------------------------------------------------

const doubt = (row) => {
  if (row.over) return "";
  const certainty = store.certainty(row);
  if (certainty === "stale") return `stale since ${shortClock(store.staleSince(row))}`;
  return certainty === "live" ? "" : certainty;
};
const stale = (row) => (row.over ? row.since : store.staleSince(row));
const derived = new WeakMap(); // by totals, which are replaced and never changed
const nothing = {};
function totalsOf(row) {
  const totals = store.totals.get(row.key) ?? nothing;
  if (!derived.has(totals)) derived.set(totals, derive(sum([totals])));
  return derived.get(totals);
}
const word = (row) => (row.external ? "outside call" : row.held_since ? "on hold" : stateWord(row.entity, row.state));
const wordTone = (row) => toneOf(word(row));
const queueText = (key) => (key ? store.queueName(key) : "");
const agentText = (key) => (key ? store.agentName(key) : "");
const who = (row) => store.caller(row) || (settings.personal ? "unknown caller" : "caller");
const seconds = (value) => (value === null ? "" : duration(value));
const feedColumn = { label: "Feed", kind: "name minor", text: (row) => row.feed };
const stateColumn = { label: "State", kind: "state", text: word, tone: wordTone };
const forColumn = { label: "For", kind: "age number", text: (row) => row.since, hint: "How long it has been in this state" };

const waitingIn = new Map(); // by queue, as it is drawn
const waitOf = (row) => waitingIn.get(row.key) ?? { count: 0, since: null };
const known = (row, value) => (store.isLive(row) ? value : null);
const ORDER = ["queued", "offered", "routed", "created", "connected"];
const rank = ({ over, state }) => (over ? ORDER.length + 1 : (ORDER.indexOf(state) + ORDER.length + 1) % (ORDER.length + 1));
const WITH_AGENT = ["offered", "routed", "connected", "disconnected"];
const HANDS = ["reserved", "busy", "wrapup"];
const heldBy = new Map(); // by agent, as it is drawn: the contact that is with them, which not every vendor says of the agent
const inHand = (row) => (HANDS.includes(row.state) ? store.contacts.get(row.contact) ?? heldBy.get(row.key) : undefined);
const reason = (row) => (row.reason || (row.paused?.length ? `paused in ${row.paused.map(queueText).join(", ")}` : ""));
const keyOf = (known, id) => [...known.values()].find((each) => each.id === id)?.key;
const named = (text) => text.replace(/\b(queue|agent) ([^\s,]+)/g, (all, what, id) => {
  const key = keyOf(what === "queue" ? store.queues : store.agents, id);
  return key ? `${what} ${what === "queue" ? queueText(key) : agentText(key)}` : all;
});
const timeline = new TimelineDialog(byId("timeline"), named);
const openContact = (contact) => {
  const name = [who(contact), store.number(contact)].filter((each, index, all) => each && all.indexOf(each) === index);
  timeline.open(contact.id, name.join(" · "));
};

const common = { store, stale, doubt };
const tables = {
  queues: new Table(byId("queues"), {
    ...common, heading: "Queues", empty: "No queue has been heard of yet.",
    order: (a, b) => compare(queueText(a.key), queueText(b.key)),
    stale: () => null,
    columns: [
      { label: "Queue", kind: "name", text: (row) => queueText(row.key) },
      { label: wall ? "Service level" : "Level", kind: "number", text: (row) => percent(totalsOf(row).serviceLevel), sort: (row) => totalsOf(row).serviceLevel,
        tone: (row) => tone(totalsOf(row).serviceLevel, thresholds.service_level, { falling: true }), hint: `Service level: answered within ${settings.answer_seconds} s, today` },
      { label: "Waiting", kind: "number", descendingFirst: true, text: (row) => (known(row, 1) ? count(waitOf(row).count) : doubt(row)),
        sort: (row) => known(row, waitOf(row).count), tone: (row) => (waitOf(row).count ? tone(waitOf(row).count, thresholds.waiting) : "") },
      { label: "Longest", kind: "number", descendingFirst: true, text: (row) => (waitOf(row).since === null ? "" : duration(store.now - waitOf(row).since)),
        sort: (row) => (waitOf(row).since === null ? null : store.now - waitOf(row).since),
        tone: (row) => tone(waitOf(row).since === null ? null : store.now - waitOf(row).since, thresholds.longest_wait) },
      { label: "Answered", kind: "number", descendingFirst: true, text: (row) => count(totalsOf(row).answered), sort: (row) => totalsOf(row).answered },
      { label: "Abandoned", kind: "number", descendingFirst: true, text: (row) => percent(totalsOf(row).abandonedShare), sort: (row) => totalsOf(row).abandonedShare,
        tone: (row) => tone(totalsOf(row).abandonedShare, thresholds.abandoned) },
      { label: "Answer", kind: "number detail", text: (row) => seconds(totalsOf(row).speedOfAnswer), sort: (row) => totalsOf(row).speedOfAnswer, hint: "Average speed of answer, today" },
      { label: "Handle", kind: "number detail", text: (row) => seconds(totalsOf(row).handleTime), sort: (row) => totalsOf(row).handleTime, hint: "Average handle time, today" },
      { label: "Hours", kind: "chart", draw: (node, row) => columns(node, store.hoursOf(row.key), queueText(row.key)),
        descendingFirst: true, sort: (row) => totalsOf(row).queued, hint: "Answered and abandoned contacts of the last hours" },
      { ...feedColumn, kind: "name least" },
    ],
  }),
  contacts: new Table(byId("contacts"), {
    ...common, heading: "Contacts", empty: "No contacts at the moment.",
    order: (a, b) => rank(a) - rank(b) || a.since - b.since,
    columns: [
      { label: "Caller", kind: "name link", text: who, click: openContact, title: (row) => [who(row), store.number(row)].filter(Boolean).join(" · ") },
      stateColumn, forColumn,
      { label: "Queue", kind: "name", text: (row) => queueText(row.queue) },
      { label: "Agent", kind: "name", text: (row) => (WITH_AGENT.includes(row.state) ? agentText(row.agent) : "") },
      { label: "Since", kind: "number least", text: (row) => shortClock(row.began), sort: (row) => row.began, hint: "When it began" },
      feedColumn,
    ],
  }),
  calls: new Table(byId("calls"), {
    ...common, heading: "Calls outside queues", empty: "No call that belongs to no contact.",
    order: (a, b) => a.began - b.began,
    columns: [
      { label: "Caller", kind: "name", text: who, title: (row) => [who(row), row.caller].filter(Boolean).join(" · ") }, stateColumn, forColumn,
      { label: "To", kind: "name", text: (row) => row.callee_name || row.callee }, feedColumn,
    ],
  }),
  agents: new Table(byId("agents"), {
    ...common, heading: "Agents", empty: "No agent has been heard of yet.",
    order: (a, b) => compare(agentText(a.key), agentText(b.key)),
    columns: [
      { label: "Agent", kind: "name", text: (row) => agentText(row.key) }, stateColumn, forColumn,
      { label: "Reason", kind: "name reason", text: reason, hint: "Why an agent is not ready, where the vendor says it" },
      { label: "Contact", kind: "name link", text: (row) => (inHand(row) ? who(inHand(row)) : ""), click: (row) => inHand(row) && openContact(inHand(row)) },
      { label: "Handled", kind: "number", descendingFirst: true, text: (row) => count(totalsOf(row).answered), sort: (row) => totalsOf(row).answered, hint: "Contacts handled today" },
      feedColumn,
    ],
  }),
};
const tiles = new Tiles(byId("tiles"), byId("today"));
const alerts = new Alerts(byId("alerts"));

// -- drawing ------------------------------------------------------------------------------------------------

const LEAST_DIGITS = 5; // of a number whose earlier contacts can be asked for
const digits = (text) => text.replace(/[^\d]/g, "");

function matches(row, texts, numbers = []) {
  const text = found.q.trim().toLocaleLowerCase();
  if (!text) return true;
  if (texts.some((each) => each?.toLocaleLowerCase().includes(text))) return true;
  const dialled = digits(text); // +49 30 90 is a number, however it is written
  return dialled.length >= 3 && !/\p{L}/u.test(text) && numbers.some((each) => digits(each ?? "").includes(dialled));
}

const FILTERS = {
  queues: (row) => (!found.queue || row.key === found.queue) && matches(row, [queueText(row.key), row.id]),
  contacts: (row) => (!found.queue || row.queue === found.queue) && (!found.state || word(row) === found.state)
    && matches(row, [who(row), row.id, queueText(row.queue), agentText(row.agent), row.caller], [store.number(row), row.callee]),
  calls: (row) => !found.queue && (!found.state || word(row) === found.state)
    && matches(row, [who(row), row.callee_name, row.id, row.caller], [row.caller, row.callee]),
  agents: (row) => (!found.queue || inHand(row)?.queue === found.queue) && (!found.state || word(row) === found.state)
    && matches(row, [agentText(row.key), row.id, inHand(row) ? who(inHand(row)) : ""], inHand(row) ? [store.number(inHand(row))] : []),
};

let began = false;
let [startedAt, nextAt] = [0, 0];
let waiting = false; // for the next drawing, or for the end of this one
let again = false;
const painted = new MessageChannel();
painted.port1.onmessage = () => { // comes after layout and paint, which take longer than the drawing
  nextAt = startedAt + Math.max(DRAW_EVERY, (performance.now() - startedAt) / MOST_SHARE);
  waiting = false;
  if (again) schedule();
};
function draw() {
  again = false;
  startedAt = performance.now();
  try { update(); } finally { painted.port2.postMessage(null); }
}

function update() {
  for (const table of Object.values(tables)) table.look();
  store.age();
  showLink();
  if (wall) setText(byId("time"), shortClock(store.now));
  if (!began) return;
  const scope = new Scope(store, found);
  waitingIn.clear();
  heldBy.clear();
  for (const contact of store.contacts.values()) {
    if (!contact.over && contact.agent && WITH_AGENT.includes(contact.state)) heldBy.set(contact.agent, contact);
    if (!store.waits(contact) || !store.isLive(contact)) continue;
    const known = waitingIn.get(contact.queue) ?? { count: 0, since: Infinity };
    waitingIn.set(contact.queue, { count: known.count + 1, since: Math.min(known.since, contact.queued_at ?? contact.since) });
  }
  alerts.show(tiles.draw(scope, settings, queueText));
  const hours = scope.hours();
  bars(byId("bars"), hours);
  byId("hours").hidden = !hours.length;
  const rows = {
    queues: [...store.queues.values()],
    contacts: [...store.contacts.values()].filter((each) => each.state !== "unknown"),
    calls: [...store.calls.values()].filter((each) => each.state !== "unknown" && !store.contacts.has(each.contact)),
    agents: [...store.agents.values()],
  };
  for (const [name, all] of Object.entries(rows)) {
    if (wall && name !== "queues") continue;
    const kept = all.filter((row) => (!found.feed || row.feed === found.feed) && FILTERS[name](row));
    tables[name].draw(kept, all.length, name === "queues" ? null : store.touched);
  }
  store.touched = new Set();
  byId("calls").hidden = !rows.calls.length;
  choices(rows);
}

function schedule() {
  again = true;
  if (waiting) return;
  waiting = true;
  setTimeout(() => (document.hidden ? draw() : requestAnimationFrame(draw)), Math.max(0, nextAt - performance.now()));
}
setInterval(schedule, SECOND); // the clocks

function showLink() {
  const feeds = [...store.feeds.values()];
  const down = feeds.filter((each) => !each.live);
  const link = byId("link");
  if (!began || store.lostAt) {
    setText(link, began ? "No connection to the server" : "Connecting…");
    setAttribute(link, "data-tone", began ? "bad" : "idle");
  } else {
    setText(link, down.length ? `${count(feeds.length - down.length)} of ${count(feeds.length)} feeds live` : "Live");
    setAttribute(link, "data-tone", down.length ? "warn" : "good");
  }
  const said = store.lostAt && began ? [`No connection to the server since ${clock(store.lostAt)}. What is shown is as it was then.`]
    : down.map((each) => `No connection to ${each.name} since ${clock(each.stale_since ?? each.since)}: its rows are grey and do not count.`);
  setText(byId("silent"), said.join(" "));
  byId("silent").hidden = !said.length;
}

let wasDown = new Set();
function announce() { // for screen readers, only what somebody must hear
  const down = new Set([...store.feeds.values()].filter((each) => !each.live).map(({ name }) => name));
  for (const name of down) if (!wasDown.has(name)) setText(byId("spoken"), `Feed ${name} is down`);
  for (const name of wasDown) if (!down.has(name)) setText(byId("spoken"), `Feed ${name} is up`);
  wasDown = down;
}

// -- filters, which are in the address, so that a screen can keep them ------------------------------------------

const fields = { q: byId("search"), queue: byId("queue"), state: byId("state"), feed: byId("feed") };

function options(select, all) { // [[value, text] …]
  const wanted = [["", select.options[0].textContent], ...all];
  const chosen = found[select.id];
  if (chosen && !wanted.some(([value]) => value === chosen)) wanted.push([chosen, chosen]);
  const key = JSON.stringify(wanted);
  if (select.dataset.options === key || document.activeElement === select) return;
  select.dataset.options = key;
  select.replaceChildren(...wanted.map(([value, text]) => Object.assign(element("option", "", text), { value })));
  select.value = chosen;
}

function choices(rows) {
  options(fields.queue, rows.queues.map(({ key }) => [key, queueText(key)]).sort((a, b) => compare(a[1], b[1])));
  options(fields.feed, [...store.feeds.keys()].sort().map((name) => [name, name]));
  const words = new Set([...rows.agents, ...rows.contacts, ...rows.calls].filter((row) => !row.over).map(word));
  options(fields.state, [...words].sort().map((each) => [each, each]));
}

function find() {
  for (const [name, field] of Object.entries(fields)) found[name] = field.value;
  const set = Object.entries(found).filter(([, value]) => value);
  byId("reset").hidden = !set.length;
  const number = /^[+\d][\d\s()./-]*$/.test(found.q.trim()) && digits(found.q).length >= LEAST_DIGITS ? found.q.trim() : "";
  byId("earlier").hidden = !number;
  setText(byId("earlier").firstChild, `Earlier contacts of ${number}`);
  const address = new URLSearchParams([...(wall ? [["view", "wall"]] : []), ...set]);
  history.replaceState(null, "", address.size ? `?${address}` : location.pathname);
  schedule();
}

for (const [name, field] of Object.entries(fields)) {
  const value = asked.get(name) ?? "";
  if (field.tagName === "SELECT" && value) field.append(Object.assign(element("option", "", value), { value }));
  field.value = value;
  field.addEventListener("input", find);
}
byId("earlier").firstChild.addEventListener("click", () => timeline.open(found.q.trim(), `Contacts of ${found.q.trim()}`));
byId("finding").addEventListener("submit", (event) => event.preventDefault());
byId("finding").addEventListener("reset", () => setTimeout(find));
find();

// -- the stream -------------------------------------------------------------------------------------------------

const stream = new Stream("/v1/events?state=1", {
  snapshot: (message) => { store.snapshot(message); began = true; announce(); schedule(); },
  changes: (message) => { store.change(message); announce(); schedule(); },
  time: (message) => store.hear(message),
}, { onLost: () => { store.lose(); schedule(); }, silence: settings.silence_seconds });
addEventListener("pagehide", () => stream.source.close());
