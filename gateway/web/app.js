// The dashboard: a grid of tiles and a table of the newest events.
import { connect } from "./client/index.js";
import { clock, duration } from "./format.js";
import { Card, Family, element, familyOf } from "./tiles.js";

const EVENTS_SHOWN = 100;
const byId = (id) => document.getElementById(id);

// ---- Tiles ----

const cards = new Map(); // key of a tile or family → Card or Family
let order = []; // keys, as the gateway lists them

function show(tile) {
  const key = familyOf(tile) ?? tile.key;
  const card = cards.get(key);
  if (card && (familyOf(tile) || card.tile.type === tile.type)) {
    card.update(tile);
    return;
  }
  card?.node.remove();
  const made = familyOf(tile) ? new Family(tile) : new Card(tile);
  cards.set(key, made);
  if (!order.includes(key)) order.push(key);
  place(made.node, key);
  filterTiles();
}

// In the order of the list: before the next one that is there.
function place(node, key) {
  const after = order.slice(order.indexOf(key) + 1).map((k) => cards.get(k)?.node).find((n) => n?.isConnected);
  byId("tiles").insertBefore(node, after ?? null);
}

// Puts the cards into the order of the list; those that are in place already stay untouched.
function arrange() {
  let node = byId("tiles").firstElementChild;
  for (const key of order) {
    const wanted = cards.get(key)?.node;
    if (!wanted) continue;
    if (wanted === node) node = node.nextElementSibling;
    else byId("tiles").insertBefore(wanted, node);
  }
}

function remove(key) {
  const family = cards.get(key.split("/")[0]);
  if (family instanceof Family && family.members.has(key)) {
    if (!family.remove(key)) return;
    key = family.key;
  }
  cards.get(key)?.node.remove();
  cards.delete(key);
  byId("empty").hidden = cards.size !== 0;
}

function onTiles(tiles, whole) {
  if (whole) order = [...new Set(live.list().map((t) => familyOf(t) ?? t.key))].sort();
  tiles.forEach(show);
  if (whole) arrange();
  byId("empty").hidden = cards.size !== 0;
}

function filterTiles() {
  const text = byId("search").value.trim().toLowerCase();
  for (const card of cards.values()) card.node.hidden = text !== "" && !card.matches(text);
}

// ---- Events ----

const seen = new Set(); // ids of the rows shown
const waiting = []; // events that came while the table is paused
let paused = false;

function row(event) {
  const cell = (text, name) => element("td", name ? { class: name } : {}, text ?? "");
  const tr = element("tr", { "data-id": event.id, "data-type": event.event_type },
    cell(clock(event.timestamp), "time"), cell(event.event_type, "type"), cell(event.actor_id), cell(event.target_id),
    cell(event.summary, "summary"), cell(String(event.id), "id"));
  tr.hidden = hiddenByFilter(event.event_type);
  return tr;
}

function hiddenByFilter(type) {
  const wanted = byId("type-filter").value;
  return wanted !== "" && wanted !== type;
}

function learnType(type) {
  const select = byId("type-filter");
  if ([...select.options].some((o) => o.value === type)) return;
  const next = [...select.options].slice(1).find((o) => o.value > type);
  select.insertBefore(element("option", { value: type }, type), next ?? null);
}

function onEvents(events, whole) {
  const body = byId("events");
  if (paused) {
    waiting.push(...events);
    waiting.splice(0, waiting.length - EVENTS_SHOWN);
    return;
  }
  if (whole) {
    body.replaceChildren();
    seen.clear();
  }
  for (const event of events) {
    if (seen.has(event.id)) continue;
    seen.add(event.id);
    learnType(event.event_type);
    body.prepend(row(event));
  }
  while (body.children.length > EVENTS_SHOWN) {
    seen.delete(Number(body.lastChild.dataset.id));
    body.lastChild.remove();
  }
}

// ---- Status ----

const words = {
  connecting: "Connecting…", connected: "Connected", reconnecting: "Reconnecting…", stale: "Connected · data is late",
  polling: "Disconnected · polling", disconnected: "Disconnected · no answer",
};
let lateSince = null; // as of when the gateway's data is, while it is behind

function onStatus(status) {
  const pill = byId("status");
  pill.className = `pill ${status}`;
  pill.textContent = words[status];
}

function onHeartbeat(beat) {
  lateSince = beat.lag_ms > 20000 ? Date.now() - beat.lag_ms : null;
}

function tick() {
  for (const card of cards.values()) card.tick();
  byId("as-of").textContent = lateSince ? `${duration(Date.now() - lateSince)} behind` : "";
}

// ---- Page ----

const live = connect({
  transports: ["sse", "long-poll"],
  onTiles: (tiles, { whole }) => onTiles(tiles, whole),
  onExpired: remove,
  onEvents: (events, { reset }) => onEvents(events, reset),
  onStatus,
  onHeartbeat,
});

byId("refresh").addEventListener("click", async () => {
  const button = byId("refresh");
  button.disabled = true;
  try {
    await live.refresh();
    button.textContent = "Refreshed";
  } catch {
    button.textContent = "No answer";
  }
  button.disabled = false;
  setTimeout(() => { button.textContent = "Refresh"; }, 1500);
});

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  byId("pause").textContent = paused ? "Go on" : "Pause";
  if (!paused) onEvents(waiting.splice(0), false);
});

byId("type-filter").addEventListener("change", () => {
  for (const tr of byId("events").children) tr.hidden = hiddenByFilter(tr.dataset.type);
});

byId("search").addEventListener("input", filterTiles);

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  for (const card of cards.values()) card.retheme();
});

setInterval(tick, 1000);
