// SPDX-License-Identifier: Apache-2.0
// The gateway's clock, by which all times in tiles are: this machine's may be wrong by minutes.

const KEPT = 4; // heartbeats

export class GatewayClock {
  constructor(env) {
    this.env = env;
    this.skews = []; // the gateway's clock minus ours in ms, by the newest heartbeats
    this.about = 0; // the same, about, by the header Date of an answer, until there is a heartbeat
  }

  // A heartbeat says what time it is. One that was held up on its way says too little, so of some the greatest counts.
  tell(ms) {
    if (Number.isNaN(ms)) return;
    this.skews.push(ms - this.env.now());
    if (this.skews.length > KEPT) this.skews.shift();
  }

  // An answer says it in whole seconds.
  tellAbout(ms) {
    if (!Number.isNaN(ms)) this.about = ms + 500 - this.env.now();
  }

  get skewMs() {
    return this.skews.length ? Math.max(...this.skews) : this.about;
  }

  now() {
    return this.env.now() + this.skewMs;
  }
}
