// SPDX-License-Identifier: Apache-2.0
/** How things stand: "polling" while there is no stream but the gateway answers, "disconnected" while it does not,
 *  "stale" while the connection is fine but what feeds the gateway is behind, "signed-out" and "forbidden" while it answers
 *  401 or 403. */
export type Status = "connecting" | "connected" | "reconnecting" | "polling" | "disconnected" | "stale" | "signed-out" | "forbidden";
export type TransportName = "sse" | "websocket" | "long-poll";

export interface CountData {
  /** Not there for a metric that was not measured yet. */
  value?: number;
  window_ms?: number;
  window?: "today" | "this_week" | "this_month";
  begins_at?: string;
  time_zone?: string;
}

export interface NumberData {
  /** Not there without rows, but for a sum. */
  value?: number;
  aggregate: "sum" | "avg" | "min" | "max" | "last";
  unit?: string;
  window_ms?: number;
  window?: "today" | "this_week" | "this_month";
  begins_at?: string;
  time_zone?: string;
}

export interface RatioData {
  /** In percent. Not there while `whole` is 0. */
  value?: number;
  part: number;
  whole: number;
  unit: "%";
  window_ms?: number;
  window?: "today" | "this_week" | "this_month";
  begins_at?: string;
  time_zone?: string;
}

export interface PercentileData {
  /** The percentiles are not there while `count` is 0. */
  p50?: number;
  p90?: number;
  p95?: number;
  p99?: number;
  count: number;
  unit?: string;
  window_ms?: number;
  window?: "today" | "this_week" | "this_month";
  begins_at?: string;
  time_zone?: string;
}

export interface DistinctData {
  value: number;
  /** True: there are more than are counted exactly. */
  estimate: boolean;
  unit?: string;
  window_ms?: number;
  window?: "today" | "this_week" | "this_month";
  begins_at?: string;
  time_zone?: string;
}

export interface TopData {
  aggregate: "count" | "sum";
  /** The largest groups, in no order. Not there, or without members, where they may not be seen. */
  top?: Record<string, number>;
  /** What all other groups have together. */
  other: number;
  /** Not there while there is no group. */
  largest?: number;
  /** How many groups there are. Not there when `approximate` is true. */
  groups?: number;
  /** True: there are more groups than are counted exactly, and each number is off by `error` at most. */
  approximate: boolean;
  error?: number;
  unit?: string;
  window_ms?: number;
  window?: "today" | "this_week" | "this_month";
  begins_at?: string;
  time_zone?: string;
}

export interface RateData {
  /** Not there where counters are read and none can be compared with an earlier value. */
  value?: number;
  per: "second" | "minute" | "hour";
  /** How many events were counted. Not there where counters are read. */
  count?: number;
  /** By how much the counters have grown, and how many there are. Not there where events are counted. */
  increase?: number;
  series?: number;
  unit?: string;
  window_ms: number;
}

export interface TrendData {
  step_ms: number;
  step?: "1d" | "1w" | "1M";
  time_zone?: string;
  /** The starts of all days, weeks or months. */
  starts?: number[];
  aggregate: "count" | "sum" | "avg" | "min" | "max" | "last" | "p50" | "p90" | "p95" | "p99";
  /** The start of a bucket in ms since 1970 to its value. */
  points: Record<string, number>;
}

type Weekday = "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday";

export interface HeatmapData {
  aggregate: "count" | "sum" | "avg" | "min" | "max";
  /** By days, and by hours of the clock from "0" to "23". An hour without rows is not there. */
  cells: Partial<Record<Weekday, Record<string, number>>>;
  /** Not there while there is no value. */
  largest?: number;
  time_zone: string;
  week_starts: Weekday;
  unit?: string;
  window_ms?: number;
}

export interface DurationData {
  /** In seconds, as are p50 and p95. Not there while `count` is 0. */
  avg?: number;
  p50?: number;
  p95?: number;
  count: number;
  running: number;
  unit: "s";
  /** When the oldest began that still runs. */
  oldest_at?: string;
  /** Its id. Not there where it may not be seen. */
  oldest?: string;
  window_ms?: number;
  window?: "today" | "this_week" | "this_month";
  begins_at?: string;
  time_zone?: string;
}

export interface PresenceData {
  up: number;
  late: number;
  missing: number;
  /** Those that are not up. Not there, or without members, where they may not be seen. */
  worst?: { id?: string; state?: "missing" | "late" | "returning"; seen_at?: string }[];
}

export interface SlaRiskData {
  ok: number;
  at_risk: number;
  breached: number;
  next_breach_at?: string;
  /** Not there, or without members, where they may not be seen. */
  worst?: { id?: string; due_at?: string }[];
}

export interface BacklogData {
  total: number;
  buckets: Record<string, number>;
  oldest_at?: string;
  breakdown?: Record<string, Record<string, number>>;
}

export interface GaugeData {
  value?: number;
  min?: number;
  max?: number;
  unit?: string;
}

export interface LatestData {
  /** The fields that are shown, in their order. */
  show: string[];
  /** By the rows' ids, in no order. Not there, or without members, where they may not be seen. */
  rows?: Record<string, { at?: string; fields?: Record<string, string> }>;
}

/** What the data of each type is. */
export interface TileData {
  count: CountData;
  number: NumberData;
  ratio: RatioData;
  percentile: PercentileData;
  distinct: DistinctData;
  top: TopData;
  rate: RateData;
  trend: TrendData;
  heatmap: HeatmapData;
  duration: DurationData;
  presence: PresenceData;
  sla_risk: SlaRiskData;
  backlog: BacklogData;
  gauge: GaugeData;
  latest: LatestData;
}

export type TileType = keyof TileData;

interface TileBase {
  key: string;
  title?: string;
  version: string;
  as_of: { position: string; time: string };
  updated_at: string;
  ttl_ms: number;
  stale: boolean;
  refresh?: { policy: "on_event" | "interval"; min_interval_ms: number };
  group?: { by: string; value: string };
  /** How people see the tile: its place in the file, and what the file says of its heading, its number and its links. */
  display?: { order: number; group?: string; unit?: string; format?: "bytes" | "percent" | "duration" | "currency"; decimals?: number; link?: string; item_link?: string };
  /** The earliest row that the tile could know. Not there while it is built for the first time. */
  since?: { position: string; time: string };
  /** False when older rows are known to have been gone before the tile was built. */
  complete?: boolean;
  /** While the tile is built from the rows that are there: how far it is, 0 to 1. Until then its data lacks rows. */
  building?: { progress: number };
  /** Whether the tile is in trouble, by the `warn` and `critical` of its definition. */
  status?: "ok" | "warn" | "critical";
  /** Since when its status is what it is. */
  status_since?: string;
  /** The levels for which the conditions say otherwise, and since when: the status changes unless they stop. */
  status_pending?: { warn?: string; critical?: string };
  /** The members of data that are left out, because the tile was too large. */
  truncated?: string[];
}

/** A tile, of any type or of the one that is named: `type` says which `data` it has. A gateway of a later version may have
 *  further types. */
export type Tile<Type extends TileType = TileType> = { [T in Type]: TileBase & { type: T; data: TileData[T] } }[Type];

export interface TileEvent {
  /** Text beyond 2^53 - 1, which a number could not hold; never make a number of it. */
  id: number | string;
  timestamp: string;
  event_type: string;
  actor_id: string | null;
  target_id: string | null;
  summary: string | null;
  /** The members that were cut or left out, because they were too long. */
  truncated?: string[];
  /** It may have come before, in another order; a number that stands for the order in which it came again. */
  redelivered?: number;
  [column: string]: unknown;
}

export interface Heartbeat {
  now: string;
  as_of?: string;
  lag_ms?: number;
  /** Which edition of the dashboard the gateway serves. */
  page?: string;
}

/** Why a request failed: "signed-out" (401), "forbidden" (403), "too-many" (429), "unavailable" (503), "refused" (any other
 *  answer), or "network" when there was no answer. */
export interface RequestError extends Error {
  kind: "network" | "signed-out" | "forbidden" | "too-many" | "unavailable" | "refused";
  status?: number;
  /** What the gateway says about it, and what to do. */
  detail?: string;
  signInUrl?: string;
  retryAfterMs?: number;
}

export interface Options {
  /** The gateway, "https://live.example.com"; the page's own origin if left out. */
  url?: string;
  /** Keys of tiles; `*` stands for any characters. All tiles if left out. */
  keys?: string[] | null;
  /** Gives a token for the gateway, or a promise of one: at first, and whenever the last one has expired or was refused. Left
   *  out, the browser's cookies say who it is. With it there are no WebSockets, to which a page cannot give a token. */
  token?: (() => string | null | Promise<string | null>) | null;
  /** Send cookies to a gateway of another origin, which has to name the page's in `cors_origins`. False if left out. */
  credentials?: boolean;
  /** Sent with each request, for a proxy that asks for something of its own. With headers, as with a token, streams are read by
   *  `fetch`, and there are no WebSockets, to which a page cannot give any. */
  headers?: Record<string, string> | null;
  /** Taken instead of what the environment has. Without any EventSource, as in Node 20, streams are read by `fetch`. */
  EventSource?: new (url: string, options?: { withCredentials?: boolean }) => EventSource;
  WebSocket?: new (url: string, protocol: string) => WebSocket;
  fetch?: (url: string, options?: RequestInit) => Promise<Response>;
  /** Share one connection with the other tabs of this browser. True if left out, but false with a token or headers, which
   *  other tabs may not have, and outside of browsers. */
  share?: boolean;
  /** Which transports to try, best first. Polling is always the last resort. */
  transports?: TransportName[];
  onTile?(tile: Tile): void;
  /** The same in batches; `whole` when the batch came with the list of all tiles. */
  onTiles?(tiles: Tile[], about: { whole: boolean }): void;
  onExpired?(key: string): void;
  /** Each event once, in order. Without `onEvent` and `onEvents` no stream of events is opened. */
  onEvent?(event: TileEvent): void;
  /** The same in batches; with `reset` it is the whole list of the newest, to be shown instead of what was. */
  onEvents?(events: TileEvent[], about: { reset: boolean }): void;
  /** `signInUrl`: where the gateway says that a person signs in, while the status is "signed-out" or "forbidden". */
  onStatus?(status: Status, about: { transport: TransportName | null; signInUrl?: string }): void;
  onHeartbeat?(heartbeat: Heartbeat): void;
  /** A request has failed. The client goes on trying. */
  onError?(error: RequestError): void;
}

export interface Connection {
  readonly status: Status;
  readonly transport: TransportName | null;
  /** The time for which the gateway's data is, by its newest heartbeat, in ms since 1970 by the gateway's clock. */
  readonly asOf: number | null;
  /** For how many ms nothing has come from the gateway that should have; 0 while all is well. */
  readonly silentMs: number;
  /** What time it is by the gateway's clock, in ms since 1970: the browser's own may be wrong. */
  now(): number;
  /** The newest value of a tile: `get<"count">("orders.open")?.data.value`. */
  get<Type extends TileType = TileType>(key: string): Tile<Type> | undefined;
  list(): Tile[];
  /** The newest events, oldest first. */
  events(): TileEvent[];
  /** Fetches everything anew; rejects with a RequestError when the gateway does not answer. */
  refresh(): Promise<void>;
  setKeys(keys: string[] | null): void;
  close(): void;
}

export function connect(options?: Options): Connection;
export function backoffMs(failures: number, random?: number): number;
export function mergePatch<T>(target: T, patch: unknown): T;
export function compareVersions(a: string, b: string): number;
export function keyMatcher(patterns: string[] | null): (key: string) => boolean;
