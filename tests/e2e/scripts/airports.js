"use strict";
// airports.csv through the official JavaScript driver: joins, groups, a primary key of its own.
const fs = require("node:fs");
const { r, connect, check, checkClose, all, load, groups, sortedGroups, finish } = require("./harness");

/** The rows of a CSV text: commas, and double quotes around fields that contain them. */
function parseCsv(text) {
  const cells = (line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)]
    .map(([, quoted, bare]) => (quoted === undefined ? bare : quoted.replaceAll('""', '"')));
  const [head, ...lines] = text.split(/\r?\n/).filter(Boolean).map(cells);
  return lines.map((line) => Object.fromEntries(head.map((name, column) => [name, line[column]])));
}

const AIRPORTS = parseCsv(fs.readFileSync(process.env.AIRPORTS_CSV, "utf8"))
  .map((row) => ({ ...row, latitude: Number(row.latitude), longitude: Number(row.longitude) }));
const CODES = AIRPORTS.map((airport) => airport.iata).sort();
const BY_CODE = Object.fromEntries(AIRPORTS.map((airport) => [airport.iata, airport]));
const PER_STATE = groups(AIRPORTS, (airport) => airport.state, (rows) => rows.length);
const STATES = PER_STATE.filter(({ group }) => group.length === 2 && group !== "AK")
  .map(({ group, reduction }) => ({ id: group, airports: reduction }));
const KNOWN = new Map(STATES.map((state) => [state.id, state]));

const TABLE = r.db("travel").table("airports");
const PLACES = r.db("travel").table("states");

async function prepare(conn) {
  if ((await r.dbList().run(conn)).includes("travel")) await r.dbDrop("travel").run(conn);
  await r.dbCreate("travel").run(conn);
  await r.db("travel").tableCreate("airports", { primaryKey: "iata" }).run(conn);
  await r.db("travel").tableCreate("states").run(conn);
  // Several inserts under way at once on one connection.
  const halves = [AIRPORTS.slice(0, 1700), AIRPORTS.slice(1700)];
  await Promise.all(halves.map((half) => load(TABLE, half, conn, 300)));
  await load(PLACES, STATES, conn);
  await TABLE.indexCreate("state").run(conn);
  await TABLE.indexCreate("place", [r.row("state"), r.row("city")]).run(conn);
  await TABLE.indexWait().run(conn);
}

async function reading(conn) {
  check("count", await TABLE.count().run(conn), AIRPORTS.length);
  check("get", await TABLE.get("JFK").run(conn), BY_CODE.JFK);
  check("every document comes back as it was", await all(TABLE.orderBy({ index: "iata" }), conn),
    CODES.map((code) => BY_CODE[code]));
  check("between strings", await all(TABLE.between("B", "C").orderBy({ index: "iata" })("iata"), conn),
    CODES.filter((code) => code >= "B" && code < "C"));
  check("orderBy in memory", await all(TABLE.orderBy("latitude").limit(5)("latitude"), conn),
    AIRPORTS.map((a) => a.latitude).sort((a, b) => a - b).slice(0, 5));
  check("filter", await TABLE.filter((a) => a("latitude").gt(45).and(a("longitude").lt(-100))).count().run(conn),
    AIRPORTS.filter((a) => a.latitude > 45 && a.longitude < -100).length);
  check("merge", await TABLE.get("JFK").merge((a) => ({ label: a("city").add(", ", a("state")) }))("label").run(conn),
    `${BY_CODE.JFK.city}, ${BY_CODE.JFK.state}`);
}

async function grouping(conn) {
  check("group, count", sortedGroups(await TABLE.group("state").count().run(conn)), PER_STATE);
  check("group on an index", sortedGroups(await TABLE.group({ index: "state" }).count().run(conn)), PER_STATE);
  const north = await TABLE.group("country").max("latitude")("latitude").run(conn);
  check("group, max", sortedGroups(north),
    groups(AIRPORTS, (a) => a.country, (rows) => Math.max(...rows.map((a) => a.latitude))));
  const top = TABLE.group("state").count().ungroup().orderBy(r.desc("reduction"), "group").limit(4);
  check("the largest groups", await all(top, conn), [...PER_STATE]
    .sort((a, b) => b.reduction - a.reduction || (a.group < b.group ? -1 : 1)).slice(0, 4));
  const total = AIRPORTS.reduce((left, a) => left + a.latitude, 0);
  checkClose("avg", await TABLE.avg("latitude").run(conn), total / AIRPORTS.length);
}

async function indexes(conn) {
  check("getAll", (await all(TABLE.getAll("OR", { index: "state" })("iata"), conn)).sort(),
    CODES.filter((code) => BY_CODE[code].state === "OR"));
  check("getAll of several keys", await TABLE.getAll("OR", "WA", "ID", { index: "state" }).count().run(conn),
    AIRPORTS.filter((a) => ["OR", "WA", "ID"].includes(a.state)).length);
  const cities = await all(
    TABLE.between(["CO", r.minval], ["CO", r.maxval], { index: "place" }).orderBy({ index: "place" })("city"), conn);
  check("between and orderBy on a compound index", cities,
    AIRPORTS.filter((a) => a.state === "CO").map((a) => a.city).sort());
  check("distinct on an index", await all(TABLE.distinct({ index: "state" }), conn), PER_STATE.map(({ group }) => group).sort());
}

async function joining(conn) {
  check("eqJoin", await TABLE.eqJoin("state", PLACES).count().run(conn), AIRPORTS.filter((a) => KNOWN.has(a.state)).length);
  const zipped = await all(TABLE.between("L", "M").eqJoin("state", PLACES).zip(), conn);
  check("eqJoin, zip", zipped.sort((a, b) => (a.iata < b.iata ? -1 : 1)),
    CODES.filter((code) => code >= "L" && code < "M" && KNOWN.has(BY_CODE[code].state))
      .map((code) => ({ ...BY_CODE[code], ...KNOWN.get(BY_CODE[code].state) })));
  const few = CODES.filter((code) => code >= "B" && code < "BD");
  const same = (a, s) => a("state").eq(s("id"));
  const inner = await all(TABLE.between("B", "BD").innerJoin(PLACES, same).zip()("iata"), conn);
  check("innerJoin", inner.sort(), few.filter((code) => KNOWN.has(BY_CODE[code].state)));
  const outer = await all(TABLE.between("B", "BD").outerJoin(PLACES, same), conn);
  check("outerJoin", [outer.length, outer.filter((row) => row.right === undefined).map((row) => row.left.iata).sort()],
    [few.length, few.filter((code) => !KNOWN.has(BY_CODE[code].state))]);
}

async function writing(conn) {
  const hawaii = AIRPORTS.filter((a) => a.state === "HI");
  const moved = await TABLE.getAll("HI", { index: "state" }).update({ state: "Hawaii" }).run(conn);
  check("update through an index", [moved.replaced, await TABLE.getAll("Hawaii", { index: "state" }).count().run(conn)],
    [hawaii.length, hawaii.length]);
  const gone = await TABLE.getAll("Hawaii", { index: "state" }).delete({ returnChanges: true }).run(conn);
  check("delete with returnChanges", gone.changes.map((change) => change.old_val.iata).sort(), hawaii.map((a) => a.iata).sort());
  check("count after delete", await TABLE.count().run(conn), AIRPORTS.length - hawaii.length);
  check("insert again", (await TABLE.insert(hawaii).run(conn)).inserted, hawaii.length);
  check("the index has them", await TABLE.getAll("HI", { index: "state" }).count().run(conn), hawaii.length);
}

async function main() {
  const conn = await connect();
  await prepare(conn);
  for (const part of [reading, grouping, indexes, joining, writing]) await part(conn);
  await conn.close();
  finish();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
