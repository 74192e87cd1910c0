"use strict";
// A session of rethinkdb-ts as an application has it: a pool, documents, joins, feeds, streams.
const assert = require("node:assert");
const { r } = require("rethinkdb-ts");

const options = { host: "127.0.0.1", port: Number(process.env.PHOTONDB_PORT) };
let passed = 0;
const failed = [];

function check(name, got, expected) {
  try {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(got ?? null)), expected);
    passed += 1;
  } catch {
    failed.push(name);
    console.log(`FAILED ${name}\n  expected ${JSON.stringify(expected)}\n  got      ${JSON.stringify(got)}`);
  }
}

async function checkError(name, query, type, words) {
  try {
    check(name, await query.run(), `${type}: …${words}…`);
  } catch (error) {
    const is = error.message.includes(words);
    check(name, is ? words : `${error.name}: ${error.message}`, words);
  }
}

/** The next `count` rows of a feed. */
async function take(cursor, count) {
  const rows = [];
  while (rows.length < count) rows.push(await cursor.next());
  return rows;
}

async function documents() {
  await r.tableCreate("users").run();
  await r.tableCreate("posts", { primaryKey: "slug" }).run();
  await r.table("posts").indexCreate("author").run();
  await r.table("posts").indexCreate("tags", { multi: true }).run();
  await r.table("posts").indexCreate("author_day", [r.row("author"), r.row("day")]).run();
  await r.table("posts").indexWait().run();
  const users = [{ id: 1, name: "Ada", born: new Date(Date.UTC(1815, 11, 10)) }, { id: 2, name: "Grace" }];
  const insert = await r.table("users").insert(users, { returnChanges: true }).run();
  check("changes of an insert", insert.changes.map((change) => change.new_val.id), [1, 2]);
  check("a date comes back", (await r.table("users").get(1).run()).born.toISOString(), "1815-12-10T00:00:00.000Z");
  const posts = Array.from({ length: 300 }, (_, n) => ({
    slug: `post-${n}`, author: 1 + (n % 2), day: n % 7, tags: [`t${n % 3}`, `t${n % 5}`], body: Buffer.from([n % 256]),
  }));
  check("documents are inserted", (await r.table("posts").insert(posts).run()).inserted, 300);
  check("an index counts", await r.table("posts").getAll(1, { index: "author" }).count().run(), 150);
  check("a compound index", await r.table("posts").between([1, 2], [1, 3], { index: "author_day" }).count().run(),
    posts.filter((post) => post.author === 1 && post.day === 2).length);
  check("a multi index", await r.table("posts").getAll("t4", { index: "tags" }).distinct().count().run(), 60);
  const body = await r.table("posts").get("post-7")("body").run();
  check("binary comes back as a buffer", [Buffer.isBuffer(body), [...body]], [true, [7]]);
}

async function queries() {
  const joined = await r.table("posts").eqJoin("author", r.table("users")).zip()
    .filter({ slug: "post-3" }).pluck("slug", "name").run();
  check("a join", joined, [{ name: "Grace", slug: "post-3" }]);
  const byDay = await r.table("posts").group("day").count().ungroup().orderBy(r.desc("reduction"), "group")
    .limit(2).run();
  check("groups", byDay, [{ group: 0, reduction: 43 }, { group: 1, reduction: 43 }]);
  const total = await r.table("posts").map((post) => post("day").mul(2)).sum().run();
  check("a map and its sum", total, Array.from({ length: 300 }, (_, n) => (n % 7) * 2).reduce((a, b) => a + b));
  const branch = await r.expr([1, 2, 3]).map((x) => r.branch(x.gt(1), x.mul(10), "small")).run();
  check("a branch", branch, ["small", 20, 30]);
  const update = await r.table("users").get(2).update((user) => ({ posts: r.table("posts")
    .getAll(user("id"), { index: "author" }).count() }), { nonAtomic: true, returnChanges: true }).run();
  check("an update with a subquery", update.changes[0].new_val.posts, 150);
  check("a replaced document", (await r.table("users").get(2).replace(r.row.without("posts")).run()).replaced, 1);
  await checkError("a missing field", r.table("users").get(1)("nothing"), "ReqlNonExistenceError",
    "No attribute `nothing` in object");
  await checkError("carets", r.expr([1, 2]).map((x) => x.add("a")), "ReqlQueryLogicError",
    "Expected type NUMBER but found STRING");
  await checkError("a conflict", r.table("users").insert({ id: 1 })("first_error").eq("x").branch(1, r.error("conflict")),
    "ReqlUserError", "conflict");
}

async function cursors() {
  const cursor = await r.table("posts").orderBy({ index: "slug" }).getCursor({ maxBatchRows: 7 });
  const slugs = [];
  for await (const post of cursor) slugs.push(post.slug);
  check("a cursor of many batches is in order", [slugs.length, slugs.every((s, n) => n === 0 || slugs[n - 1] < s)],
    [300, true]);
  const feed = await r.table("posts").getAll(2, { index: "author" }).changes({ includeTypes: true }).run();
  const point = await r.table("users").get(1).changes({ includeInitial: true }).run();
  check("the initial value of a feed", (await point.next()).new_val.name, "Ada");
  await r.table("posts").insert({ slug: "new", author: 2, day: 0, tags: [] }).run();
  await r.table("posts").get("new").update({ day: 1 }).run();
  await r.table("posts").get("new").delete().run();
  const rows = await take(feed, 3);
  check("what a feed tells", rows.map((row) => [row.type, row.old_val?.day ?? null, row.new_val?.day ?? null]),
    [["add", null, 0], ["change", 0, 1], ["remove", 1, null]]);
  await r.table("users").get(1).update({ name: "Ada L." }).run();
  check("the change of a document", (await point.next()).new_val.name, "Ada L.");
  await feed.close();
  await point.close();
}

async function server() {
  check("tables", await r.tableList().run(), ["posts", "users"]);
  const status = await r.db("rethinkdb").table("server_status").nth(0).run();
  check("the version that drivers look for", /^rethinkdb 2\.4\./.test(status.process.version), true);
  const config = await r.table("posts").config().run();
  check("a table's settings", [config.primary_key, config.indexes.sort()],
    ["slug", ["author", "author_day", "tags"]]);
  check("a table is ready", (await r.table("posts").wait().run()).ready, 1);
  const circle = r.circle([0, 0], 1000);
  check("geometry", await circle.includes(r.point(0.001, 0.001)).run(), true);
  const many = await Promise.all(Array.from({ length: 200 }, (_, n) => r.expr(n).add(1).run()));
  check("many queries at once", many, Array.from({ length: 200 }, (_, n) => n + 1));
}

async function main() {
  await r.connectPool({ ...options, silent: true });
  await r.dbCreate("blog").run();
  await r.getPoolMaster().drain();
  await r.connectPool({ ...options, db: "blog", silent: true });
  await documents();
  await queries();
  await cursors();
  await server();
  await r.getPoolMaster().drain();
  console.log(`${passed} checks passed`);
  if (failed.length > 0) {
    console.log(`${failed.length} checks failed: ${failed.join(", ")}`);
    process.exit(1);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
