// The figures at the top and of each queue, derived from the store; the same as `jackfield.state.Totals` says.
import { SECOND } from "./format.js";
import { FIGURES } from "./store.js";

export function sum(all) {
  const made = Object.fromEntries(FIGURES.map((name) => [name, 0]));
  for (const each of all) for (const name of FIGURES) made[name] += each?.[name] ?? 0;
  return made;
}

const share = (part, whole) => (whole ? part / whole : null);

export function derive(totals) {
  const offered = totals.answered + totals.abandoned;
  return {
    ...totals,
    offered,
    serviceLevel: share(totals.answered_within, offered),
    abandonedShare: share(totals.abandoned, offered),
    speedOfAnswer: share(totals.wait_ms / SECOND, totals.answered),
    handleTime: share(totals.handle_ms / SECOND, totals.handled),
  };
}

export class Scope { // all, or what belongs to one feed, one queue
  constructor(store, { feed = "", queue = "" } = {}) {
    Object.assign(this, { store, feed, queue });
  }

  get whole() {
    return !this.feed && !this.queue;
  }

  queues() {
    return [...this.store.queues.values()].filter((each) => (!this.feed || each.feed === this.feed) && (!this.queue || each.key === this.queue));
  }

  agents() {
    return [...this.store.agents.values()].filter((each) => !this.feed || each.feed === this.feed);
  }

  contacts() {
    return [...this.store.contacts.values()].filter(
      (each) => (!this.feed || each.feed === this.feed) && (!this.queue || each.queue === this.queue));
  }

  today(totals = this.store.totals) {
    if (this.whole && totals.has("")) return derive(sum([totals.get("")]));
    return derive(sum(this.queues().map(({ key }) => totals.get(key))));
  }

  hours() { // [[beginning, figures] …], the oldest first
    return [...this.store.hours].sort(([a], [b]) => a - b).map(([at, totals]) => [at, this.today(totals)]);
  }

  waiting() { // what is known; what a gap has made doubtful is counted apart, and what is stale not at all
    const found = { count: 0, unconfirmed: 0, since: null, queue: "" };
    for (const contact of this.contacts()) {
      if (!this.store.waits(contact)) continue;
      const certainty = this.store.certainty(contact);
      if (certainty === "unconfirmed") found.unconfirmed += 1;
      if (certainty !== "live") continue;
      found.count += 1;
      const since = contact.queued_at ?? contact.since;
      if (found.since === null || since < found.since) Object.assign(found, { since, queue: contact.queue });
    }
    return found;
  }

  staff() { // agents by what they do, of those that is known of
    const found = { ready: 0, busy: 0, wrapup: 0, not_ready: 0, logged_off: 0, unknown: 0, stale: 0 };
    for (const agent of this.agents()) {
      if (!this.store.isLive(agent)) found.stale += 1;
      else found[agent.state === "reserved" ? "busy" : agent.state] += 1;
    }
    return found;
  }

  talking() {
    return this.contacts().filter((each) => each.state === "connected" && this.store.isLive(each)).length;
  }

  unlisted(entity) { // feeds of which not every call, contact or agent that there was before is known
    return [...this.store.feeds.values()].filter(
      (each) => each.live && !each.complete?.includes(entity) && (!this.feed || each.name === this.feed)).map(({ name }) => name);
  }

  silent() { // feeds that are down
    return [...this.store.feeds.values()].filter((each) => !each.live && (!this.feed || each.name === this.feed));
  }
}

// "good", "warn" or "bad" by two thresholds; "" for a figure that there is not, or without thresholds. A figure is bad
// from a threshold on; one that should be high, below it, or `including` it.
export function tone(value, thresholds, { falling = false, including = false } = {}) {
  if (value === null || !thresholds?.length) return "";
  const beyond = (limit) => (falling ? value < limit || (including && value === limit) : value >= limit);
  if (beyond(thresholds[1])) return "bad";
  return beyond(thresholds[0]) ? "warn" : "good";
}
