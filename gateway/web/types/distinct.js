// SPDX-License-Identifier: Apache-2.0
// How many different values there are: drawn as a count, and said when it is an estimate.
import { number } from "../format.js";
import { Count } from "./count.js";

export class Distinct extends Count {
  static inShort({ value, estimate }) {
    return `${estimate ? "≈ " : ""}${number(value)}`;
  }

  describe(data) {
    return `${data.estimate ? "different, about," : "different"} ${super.describe(data)}`.trim();
  }
}
