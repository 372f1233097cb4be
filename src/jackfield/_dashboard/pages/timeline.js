// One contact from its first event to its last, as the server tells it.
import { clock, date, duration, element, moment, setText } from "./format.js";

const SAID = {
  "call.initiated": "Call came in", "call.originated": "Call began", "call.alerting": "Ringing", "call.connected": "Call answered",
  "call.bridged": "Call bridged", "call.held": "On hold", "call.retrieved": "Taken off hold", "call.transferred": "Transferred",
  "call.parked": "Parked", "call.unparked": "Taken from parking", "call.clearing": "Call ending", "call.cleared": "Call ended", "call.failed": "Call failed",
  "contact.created": "Contact began", "contact.queued": "Queued", "contact.dequeued": "Left the queue", "contact.routed": "Sent to an agent",
  "contact.connected": "With an agent", "contact.disconnected": "Agent's part ended", "contact.abandoned": "Caller gave up", "contact.ended": "Contact ended",
  "offer.created": "Offered to an agent", "offer.rejected": "Agent declined", "offer.rescinded": "Offer withdrawn",
  "agent.wrapup_started": "Wrap-up began", "agent.wrapup_ended": "Wrap-up ended",
  "stream.gap_suspected": "Events may be missing", "stream.not_verified": "Not verified",
};

const inWords = (kind) => { // flow.step_executed: Flow step executed
  const text = kind.replace(/[._]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

const PROBLEMS = {
  403: "This token does not show it.",
  404: "There is no such contact in the journal any more.",
  501: "Timelines need a journal on the disk: [gateway] journal names none.",
};

export class TimelineDialog {
  constructor(dialog, named) { // `named` puts names in place of ids
    Object.assign(this, { dialog, named });
    this.asked = 0;
    this.entries = dialog.querySelector("ol");
    this.summary = dialog.querySelector("p");
    this.heading = dialog.querySelector("h2");
    dialog.querySelector("button").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  }

  async open(what, heading) { // a correlation, or a number
    const mine = ++this.asked;
    setText(this.heading, heading);
    setText(this.summary, "Reading…");
    this.entries.replaceChildren();
    if (!this.dialog.open) this.dialog.showModal();
    const answer = await fetch(`/v1/contacts/${encodeURIComponent(what)}`).catch(() => null);
    if (mine !== this.asked) return;
    if (answer?.ok) this.show((await answer.json()).contacts);
    else setText(this.summary, PROBLEMS[answer?.status] ?? "The server did not answer. Close this and try again.");
  }

  show(contacts) { // the newest last, as the server says them
    const feeds = [...new Set(contacts.flatMap(({ entries }) => entries.map(({ feed }) => feed)))];
    const [{ waited, handled }] = contacts.slice(-1);
    const spans = [waited === null ? "" : `Waited ${duration(waited)}`, handled === null ? "" : `with an agent ${duration(handled)}`];
    const many = contacts.length > 1 ? `The last ${contacts.length} contacts, the newest first` : spans.filter(Boolean).join(", ");
    setText(this.summary, [many, feeds.join(", ")].filter(Boolean).join(" · "));
    for (const { entries } of [...contacts].reverse()) {
      if (contacts.length > 1) this.entries.append(element("li", "day", date(moment(entries[0].at))));
      for (const entry of entries) this.entries.append(this.line(entry));
    }
  }

  line({ at, after, kind, feed, text }) {
    const item = element("li");
    if (kind.startsWith("stream.")) item.dataset.tone = "warn";
    const what = element("span", "what", SAID[kind] ?? inWords(kind));
    what.title = `${kind} · ${feed}`;
    item.append(element("time", "", clock(moment(at))), element("span", "after", after >= 1 ? `+${duration(after)}` : ""), what, element("span", "who", this.named(text)));
    return item;
  }
}
