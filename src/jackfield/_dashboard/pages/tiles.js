// The tiles at the top, and the smaller figures of today beneath them.
import { line, parts } from "./chart.js";
import { NONE, count, duration, element, percent, setAttribute, setText } from "./format.js";
import { tone } from "./figures.js";

const WORD = { warn: ["▲", "warning"], bad: ["■", "breached"] };

function showMark(mark, tone) {
  const [sign, word] = WORD[tone] ?? ["", ""];
  if (mark.title === word) return;
  mark.title = word;
  mark.replaceChildren(`${sign} `, element("b", "", word));
}

class Tile {
  constructor(parent, id, label, extra = "") {
    this.box = parent.appendChild(element("div", `tile ${extra}`.trim()));
    this.box.setAttribute("role", "group");
    this.box.id = `tile-${id}`;
    const title = this.box.appendChild(element("h2", "", label));
    title.id = `tile-${id}-label`;
    this.box.setAttribute("aria-labelledby", title.id);
    this.mark = title.appendChild(element("span", "mark"));
    this.value = this.box.appendChild(element("p", "value", NONE));
    this.note = this.box.appendChild(element("p", "note"));
    this.chart = this.box.appendChild(element("div", "spark"));
  }

  show(value, note, tone = "") {
    setText(this.value, value);
    setText(this.note, note);
    setAttribute(this.box, "data-tone", tone || null);
    showMark(this.mark, tone);
  }
}

const STAFF = [["ready", "ready"], ["busy", "busy"], ["wrapup", "wrap-up"], ["not_ready", "not ready"]];

export class Tiles {
  constructor(parent, facts) {
    this.level = new Tile(parent, "level", "Service level", "with-spark");
    this.waiting = new Tile(parent, "waiting", "Waiting");
    this.longest = new Tile(parent, "longest", "Longest wait");
    this.abandoned = new Tile(parent, "abandoned", "Abandoned");
    this.staff = new Tile(parent, "staff", "Agents", "staff");
    this.staff.value.remove();
    const list = element("dl");
    this.staff.box.insertBefore(list, this.staff.note);
    this.states = STAFF.map(([name, label]) => {
      const box = list.appendChild(element("div", name));
      box.append(element("dt", "", label));
      return [name, box.appendChild(element("dd", "", NONE))];
    });
    this.facts = [["answered", "Answered today"], ["speed", "Average speed of answer"], ["handle", "Average handle time"], ["talking", "With an agent now"]]
      .map(([id, label]) => {
        const box = facts.appendChild(element("div"));
        box.id = `fact-${id}`;
        box.append(element("dt", "", label));
        return [id, box.appendChild(element("dd", "", NONE))];
      });
    this.facts = Object.fromEntries(this.facts);
  }

  // Draws them, and returns which thresholds are breached.
  draw(scope, settings, queueName) {
    const { store } = scope;
    const { thresholds } = settings;
    const today = scope.today();
    const waiting = scope.waiting();
    const staff = scope.staff();
    const feeds = [...store.feeds.values()].filter((each) => !scope.feed || each.name === scope.feed);
    const blind = Boolean(store.lostAt) || (feeds.length > 0 && feeds.every((each) => !each.live));
    const breached = [];
    const toneOf = (label, value, name, options) => {
      const found = blind ? "" : tone(value, thresholds[name], options);
      if (found === "bad") breached.push(label);
      return found;
    };
    for (const each of [this.level, this.waiting, this.longest, this.abandoned, this.staff]) each.box.toggleAttribute("data-stale", blind);

    this.level.show(
      percent(today.serviceLevel),
      today.offered ? `${count(today.answered_within)} of ${count(today.offered)} within ${settings.answer_seconds} s` : `answered within ${settings.answer_seconds} s`,
      toneOf("service level", today.serviceLevel, "service_level", { falling: true }));
    line(this.level.chart, scope.hours(), (each) => each.serviceLevel, "Service level");

    const unlisted = scope.unlisted("contact");
    const unknown = waiting.unconfirmed ? `${count(waiting.unconfirmed)} more unconfirmed` : unlisted.length ? "known so far" : "";
    this.waiting.note.title = unlisted.length ? `${unlisted.join(", ")}: what waited before the connection is not known` : "";
    this.waiting.show(blind ? NONE : count(waiting.count), blind ? "not known now" : unknown || "contacts in queues",
      toneOf("waiting", waiting.count, "waiting"));
    const longest = waiting.since === null || blind ? null : Math.max(0, store.now - waiting.since);
    this.longest.show(longest === null ? NONE : duration(longest),
      blind ? "not known now" : waiting.queue ? queueName(waiting.queue) : "nobody waits",
      toneOf("longest wait", longest, "longest_wait"));
    this.longest.note.title = waiting.queue ? queueName(waiting.queue) : "";
    this.abandoned.show(percent(today.abandonedShare), today.offered ? `${count(today.abandoned)} of ${count(today.offered)} today` : "nobody called yet today",
      toneOf("abandoned", today.abandonedShare, "abandoned"));

    for (const [name, value] of this.states) setText(value, blind ? NONE : count(staff[name]));
    const total = STAFF.reduce((all, [name]) => all + staff[name], 0);
    const away = [staff.logged_off ? `${count(staff.logged_off)} logged off` : "", staff.unknown ? `${count(staff.unknown)} unknown` : "",
      staff.stale ? `${count(staff.stale)} not known now` : "", scope.unlisted("agent").length ? "known so far" : ""].filter(Boolean).join(", ");
    setText(this.staff.note, away);
    const ready = total ? toneOf("ready agents", staff.ready, "ready", { falling: true, including: true }) : "";
    setAttribute(this.staff.box, "data-tone", ready || null);
    showMark(this.staff.mark, ready);
    parts(this.staff.chart, blind ? [] : STAFF.map(([name]) => [name, staff[name]]),
      STAFF.map(([name, label]) => `${staff[name]} ${label}`).join(", "));

    setText(this.facts.answered, count(today.answered));
    setText(this.facts.speed, today.speedOfAnswer === null ? NONE : duration(today.speedOfAnswer));
    setAttribute(this.facts.speed, "data-tone", toneOf("speed of answer", today.speedOfAnswer, "speed_of_answer") || null);
    setText(this.facts.handle, today.handleTime === null ? NONE : duration(today.handleTime));
    setText(this.facts.talking, blind ? NONE : count(scope.talking()));
    return breached;
  }
}
