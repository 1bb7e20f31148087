// SPDX-License-Identifier: Apache-2.0
// One of the pages of a browser that talk to the same gateway leads: it holds the connection for all.
//
// Web Locks make this exact: who holds the lock leads, and the browser passes it on however a page ends. They exist only in
// secure contexts, though, and a gateway is often reached by plain HTTP. There the pages agree by messages: who hears of no
// leader claims the lead; of two claims the smaller id wins; a leader answers each question at once (messages are not
// throttled in hidden pages, timers are), so silence means that it is gone.

const ANSWER_MS = 400;
const ASK_MS = 5000;

export function elect({ name, id, channel, onLead, onResign, locks = globalThis.navigator?.locks }) {
  return locks ? electByLock(name, locks, onLead) : electByMessages(id, channel, onLead, onResign);
}

function electByLock(name, locks, onLead) {
  let release = () => {};
  const abort = new AbortController();
  let left = false;
  // The browser may be about to give the lock to a page that leaves; who is gone must not keep it.
  const held = () => left || new Promise((done) => {
    release = done;
    onLead();
  });
  locks.request(name, { signal: abort.signal }, held).catch(() => {});
  return { take() {}, leave() { left = true; abort.abort(); release(); } };
}

function electByMessages(id, channel, onLead, onResign) {
  let leader = null; // id of the leader as far as known
  let timer = null;
  const say = (type) => channel.postMessage({ type: `election-${type}`, from: id });

  function claim() {
    leader = id;
    say("claim");
    onLead();
    clearTimeout(timer);
    timer = null;
  }

  function ask() {
    say("ask");
    clearTimeout(timer);
    timer = setTimeout(claim, ANSWER_MS * (1 + Math.random()));
  }

  function watch() {
    clearTimeout(timer);
    timer = setTimeout(ask, ASK_MS);
  }

  ask();
  return {
    take({ type, from }) {
      if (type === "election-ask" && leader === id) {
        say("claim");
      } else if (type === "election-claim" && from !== id) {
        if (leader === id && id < from) {
          say("claim");
          return;
        }
        const led = leader === id;
        leader = from;
        if (led) onResign();
        watch();
      } else if (type === "election-leave" && leader === from) {
        leader = null;
        ask();
      }
    },
    leave() {
      clearTimeout(timer);
      if (leader === id) say("leave");
      leader = null;
    },
  };
}
