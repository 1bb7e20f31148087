// SPDX-License-Identifier: Apache-2.0
// The dashboard: a grid of tiles and a table of the newest events, kept current by the client.
import { connect } from "./client/index.js";
import { Detail } from "./detail.js";
import { element, setText } from "./dom.js";
import { EventsTable } from "./events-table.js";
import { clock, duration, setTimeZone } from "./format.js";
import { Edition } from "./edition.js";
import { Kiosk } from "./kiosk.js";
import { Layout } from "./layout.js";
import { Marks } from "./marks.js";
import { remembered, withParameters } from "./memory.js";
import { place } from "./place.js";
import { Card, Family, familyOf } from "./tiles.js";
import { Trouble } from "./trouble.js";
import { drawingOf } from "./types.js";
import { World } from "./world.js";

const byId = (id) => document.getElementById(id);
const cardOf = (tile) => familyOf(tile) ?? tile.key; // the key of the card that shows a tile

setTimeZone(new URLSearchParams(location.search).get("tz"));

let dragged = null; // the card that is being dragged
const cards = new Map(); // key of a tile or family → Card or Family
const layout = new Layout(location.search);
const world = new World();
world.marks = new Marks(async (types) => (await (await fetch(`api/events?${new URLSearchParams({ types, limit: 100 })}`)).json()).events, retheme);
const detail = new Detail(byId("detail"), world, rearrange);
const table = new EventsTable({ body: byId("events"), filter: byId("type-filter"), pause: byId("pause") });
const trouble = new Trouble({ ribbon: byId("trouble"), news: byId("news"), icon: document.querySelector('link[rel="icon"]'), sound: byId("sound"), world, go });
const groups = new Map(); // "by=value" → its option
const kiosk = new Kiosk(showView);
const views = new Map(); // name → the query that it stands for

// ---- Tiles ----

function show(tile) {
  const key = cardOf(tile);
  const card = cards.get(key);
  if (card && (familyOf(tile) || card.tile.type === tile.type)) {
    card.update(tile);
  } else {
    card?.destroy();
    const made = familyOf(tile) ? new Family(tile, world) : new Card(tile, world);
    cards.set(key, made);
    made.node.querySelector(".card-head").draggable = true; // and not the whole card, whose texts can be selected
    byId("tiles").append(made.node);
  }
  learnGroup(tile.group);
  detail.update(tile);
  return !card;
}

function onTiles(tiles, whole) {
  let anew = false;
  for (const tile of tiles) {
    if (!whole && cards.has(cardOf(tile))) detail.arrived(tile);
    anew = show(tile) || anew;
  }
  const changed = tiles.some((tile) => trouble.concerns(tile)) && tellTrouble();
  if ((anew || grown()) && !changed) arrange();
  tellEmpty();
}

// True when a family has got more rows than have room in one row of the grid, or fewer.
function grown() {
  return [...cards].some(([key, card]) => !layout.sizes.has(key) && card.node.classList.contains("h2") !== Boolean(card.tall));
}

// Shows what needs attention, and puts the cards into their places when that has changed. Returns true then.
function tellTrouble() {
  const changed = trouble.update(live.list().filter((tile) => !layout.hidden.has(cardOf(tile))));
  if (changed) arrange();
  return changed;
}

// Leads to the card of a tile.
function go(tile) {
  const card = cards.get(cardOf(tile));
  if (!card || card.node.hidden) return open(cardOf(tile));
  card.node.scrollIntoView({ block: "center", behavior: "smooth" });
  return card.title.focus({ preventScroll: true });
}

function remove(key) {
  detail.forget(key);
  removeCard(key);
  if (trouble.known.has(key)) tellTrouble();
}

function removeCard(key) {
  const family = cards.get(key.split("/")[0]);
  if (family instanceof Family && family.members.has(key)) {
    if (!family.remove(key)) return;
    key = family.key;
  }
  cards.get(key)?.destroy();
  cards.delete(key);
  if (headings.size) arrange();
  tellEmpty();
}

// ---- Layout ----

const headings = new Map(); // group → its heading

const groupOf = (card) => card.tile.display?.group ?? "";
const orderOf = (card) => card.tile.display?.order ?? Number.MAX_SAFE_INTEGER;

// Where cards stand by the file: in its order, those of one group together where its first one is, those of none before all.
function learnPlaces() {
  const firsts = new Map([["", -1]]);
  for (const card of cards.values()) firsts.set(groupOf(card), Math.min(firsts.get(groupOf(card)) ?? Infinity, orderOf(card)));
  layout.placeOf = (key) => {
    const card = cards.get(key);
    return card ? { section: firsts.get(groupOf(card)), order: orderOf(card) } : { section: -1, order: Number.MAX_SAFE_INTEGER };
  };
  for (const [group, heading] of headings) if (!firsts.has(group)) heading.remove();
  byId("tiles").classList.toggle("sections", firsts.size > 1);
}

// The heading of a group, which is made when there is none yet.
function headingOf(group) {
  if (!headings.has(group)) headings.set(group, element("h2", { class: "heading" }, group));
  return headings.get(group);
}

// The cards with the headings between them, in the order in which they stand. What comes first for its trouble has no heading.
function placed() {
  const ranks = new Map([...cards].map(([key, card]) => [key, card.rank]));
  const nodes = [];
  let last = "";
  learnPlaces();
  for (const key of layout.sort(cards.keys(), (one) => ranks.get(one))) {
    const group = layout.troubleFirst && ranks.get(key) ? "" : groupOf(cards.get(key));
    if (group !== last && group) nodes.push(headingOf(group));
    last = group;
    nodes.push(cards.get(key).node);
  }
  for (const heading of headings.values()) if (!nodes.includes(heading)) heading.remove();
  return nodes;
}

function setSize(key) {
  const { node } = cards.get(key);
  const { width, height } = sizeOf(key);
  for (const name of [...node.classList]) if (/^[wh]\d$/.test(name)) node.classList.remove(name);
  node.classList.add(`w${width}`, `h${height}`);
}

// Puts the cards into their places. Those that are in place already stay untouched.
function arrange() {
  if (dragged) return;
  for (const key of cards.keys()) setSize(key);
  let at = byId("tiles").firstElementChild;
  for (const node of placed()) {
    if (node === at) at = at.nextElementSibling;
    else byId("tiles").insertBefore(node, at);
  }
  filter();
}

function sizeOf(key) {
  return layout.sizes.get(key) ?? { width: drawingOf(cards.get(key).tile.type).width ?? 1, height: cards.get(key).tall ? 2 : 1 };
}

// Gives each card its cells. On a phone numbers stand two by two, and all else has a row of its own.
function settle() {
  const columns = getComputedStyle(byId("tiles")).gridTemplateColumns.split(" ").length;
  const phone = matchMedia("(max-width: 620px)").matches;
  const nodes = [...byId("tiles").children].filter((node) => !node.hidden);
  const items = nodes.map(({ dataset: { key } }) => {
    if (key === undefined) return { heading: true };
    const { width, height } = sizeOf(key);
    const fixed = layout.sizes.has(key);
    return phone ? { width: width === 1 && drawingOf(cards.get(key).tile.type).single && cards.get(key) instanceof Card ? 1 : 2, height: 1, fixed: false } : { width, height, fixed };
  });
  place(items, columns, byId("search").value === "").forEach(({ row, column, width, height }, i) => {
    nodes[i].style.gridArea = `${row + 1} / ${column + 1} / span ${height} / span ${width}`;
    nodes[i].style.setProperty("--most", height > 1 ? "132px" : "62px"); // the size of its number
  });
}

new ResizeObserver(settle).observe(byId("tiles"));

function saveLayout() {
  history.replaceState(null, "", location.pathname + layout.search(location.search) + location.hash);
  arrange();
}

function rearrange(what, key) {
  const { width, height } = sizeOf(key);
  if (what === "earlier") layout.shift(key, -1, [...cards.keys()]);
  else if (what === "later") layout.shift(key, 1, [...cards.keys()]);
  else if (what === "wider") layout.resize(key, { width: width + 1, height });
  else if (what === "narrower") layout.resize(key, { width: width - 1, height });
  else if (what === "height") layout.resize(key, { width, height: height === 1 ? 2 : 1 });
  else if (what === "hide") layout.hidden.add(key);
  saveLayout();
  tellTrouble();
}

// Shows the cards that are not hidden, that the search finds, and that are of the chosen group.
function filter() {
  const text = byId("search").value.trim().toLowerCase();
  const chosen = byId("group").value;
  const group = chosen ? JSON.parse(chosen) : null;
  for (const [key, card] of cards) {
    card.node.hidden = layout.hidden.has(key) || layout.leavesOut(key) || (text !== "" && !card.matches(text)) || !card.filter(group);
  }
  for (const [name, heading] of headings) heading.hidden = ![...cards.values()].some((card) => groupOf(card) === name && !card.node.hidden);
  tellEmpty();
  const hidden = [...layout.hidden].filter((key) => cards.has(key)).length;
  const changed = hidden || layout.order.length || layout.sizes.size || layout.only.length;
  settle();
  byId("layout-reset").hidden = !changed;
  byId("layout-reset").textContent = hidden ? `Show ${hidden} hidden` : "Default layout";
}

// Says why there is no card, when there is none.
function tellEmpty() {
  const text = byId("search").value.trim();
  setText(byId("empty"), cards.size === 0 ? "No tiles yet." : text ? `No tile is found by “${text}”.` : "No tile to show.");
  byId("empty").hidden = [...cards.values()].some((card) => !card.node.hidden);
}

function learnGroup(group) {
  if (!group || groups.size >= 1000) return;
  const value = JSON.stringify({ by: group.by, value: group.value });
  if (groups.has(value)) return;
  const option = element("option", { value }, `${group.by.replace(/^payload\./, "")}: ${group.value}`);
  groups.set(value, option);
  const next = [...byId("group").options].slice(1).find((o) => o.textContent > option.textContent);
  byId("group").insertBefore(option, next ?? null);
  byId("group-label").hidden = false;
  if (option.textContent !== wantedGroup) return;
  byId("group").value = value;
  filter();
}

function open(key) {
  detail.show(key, live.list().filter((tile) => cardOf(tile) === key));
}

// ---- Status ----

const words = {
  connecting: "Connecting…", connected: "Connected", reconnecting: "Reconnecting…", stale: "Connected · data is late",
  polling: "Disconnected · polling", disconnected: "Disconnected · no answer", "signed-out": "Sign in", forbidden: "Not allowed",
};

const ways = { sse: "server-sent events", websocket: "WebSocket", "long-poll": "long-polling" };

// Where to sign in, and to come back to this page from: `{return}` in the gateway's `sign_in_url` stands for it.
function signInAddress(signInUrl) {
  const address = new URL(signInUrl.replaceAll("{return}", encodeURIComponent(location.href)), location.href);
  return /^https?:$/.test(address.protocol) ? address.href : null;
}

function onStatus(status, { transport, signInUrl }) {
  const pill = byId("status");
  const denied = status === "signed-out" || status === "forbidden";
  const address = denied && signInUrl ? signInAddress(signInUrl) : null;
  pill.title = transport ? `by ${ways[transport]}` : "";
  pill.className = `pill ${status}`;
  pill.replaceChildren(address ? element("a", { href: address }, words[status]) : words[status]);
  if (address && status === "forbidden") pill.firstChild.title = "Sign in as somebody else";
}

function tick() {
  for (const card of cards.values()) card.tick();
  detail.tick();
  trouble.tick();
  setText(byId("as-of"), live.status === "stale" && live.asOf ? `data of ${duration(world.now() - live.asOf)} ago` : "");
  const { silent, silentMs } = world;
  document.documentElement.classList.toggle("silent", silent);
  byId("silence").hidden = !silent;
  if (silent) setText(byId("silence"), `${live.status === "signed-out" || live.status === "forbidden" ? "Nothing new" : "No answer"} since ${clock(Date.now() - silentMs)}, ${duration(silentMs)} ago. What you see is of then.`);
}

// ---- Page ----

export const edition = new Edition(() => document.querySelector("dialog[open]") !== null || dragged !== null);

const live = connect({
  url: new URL(".", document.baseURI).href, // Behind a proxy, the gateway may stand under a path.
  transports: ["sse", "websocket", "long-poll"],
  onTiles: (tiles, { whole }) => onTiles(tiles, whole),
  onExpired: remove,
  onEvents: (events, { reset }) => {
    table.add(events, reset);
    world.marks.add(events);
  },
  onStatus,
  onHeartbeat: ({ page }) => edition.heard(page),
});
world.connection = live;

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

// ---- What the address keeps ----

let wantedGroup = null; // the group that the address names, which is chosen once there is a tile of it

function readAddress(search) {
  const query = new URLSearchParams(search);
  layout.read(search);
  byId("search").value = query.get("search") ?? "";
  wantedGroup = query.get("group");
  byId("group").value = [...byId("group").options].find((option) => option.textContent === wantedGroup)?.value ?? "";
  byId("trouble-first").setAttribute("aria-pressed", layout.troubleFirst);
}

function keepFilter() {
  const { value, selectedOptions: [option] } = byId("group");
  wantedGroup = value && option.textContent;
  history.replaceState(null, "", location.pathname + withParameters(location.search, { search: byId("search").value.trim(), group: wantedGroup }) + location.hash);
  filter();
}

readAddress(location.search);
byId("search").addEventListener("input", keepFilter);
byId("group").addEventListener("change", keepFilter);

// Shows a view that the gateway knows by name; none: what the rest of the address says.
function showView(name) {
  byId("view").value = views.has(name) ? name : "";
  readAddress(views.get(name) ?? location.search);
  arrange();
  tellTrouble();
}

// A gateway that knows no views, or does not show them, is one without.
async function learnViews() {
  const answer = await fetch("api/views", { cache: "no-cache" }).catch(() => null);
  const { views: known = [] } = answer?.ok ? await answer.json().catch(() => ({})) : {};
  for (const { name, query } of known) {
    views.set(name, `?${query.replace(/^\?/, "")}`);
    byId("view").append(element("option", { value: name }, name));
  }
  byId("view-label").hidden = views.size === 0;
  const wanted = new URLSearchParams(location.search).get("view");
  if (views.has(wanted)) showView(wanted);
  kiosk.turn([...views.keys()]);
}

byId("view").addEventListener("change", () => {
  const name = byId("view").value;
  // What was arranged by hand belongs to the view before.
  const none = Object.fromEntries(["order", "size", "hidden", "show", "trouble", "search", "group"].map((one) => [one, ""]));
  history.replaceState(null, "", location.pathname + withParameters(location.search, { ...none, view: name }) + location.hash);
  showView(name);
});

byId("layout-reset").addEventListener("click", () => {
  if (layout.hidden.size) layout.hidden.clear();
  else layout.reset();
  saveLayout();
  tellTrouble();
});

byId("trouble-first").addEventListener("click", () => {
  layout.troubleFirst = !layout.troubleFirst;
  byId("trouble-first").setAttribute("aria-pressed", layout.troubleFirst);
  saveLayout();
});

byId("tiles").addEventListener("click", (event) => {
  const card = event.target.closest(".title")?.closest(".card");
  if (card) open(card.dataset.key);
});

function retheme() {
  for (const card of cards.values()) card.retheme();
  detail.retheme();
}

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remembered("tilewire.theme", root.dataset.theme);
  retheme();
});
matchMedia("print").addEventListener("change", retheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", retheme);

byId("fullscreen").addEventListener("click", toggleFullScreen);

function toggleFullScreen() {
  const change = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  change.catch(() => {}); // The browser may refuse.
}

// ---- Keys ----

const help = byId("help");
byId("keys").addEventListener("click", () => help.showModal());
help.addEventListener("click", (event) => { if (event.target === help || event.target.closest(".close")) help.close(); });

const pageKeys = { "/": () => byId("search").focus(), "?": () => help.showModal(), k: () => kiosk.toggle(), f: toggleFullScreen, p: () => table.toggle(), r: () => byId("refresh").click() };
const cardKeys = { ArrowLeft: "earlier", ArrowRight: "later", "+": "wider", "=": "wider", "-": "narrower", t: "height", h: "hide" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, dialog *")) return;
  const card = event.target.closest(".card");
  const what = cardKeys[event.key];
  if (card && what && (event.shiftKey || !event.key.startsWith("Arrow"))) {
    rearrange(what, card.dataset.key);
    card.querySelector(".title").focus();
  } else if (pageKeys[event.key]) {
    pageKeys[event.key]();
  } else {
    return;
  }
  event.preventDefault();
});

// ---- Dragging cards ----

byId("tiles").addEventListener("dragstart", (event) => {
  dragged = event.target.closest(".card");
  if (!dragged) return;
  const { left, top } = dragged.getBoundingClientRect();
  event.dataTransfer.setDragImage(dragged, event.clientX - left, event.clientY - top);
  dragged.classList.add("dragged");
});

byId("tiles").addEventListener("dragover", (event) => {
  const over = event.target.closest(".card");
  if (!dragged || !over || over === dragged) return;
  event.preventDefault();
  const { left, width } = over.getBoundingClientRect();
  const before = event.clientX < left + width / 2 ? over : over.nextElementSibling;
  if (before === dragged || before === dragged.nextElementSibling) return;
  byId("tiles").insertBefore(dragged, before);
  settle();
});

byId("tiles").addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  // Those that are first only because they need attention keep their own places.
  let next = dragged.nextElementSibling;
  while (next && !next.matches(".card")) next = next.nextElementSibling;
  layout.move(dragged.dataset.key, next?.dataset.key ?? null, [...cards.keys()]);
  dragged = null;
  saveLayout();
});

setInterval(tick, 1000);
learnViews();
