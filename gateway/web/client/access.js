// SPDX-License-Identifier: Apache-2.0
// How requests say who asks: with a token that the page gives, or with the cookies that the browser adds by itself.
import { TokenSource } from "./token-source.js";

export class Access {
  // token: a function that gives a token or a promise of one, a new one whenever it is called; null: there is none.
  constructor({ env, token = null, credentials = false }) {
    Object.assign(this, { env, provide: token, credentials });
    this.token = null; // a promise of the token, while it is good
  }

  get usesToken() {
    return this.provide !== null;
  }

  // The token has expired, or was refused.
  forget() {
    this.token = null;
  }

  // Like fetch. A token that is refused is replaced by a new one, once.
  async fetch(url, options = {}) {
    if (!this.usesToken) return this.env.fetch(url, this.credentials ? { ...options, credentials: "include" } : options);
    const token = (this.token ??= Promise.resolve(this.provide()));
    const answer = await this.send(url, options, await this.given(token));
    if (answer.status !== 401) return answer;
    if (this.token === token) this.forget(); // Another request may have asked for a new one meanwhile.
    return this.send(url, options, await this.given(this.token ??= Promise.resolve(this.provide())));
  }

  // A page that could not get a token may get one later.
  async given(token) {
    try {
      return await token;
    } catch (error) {
      if (this.token === token) this.forget();
      throw error;
    }
  }

  send(url, options, token) {
    return this.env.fetch(url, token ? { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } } : options);
  }

  // An EventSource; browsers let no page set its headers, so with a token it is one of our own.
  eventSource(url) {
    if (this.usesToken) return new TokenSource(url, this);
    return this.credentials ? new this.env.EventSource(url, { withCredentials: true }) : new this.env.EventSource(url);
  }
}
