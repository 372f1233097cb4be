// The dashboard's page: a copy of the server's tables, drawn at most once per frame. All text is set by textContent.
const MOST_EVENTS = 120; // the browser paints each row, visible or not
const SECOND = 1000;
const byId = (id) => document.getElementById(id);

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// -- how values are shown -------------------------------------------------------------------------

let clockOffset = 0; // the server's clock minus this one, in seconds
const serverNow = () => Date.now() / SECOND + clockOffset;
const count = (value) => value.toLocaleString();
const percent = (share) => (share == null ? "–" : `${Math.round(100 * share)} %`);
const clock = (at) => new Date(at * SECOND).toLocaleTimeString([], { hour12: false });
const shortId = (id) => (id.length > 13 ? `${id.slice(0, 8)}…` : id);

function age(since, until = null) { // what is stale does not tick
  const seconds = Math.max(0, Math.floor((until ?? serverNow()) - since));
  const two = (value) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

function gapText(gap) {
  if (!gap) return "";
  const [since, until, cause] = gap;
  return `${clock(since)}–${clock(until)}, ${Math.round(until - since)} s: ${cause}`;
}

const TONES = {
  good: ["subscribed", "listening", "ready", "open", "delivering", "connected", "with agent"],
  busy: ["busy", "dialling", "new", "wrap-up", "outside call", "ending"],
  warn: ["reconnecting", "connecting", "ringing", "waiting", "offered", "retrying", "warning", "left the queue", "agent left"],
  bad: ["disconnected", "failed", "abandoned", "paused", "disabled", "closed", "error"],
};
const toneOf = (state) => Object.keys(TONES).find((tone) => TONES[tone].includes(state)) ?? "idle";

// -- what each table shows: a heading, and its columns as [name, value, kind] ---------------------------

const TABLES = {
  feeds: {
    heading: "Feeds", empty: "No feeds.",
    columns: [
      ["Feed", (row) => row.key], ["State", (row) => row.state, "state"], ["For", (row) => row.since, "age"],
      ["Per second", (row) => row.rate.toFixed(1), "number"], ["Events", (row) => count(row.events), "number"],
      ["Gaps", (row) => count(row.gaps), "number"],
      ["Last gap", (row) => gapText(row.gap), "long minor"],
      ["Unreadable", (row) => count(row.unreadable), "number minor"], ["Refused topics", (row) => count(row.refused), "number minor"],
      ["Vendor", (row) => row.provider, "minor"], ["Detail", (row) => row.reason, "long minor"],
    ],
    order: (a, b) => a.key.localeCompare(b.key),
  },
  queues: {
    heading: "Queues", empty: "No queues yet.",
    columns: [
      ["Queue", (row) => row.name || shortId(row.id)], ["State", (row) => row.state, "state"],
      ["Waiting", (row) => count(row.waiting), "number"], ["Longest", (row) => row.oldest, "age number"],
      ["Answered", (row) => count(row.answered), "number minor"], ["Abandoned", (row) => count(row.abandoned), "number minor"],
      ["Feed", (row) => row.feed, "minor"],
    ],
    order: (a, b) => a.name.localeCompare(b.name) || a.key.localeCompare(b.key),
  },
  agents: {
    heading: "Agents", empty: "No agents yet.",
    columns: [
      ["Agent", (row) => row.name || shortId(row.id)], ["State", (row) => row.state, "state"], ["For", (row) => row.since, "age"],
      ["Note", (row) => row.note, "minor"], ["Feed", (row) => row.feed, "minor"],
    ],
    order: (a, b) => a.name.localeCompare(b.name) || a.key.localeCompare(b.key),
  },
  contacts: {
    heading: "Contacts", empty: "No contacts at the moment.", active: (row) => !row.over,
    columns: [
      ["Contact", (row) => row.caller || shortId(row.id)], ["State", (row) => row.state, "state"], ["For", (row) => row.since, "age"],
      ["Queue", (row) => shortId(row.queue)], ["Agent", (row) => shortId(row.agent), "minor"], ["Age", (row) => row.began, "age minor"],
      ["Feed", (row) => row.feed, "minor"],
    ],
    order: (a, b) => a.over - b.over || a.began - b.began || a.key.localeCompare(b.key),
  },
  calls: {
    heading: "Calls", empty: "No calls at the moment.", active: (row) => !row.over,
    columns: [
      ["Caller", (row) => row.caller || shortId(row.id)], ["State", (row) => row.state, "state"], ["For", (row) => row.since, "age"],
      ["To", (row) => row.called], ["Age", (row) => row.began, "age minor"], ["Feed", (row) => row.feed, "minor"],
    ],
    order: (a, b) => a.over - b.over || a.began - b.began || a.key.localeCompare(b.key),
  },
  sinks: {
    heading: "Sinks", empty: "No sinks: events are shown here and not delivered.",
    columns: [
      ["Sink", (row) => row.key], ["State", (row) => row.state, "state"], ["Lag", (row) => count(row.lag), "number"],
      ["Per second", (row) => row.rate.toFixed(1), "number"], ["Delivered", (row) => count(row.delivered), "number"],
      ["Lost", (row) => count(row.dropped), "number minor"], ["Dead letters", (row) => count(row.dead), "number minor"],
    ],
    order: (a, b) => a.key.localeCompare(b.key),
  },
  notices: {
    heading: "Notices", empty: "No notices yet.",
    columns: [["Time", (row) => clock(row.at)], ["Level", (row) => row.level, "state minor"], ["Notice", (row) => row.text, "long"]],
    order: (a, b) => Number(b.key) - Number(a.key),
  },
  events: {
    heading: "Events", empty: "No events yet.",
    columns: [
      ["Time", (row) => clock(row.at)], ["Kind", (row) => row.kind], ["Feed", (row) => row.feed],
      ["Resource", (row) => row.address.slice(3).join("/"), "address"], ["Origin", (row) => row.origin, "minor"],
    ],
    order: (a, b) => b.key - a.key,
  },
};

class Table {
  constructor(name, { heading, empty, columns, order, active }) {
    Object.assign(this, { name, columns, order, active: active ?? (() => true) });
    this.rows = new Map(); // key -> {row, line, cells}
    this.crowded = 0;
    this.stale = true;
    const section = byId(name);
    const title = element("h2", "", heading);
    title.id = `${name}-heading`;
    this.count = title.appendChild(element("span", "count"));
    section.prepend(title);
    this.empty = section.appendChild(element("p", "empty", empty));
    this.scroll = section.appendChild(element("div", "scroll"));
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "region");
    this.scroll.setAttribute("aria-labelledby", title.id);
    const table = this.scroll.appendChild(element("table"));
    table.setAttribute("aria-labelledby", title.id);
    const head = table.createTHead().insertRow();
    for (const [label, , kind = ""] of columns) {
      const cell = head.appendChild(element("th", kind.replace(/state|address/, ""), label));
      cell.scope = "col";
    }
    this.body = table.createTBody();
  }

  put(row) {
    const known = this.rows.get(row.key);
    if (known) known.row = row;
    else this.rows.set(row.key, { row, line: null, cells: null });
    if (known) known.changed = true;
    this.stale = true;
  }

  remove(key) {
    this.rows.get(key)?.line?.remove();
    this.rows.delete(key);
    this.stale = true;
  }

  clear() {
    for (const key of [...this.rows.keys()]) this.remove(key);
  }

  draw() {
    if (!this.stale) return;
    this.stale = false;
    const sorted = [...this.rows.values()].sort((a, b) => this.order(a.row, b.row));
    let place = this.body.firstChild;
    for (const entry of sorted) {
      if (!entry.line) this.build(entry);
      else if (entry.changed) this.fill(entry);
      entry.changed = false;
      if (entry.line === place) place = place.nextSibling;
      else this.body.insertBefore(entry.line, place);
    }
    const active = sorted.filter(({ row }) => this.active(row)).length;
    const more = this.crowded ? ` (${count(this.crowded)} more not shown)` : "";
    set(this.count, sorted.length ? `${count(active)}${more}` : "");
    this.empty.hidden = sorted.length > 0;
    this.scroll.hidden = sorted.length === 0;
  }

  build(entry) {
    entry.line = element("tr");
    entry.cells = this.columns.map(([, , kind = ""], index) => {
      const cell = entry.line.appendChild(element(index ? "td" : "th", kind.replace("state", "")));
      if (!index) cell.scope = "row";
      return kind.includes("state") ? cell.appendChild(element("span", "state")) : cell;
    });
    this.fill(entry);
  }

  fill({ row, line, cells }) {
    const doubt = doubtOf(row);
    line.toggleAttribute("data-over", Boolean(row.over));
    line.toggleAttribute("data-stale", Boolean(doubt));
    line.title = doubt;
    this.columns.forEach(([, value, kind = ""], index) => {
      const cell = cells[index];
      const shown = value(row);
      if (kind.includes("age")) {
        set(cell, shown === null ? "" : age(shown, staleSince(row)));
      } else {
        set(cell, kind.includes("state") && doubt ? `${shown}, ${doubt}` : shown);
        if (kind.includes("state")) cell.dataset.tone = doubt ? "idle" : toneOf(shown);
        if (kind.includes("address")) cell.title = row.address.join("/");
      }
    });
    if (cells[0].textContent && row.id) cells[0].title = row.id;
  }

  grow() { // the ages, once a second
    this.columns.forEach(([, value, kind = ""], index) => {
      if (!kind.includes("age")) return;
      for (const { row, cells } of this.rows.values()) {
        if (cells && value(row) !== null) set(cells[index], age(value(row), staleSince(row)));
      }
    });
  }

  refill() { // feeds have changed, and so has what their rows are worth
    for (const entry of this.rows.values()) if (entry.line) this.fill(entry);
  }
}

// What a row is worth: its feed may be down, or may have missed what happened since.
const feedOf = (row) => (row.seen === undefined && row.waiting === undefined ? undefined : tables.feeds.rows.get(row.feed)?.row);
const staleSince = (row) => feedOf(row)?.stale ?? null;
function doubtOf(row) {
  const feed = feedOf(row);
  if (!feed || row.over) return "";
  if (feed.stale) return `stale since ${clock(feed.stale)}`;
  return feed.doubt && row.seen < feed.doubt ? "unconfirmed" : "";
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// -- the copy of the board --------------------------------------------------------------------------

const tables = Object.fromEntries(Object.entries(TABLES).map(([name, about]) => [name, new Table(name, about)]));
const events = tables.events;
const newest = []; // keys of the events in the table, oldest first
let held = []; // events that came while the stream is paused
let paused = false;
let narrowed = false; // a new selector was applied; its events are shown even while the stream is paused
let outdated = false; // the events in the table are of an earlier connection, whose keys may repeat
let hidden = 0;
let missed = 0;
let figures = {};
let drawing = false;

function apply(message) {
  clockOffset = message.now - Date.now() / SECOND;
  const frozen = paused && !(message.first && narrowed);
  if (message.first) {
    hidden = 0;
    held = [];
    if (frozen) outdated = true;
    else forgetEvents();
    narrowed = false;
  }
  for (const [name, { reset, rows, gone, crowded }] of Object.entries(message.tables)) {
    const table = tables[name];
    if (reset) table.clear();
    if (name === "feeds") rows.forEach(announce);
    rows.forEach((row) => table.put(row));
    gone.forEach((key) => table.remove(key));
    table.crowded = crowded;
  }
  if (message.tables.feeds) ["calls", "contacts", "agents", "queues"].forEach((name) => tables[name].refill());
  hidden += message.hidden;
  figures = message.figures;
  missed = figures.missed ?? 0;
  if (frozen) {
    held.push(...message.events);
    const over = held.length - MOST_EVENTS;
    if (over > 0) { hidden += over; held.splice(0, over); }
  } else {
    message.events.forEach(addEvent);
  }
  schedule();
}

function forgetEvents() {
  events.clear();
  newest.length = 0;
  outdated = false;
}

function addEvent(event) {
  events.put(event);
  newest.push(event.key);
  if (newest.length > MOST_EVENTS) events.remove(newest.shift());
}

const isUp = ({ state }) => ["subscribed", "connected", "listening"].includes(state);

// For screen readers, only what an operator must hear: a feed that came up or went down.
function announce(row) {
  const before = tables.feeds.rows.get(row.key)?.row;
  if (before && isUp(before) !== isUp(row)) set(byId("spoken"), `Feed ${row.key} is ${isUp(row) ? "up" : "down"}`);
}

function schedule() {
  if (drawing) return;
  drawing = true;
  const draw = () => { drawing = false; drawAll(); };
  if (document.hidden) setTimeout(draw, SECOND); // a hidden page gets no animation frames
  else requestAnimationFrame(draw);
}

let grown = 0;
function drawAll() {
  const second = Math.floor(Date.now() / SECOND);
  Object.values(tables).forEach((table) => {
    table.draw();
    if (second !== grown) table.grow();
  });
  grown = second;
  const unseen = hidden + missed;
  const notes = [];
  if (paused) notes.push(`paused, ${count(held.length)} new`);
  if (unseen) notes.push(`${count(unseen)} events not shown`);
  set(events.count, notes.join(" · "));
  drawFigures();
}

const tiles = new Map();
function drawFigures() {
  const rows = (name) => [...tables[name].rows.values()].map(({ row }) => row);
  const feeds = rows("feeds");
  const up = feeds.filter(isUp).length;
  const live = (row) => !doubtOf(row);
  const waiting = rows("queues").filter(live).reduce((sum, row) => sum + row.waiting, 0);
  const lag = rows("sinks").reduce((most, row) => Math.max(most, row.lag), 0);
  const calls = rows("calls").filter((row) => !row.over && live(row)).length;
  const ready = rows("agents").filter((row) => row.state === "ready" && live(row)).length;
  if (linked) showLink(up === feeds.length ? "Live" : `${up} of ${feeds.length} feeds live`, up === feeds.length ? "good" : "warn");
  tile("rate", "events per second", (figures.rate ?? 0).toFixed(1));
  tile("feeds", `of ${feeds.length} ${feeds.length === 1 ? "feed" : "feeds"} up`, count(up), up < feeds.length ? "bad" : "");
  tile("calls", calls === 1 ? "call" : "calls", count(calls));
  tile("waiting", "waiting", count(waiting));
  const oldest = rows("queues").filter(live).map((row) => row.oldest).filter((since) => since !== null);
  tile("longest", "longest wait", oldest.length ? age(Math.min(...oldest)) : "–");
  const today = figures.today ?? {};
  tile("level", "service level today", percent(today.service_level));
  tile("abandoned", "abandoned today", percent(today.abandoned_share));
  tile("answer", "to answer, on average", today.mean_wait == null ? "–" : `${Math.round(today.mean_wait)} s`);
  tile("ready", ready === 1 ? "agent ready" : "agents ready", count(ready));
  const doing = (...states) => rows("agents").filter((row) => states.includes(row.state) && live(row)).length;
  tile("busy", "busy", count(doing("busy", "offered", "outside call")));
  tile("wrapup", "in wrap-up", count(doing("wrap-up")));
  tile("away", "away", count(doing("away")));
  if (rows("sinks").length) tile("lag", "sink lag", count(lag));
  if (figures.journal_dropped) tile("lost", "events lost by the journal", count(figures.journal_dropped), "bad");
  const title = waiting ? `${count(waiting)} waiting · Jackfield` : "Jackfield";
  if (document.title !== title) document.title = title;
}

function tile(id, label, value, tone = "") {
  let made = tiles.get(id);
  if (!made) {
    const box = byId("figures").appendChild(element("div"));
    made = { label: box.appendChild(element("dt")), value: box.appendChild(element("dd")) };
    tiles.set(id, made);
  }
  set(made.label, label);
  set(made.value, value);
  made.value.dataset.tone = tone;
}

setInterval(() => { if (Math.floor(Date.now() / SECOND) !== grown) schedule(); }, SECOND);

// -- the connection to the server ---------------------------------------------------------------------

let source = null;
let selector = "";

let linked = false; // whether the server's updates come; a feed may be down all the same
function showLink(text, tone) {
  set(byId("link"), text);
  byId("link").dataset.tone = tone;
}

function connect() {
  source?.close();
  const mine = new EventSource(`/events?select=${encodeURIComponent(selector)}`); // reconnects by itself
  source = mine;
  mine.onmessage = ({ data }) => {
    linked = true;
    apply(JSON.parse(data));
  };
  mine.onerror = () => {
    if (mine !== source) return;
    linked = false;
    showLink("Reconnecting…", "bad");
    if (mine.readyState === EventSource.CLOSED) setTimeout(reconnect, 3 * SECOND, mine);
  };
}

async function reconnect(old) { // the browser does not retry after an error status or another content type
  if (old !== source) return;
  const answer = await fetch("/events?check").catch(() => null);
  if (answer?.status === 401) location.reload();
  else connect();
}

async function select(text) {
  const input = byId("selector");
  const answer = await fetch(`/events?check&select=${encodeURIComponent(text)}`).catch(() => null);
  if (!answer?.headers.get("content-type")?.includes("json")) { // signed out, or the server is down
    if (source) reconnect(source);
    else connect();
    return;
  }
  const { problem, position } = await answer.json();
  input.setAttribute("aria-invalid", String(Boolean(problem)));
  if (problem) {
    set(byId("selector-problem"), `Character ${position + 1}: ${problem}.`);
    input.focus();
    input.setSelectionRange(position, position + 1);
    if (!source) connect();
    return;
  }
  set(byId("selector-problem"), "");
  selector = text;
  narrowed = true;
  history.replaceState(null, "", text ? `#${encodeURIComponent(text)}` : location.pathname);
  connect();
}

byId("selecting").addEventListener("submit", (event) => {
  event.preventDefault();
  select(byId("selector").value.trim());
});

byId("pause").addEventListener("click", ({ currentTarget }) => {
  paused = !paused;
  currentTarget.setAttribute("aria-pressed", String(paused));
  set(currentTarget, paused ? "Resume" : "Pause");
  if (!paused) {
    if (outdated) forgetEvents();
    held.forEach(addEvent);
    held = [];
  }
  schedule();
});

try {
  selector = decodeURIComponent(location.hash.slice(1));
} catch {
  selector = "";
}
byId("selector").value = selector;
if (selector) select(selector);
else connect();
