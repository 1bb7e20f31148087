// SPDX-License-Identifier: Apache-2.0
// The tiles as last heard: a version never goes back, and a patch is taken only on the version it was made for.

// Makes a member of the object, even if its name is one that assigning takes for the object's prototype.
function setMember(object, name, value) {
  if (name === "__proto__") Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  else object[name] = value;
}

// Merges a patch as RFC 7396 says. Values are replaced, never changed in place, so that whoever holds an older tile keeps it
// whole.
export function mergePatch(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const result = target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else setMember(result, name, mergePatch(Object.hasOwn(result, name) ? result[name] : undefined, value));
  }
  return result;
}

// Compares versions, "<epoch>-<sequence>", both in base 36. Returns a number below 0 when a is the older one.
export function compareVersions(a, b) {
  const [epochA, seqA] = a.split("-");
  const [epochB, seqB] = b.split("-");
  return parseInt(epochA, 36) - parseInt(epochB, 36) || parseInt(seqA, 36) - parseInt(seqB, 36);
}

// Makes a function that tells whether a key fits one of the patterns, where `*` stands for any characters. Without a list of
// patterns every key fits.
export function keyMatcher(patterns) {
  if (!patterns) return () => true;
  const escape = (text) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  const one = new RegExp(`^(?:${patterns.map(escape).join("|")})$`, "s");
  return (key) => one.test(key);
}

export class Tiles {
  constructor() {
    this.byKey = new Map();
    this.touched = null; // keys that were heard of while a list is on its way; the list is older than what was heard
  }

  // Returns the tile as it is now, or null when this was nothing new.
  put(tile) {
    this.touched?.add(tile.key);
    const held = this.byKey.get(tile.key);
    if (held) {
      const newer = compareVersions(tile.version, held.version);
      if (newer < 0 || (newer === 0 && tile.updated_at <= held.updated_at && tile.stale === held.stale)) return null;
    }
    this.byKey.set(tile.key, tile);
    return tile;
  }

  // Returns the patched tile; null when it was nothing new; undefined when the base is not held, so that the tile must be
  // fetched.
  patch({ key, base, version, as_of, updated_at, patch }) {
    this.touched?.add(key);
    const held = this.byKey.get(key);
    if (!held) return undefined;
    if (compareVersions(version, held.version) <= 0) return null;
    if (held.version !== base) return undefined;
    const tile = { ...mergePatch(held, patch), version, as_of, updated_at: updated_at ?? held.updated_at, stale: false };
    this.byKey.set(key, tile);
    return tile;
  }

  expire(key) {
    this.touched?.add(key);
    return this.byKey.delete(key);
  }

  // Is called when a list is asked for, and `takeList` when it has come.
  expectList() {
    this.touched = new Set();
  }

  // Takes a whole list. Returns the tiles that are new or newer, and the keys that are gone.
  takeList(list) {
    const touched = this.touched ?? new Set();
    this.touched = null;
    const listed = new Set(list.map((tile) => tile.key));
    const gone = [...this.byKey.keys()].filter((key) => !listed.has(key) && !touched.has(key));
    for (const key of gone) this.byKey.delete(key);
    // A tile that expired while the list was on its way is not brought back by it.
    const tiles = list.filter((tile) => (this.byKey.has(tile.key) || !touched.has(tile.key)) && this.put(tile));
    return { tiles, gone };
  }
}
