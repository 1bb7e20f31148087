// SPDX-License-Identifier: Apache-2.0
// Where cards stand in a grid: each at the first place that has room for it, and then made larger until nothing is empty.

class Cells {
  constructor(columns) {
    this.columns = columns;
    this.rows = [];
  }

  at(row, column) {
    return this.rows[row]?.[column];
  }

  // True when a rectangle is empty, but for what is `own`.
  free(row, column, width, height, own) {
    if (row < 0 || column < 0 || column + width > this.columns) return false;
    for (let r = row; r < row + height; r++) {
      for (let c = column; c < column + width; c++) if (this.at(r, c) && this.at(r, c) !== own) return false;
    }
    return true;
  }

  put(spot, what = spot) {
    for (let r = spot.row; r < spot.row + spot.height; r++) {
      this.rows[r] ??= new Array(this.columns).fill(undefined);
      for (let c = spot.column; c < spot.column + spot.width; c++) this.rows[r][c] = what;
    }
  }

  // Puts a spot elsewhere, or makes it larger, if there is room. Returns true then.
  change(spot, to) {
    const { row, column, width, height } = { ...spot, ...to };
    if (row + height > this.rows.length || !this.free(row, column, width, height, spot)) return false;
    this.put(spot, null);
    Object.assign(spot, { row, column, width, height });
    this.put(spot);
    return true;
  }
}

// Shares the empty end of a row among its cards, when all of them are in this row alone.
function spread(cells, row) {
  const spots = [...new Set(cells.rows[row].filter(Boolean))];
  const empty = cells.rows[row].filter((spot) => !spot).length;
  if (!empty || !spots.length || spots.some((spot) => spot.fixed || spot.height > 1)) return;
  for (const spot of spots) cells.put(spot, null);
  let column = 0;
  spots.forEach((spot, i) => {
    spot.width += Math.floor(empty / spots.length) + (i < empty % spots.length ? 1 : 0);
    spot.column = column;
    column += spot.width;
    cells.put(spot);
  });
}

// Makes a card larger into an empty cell beside, below or before it. Returns true when one could be.
function grow(cells, row, column) {
  const grown = (spot, to) => spot && !spot.fixed && !spot.heading && cells.change(spot, to(spot));
  return grown(cells.at(row, column - 1), (spot) => ({ width: spot.width + 1 }))
    || grown(cells.at(row - 1, column), (spot) => ({ height: spot.height + 1 }))
    || grown(cells.at(row, column + 1), (spot) => ({ column: spot.column - 1, width: spot.width + 1 }));
}

function fill(cells, from) {
  for (let row = from; row < cells.rows.length; row++) spread(cells, row);
  for (let row = from; row < cells.rows.length; row++) {
    for (let column = 0; column < cells.columns; column++) {
      while (!cells.at(row, column) && grow(cells, row, column)) { /* until it is taken */ }
    }
  }
}

// Places items, {width, height, fixed} or {heading: true}, one after the other. Cards stay below their heading. With `full` those that are not fixed
// grow until no cell is empty. Returns {row, column, width, height} of each.
export function place(items, columns, full = true) {
  const cells = new Cells(columns);
  let from = 0; // the first row of a section
  const spots = items.map(({ width = columns, height = 1, fixed = false, heading = false }) => {
    const spot = { row: from, column: 0, width: Math.min(width, columns), height, fixed, heading };
    if (heading) {
      if (full) fill(cells, from);
      spot.row = cells.rows.length;
      from = spot.row + 1;
    } else {
      while (!cells.free(spot.row, spot.column, spot.width, spot.height)) {
        if (++spot.column + spot.width > columns) Object.assign(spot, { column: 0, row: spot.row + 1 });
      }
    }
    cells.put(spot);
    return spot;
  });
  if (full) fill(cells, from);
  return spots.map(({ row, column, width, height }) => ({ row, column, width, height }));
}
