// SPDX-License-Identifier: Apache-2.0
// A number that is made of the values of rows: drawn as a count, and said what it is of them.
import { Count } from "./count.js";

const names = { sum: "sum", avg: "average", min: "smallest", max: "largest", last: "latest" };

export class Aggregate extends Count {
  describe(data) {
    return `${names[data.aggregate] ?? data.aggregate} ${super.describe(data)}`.trim();
  }
}
