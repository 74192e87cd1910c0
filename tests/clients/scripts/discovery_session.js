"use strict";
// The pool of rethinkdbdash that looks for servers: a table of the server united with its feed.
const assert = require("node:assert");

const port = Number(process.env.PHOTONDB_PORT);
const complaints = [];
const r = require("rethinkdbdash")({
  servers: [{ host: "127.0.0.1", port }],
  discovery: true,
  silent: true,
  log: (message) => {
    if (message.startsWith("Could not")) complaints.push(message);
  },
});

const LOOK_MS = 1500;

async function main() {
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  assert.deepStrictEqual(complaints, []);
  assert.strictEqual(r.getPoolMaster().getPools().length, 1, "one server is one pool");
  assert.strictEqual(await r.expr(1).add(1), 2);
  const feed = await r.db("rethinkdb").table("db_config").filter({ name: "found" }).changes();
  await r.dbCreate("found");
  assert.strictEqual((await feed.next()).new_val.name, "found");
  await feed.close();
  const mixed = await r.db("rethinkdb").table("db_config")("name").union(["rows end"])
    .union(r.db("rethinkdb").table("db_config").changes()("new_val")("name"));
  const rows = [];
  while (rows.at(-1) !== "rows end") rows.push(await mixed.next());
  assert.deepStrictEqual(rows.slice().sort(), ["found", "rows end", "test"]);
  await r.dbCreate("later");
  assert.strictEqual(await mixed.next(), "later");
  await mixed.close();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
