#!/usr/bin/env node
// Edits a text together with others, with nothing but `operation` and `ack`. Each line of standard
// input is an edit of the text as it was printed last: {"at":3,"remove":1,"insert":"x"}.
//
//   node edit_text.js http://127.0.0.1:8440 notes/today
"use strict";
const readline = require("node:readline");
const WebSocket = require("ws");

const [server, id] = process.argv.slice(2);
const path = id.split("/").map(encodeURIComponent).join("/");
const socket = new WebSocket(`${server.replace(/^http/, "ws")}/document/${path}`);
const pending = []; // our operations that are not acknowledged, each on top of the one before
let [text, revision] = ["", 0]; // as it is shown, and the last one that we have read

const retain = (length) => ({ type: "retain", length });

function apply(operation) {
  let result = "";
  let at = 0;
  for (const { type, length, text: added } of operation) {
    if (type === "insert") result += added;
    else at += length;
    if (type === "retain") result += text.slice(at - length, at);
  }
  text = result + text.slice(at);
}

const show = () => console.log(JSON.stringify({ revision, waiting: pending.length, text }));

// Both operations were made on one text; gives them as they are after each other. Where both insert
// at one place, ours goes first: it is not committed yet.
function transform(ours, theirs) {
  const [left, right] = [ours, theirs].map((each) => each.map((part) => ({ ...part })));
  const [ourPrime, theirPrime] = [[], []];
  for (;;) {
    const [a, b] = [left[0], right[0]];
    if (a?.type === "insert") {
      ourPrime.push(left.shift());
      theirPrime.push(retain(a.text.length));
    } else if (b?.type === "insert") {
      theirPrime.push(right.shift());
      ourPrime.push(retain(b.text.length));
    } else if (!a || !b) {
      return [ourPrime.concat(left), theirPrime.concat(right)];
    } else {
      const length = Math.min(a.length, b.length);
      // What both remove is gone for both.
      if (b.type === "retain") ourPrime.push({ type: a.type, length });
      if (a.type === "retain") theirPrime.push({ type: b.type, length });
      for (const queue of [left, right]) if (!(queue[0].length -= length)) queue.shift();
    }
  }
}

socket.on("message", (data) => {
  const message = JSON.parse(data);
  if (message.type !== "operation" && message.type !== "ack") return;
  revision = message.revision;
  let theirs = message.type === "ack" ? [] : message.operations;
  if (message.type === "ack") pending.shift();
  else for (const [i, ours] of pending.entries()) [pending[i], theirs] = transform(ours, theirs);
  apply(theirs);
  show();
});
socket.on("close", (code, reason) => process.exit(console.error(`${code} ${reason}`) ?? 1));

function edit(line) {
  const { at = 0, remove: gone = 0, insert: added = "" } = JSON.parse(line);
  const parts = [retain(at), { type: "insert", text: added }, { type: "delete", length: gone }];
  parts.push(retain(text.length - at - gone));
  const operations = parts.filter((part) => part.text || part.length); // An empty one is no part.
  pending.push(operations);
  socket.send(JSON.stringify({ type: "operation", operations, revision }));
  apply(operations);
  show();
}
socket.on("open", () => readline.createInterface({ input: process.stdin }).on("line", edit));
