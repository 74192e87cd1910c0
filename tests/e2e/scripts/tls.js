"use strict";
// The official JavaScript driver over TLS, large answers and feeds included.
const fs = require("node:fs");
const { r, connect, check, all, finish } = require("./harness");

const TRUSTED = fs.readFileSync(process.env.TRUSTED_CERTIFICATES);
const STRANGE = fs.readFileSync(process.env.STRANGE_CERTIFICATES);
const CHARACTERS = 2_000_000;

/** Why a connection is refused. */
async function refused(options) {
  try {
    await (await connect(options)).close();
    return "not refused";
  } catch (error) {
    return `${error.message} ${error.msg}`;
  }
}

async function main() {
  const conn = await connect({ ssl: { ca: TRUSTED } });
  check("a value", await r.expr({ a: [1, 2.5, null] }).run(conn), { a: [1, 2.5, null] });
  const long = "é".repeat(CHARACTERS);
  check("a long query and its answer", (await r.expr(long).run(conn)) === long, true);
  const numbers = await all(r.range(200_000), conn);
  check("a long sequence", numbers.reduce((left, right) => left + right, 0), (199_999 * 200_000) / 2);

  await r.tableCreate("javascript").run(conn);
  const table = r.table("javascript");
  const feed = await table.changes().run(conn);
  const other = await connect({ ssl: { ca: TRUSTED } });
  const inserted = table.insert([...Array(500).keys()].map((id) => ({ id }))).run(other);
  const seen = new Set();
  while (seen.size < 500) seen.add((await feed.next()).new_val.id);
  check("a feed", (await inserted).inserted, 500);
  await feed.close();
  check("the rows", await table.count().run(conn), 500);
  await other.close();
  await conn.close();

  check("an unknown authority", /certificate|self.signed/.test(await refused({ ssl: { ca: STRANGE } })), true);
  check("in the clear", /speaks TLS only/.test(await refused({})), true);
  finish();
}

// The driver's timer for a refused connection goes off later: do not wait for it.
main().then(() => process.exit());
