// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt: 1 s, 2 s, 4 s … at most 30 s, less up to a tenth, so that many pages do not
// come back at the same moment.

const FIRST_MS = 1000;
const MAX_MS = 30000;

export function backoffMs(failures, random = Math.random()) {
  return Math.min(MAX_MS, FIRST_MS * 2 ** failures) * (0.9 + 0.1 * random);
}
