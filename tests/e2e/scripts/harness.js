"use strict";
// What the scripts share: counted checks, the connection, loading in batches.
const assert = require("node:assert");
const r = require("rethinkdb");

let passed = 0;
const failed = [];

const connect = (options = {}) =>
  r.connect({ host: "127.0.0.1", port: Number(process.env.PHOTONDB_PORT), ...options });

/** Counts; a difference is shown and fails the script at its end. */
function check(name, got, expected) {
  try {
    // Through JSON: the driver's arrays carry methods of their own.
    assert.deepStrictEqual(plain(got), plain(expected));
    passed += 1;
  } catch {
    failed.push(name);
    console.log(`FAILED ${name}\n  expected ${short(expected)}\n  got      ${short(got)}`);
  }
}

/** Sums of doubles depend on their order. */
function checkClose(name, got, expected) {
  const close = typeof got === "number" && Math.abs(got - expected) <= 1e-9 * Math.abs(expected);
  check(name, close ? expected : got, expected);
}

/** The promise must fail, with `words` in its message. */
async function checkError(name, promise, errorName, words) {
  try {
    check(name, await promise, `${errorName}: …${words}…`);
  } catch (error) {
    const is = error.name === errorName && error.msg.includes(words);
    check(name, is ? words : `${error.name}: ${error.msg}`, words);
  }
}

/** Everything a query gives, as an array or a value. */
async function all(query, conn, options = {}) {
  const result = await query.run(conn, options);
  return result && typeof result.toArray === "function" && !Array.isArray(result) ? result.toArray() : result;
}

/** Inserts everything and checks the counts. */
async function load(table, documents, conn, batchDocuments = 200) {
  let inserted = 0;
  for (let start = 0; start < documents.length; start += batchDocuments) {
    const answer = await table.insert(documents.slice(start, start + batchDocuments)).run(conn);
    if (answer.errors) throw new Error(`loading: ${answer.first_error}`);
    inserted += answer.inserted;
  }
  check("every document is inserted", inserted, documents.length);
}

/** How often `key` gives each value, as the driver shows groups: sorted by ReQL's order. */
function groups(rows, key, fold) {
  const found = new Map();
  for (const row of rows) {
    const group = key(row);
    const name = JSON.stringify(group);
    if (!found.has(name)) found.set(name, { group, rows: [] });
    found.get(name).rows.push(row);
  }
  return sortedGroups([...found.values()].map(({ group, rows }) => ({ group, reduction: fold(rows) })));
}

/** Groups in an order of our own, to compare them as a set. */
const sortedGroups = (list) =>
  [...list].sort((a, b) => (JSON.stringify(a.group) < JSON.stringify(b.group) ? -1 : 1));

function finish() {
  console.log(`${passed} checks passed`);
  if (failed.length) {
    console.log(`${failed.length} checks failed: ${failed.join(", ")}`);
    process.exitCode = 1;
  }
}

const plain = (value) => (value === undefined ? "undefined" : JSON.parse(JSON.stringify(value)));

function short(value, charactersMax = 600) {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`;
}

module.exports = { r, connect, check, checkClose, checkError, all, load, groups, sortedGroups, finish };
