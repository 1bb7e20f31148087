// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../backoff.js";
import { Events } from "../events.js";
import { Tiles, compareVersions, keyMatcher, mergePatch } from "../tiles.js";

const tile = (key, version, more = {}) => ({ key, version, type: "count", updated_at: version, stale: false, data: { value: 1 }, ...more });

test("merge patches: the examples of RFC 7396", () => {
  const cases = [
    [{ a: "b" }, { a: "c" }, { a: "c" }], [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }], [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }], [{ a: ["b"] }, { a: "c" }, { a: "c" }], [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }], [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [["a", "b"], ["c", "d"], ["c", "d"]], [{ a: "b" }, ["c"], ["c"]], [{ a: "foo" }, null, null], [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }], [[1, 2], { a: "b", c: null }, { a: "b" }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of cases) {
    const before = structuredClone(target);
    assert.deepEqual(mergePatch(target, patch), result);
    assert.deepEqual(target, before, "the target stays whole");
  }
});

test("merge patches: names that every object inherits are members like others", () => {
  const apply = (target, patch) => JSON.stringify(mergePatch(JSON.parse(target), JSON.parse(patch)));
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
  for (const name of names) {
    assert.equal(apply("{}", `{"${name}":1}`), `{"${name}":1}`);
    assert.equal(apply('{"a":1}', `{"${name}":{"b":2}}`), `{"a":1,"${name}":{"b":2}}`);
    assert.equal(apply(`{"${name}":{"a":1}}`, `{"${name}":{"b":2}}`), `{"${name}":{"a":1,"b":2}}`);
    assert.equal(apply(`{"${name}":{"a":1},"c":3}`, `{"${name}":{"a":null}}`), `{"${name}":{},"c":3}`);
    assert.equal(apply(`{"${name}":1,"c":3}`, `{"${name}":null}`), '{"c":3}');
    assert.equal(apply(`{"${name}":1}`, '{"c":3}'), `{"${name}":1,"c":3}`);
    const merged = mergePatch({ data: {} }, JSON.parse(`{"data":{"${name}":{"polluted":true}}}`));
    assert.ok(Object.hasOwn(merged.data, name));
    assert.equal(merged.data.polluted, undefined, "no member of another object shows through");
    assert.equal(Object.getPrototypeOf(merged.data), Object.prototype);
    assert.equal({}.polluted, undefined);
    assert.equal(JSON.stringify(structuredClone(merged)), JSON.stringify(merged), "other tabs hear the same");
  }
});

test("versions are compared as numbers of base 36, epoch first", () => {
  assert.ok(compareVersions("a-z", "a-10") < 0);
  assert.ok(compareVersions("a-zz", "b-1") < 0);
  assert.equal(compareVersions("tlw2k1-3f9", "tlw2k1-3f9"), 0);
});

test("patterns", () => {
  const matches = keyMatcher(["orders.*", "a+b"]);
  assert.ok(matches("orders.open") && matches("a+b") && !matches("ordersXopen") && !matches("aab"));
  assert.ok(keyMatcher(null)("anything"));
});

test("a tile never goes back to an older version", () => {
  const tiles = new Tiles();
  assert.ok(tiles.put(tile("a", "1-5")));
  assert.equal(tiles.put(tile("a", "1-4")), null);
  assert.equal(tiles.put(tile("a", "1-5")), null);
  assert.ok(tiles.put(tile("a", "1-5", { stale: true })), "the same version turned stale");
  assert.ok(tiles.put(tile("a", "2-1")));
});

test("a patch is taken on its base only", () => {
  const tiles = new Tiles();
  tiles.put(tile("a", "1-5", { data: { points: { 1: 1, 2: 2 } }, stale: true }));
  const patch = (base, version, change) => tiles.patch({ key: "a", base, version, as_of: {}, patch: change });
  assert.equal(patch("1-4", "1-6", {}), undefined);
  assert.equal(tiles.patch({ key: "unheard", base: "1-1", version: "1-2", patch: {} }), undefined);
  assert.deepEqual(patch("1-5", "1-6", { data: { points: { 1: null, 3: 3 } } }).data, { points: { 2: 2, 3: 3 } });
  assert.equal(tiles.byKey.get("a").stale, false);
  assert.equal(patch("1-5", "1-6", {}), null, "a repeated patch changes nothing");
});

test("a patch brings a state that is called __proto__ into a tile", () => {
  const tiles = new Tiles();
  tiles.put(tile("a", "1-5", { data: { total: 1, buckets: { open: 1 } } }));
  const patched = tiles.patch(JSON.parse('{"key":"a","base":"1-5","version":"1-6","as_of":{},"patch":{"data":{"total":3,"buckets":{"__proto__":2}}}}'));
  assert.deepEqual(Object.entries(patched.data.buckets), [["open", 1], ["__proto__", 2]]);
});

test("a list removes what it lacks, but not what came while it was on its way", () => {
  const tiles = new Tiles();
  tiles.put(tile("old", "1-1"));
  tiles.put(tile("gone", "1-2"));
  tiles.expectList();
  tiles.put(tile("new", "1-9"));
  tiles.expire("gone");
  const { tiles: changed, gone } = tiles.takeList([tile("listed", "1-3"), tile("gone", "1-2")]);
  assert.deepEqual(changed.map((t) => t.key), ["listed"]);
  assert.deepEqual(gone, ["old"]);
  assert.deepEqual([...tiles.byKey.keys()].sort(), ["listed", "new"]);
});

const ev = (id) => ({ id });
const ids = (list) => list.map((e) => e.id);

test("events: each once, in order, whatever way they come", () => {
  const events = new Events(100);
  events.expectList();
  events.put(ev(4)); // by the stream, while the list is on its way
  assert.deepEqual(events.takeList([1, 2, 3].map(ev)).reset, true);
  assert.deepEqual(ids(events.newest()), [1, 2, 3, 4]);
  assert.equal(events.put(ev(4)), false);
  events.expectList();
  const change = events.takeList([3, 4, 5, 6].map(ev));
  assert.deepEqual([ids(change.fresh), change.reset], [[5, 6], false]);
  events.expectList();
  assert.deepEqual(events.takeList([5, 6].map(ev)), { fresh: [], reset: false });
});

test("events: behind which to go on, also when the last one was known and came again in another order", () => {
  const events = new Events(100);
  assert.equal(events.resumeAfter(), "");
  events.expectList();
  events.takeList([]);
  assert.equal(events.resumeAfter(), "0");
  for (const id of ["a-1", "b-1"]) events.put(ev(id));
  assert.equal(events.resumeAfter(), "b-1");
  assert.equal(events.put({ id: "a-1", redelivered: 1795411920123 }), false);
  assert.equal(events.resumeAfter(), "a-1~1795411920123");
  events.expectList();
  assert.equal(events.takeList([{ id: "b-1", redelivered: 7 }, { id: "a-1", redelivered: 7 }]).fresh.length, 0);
  assert.equal(events.resumeAfter(), "a-1~7");
  events.put(ev("a-2"));
  assert.equal(events.resumeAfter(), "a-2");
});

test("events: ids beyond 2^53 - 1 are text, and each is its own", () => {
  const events = new Events(3);
  const all = ["9007199254740992", "9007199254740993", "9007199254740994", "9223372036854775806", "9223372036854775807"].map(ev);
  events.expectList();
  assert.equal(events.takeList([ev(9007199254740991), ...all.slice(0, 2)]).fresh.length, 3);
  for (const event of all) assert.equal(events.put(event), !all.slice(0, 2).includes(event));
  for (const event of all) assert.ok(events.tell(event) && !events.tell(event));
  assert.deepEqual(ids(events.newest()), ids(all.slice(-3)));
  assert.equal(events.ids.size, events.list.length, "what leaves the list is forgotten");
});

test("events: a gap is shown as a list that begins anew", () => {
  const events = new Events(100);
  [1, 2].forEach((id) => events.put(ev(id)));
  events.expectList();
  const change = events.takeList([50, 51].map(ev));
  assert.equal(change.reset, true);
  assert.deepEqual(ids(events.newest()), [50, 51]);
});

test("events: what was missed before what came meanwhile is put in its place", () => {
  const events = new Events(100);
  [1, 2].forEach((id) => events.put(ev(id)));
  events.expectList();
  events.put(ev(5));
  const change = events.takeList([2, 3, 4].map(ev));
  assert.deepEqual([ids(change.fresh), change.reset], [[3, 4], true]);
  assert.deepEqual(ids(events.newest()), [1, 2, 3, 4, 5]);
});

test("events: late ones keep the order of their delivery", () => {
  const events = new Events(100);
  [1, 3, 2].forEach((id) => events.put(ev(id)));
  events.expectList();
  events.takeList([1, 3, 2, 5, 4].map(ev));
  assert.deepEqual(ids(events.newest()), [1, 3, 2, 5, 4]);
});

test("events: a table that began anew replaces what was known", () => {
  const events = new Events(100);
  [1, 2, 3].forEach((id) => events.put({ id, timestamp: "before" }));
  events.expectList();
  const change = events.takeList([1, 2].map((id) => ({ id, timestamp: "after" })));
  assert.equal(change.reset, true);
  assert.deepEqual(events.newest().map((e) => `${e.id} ${e.timestamp}`), ["1 after", "2 after"]);
});

test("events: a gateway that is behind shows less for a while, and tells nothing twice", () => {
  const events = new Events(100);
  [1, 2, 3].forEach((id) => assert.ok(events.put(ev(id)) && events.tell(ev(id))));
  events.expectList();
  events.takeList([1, 2].map(ev));
  assert.deepEqual(ids(events.newest()), [1, 2]);
  assert.ok(events.put(ev(3)), "is listed again");
  assert.ok(!events.tell(ev(3)), "but not told again");
  for (let id = 4; id < 2000; id++) events.tell(ev(id));
  assert.equal(events.seen.size, 500);
});

test("a million updates hold no more than a few", () => {
  const events = new Events(100);
  const tiles = new Tiles();
  for (let i = 1; i <= 1e6; i++) {
    events.put(ev(i));
    if (i % 4 === 0) tiles.put(tile(`t${i % 32}`, `1-${i.toString(36)}`));
  }
  assert.ok(events.list.length < 200 && events.ids.size === events.list.length);
  assert.equal(tiles.byKey.size, 8);
});

test("backoff: 1, 2, 4, 8, 16, 30, 30 s, less a tenth at most", () => {
  [1000, 2000, 4000, 8000, 16000, 30000, 30000].forEach((ms, n) => {
    assert.equal(backoffMs(n, 1), ms);
    assert.ok(Math.abs(backoffMs(n, 0) - 0.9 * ms) < 1e-6);
  });
});
