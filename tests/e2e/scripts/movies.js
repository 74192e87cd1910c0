"use strict";
// movies.json through the official JavaScript driver, every answer computed again from the file.
const fs = require("node:fs");
const { r, connect, check, checkClose, checkError, all, load, groups, sortedGroups, finish } = require("./harness");

const MOVIES = JSON.parse(fs.readFileSync(process.env.MOVIES_JSON, "utf8")).map((movie, id) => ({ ...movie, id }));
const TABLE = r.db("films").table("movies");
const title = (movie) => String(movie.Title);
const sum = (numbers) => numbers.reduce((left, right) => left + right, 0);
const sorted = (numbers) => [...numbers].sort((left, right) => left - right);

async function prepare(conn) {
  if ((await r.dbList().run(conn)).includes("films")) await r.dbDrop("films").run(conn);
  check("dbCreate", (await r.dbCreate("films").run(conn)).dbs_created, 1);
  check("tableCreate", (await r.db("films").tableCreate("movies").run(conn)).tables_created, 1);
  await load(TABLE, MOVIES, conn);
}

async function reading(conn) {
  check("count", await TABLE.count().run(conn), MOVIES.length);
  const rows = await all(TABLE.orderBy({ index: "id" }), conn);
  check("every document comes back as it was", rows, MOVIES);
  const batches = await all(TABLE.orderBy({ index: "id" })("id"), conn, { maxBatchRows: 7 });
  check("small batches join to the whole", batches, MOVIES.map((m) => m.id));
  check("get", await TABLE.get(99).run(conn), MOVIES[99]);
  check("get of nothing", await TABLE.get("none").run(conn), null);
  const good = MOVIES.filter((m) => m["IMDB Rating"] !== null && m["IMDB Rating"] > 8.5).map((m) => m.id);
  check("filter", sorted(await all(TABLE.filter(r.row("IMDB Rating").gt(8.5))("id"), conn)), good);
  const drama = MOVIES.filter((m) => m["Major Genre"] === "Drama" && m["MPAA Rating"] === "R");
  check("filter by two fields",
    await TABLE.filter({ "Major Genre": "Drama", "MPAA Rating": "R" }).count().run(conn), drama.length);
  check("skip, limit", await all(TABLE.orderBy({ index: "id" }).skip(5).limit(3)("id"), conn), [5, 6, 7]);
  check("between", await TABLE.between(10, 20, { rightBound: "closed" }).count().run(conn), 11);
  check("pluck", await TABLE.get(3).pluck("id", "Title").run(conn), { id: 3, Title: MOVIES[3].Title });
  const { Title: _dropped, ...rest } = MOVIES[3];
  check("without", await TABLE.get(3).without("Title").run(conn), rest);
  check("hasFields", await TABLE.hasFields("Director").count().run(conn), MOVIES.filter((m) => m.Director !== null).length);
  const genres = new Set(MOVIES.map((m) => m["Major Genre"]).filter((genre) => genre !== null));
  check("distinct, null first", await all(TABLE("Major Genre").distinct(), conn), [null, ...[...genres].sort()]);
  const words = sum(MOVIES.map((m) => title(m).split(/\s+/).filter(Boolean).length));
  check("concatMap", await TABLE.concatMap((m) => m("Title").coerceTo("string").split()).count().run(conn), words);
}

async function aggregating(conn) {
  const gross = MOVIES.map((m) => m["Worldwide Gross"]).filter((value) => value !== null);
  const withGross = TABLE.hasFields("Worldwide Gross");
  check("sum", await withGross.sum("Worldwide Gross").run(conn), sum(gross));
  checkClose("avg", await withGross.avg("Worldwide Gross").run(conn), sum(gross) / gross.length);
  check("max", await withGross.max("Worldwide Gross")("Worldwide Gross").run(conn), Math.max(...gross));
  check("min", await withGross.min("Worldwide Gross")("Worldwide Gross").run(conn), Math.min(...gross));
  const reduced = withGross("Worldwide Gross").reduce((left, right) => left.add(right));
  check("reduce", await reduced.run(conn), sum(gross));
  const genres = await TABLE.group("Major Genre").count().run(conn);
  check("group, count", sortedGroups(genres), groups(MOVIES, (m) => m["Major Genre"], (rows) => rows.length));
  const rated = MOVIES.filter((m) => m["IMDB Rating"] !== null);
  const best = await TABLE.hasFields("IMDB Rating").group("Distributor").max("IMDB Rating")("IMDB Rating").run(conn);
  check("group, max", sortedGroups(best),
    groups(rated, (m) => m.Distributor, (rows) => Math.max(...rows.map((m) => m["IMDB Rating"]))));
  const pairs = await TABLE.group("Source", "MPAA Rating").count().run(conn);
  check("group by two fields", sortedGroups(pairs),
    groups(MOVIES, (m) => [m.Source, m["MPAA Rating"]], (rows) => rows.length));
  const votes = await TABLE.hasFields("IMDB Votes").group("Creative Type").sum("IMDB Votes").run(conn);
  check("group, sum", sortedGroups(votes), groups(MOVIES.filter((m) => m["IMDB Votes"] !== null),
    (m) => m["Creative Type"], (rows) => sum(rows.map((m) => m["IMDB Votes"]))));
  await checkError("avg of nothing", TABLE.filter(false).avg("id").run(conn), "ReqlNonExistenceError",
    "Cannot take the average of an empty stream");
}

async function indexes(conn) {
  await TABLE.indexCreate("Distributor").run(conn);
  await TABLE.indexCreate("year", r.row("Release Date").split(" ").nth(-1).coerceTo("number")).run(conn);
  await TABLE.indexCreate("kind", [r.row("Creative Type"), r.row("MPAA Rating")]).run(conn);
  await TABLE.indexCreate("words", (m) => m("Title").coerceTo("string").split().distinct(), { multi: true }).run(conn);
  const ready = await TABLE.indexWait().run(conn);
  check("indexWait", ready.map((row) => [row.index, row.ready]).sort(),
    [["Distributor", true], ["kind", true], ["words", true], ["year", true]]);
  const year = (m) => Number(m["Release Date"].split(" ").at(-1));
  check("getAll", sorted(await all(TABLE.getAll("Miramax", { index: "Distributor" })("id"), conn)),
    MOVIES.filter((m) => m.Distributor === "Miramax").map((m) => m.id));
  check("between on a function index", await TABLE.between(1980, 1990, { index: "year" }).count().run(conn),
    MOVIES.filter((m) => year(m) >= 1980 && year(m) < 1990).length);
  const years = await all(TABLE.orderBy({ index: r.desc("year") })("Release Date"), conn);
  check("orderBy descending on an index", years.map((text) => Number(text.split(" ").at(-1))),
    sorted(MOVIES.map(year)).reverse());
  check("getAll on a compound index", await TABLE.getAll(["Fantasy", "PG"], { index: "kind" }).count().run(conn),
    MOVIES.filter((m) => m["Creative Type"] === "Fantasy" && m["MPAA Rating"] === "PG").length);
  check("getAll on a multi index", sorted(await all(TABLE.getAll("Night", { index: "words" })("id"), conn)),
    MOVIES.filter((m) => title(m).split(/\s+/).includes("Night")).map((m) => m.id));
}

async function writing(conn) {
  const again = await TABLE.insert({ id: 1 }).run(conn);
  check("a duplicate is an error", [again.errors, again.first_error.split("\n")[0]], [1, "Duplicate primary key `id`:"]);
  const changed = await TABLE.get(1).update({ seen: r.row("IMDB Votes").default(0).add(1) }, { returnChanges: true }).run(conn);
  const votes = (MOVIES[1]["IMDB Votes"] ?? 0) + 1;
  check("update with returnChanges", changed.changes, [{ old_val: MOVIES[1], new_val: { ...MOVIES[1], seen: votes } }]);
  check("replace", (await TABLE.get(1).replace(r.row.without("seen")).run(conn)).replaced, 1);
  check("delete", (await TABLE.get(1).delete().run(conn)).deleted, 1);
  check("insert again", (await TABLE.insert(MOVIES[1], { conflict: "replace" }).run(conn)).inserted, 1);
  await TABLE.filter({ "MPAA Rating": "G" }).update({ children: true }).run(conn, { noreply: true });
  await conn.noreplyWait();
  check("noreply, noreplyWait", await TABLE.hasFields("children").count().run(conn),
    MOVIES.filter((m) => m["MPAA Rating"] === "G").length);
  const undone = await TABLE.hasFields("children").replace(r.row.without("children")).run(conn);
  check("replace of many", undone.replaced, MOVIES.filter((m) => m["MPAA Rating"] === "G").length);
}

async function connections(conn) {
  const wanted = Array.from({ length: 200 }, (_, n) => (n * 37) % MOVIES.length);
  const found = await Promise.all(wanted.map((id) => TABLE.get(id).run(conn)));
  check("200 queries at once on one connection", found, wanted.map((id) => MOVIES[id]));
  const scans = await Promise.all([
    all(TABLE("id"), conn, { maxBatchRows: 50 }),
    all(TABLE.filter({ "Major Genre": "Comedy" })("id"), conn, { maxBatchRows: 10 }),
    TABLE.count().run(conn),
  ]);
  check("scans side by side", [sorted(scans[0]).length, scans[1].length, scans[2]],
    [MOVIES.length, MOVIES.filter((m) => m["Major Genre"] === "Comedy").length, MOVIES.length]);
  const info = await conn.server();
  check("server info", [typeof info.id, typeof info.name], ["string", "string"]);
  await conn.reconnect();
  check("after reconnect", await TABLE.count().run(conn), MOVIES.length);
}

async function feeds(conn) {
  const watcher = await connect();
  const feed = await TABLE.changes().run(watcher);
  const point = await TABLE.get(7).changes({ includeInitial: true }).run(watcher);
  check("a point feed starts with the value", await point.next(), { new_val: MOVIES[7] });
  const three = Promise.all([feed.next(), feed.next(), feed.next()]);
  await TABLE.get(7).update({ seen: true }).run(conn);
  await TABLE.get(8).delete().run(conn);
  await TABLE.insert(MOVIES[8]).run(conn);
  check("a table feed delivers every change in order", await three, [
    { old_val: MOVIES[7], new_val: { ...MOVIES[7], seen: true } },
    { old_val: MOVIES[8], new_val: null },
    { old_val: null, new_val: MOVIES[8] },
  ]);
  check("a point feed delivers the change", (await point.next()).new_val.seen, true);
  check("queries run beside feeds on one connection", await TABLE.get(9).run(watcher), MOVIES[9]);
  await feed.close();
  await point.close();
  await watcher.close();
  await TABLE.get(7).replace(MOVIES[7]).run(conn);
}

async function main() {
  const conn = await connect();
  await prepare(conn);
  for (const part of [reading, aggregating, indexes, writing, connections, feeds]) await part(conn);
  check("nothing is left changed", await all(TABLE.orderBy({ index: "id" }), conn), MOVIES);
  await conn.close();
  finish();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
