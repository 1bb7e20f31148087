// SPDX-License-Identifier: Apache-2.0
// import "tilewire-client/jsx": <live-tile> in the JSX of React.
import type {} from "react";

export interface LiveTileAttributes {
  /** The key of a tile, or of a group_by family. */
  tile?: string;
  /** The gateway; where the script came from, if left out. */
  src?: string;
  /** What the browser prefers, if left out. */
  theme?: "light" | "dark";
  id?: string;
  className?: string;
  class?: string;
  style?: { [property: string]: string | number };
  slot?: string;
  hidden?: boolean;
  ref?: unknown;
  key?: string | number;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "live-tile": LiveTileAttributes;
    }
  }
}
