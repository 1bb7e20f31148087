// SPDX-License-Identifier: Apache-2.0
// tilewire-client/react: a gateway's tiles and events as hooks. All hooks of a page share one connection to a gateway. On a server they
// render nothing, since nothing is connected there.
import { useEffect, useState } from "react";
import { connect } from "./index.js";

// A selection that holds no tile, for hooks that need none. null would be all.
const NO_TILES = ["-"];

const newestFirst = (events) => [...events].reverse();

// A list of keys may be another array with each rendering, and still be the same.
const textOf = (keys) => (Array.isArray(keys) ? keys.join(",") : keys);

// The tile with that key, and undefined while there is none. `options` are those of connect(); what is not `url` is taken as it is at first.
export function useTile(key, options = {}) {
  return useTiles([key], options).find((tile) => tile.key === key);
}

// The tiles with these keys or patterns, in the order of their keys.
export function useTiles(keys, options = {}) {
  const [tiles, setTiles] = useState([]);
  const wanted = textOf(keys);
  const { url } = options;
  useEffect(() => {
    setTiles([]);
    let asked = false;
    // Many tiles may change at once: they are rendered together.
    const show = () => {
      if (asked) return;
      asked = true;
      queueMicrotask(() => {
        asked = false;
        setTiles(live.list().sort((a, b) => (a.key < b.key ? -1 : 1)));
      });
    };
    const live = connect({ ...options, keys: wanted.split(","), onTiles: show, onExpired: show });
    return () => live.close();
  }, [url, wanted]);
  return tiles;
}

// The newest events, newest first, at most `limit` of them.
export function useEvents({ limit = 50, ...options } = {}) {
  const [events, setEvents] = useState([]);
  const { url } = options;
  useEffect(() => {
    setEvents([]);
    const live = connect({
      ...options, keys: NO_TILES,
      onEvents: (shown, { reset }) => setEvents((before) => [...newestFirst(shown), ...(reset ? [] : before)].slice(0, limit)),
    });
    return () => live.close();
  }, [url, limit]);
  return events;
}

// How the connection is: "connecting", "connected", "reconnecting", "polling", "disconnected", "stale", "signed-out" or "forbidden".
export function useStatus(options = {}) {
  const [status, setStatus] = useState("connecting");
  const { url } = options;
  useEffect(() => {
    const live = connect({ ...options, keys: NO_TILES, onStatus: setStatus });
    return () => live.close();
  }, [url]);
  return status;
}
