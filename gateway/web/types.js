// SPDX-License-Identifier: Apache-2.0
// How each type of tile is drawn: one file of types/ and one line here. A drawing is made once for a tile:
//
//   new Drawing(body, world)   puts its elements into the card's body; the world (world.js) knows what time it is
//   update(tile)        is called with each value of the tile, and at the beginning
//   tick(fresh)         may be left out; each second. fresh: the value is that of now
//   retheme()           may be left out; when the colours of the theme have changed
//   destroy()           may be left out; when the card goes
//
//   static single       true when a value is a single number, so that the members of a family can share a card
//   static begin(data, now)  may be left out; the earliest moment that it shows, in ms since 1970. All of the past if left out
//   static inShort(data) may be left out; what a ribbon says of a tile that needs attention. Its `value` if left out
//   static width        how many columns its card takes; 1 if left out
import { Backlog } from "./types/backlog.js";
import { Count } from "./types/count.js";
import { Distinct } from "./types/distinct.js";
import { Duration } from "./types/duration.js";
import { Gauge } from "./types/gauge.js";
import { Heatmap } from "./types/heatmap.js";
import { Latest } from "./types/latest.js";
import { Aggregate } from "./types/number.js";
import { Percentile } from "./types/percentile.js";
import { Rate } from "./types/rate.js";
import { Ratio } from "./types/ratio.js";
import { Presence } from "./types/presence.js";
import { SlaRisk } from "./types/sla_risk.js";
import { Top } from "./types/top.js";
import { Trend } from "./types/trend.js";
import { Unknown } from "./types/unknown.js";

const drawings = new Map([
  ["count", Count],
  ["number", Aggregate],
  ["ratio", Ratio],
  ["percentile", Percentile],
  ["distinct", Distinct],
  ["top", Top],
  ["rate", Rate],
  ["trend", Trend],
  ["heatmap", Heatmap],
  ["duration", Duration],
  ["presence", Presence],
  ["sla_risk", SlaRisk],
  ["backlog", Backlog],
  ["gauge", Gauge],
  ["latest", Latest],
]);

export function drawingOf(type) {
  return drawings.get(type) ?? Unknown;
}
