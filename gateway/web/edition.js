// SPDX-License-Identifier: Apache-2.0
// Which edition of the page the gateways serve, by their heartbeats: after an upgrade the page loads itself anew.

const WAIT_MS = 10000; // While an upgrade is under way, gateways of both editions answer.
const RELOADED = "tilewire.edition"; // where the tab keeps for which edition it has reloaded

export class Edition {
  // busy() is true while the page should not go.
  constructor(busy, { reload = () => location.reload() } = {}) {
    Object.assign(this, { busy, reload });
    this.own = null; // that of this page: the first that is told
  }

  heard(edition) {
    this.newest = edition;
    this.own ??= edition;
    if (!edition || edition === this.own || this.timer || sessionStorage.getItem(RELOADED) === edition) return;
    this.timer = setInterval(() => {
      if (this.busy()) return;
      clearInterval(this.timer);
      this.timer = null;
      if (this.newest === this.own) return;
      sessionStorage.setItem(RELOADED, this.newest);
      this.reload();
    }, WAIT_MS);
  }
}
