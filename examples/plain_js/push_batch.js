#!/usr/bin/env node
// Sends several writes in one request and says what became of each.
//
//   echo '[{"operation":"CREATE","id":"a","data":{"text":"hello"}}]' |
//     node push_batch.js http://127.0.0.1:8440 [collection]
"use strict";
const { randomUUID } = require("node:crypto");
const fs = require("node:fs");

const [server, collection = "items"] = process.argv.slice(2);
const operations = JSON.parse(fs.readFileSync(0, "utf8"));
// The same key with the same request gets the same answer, so sending it again is safe.
const key = randomUUID();

async function send() {
  let problem;
  for (let attempt = 1; attempt <= 5; ++attempt) {
    try {
      const reply = await fetch(`${server}/batch-sync?collection=${collection}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify({ operations }),
      });
      if (reply.ok) return (await reply.json()).results;
      problem = new Error(`${reply.status}: ${await reply.text()}`);
      if (reply.status < 500) break; // It would be the same again.
    } catch (error) {
      problem = error;
    }
    await new Promise((done) => setTimeout(done, 200 * 2 ** attempt));
  }
  throw problem;
}

send()
  .then((results) => {
    for (const result of results) {
      const theirs = result.serverVersion ? ` theirs=${JSON.stringify(result.serverVersion)}` : "";
      const why = result.error ? ` ${result.error.code}: ${result.error.message}` : "";
      console.log(`${result.id} ${result.status} version=${result.version}${theirs}${why}`);
    }
    process.exit(results.every((result) => result.success) ? 0 : 2);
  })
  .catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
