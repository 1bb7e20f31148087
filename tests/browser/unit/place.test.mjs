// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../../../gateway/web/place.js";

// Draws where items stand: one letter each, "." for an empty cell.
function drawn(items, columns, full) {
  const rows = [];
  place(items, columns, full).forEach(({ row, column, width, height }, i) => {
    for (let r = row; r < row + height; r++) {
      rows[r] ??= new Array(columns).fill(".");
      for (let c = column; c < column + width; c++) {
        assert.equal(rows[r][c], ".", `item ${i} lies on another one`);
        rows[r][c] = items[i].heading ? "#" : String.fromCharCode(97 + i);
      }
    }
  });
  return Array.from(rows, (row) => (row ?? []).join(""));
}

const card = (width = 1, height = 1, fixed = false) => ({ width, height, fixed });

test("each card stands at the first place that has room for it", () => {
  assert.deepEqual(drawn([card(2), card(3), card(), card()], 4, false), ["aacd", "bbb."]);
  assert.deepEqual(drawn([card(9)], 4, false), ["aaaa"]);
});

test("the cards of a row that is not full share what is left of it", () => {
  assert.deepEqual(drawn([card(), card(), card(), card(), card()], 4), ["abcd", "eeee"]);
  assert.deepEqual(drawn([card(), card(2)], 8), ["aaaabbbb"]);
});

test("beside a tall card the others fill what is empty", () => {
  assert.deepEqual(drawn([card(1, 2), card(), card(), card()], 4), ["abcd", "abcd"]);
  assert.deepEqual(drawn([card(1, 2), card(), card(), card(), card()], 4), ["abcd", "aeee"]);
});

test("a size that somebody has chosen stays", () => {
  assert.deepEqual(drawn([card(1, 1, true)], 4), ["a..."]);
  assert.deepEqual(drawn([card(), card(), card(), card(), card(1, 1, true), card()], 4), ["abcd", "efff"]);
});

test("no card stands above the heading of its group", () => {
  assert.deepEqual(drawn([card(), { heading: true }, card(2), card(), card(), { heading: true }, card()], 4), ["aaaa", "####", "ccde", "####", "gggg"]);
});

test("whatever comes, nothing lies on anything else, and hardly a cell is empty", () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  let [cells, empty] = [0, 0];
  for (let round = 0; round < 500; round++) {
    const columns = 1 + random(8);
    const items = Array.from({ length: 1 + random(20) }, () => (random(9) === 0 ? { heading: true } : card(1 + random(4), 1 + random(2))));
    const rows = drawn(items, columns, true);
    cells += columns * rows.length;
    empty += rows.join("").split(".").length - 1;
  }
  assert.ok(empty < cells / 100, `${empty} of ${cells}`); // Where tall and wide ones lock, no rectangle fills what is left.
});
