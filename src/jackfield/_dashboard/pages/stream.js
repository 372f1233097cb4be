// The page's one stream of server-sent events. A browser reconnects by itself after a cut, and not after an error
// status, which is why this looks what is wrong then.
import { SECOND } from "./format.js";

export class Stream {
  constructor(address, handlers, { onLost, silence = 0 }) { // silence: seconds after which a quiet server counts as lost
    Object.assign(this, { address, handlers, onLost, silence: silence * SECOND });
    this.heard = performance.now();
    if (silence) setInterval(() => this.watch(), SECOND);
    this.connect();
  }

  connect(address = this.address) {
    this.address = address;
    this.source?.close();
    const mine = new EventSource(address);
    this.source = mine;
    for (const [name, handle] of Object.entries(this.handlers)) {
      mine.addEventListener(name, ({ data }) => {
        if (mine !== this.source) return;
        this.heard = performance.now();
        handle(JSON.parse(data));
      });
    }
    mine.onerror = () => {
      if (mine !== this.source) return;
      this.onLost();
      if (mine.readyState === EventSource.CLOSED) setTimeout(() => this.retry(mine), 3 * SECOND);
    };
  }

  async retry(old) {
    if (old !== this.source) return;
    const answer = await fetch("/settings.json").catch(() => null);
    if (answer?.status === 401) location.reload(); // signed out
    else if (old === this.source) this.connect();
  }

  watch() { // a connection may be dead without an error
    if (performance.now() - this.heard < this.silence) return;
    this.onLost();
    if (performance.now() - this.heard > 4 * this.silence) {
      this.heard = performance.now();
      this.connect();
    }
  }
}
