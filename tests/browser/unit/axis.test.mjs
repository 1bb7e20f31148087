// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { axisTexts, factorFor, range } from "../../../gateway/web/axis.js";

test("an axis has 0, and room beyond the values on either side", () => {
  assert.deepEqual(range(5, 10), [0, 11]);
  assert.deepEqual(range(-10, -5), [-11, 0]);
  assert.deepEqual(range(-10, 10), [-12, 12]);
  assert.deepEqual(range(0, 0), [0, 1]);
  assert.deepEqual(range(null, null), [0, 1]);
});

test("the labels of an axis differ from one another at every size", () => {
  const texts = (step, from = 0) => axisTexts([0, 1, 2, 3].map((n) => (from + n) * step));
  assert.deepEqual(texts(1e5), ["0", "100,000", "200,000", "300,000"]);
  assert.deepEqual(texts(5e13), ["0", "50T", "100T", "150T"]);
  assert.deepEqual(texts(1e-5), ["0", "0.00001", "0.00002", "0.00003"]);
  assert.deepEqual(texts(2.5), ["0", "2.5", "5", "7.5"]);
  assert.deepEqual(texts(10, -3), ["-30", "-20", "-10", "0"]);
  for (let tens = -300; tens < 300; tens++) {
    for (const n of [1, 2, 2.5, 5]) assert.equal(new Set(texts(Number(`${n}e${tens}`))).size, 4, `${n}e${tens}`);
  }
  assert.deepEqual(axisTexts([0]), ["0"]);
  assert.deepEqual(axisTexts([]), []);
});

test("what is very large or very small is drawn as a multiple of a power of ten", () => {
  assert.equal(factorFor([1, 99999, null]), 1);
  assert.equal(factorFor([]), 1);
  assert.equal(factorFor([3e250]), 1e250);
  assert.equal(factorFor([-2e-30, 0]), 1e-30);
  assert.ok(2 / factorFor([5e-324]) < Infinity);
});
