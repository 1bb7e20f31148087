// SPDX-License-Identifier: Apache-2.0
// A proxy as they stand between browsers and gateways: passes all on, or holds streams back, lets no WebSocket through,
// leads to another gateway, cuts connections.
import { createServer, request } from "node:http";
import { connect } from "node:net";

export class Proxy {
  constructor(target) {
    this.target = target; // URL of the gateway
    this.buffers = false; // what streams say stays here
    this.websockets = true;
    this.streams = new Set(); // answers of event streams
    this.sockets = new Set();
    this.server = createServer((asked, answer) => this.pass(asked, answer));
    this.server.on("connection", (socket) => this.hold(socket));
    this.server.on("upgrade", (asked, socket, head) => this.upgrade(asked, socket, head));
  }

  async listen() {
    await new Promise((listening) => this.server.listen(0, "127.0.0.1", listening));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  hold(socket) {
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
  }

  pass(asked, answer) {
    const { hostname, port } = new URL(this.target);
    delete asked.headers["accept-encoding"]; // What it says itself would not be compressed.
    const onward = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers, agent: false }, (reply) => {
      const stream = reply.headers["content-type"]?.startsWith("text/event-stream");
      answer.writeHead(reply.statusCode, reply.headers);
      answer.flushHeaders();
      if (stream) {
        this.streams.add(answer);
        answer.on("close", () => this.streams.delete(answer));
      }
      if (stream && this.buffers) reply.resume();
      else reply.pipe(answer);
      reply.on("error", () => answer.destroy());
    });
    onward.on("error", () => answer.destroy());
    onward.end(); // everything here is a GET
    answer.on("close", () => onward.destroy());
  }

  upgrade(asked, socket, head) {
    if (!this.websockets) {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    const { hostname, port } = new URL(this.target);
    const onward = connect(port, hostname, () => {
      const lines = [`GET ${asked.url} HTTP/1.1`];
      for (let i = 0; i < asked.rawHeaders.length; i += 2) lines.push(`${asked.rawHeaders[i]}: ${asked.rawHeaders[i + 1]}`);
      onward.write(`${lines.join("\r\n")}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    this.hold(onward);
    onward.on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  }

  // As if each stream's gateway had said it.
  say(event, data) {
    for (const stream of this.streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop() {
    this.cut();
    await new Promise((done) => this.server.close(done));
  }
}
