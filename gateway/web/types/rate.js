// SPDX-License-Identifier: Apache-2.0
// Events in a second, a minute or an hour, or by how much counters grow in one: drawn as a count.
import { number } from "../format.js";
import { Count } from "./count.js";

export class Rate extends Count {
  describe(data) {
    if (data.value === undefined) return "nothing to compare yet";
    const series = data.series > 1 ? `of ${number(data.series)} counters` : "";
    return `per ${data.per} ${series} ${super.describe(data)}`.replace(/ +/g, " ").trim();
  }
}
