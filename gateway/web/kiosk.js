// SPDX-License-Identifier: Apache-2.0
// A screen that nobody touches: no header, awake, and several views one after the other.
import { withParameters } from "./memory.js";

const EVERY_MS = 30000;

// Reads "45s" or "2m", in ms.
function every(text) {
  const [, n, unit] = /^(\d+)(s|m)$/.exec(text ?? "") ?? [];
  return n > 0 ? n * (unit === "m" ? 60000 : 1000) : EVERY_MS;
}

export class Kiosk {
  // show(name) is called when it is another view's turn.
  constructor(show) {
    const query = new URLSearchParams(location.search);
    this.show = show;
    this.names = (query.get("views") ?? "").split(",").filter(Boolean);
    this.everyMs = every(query.get("every"));
    document.addEventListener("visibilitychange", () => this.stayAwake()); // A page that is hidden loses its lock.
    this.stayAwake();
  }

  get on() {
    return document.documentElement.classList.contains("kiosk");
  }

  toggle() {
    const on = document.documentElement.classList.toggle("kiosk");
    history.replaceState(null, "", location.pathname + withParameters(location.search, { kiosk: on ? "1" : "" }) + location.hash);
    if (on) this.stayAwake();
    else this.lock?.release();
    this.turn();
  }

  async stayAwake() {
    if (!this.on || document.hidden || !navigator.wakeLock) return;
    this.lock = await navigator.wakeLock.request("screen").catch(() => null); // The browser may refuse, with a low battery.
  }

  // Shows one view after the other, of those that the address names and that exist.
  turn(known = this.known ?? []) {
    this.known = known;
    clearInterval(this.timer);
    const names = this.names.filter((name) => known.includes(name));
    if (!this.on || names.length === 0) return;
    let i = 0;
    this.show(names[0]);
    this.timer = setInterval(() => this.show(names[++i % names.length]), this.everyMs);
  }
}
