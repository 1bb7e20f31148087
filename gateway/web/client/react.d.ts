// SPDX-License-Identifier: Apache-2.0
import type { Options, Status, Tile, TileEvent } from "./index.js";

/** Options of connect(). When `url` changes, another gateway is asked; all others are those of the first rendering. */
export type HookOptions = Omit<Options, "keys" | "onTile" | "onTiles" | "onExpired" | "onEvent" | "onEvents" | "onStatus">;

/** The tile with that key; undefined while there is none. */
export function useTile(key: string, options?: HookOptions): Tile | undefined;
/** The tiles with these keys or patterns, in the order of their keys. */
export function useTiles(keys: string[], options?: HookOptions): Tile[];
/** The newest events, newest first; `limit` is 50 if left out. */
export function useEvents(options?: HookOptions & { limit?: number }): TileEvent[];
export function useStatus(options?: HookOptions): Status;
