// SPDX-License-Identifier: Apache-2.0
// Where tiles and their items lead to, by their definitions.
import { element, setText } from "./dom.js";

// The address that a pattern such as https://tickets.example/{id} stands for; null when it is none of http or https.
export function addressOf(pattern, values) {
  if (!pattern) return null;
  try {
    const { protocol, href } = new URL(pattern.replace(/\{(id|group)\}/g, (_, name) => encodeURIComponent(values[name] ?? "")));
    return /^https?:$/.test(protocol) ? href : null;
  } catch {
    return null;
  }
}

// Sets a node's text, which leads to an item if the tile says where.
export function setLink(node, text, pattern, id) {
  const address = addressOf(pattern, { id, group: id });
  let link = node.firstElementChild;
  if (!address) {
    setText(node, text);
    return;
  }
  if (!link) {
    link = element("a", { target: "_blank", rel: "noopener noreferrer" });
    node.replaceChildren(link);
  }
  setText(link, text);
  if (link.getAttribute("href") !== address) link.href = address;
}
