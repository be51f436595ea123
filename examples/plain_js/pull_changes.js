#!/usr/bin/env node
// Keeps a copy of a collection in a file. Each run asks only for what changed since the last one.
//
//   node pull_changes.js http://127.0.0.1:8440 state.json [collection]
"use strict";
const fs = require("node:fs");

const [server, file, collection = "items"] = process.argv.slice(2);
const beginning = () => ({ cursor: "0", etag: "", items: {} });

function load() {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : beginning();
}

// In one step, so that the copy and its cursor always belong together.
function save(state) {
  fs.writeFileSync(file + ".new", JSON.stringify(state));
  fs.renameSync(file + ".new", file);
}

async function pull() {
  let state = load();
  let changed = 0;
  for (let more = true; more; ) {
    const query = new URLSearchParams({ collection, cursor: state.cursor });
    const reply = await fetch(`${server}/delta?${query}`, {
      headers: state.etag ? { "If-None-Match": state.etag } : {},
    });
    if (reply.status === 304) break;
    if (reply.status === 410) {
      state = beginning(); // The server no longer knows what is between: all of it again.
      continue;
    }
    if (!reply.ok) throw new Error(`${reply.status}: ${await reply.text()}`);
    const page = await reply.json();
    for (const id of page.deleted) delete state.items[id];
    for (const item of [...page.created, ...page.updated]) state.items[item.id] = item;
    changed += page.created.length + page.updated.length + page.deleted.length;
    more = page.hasMore;
    state.cursor = page.nextCursor;
    state.etag = more ? "" : reply.headers.get("etag");
    save(state);
  }
  console.log(`${changed} changes, ${Object.keys(state.items).length} items`);
}

pull().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
