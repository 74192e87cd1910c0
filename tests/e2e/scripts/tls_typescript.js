"use strict";
// rethinkdb-ts over TLS: a single connection and a pool, large answers and feeds included.
const assert = require("node:assert");
const fs = require("node:fs");
const { r } = require("rethinkdb-ts");

const TRUSTED = fs.readFileSync(process.env.TRUSTED_CERTIFICATES);
const STRANGE = fs.readFileSync(process.env.STRANGE_CERTIFICATES);
const PLACE = { host: "127.0.0.1", port: Number(process.env.PHOTONDB_PORT) };
const CHARACTERS = 2_000_000;
let passed = 0;

function check(name, got, expected) {
  assert.deepStrictEqual(got, expected, name);
  passed += 1;
}

/** Why a connection is refused. */
async function refused(options) {
  try {
    await (await r.connect({ server: { ...PLACE, ...options }, silent: true, timeout: 5 })).close();
    return "not refused";
  } catch (error) {
    return `${error.message} ${error.cause?.message ?? ""}`;
  }
}

async function main() {
  const trusting = { server: { ...PLACE, tls: true, ca: TRUSTED } };
  const connection = await r.connect(trusting);
  check("a value", await r.expr({ a: [1, 2.5, null] }).run(connection), { a: [1, 2.5, null] });
  const long = "é".repeat(CHARACTERS);
  check("a long query and its answer", (await r.expr(long).run(connection)) === long, true);

  await r.connectPool({ ...trusting, silent: true });
  await r.tableCreate("typescript").run();
  const feed = await r.table("typescript").changes().run(connection);
  const inserted = r.table("typescript").insert([...Array(500).keys()].map((id) => ({ id }))).run();
  const seen = new Set();
  while (seen.size < 500) seen.add((await feed.next()).new_val.id);
  check("a feed on one connection of what another writes", (await inserted).inserted, 500);
  await feed.close();
  const many = await Promise.all(Array.from({ length: 200 }, (_, n) => r.table("typescript").get(n)("id").run()));
  check("many queries of a pool at once", many, Array.from({ length: 200 }, (_, n) => n));
  await connection.close();
  await r.getPoolMaster().drain();

  const strange = await refused({ tls: true, ca: STRANGE });
  check(`an unknown authority: ${strange}`, /certificate|self.signed/.test(strange), true);
  const byAnotherName = await refused({ tls: true, ca: TRUSTED, servername: "elsewhere" });
  check(`a certificate of another name: ${byAnotherName}`, /altnames|elsewhere/.test(byAnotherName), true);
  const inTheClear = await refused({});
  check(`in the clear: ${inTheClear}`, inTheClear === "not refused", false);
  console.log(`${passed} checks passed`);
}

main().then(
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
