// SPDX-License-Identifier: Apache-2.0
// Why a request failed, as an error that says which kind of failure it is.

const KINDS = { 401: "signed-out", 403: "forbidden", 429: "too-many", 503: "unavailable" };

class RequestError extends Error {
  constructor(message, about) {
    super(message);
    this.name = "RequestError";
    Object.assign(this, about);
  }
}

// An error of an answer that is not what was asked for. It is read for what the gateway says about it.
export async function refusal(url, answer) {
  const { status } = answer;
  const problem = (await answer.json().catch(() => null)) ?? {};
  const seconds = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  return new RequestError(`${url}: ${status}${problem.detail ? `: ${problem.detail}` : ""}`, {
    kind: KINDS[status] ?? "refused", status, detail: problem.detail, signInUrl: problem.sign_in_url,
    retryAfterMs: Number.isNaN(seconds) ? undefined : seconds * 1000,
  });
}

// An error of a request without an answer, or with one that broke off.
export function fault(url, error) {
  return error instanceof RequestError ? error : new RequestError(`${url}: ${error.message}`, { kind: "network", cause: error });
}

// What other pages can be told of an error, and the error that is made of it there.
export const asMessage = ({ message, kind, status, detail, signInUrl, retryAfterMs }) => ({ message, kind, status, detail, signInUrl, retryAfterMs });
export const fromMessage = ({ message, ...about }) => new RequestError(message, about);
