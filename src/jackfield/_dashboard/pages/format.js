// How values are written. Times are seconds since the epoch, by the server's clock.
export const SECOND = 1000;
export const NONE = "–";

export function element(tag, className = "", text = undefined) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) { // null removes it
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export const count = (value) => value.toLocaleString("en-GB");
export const percent = (share) => (share === null ? NONE : `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`);
export const moment = (text) => (text ? Date.parse(text) / SECOND : null);
const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
export const date = (at) => days.format(at * SECOND);
export const clock = (at) => hours.format(at * SECOND);
export const shortClock = (at) => minutes.format(at * SECOND);

const two = (value) => String(value).padStart(2, "0");

export function duration(seconds) { // as on a stop watch, so that digits stay in their places: 0:07, 3:05, 1:02:07
  const whole = Math.max(0, Math.floor(seconds));
  const inMinutes = Math.floor(whole / 60);
  if (inMinutes < 60) return `${inMinutes}:${two(whole % 60)}`;
  return `${Math.floor(inMinutes / 60)}:${two(inMinutes % 60)}:${two(whole % 60)}`;
}

const WORDS = {
  call: {
    initiated: "new", originated: "dialling", alerting: "ringing", held: "on hold", clearing: "ending", cleared: "ended",
  },
  contact: {
    created: "new", queued: "waiting", offered: "ringing", routed: "ringing", connected: "with agent",
    disconnected: "agent left", dequeued: "left the queue",
  },
  agent: {
    logged_off: "logged off", not_ready: "not ready", reserved: "ringing", wrapup: "wrap-up",
  },
};
export const stateWord = (entity, state) => WORDS[entity]?.[state] ?? state.replaceAll("_", " ");

const TONES = {
  good: ["ready", "connected", "with agent", "subscribed", "listening", "delivering"],
  busy: ["busy", "outside call", "ringing", "dialling", "new", "ending"],
  warn: ["waiting", "wrap-up", "on hold", "left the queue", "agent left", "parked", "connecting", "reconnecting", "retrying", "warning"],
  bad: ["failed", "abandoned", "disconnected", "paused", "disabled", "error"],
};
export const toneOf = (word) => Object.keys(TONES).find((tone) => TONES[tone].includes(word)) ?? "idle";
