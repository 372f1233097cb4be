// What many write first with Node: parse each event, and append a line to a file. Usage: node node_peer.cjs URL EVENTS
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { createRequire } = require("node:module");
const WebSocket = createRequire(path.join(process.cwd(), "index.js"))("ws");

const [url, events] = [process.argv[2], Number(process.argv[3])];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "node-ws-"));
const lines = fs.createWriteStream(path.join(folder, "events.jsonl"));
const socket = new WebSocket(url);
let seen = 0;
let total = 0;
let before;
let began;

socket.on("open", () => {
  before = process.cpuUsage();
  began = process.hrtime.bigint();
  socket.send('{"type":"subscribe","topics":["customer_id:x:call:*"]}');
});
socket.on("message", (message) => {
  const event = JSON.parse(message);
  total += event.data.seq;
  lines.write(JSON.stringify(event) + "\n");
  seen += 1;
  if (seen === events) {
    lines.end(() => {
      const spent = process.cpuUsage(before);
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      fs.rmSync(folder, { recursive: true });
      console.log(JSON.stringify({ seconds, processor: (spent.user + spent.system) / 1e6, total }));
      socket.terminate();
    });
  }
});
