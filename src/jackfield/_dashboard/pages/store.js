// A copy of the gateway's state. It holds what the server said; every figure is derived from it when it is drawn.
import { SECOND, moment } from "./format.js";

const MOMENTS = ["since", "began", "seen", "waiting_since", "queued_at", "connected_at", "held_since", "stale_since", "gap_until", "synced_at"];
const PLURAL = { feed: "feeds", call: "calls", contact: "contacts", agent: "agents", queue: "queues", totals: "totals" };
const LINGER = 6; // seconds for which what is over is still shown
const WAITS = ["queued", "offered"];

function read(entity, key, value) {
  const made = { ...value, key, entity };
  for (const name of MOMENTS) if (name in made) made[name] = moment(made[name]);
  return made;
}

export class Store {
  constructor() {
    for (const name of Object.values(PLURAL)) this[name] = new Map();
    this.hours = new Map(); // by its beginning: what became of the contacts of that hour, by key
    this.names = { queues: {}, agents: {} };
    this.lostAt = 0; // since when the server is silent; 0 while it is not
    this.heardAt = 0;
    this.callers = new Map(); // by contact: who calls, as its call says it, which not every vendor says of the contact
    this.leaving = new Map(); // what is over: until when it stays
    this.touched = null; // keys of what has changed since the last drawing; null where anything may have
    this.offset = 0; // the server's clock minus this one
  }

  get now() {
    return Date.now() / SECOND + this.offset;
  }

  hear(message) { // any message shows that the server is there
    if (this.lostAt) this.touched = null;
    if (message.now) this.offset = moment(message.now) - Date.now() / SECOND;
    this.heardAt = this.now;
    this.lostAt = 0;
  }

  lose() {
    this.touched = null;
    this.lostAt ||= this.heardAt || this.now;
  }

  snapshot(message) {
    this.hear(message);
    this.touched = null;
    this.callers.clear();
    this.leaving.clear();
    this.day = message.day;
    for (const [entity, name] of Object.entries(PLURAL)) {
      this[name].clear();
      for (const [key, value] of Object.entries(message[name] ?? {})) if (!value.over) this.put(entity, key, value);
    }
    this.hours = new Map(Object.entries(message.hours ?? {}).map(([at, sums]) => [moment(at), new Map(Object.entries(sums))]));
  }

  change(message) {
    this.hear(message);
    if (message.day !== this.day) { // midnight
      this.day = message.day;
      this.totals.clear();
      this.hours.clear();
      this.touched = null;
    }
    for (const { entity, key, value } of message.changes) {
      this.touch(entity, key, value);
      if (entity === "totals" && value) this.credit(key, value);
      if (value) this.put(entity, key, value);
      else if (!this.leaving.has(key)) this[PLURAL[entity]].delete(key);
    }
  }

  touch(entity, key, value) { // and what shows something of it
    if (entity === "feed" || entity === "queue") this.touched = null;
    if (!this.touched) return;
    const before = this[PLURAL[entity]].get(key);
    for (const each of [key, value?.contact, value?.agent, before?.contact, before?.agent]) if (each) this.touched.add(each);
  }

  put(entity, key, value) {
    const made = read(entity, key, value);
    const known = this[PLURAL[entity]];
    if (value.over && !known.has(key)) return; // it was over before this page saw it
    known.set(key, made);
    if (value.over) this.leaving.set(key, this.leaving.get(key) ?? this.now + LINGER);
    else this.leaving.delete(key);
    if (entity === "call" && made.contact && (made.caller_name || made.caller)) {
      this.callers.set(made.contact, { name: made.caller_name, number: made.caller });
    }
  }

  age() { // what is over goes after a while
    for (const [key, until] of this.leaving) {
      if (until > this.now) continue;
      this.leaving.delete(key);
      for (const table of [this.calls, this.contacts]) {
        if (table.get(key)?.over) table.delete(key);
      }
      this.callers.delete(key);
    }
  }

  credit(key, value) { // to the hour that it is; the next snapshot has it by when contacts were queued
    const hour = Math.floor(this.now / 3600) * 3600;
    const last = Math.max(0, ...this.hours.keys());
    const at = last > hour - 3600 && last <= this.now ? last : hour;
    if (!this.hours.has(at)) this.hours.set(at, new Map());
    const sums = this.hours.get(at);
    const before = this.totals.get(key) ?? {};
    const sum = { ...(sums.get(key) ?? {}) };
    for (const name of FIGURES) sum[name] = (sum[name] ?? 0) + value[name] - (before[name] ?? 0);
    sums.set(key, sum);
  }

  hoursOf(key) { // [[beginning, sums or undefined] …], the oldest first
    return [...this.hours].sort(([a], [b]) => a - b).map(([at, sums]) => [at, sums.get(key)]);
  }

  // -- what a value is worth: its feed may be down, or have missed what happened since -------------------------

  certainty(value) {
    const feed = this.feeds.get(value.feed);
    if (this.lostAt) return "stale";
    if (!feed) return "unconfirmed";
    if (!feed.live) return "stale";
    if (value.entity === "queue" || !feed.gap_until || value.over) return "live";
    return value.seen >= feed.gap_until ? "live" : "unconfirmed";
  }

  staleSince(value) { // null where it is not
    const feed = this.feeds.get(value.feed);
    if (feed && !feed.live) return feed.stale_since ?? feed.since;
    return this.lostAt || null;
  }

  isLive(value) {
    return this.certainty(value) === "live";
  }

  waits(contact) {
    return WAITS.includes(contact.state);
  }

  // -- names: the configuration's, else the vendor's, else the id's beginning ------------------------------------

  queueName(key) {
    const queue = this.queues.get(key);
    const id = queue?.id ?? key.slice(key.indexOf("/") + 1);
    return this.names.queues[key] ?? this.names.queues[id] ?? (queue?.name || id);
  }

  agentName(key) {
    const agent = this.agents.get(key);
    const id = agent?.id ?? key.slice(key.indexOf("/") + 1);
    return this.names.agents[key] ?? this.names.agents[id] ?? (agent?.name || id);
  }

  caller(value) { // a name, else a number
    const said = this.callers.get(value.key);
    return value.caller_name || said?.name || value.caller || said?.number || "";
  }

  number(value) {
    return value.caller || this.callers.get(value.key)?.number || "";
  }
}

export const FIGURES = ["queued", "answered", "answered_within", "abandoned", "ended", "wait_ms", "handle_ms", "handled"];
