// The operator's page: the gateway's figures once a second, and one stream of events.
import { NONE, SECOND, clock, count, element, moment, setAttribute, setText, toneOf } from "./format.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";

const MOST_EVENTS = 120; // nobody reads more, and the browser paints each row
const DRAW_EVERY = 250; // milliseconds
const byId = (id) => document.getElementById(id);
const settings = await (await fetch("/settings.json")).json();
if (settings.title) setText(byId("title"), settings.title);

const store = { get now() { return Date.now() / SECOND; } };
const state = { label: "State", kind: "state", text: (row) => row.state, tone: (row) => toneOf(row.state) };
const number = (label, name, kind = "number") => ({ label, kind, descendingFirst: true, text: (row) => count(row[name]), sort: (row) => row[name] });
const warned = (label, name, kind = "number") => ({ ...number(label, name, kind), tone: (row) => (row[name] ? "warn" : "good") });
const rate = { label: "Per second", kind: "number", descendingFirst: true, text: (row) => row.rate.toFixed(1), sort: (row) => row.rate };
const gapText = (gap) => (gap ? `${clock(gap[0])} to ${clock(gap[1])}, ${Math.round(gap[1] - gap[0])} s: ${gap[2]}` : "");
const byKey = (a, b) => a.key.localeCompare(b.key);

const tables = {
  feeds: new Table(byId("feeds"), {
    store, heading: "Feeds", empty: "No feeds.", order: byKey,
    columns: [
      { label: "Feed", kind: "name", text: (row) => row.key }, state, { label: "For", kind: "age number", text: (row) => row.since }, rate,
      number("Events", "events"), warned("Gaps", "gaps"), { label: "Last gap", kind: "long", text: (row) => gapText(row.gap), sort: (row) => row.gap?.[1] },
      { label: "Not verified", kind: "number", text: (row) => (row.not_verified ? `${row.not_verified.toFixed(0)} s` : NONE), sort: (row) => row.not_verified,
        hint: "Time in which nobody can know whether events were missed" },
      warned("Unreadable", "unreadable"), number("Topics", "topics"), warned("Refused", "refused"),
      { label: "Vendor", kind: "name", text: (row) => row.provider }, { label: "Detail", kind: "long", text: (row) => row.reason },
    ],
  }),
  sinks: new Table(byId("sinks"), {
    store, heading: "Sinks", empty: "No sinks: events are shown here and not delivered.", order: byKey,
    columns: [
      { label: "Sink", kind: "name", text: (row) => row.key }, state, number("Lag", "lag"), rate, number("Delivered", "delivered"),
      warned("Lost", "dropped"), warned("Dead letters", "dead"), warned("Failures", "failures"),
    ],
  }),
  notices: new Table(byId("notices"), {
    store, heading: "Notices", empty: "No notices yet.", order: (a, b) => Number(b.key) - Number(a.key),
    columns: [
      { label: "Time", text: (row) => clock(row.at) }, { label: "Level", kind: "state", text: (row) => row.level, tone: (row) => toneOf(row.level) },
      { label: "Notice", kind: "long", text: (row) => row.text },
    ],
  }),
  events: new Table(byId("events"), {
    store, heading: "Events", empty: "No events yet.", order: (a, b) => b.serial - a.serial,
    columns: [
      { label: "Time", text: (row) => clock(row.at) }, { label: "Kind", text: (row) => row.kind }, { label: "Feed", kind: "name", text: (row) => row.feed },
      { label: "Resource", kind: "address name", text: (row) => row.subject }, { label: "Origin", text: (row) => row.origin },
    ],
  }),
};

// -- the figures ------------------------------------------------------------------------------------------------

const tiles = new Map();
function figure(id, label, value, tone = "") {
  if (!tiles.has(id)) {
    const box = byId("figures").appendChild(element("div"));
    tiles.set(id, { label: box.appendChild(element("dt")), value: box.appendChild(element("dd")) });
  }
  const made = tiles.get(id);
  setText(made.label, label);
  setText(made.value, value);
  setAttribute(made.value, "data-tone", tone || null);
}

const isUp = ({ state }) => ["subscribed", "connected", "listening"].includes(state);
let before = new Map();
let answering = false;
async function measure() {
  const answer = await fetch("/operator.json").catch(() => null);
  if (answer?.status === 401) return void location.reload();
  answering = Boolean(answer?.ok);
  if (!answering) return showLink([]);
  const { rate, journal, feeds, sinks, notices } = await answer.json();
  tables.feeds.draw(feeds);
  tables.sinks.draw(sinks);
  tables.notices.draw(notices);
  showLink(feeds);
  for (const feed of feeds) { // for screen readers, only what an operator must hear
    if (before.has(feed.key) && before.get(feed.key) !== isUp(feed)) setText(byId("spoken"), `Feed ${feed.key} is ${isUp(feed) ? "up" : "down"}`);
  }
  before = new Map(feeds.map((feed) => [feed.key, isUp(feed)]));
  const up = feeds.filter(isUp).length;
  figure("rate", "events per second", rate.toFixed(1));
  figure("feeds", `of ${count(feeds.length)} ${feeds.length === 1 ? "feed" : "feeds"} up`, count(up), up < feeds.length ? "bad" : "");
  figure("taken", "events taken", count(journal.taken ?? 0));
  figure("waiting", "not committed yet", count(journal.waiting ?? 0), journal.failing ? "bad" : "");
  if (sinks.length) figure("lag", "largest sink lag", count(Math.max(...sinks.map(({ lag }) => lag))));
  if (journal.dropped) figure("lost", "lost by the journal", count(journal.dropped), "bad");
}

function showLink(feeds) {
  const up = feeds.filter(isUp).length;
  const text = !answering ? "No connection to the server" : up === feeds.length ? "Live" : `${up} of ${feeds.length} feeds live`;
  setText(byId("link"), text);
  setAttribute(byId("link"), "data-tone", !answering ? "bad" : up === feeds.length ? "good" : "warn");
}

(async () => {
  for (;;) {
    await measure();
    await new Promise((done) => setTimeout(done, SECOND));
  }
})();

// -- the events ------------------------------------------------------------------------------------------------

let events = [];
let held = []; // what came while the stream is paused
let serial = 0;
let paused = false;
let unshown = 0;
let drawing = false;
let selector = "";

function add(message) {
  const row = {
    key: String(++serial), serial, kind: message.type, feed: message.feed ?? "", origin: message.origin ?? "",
    at: moment(message.time ?? message.recordedtime) ?? store.now, subject: message.subject ?? "",
  };
  (paused ? held : events).push(row);
  const list = paused ? held : events;
  if (list.length > 2 * MOST_EVENTS) {
    const over = list.length - MOST_EVENTS;
    if (paused) unshown += over;
    list.splice(0, over);
  }
  if (drawing) return;
  drawing = true;
  setTimeout(draw, DRAW_EVERY);
}

function draw() {
  drawing = false;
  tables.events.draw(events.slice(-MOST_EVENTS));
  const notes = [paused ? `paused, ${count(held.length)} new` : "", unshown ? `${count(unshown)} not shown` : ""];
  setText(tables.events.count, notes.filter(Boolean).join(" · "));
}

const address = () => `/v1/events?select=${encodeURIComponent(selector || "**")}`;
let stream = null;

function listen() {
  events = [];
  held = [];
  unshown = 0;
  if (stream) stream.connect(address());
  else stream = new Stream(address(), { message: add }, { onLost: () => {} });
  draw();
}

async function select(text) {
  const input = byId("selector");
  const answer = await fetch(`/v1/events?check=1&select=${encodeURIComponent(text || "**")}`).catch(() => null);
  if (answer?.status === 400) {
    const { error, position } = await answer.json();
    input.setAttribute("aria-invalid", "true");
    setText(byId("selector-problem"), position === undefined ? `${error}.` : `Character ${position + 1}: ${error}.`);
    input.focus();
    if (position !== undefined) input.setSelectionRange(position, position + 1);
    if (!stream) listen();
    return;
  }
  input.setAttribute("aria-invalid", "false");
  setText(byId("selector-problem"), "");
  selector = text;
  history.replaceState(null, "", text ? `#${encodeURIComponent(text)}` : location.pathname);
  listen();
}

byId("selecting").addEventListener("submit", (event) => {
  event.preventDefault();
  select(byId("selector").value.trim());
});
byId("pause").addEventListener("click", ({ currentTarget }) => {
  paused = !paused;
  currentTarget.setAttribute("aria-pressed", String(paused));
  setText(currentTarget, paused ? "Resume" : "Pause");
  if (!paused) {
    events.push(...held);
    held = [];
  }
  draw();
});

let wanted = "";
try {
  wanted = decodeURIComponent(location.hash.slice(1));
} catch {
  wanted = "";
}
byId("selector").value = wanted;
if (wanted) select(wanted);
else listen();
