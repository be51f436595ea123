#!/usr/bin/env node
// Prints each change as it is made. After an interruption the server goes on where we were: the
// event source sends it the id of the last event that it has seen.
//
//   node follow_events.js http://127.0.0.1:8440 [collection]
"use strict";
const EventSource = require("eventsource");

const [server, collection = "items"] = process.argv.slice(2);
const source = new EventSource(`${server}/events?collection=${collection}`);

source.onopen = () => console.log("connected");
for (const kind of ["item-created", "item-updated", "item-deleted"])
  source.addEventListener(kind, (event) => console.log(`${kind} ${event.data}`));

source.onerror = (error) => {
  if (error.status === undefined) return console.log("interrupted");
  console.error(`refused with ${error.status}`);
  process.exit(1);
};
