// SPDX-License-Identifier: Apache-2.0
// How requests say who asks: with a token or headers that the page gives, or with the cookies that the browser adds by itself.
import { FetchSource } from "./fetch-source.js";

export class Access {
  // token: a function that gives a token or a promise of one, a new one whenever it is called; null: there is none.
  // headers: what is sent with each request besides; null: nothing.
  constructor({ env, token = null, credentials = false, headers = null }) {
    Object.assign(this, { env, provide: token, credentials, headers });
    this.token = null; // a promise of the token, while it is good
  }

  get usesToken() {
    return this.provide !== null;
  }

  // The token has expired, or was refused.
  forget() {
    this.token = null;
  }

  // Whether requests say something that neither an EventSource nor a WebSocket of a browser can say.
  get usesHeaders() {
    return this.usesToken || this.headers !== null;
  }

  // Like fetch. A token that is refused is replaced by a new one, once.
  async fetch(url, options = {}) {
    if (!this.usesToken) return this.send(url, options);
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
    const sent = { ...options };
    if (token || this.headers) sent.headers = { ...options.headers, ...this.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    if (this.credentials && !this.usesToken) sent.credentials = "include";
    return this.env.fetch(url, sent);
  }

  // An EventSource. Browsers let no page set its headers, and not everything that runs JavaScript has one: then it is one of our own.
  eventSource(url) {
    if (this.usesHeaders || !this.env.EventSource) return new FetchSource(url, this);
    return this.credentials ? new this.env.EventSource(url, { withCredentials: true }) : new this.env.EventSource(url);
  }
}
