// One contact from its first event to its last, as the server tells it.
import { NONE, clock, duration, element, moment, setText } from "./format.js";

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

const seconds = (value) => (typeof value === "number" ? value : null);

export class TimelineDialog {
  constructor(dialog) {
    this.dialog = dialog;
    this.asked = 0;
    this.entries = dialog.querySelector("ol");
    this.summary = dialog.querySelector("p");
    this.heading = dialog.querySelector("h2");
    dialog.querySelector("button").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  }

  async open(correlation, heading) {
    const mine = ++this.asked;
    setText(this.heading, heading);
    setText(this.summary, "Reading…");
    this.entries.replaceChildren();
    if (!this.dialog.open) this.dialog.showModal();
    const answer = await fetch(`/v1/contacts/${encodeURIComponent(correlation)}`).catch(() => null);
    if (mine !== this.asked) return;
    if (answer?.status === 404) return void setText(this.summary, "The journal has no event of it any more.");
    if (!answer?.ok) return void setText(this.summary, "The server did not answer. Close this and try again.");
    this.show(await answer.json());
  }

  show({ entries, waited, handled }) {
    const [wait, had] = [seconds(waited), seconds(handled)];
    const said = [`Waited ${wait === null ? NONE : duration(wait)}`, `with an agent ${had === null ? NONE : duration(had)}`];
    const feeds = [...new Set(entries.map(({ feed }) => feed))];
    setText(this.summary, `${said.join(", ")} · ${feeds.join(", ")}`);
    for (const { at, after, kind, feed, text } of entries) {
      const item = this.entries.appendChild(element("li"));
      if (kind.startsWith("stream.")) item.dataset.tone = "warn";
      item.append(element("time", "", clock(moment(at))));
      item.append(element("span", "after", seconds(after) ? `+${duration(after)}` : ""));
      const what = item.appendChild(element("span", "what", SAID[kind] ?? kind));
      what.title = `${kind} · ${feed}`;
      item.append(element("span", "who", text));
    }
  }
}
