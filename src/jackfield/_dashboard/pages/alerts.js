// A tone, and a mark in the window's title, when a threshold is breached. Off until somebody switches it on.
import { setText } from "./format.js";

const KEPT = "jackfield-alerts";

export class Alerts {
  constructor(button) {
    this.button = button;
    this.title = document.title;
    this.before = new Set();
    this.sound = null;
    this.set(localStorage.getItem(KEPT) === "on");
    button.addEventListener("click", () => {
      this.set(!this.on);
      if (this.on) this.ring(0.05); // so that one hears that it works; a browser allows sound after a click only
    });
  }

  set(on) {
    this.on = on;
    localStorage.setItem(KEPT, on ? "on" : "off");
    this.button.setAttribute("aria-pressed", String(on));
    setText(this.button, on ? "Alerts on" : "Alerts off");
    if (!on) this.before.clear();
  }

  show(breached) {
    const news = breached.filter((each) => !this.before.has(each));
    this.before = new Set(this.on ? breached : []);
    if (this.on && news.length) this.ring(0.2);
    const title = this.on && breached.length ? `(${breached.length}!) ${breached.join(", ")} · ${this.title}` : this.title;
    if (document.title !== title) document.title = title;
  }

  ring(volume) {
    try {
      this.sound ??= new AudioContext();
      this.rung = (this.rung ?? 0) + 1;
      for (const [at, pitch] of [[0, 660], [0.18, 880]]) {
        const tone = this.sound.createOscillator();
        const gain = this.sound.createGain();
        const start = this.sound.currentTime + at;
        tone.frequency.value = pitch;
        gain.gain.setValueAtTime(volume, start);
        gain.gain.exponentialRampToValueAtTime(0.001, start + 0.16);
        tone.connect(gain).connect(this.sound.destination);
        tone.start(start);
        tone.stop(start + 0.17);
      }
    } catch {
      // there is no sound here; the title says it
    }
  }
}
