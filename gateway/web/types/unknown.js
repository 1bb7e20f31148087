// SPDX-License-Identifier: Apache-2.0
// A tile of a type that this page does not know yet: its data as it is.
import { element, setText } from "../dom.js";

export class Unknown {
  constructor(body) {
    this.text = element("pre");
    body.append(this.text);
  }

  update({ data }) {
    setText(this.text, JSON.stringify(data, null, 1));
  }
}
