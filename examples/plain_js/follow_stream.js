#!/usr/bin/env node
// Live in both directions: prints each change that others make, and sends each line of standard
// input, which is a message such as {"type":"item_updated","data":{"id":"a","text":"hello"}}.
//
//   node follow_stream.js http://127.0.0.1:8440 [collection]
"use strict";
const readline = require("node:readline");
const WebSocket = require("ws");

const [server, collection = "items"] = process.argv.slice(2);
const unanswered = []; // in the order in which they are answered
let cursor = "";
let socket;

function connect(wait = 250) {
  const query = new URLSearchParams({ collection, ...(cursor && { cursor }) });
  socket = new WebSocket(`${server.replace(/^http/, "ws")}/stream?${query}`);
  socket.on("open", () => {
    console.log("connected");
    wait = 250;
    for (const line of unanswered) socket.send(line); // Twice does no more than once.
  });
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    console.log(`${message.type} ${JSON.stringify(message.data)}`);
    if (message.cursor) cursor = message.cursor;
    if (message.type === "ack" || message.type === "error") unanswered.shift();
  });
  socket.on("error", () => {}); // "close" follows.
  socket.on("close", (code) => {
    console.log(`interrupted (${code})`);
    setTimeout(connect, wait * (1 + Math.random()), Math.min(2 * wait, 60000));
  });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  unanswered.push(line);
  if (socket.readyState === WebSocket.OPEN) socket.send(line);
});
connect();
