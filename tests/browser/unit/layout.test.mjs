// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Layout } from "../../../gateway/web/layout.js";

test("a layout comes back from its URL", () => {
  const search = "?theme=x&order=b,a,by%20region&hidden=c&size=a:2,b:3x2";
  const layout = new Layout(search);
  assert.deepEqual(layout.sort(["a", "b", "c", "by region", "d"]), ["b", "a", "by region", "c", "d"]);
  assert.deepEqual(layout.sizes.get("b"), { width: 3, height: 2 });
  assert.ok(layout.hidden.has("c"));
  const again = new Layout(layout.search("?theme=x"));
  assert.deepEqual([again.order, [...again.hidden], [...again.sizes]], [layout.order, [...layout.hidden], [...layout.sizes]]);
  assert.match(layout.search("?theme=x"), /theme=x/);
});

test("nonsense in the URL is passed over", () => {
  const layout = new Layout("?size=a:99x-4,b:x,:2,,c&order=,,&hidden=");
  assert.deepEqual(layout.sizes.get("a"), { width: 4, height: 1 });
  assert.deepEqual(layout.sizes.get("b"), { width: 1, height: 1 });
  assert.equal(layout.order.length, 0);
  assert.doesNotThrow(() => new Layout("?order=%E0%A4%A&hidden=%25zz&size=%25zz:2"));
});

test("cards move one place at a time, past hidden ones", () => {
  const layout = new Layout("?hidden=b");
  const keys = ["a", "b", "c", "d"];
  layout.shift("c", -1, keys);
  assert.deepEqual(layout.sort(keys), ["c", "a", "b", "d"]);
  layout.shift("c", -1, keys);
  assert.deepEqual(layout.sort(keys), ["c", "a", "b", "d"]);
  layout.shift("c", 1, keys);
  assert.deepEqual(layout.sort(keys).filter((k) => k !== "b"), ["a", "c", "d"]);
  layout.shift("d", 1, keys);
  assert.equal(layout.sort(keys).at(-1), "d");
});

test("what needs attention comes first, unless the address says that it stays in its place", () => {
  const ranks = { b: 1, d: 2 };
  const rankOf = (key) => ranks[key] ?? 0;
  const first = new Layout("?order=c");
  assert.deepEqual(first.sort(["a", "b", "c", "d"], rankOf), ["d", "b", "c", "a"]);
  assert.equal(first.search(""), "?order=c");
  const inPlace = new Layout("?order=c&trouble=inplace");
  assert.deepEqual(inPlace.sort(["a", "b", "c", "d"], rankOf), ["c", "a", "b", "d"]);
  assert.equal(inPlace.search(""), "?order=c&trouble=inplace");
});
