"""The asyncio loop type of the Python driver: many tasks on one connection, feeds among them."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../e2e/scripts"))
from harness import PORT, check, finish, r  # noqa: E402

from rethinkdb.errors import ReqlNonExistenceError, ReqlOpFailedError, ReqlTimeoutError  # noqa: E402

TASKS = 50
FEED_TIMEOUT_SECONDS = 10


async def rows_of(cursor):
    rows = []
    while await cursor.fetch_next():
        rows.append(await cursor.next())
    return rows


async def take(feed, count):
    return [await asyncio.wait_for(feed.next(), FEED_TIMEOUT_SECONDS) for _ in range(count)]


async def many_tasks(conn, table):
    async def write(number):
        await table.insert({"id": number, "group": number % 5, "value": number * 1.5}).run(conn)
        return await table.get(number)["value"].run(conn)

    answers = await asyncio.gather(*(write(number) for number in range(TASKS)))
    check("answers find their tasks", answers, [number * 1.5 for number in range(TASKS)])
    cursor = await table.filter(r.row["group"] == 3).order_by("id").run(conn)
    check("an array arrives at once", [row["id"] for row in cursor], list(range(3, TASKS, 5)))
    cursor = await table.between(10, 20).run(conn, max_batch_rows=3)
    check("a cursor of several batches", sorted(row["id"] for row in await rows_of(cursor)),
          list(range(10, 20)))
    groups = await table.group("group").count().run(conn)
    check("groups", groups, {number: TASKS // 5 for number in range(5)})


async def feeds(conn, table):
    feed = await table.filter(r.row["group"] == 1).changes(squash=False).run(conn)
    point = await table.get(1).changes(include_initial=True).run(conn)
    top = await table.order_by(index=r.desc("value")).limit(2).changes(include_initial=True,
                                                                       include_states=True).run(conn)
    check("the initial value of a document", (await take(point, 1))[0]["new_val"]["value"], 1.5)
    states = await take(top, 4)
    check("the first of an order", [row.get("state") or row["new_val"]["id"] for row in states],
          ["initializing", TASKS - 1, TASKS - 2, "ready"])
    await table.get(1).update({"value": 1000}).run(conn)
    await table.get(2).update({"value": 3}).run(conn)
    await table.get(6).delete().run(conn)
    first, second = await take(feed, 2)
    check("a change", [first["old_val"]["value"], first["new_val"]["value"]], [1.5, 1000])
    check("a deletion", [second["old_val"]["id"], second["new_val"]], [6, None])
    check("the change of a document", (await take(point, 1))[0]["new_val"]["value"], 1000)
    check("the order's new first", (await take(top, 1))[0]["new_val"]["id"], 1)
    try:
        await feed.next(wait=0.05)
        check("nothing more", "a row", "no row")
    except ReqlTimeoutError:
        check("nothing more", True, True)
    for cursor in (feed, point, top):
        await cursor.close()
    system = await r.db("rethinkdb").table("table_config").filter({"name": "watched"}) \
        .changes().run(conn)
    await r.table_create("watched").run(conn)
    check("a feed on a system table", (await take(system, 1))[0]["new_val"]["name"], "watched")
    await system.close()
    dropped = await r.table("watched").changes().run(conn)
    await r.table_drop("watched").run(conn)
    try:
        await asyncio.wait_for(dropped.next(), FEED_TIMEOUT_SECONDS)
        check("a feed ends with its table", "a row", "an error")
    except ReqlOpFailedError as error:
        check("a feed ends with its table", "table" in error.message.lower(), True)


async def errors(conn, table):
    for name, query, kind in [
        ("a missing table", r.table("nowhere"), ReqlOpFailedError),
        ("a missing field", table.get(0)["nothing"], ReqlNonExistenceError),
    ]:
        try:
            await query.run(conn)
            check(name, "an answer", kind.__name__)
        except kind:
            check(name, True, True)
    check("the connection lives on", await r.expr(1).run(conn), 1)


async def noreply(conn, table):
    for number in range(100, 200):
        await table.insert({"id": number}).run(conn, noreply=True)
    await conn.noreply_wait()
    check("writes without answers", await table.between(100, 200).count().run(conn), 100)
    check("the server tells its name", sorted((await conn.server()).keys()), ["id", "name", "proxy"])


async def main():
    r.set_loop_type("asyncio")
    async with await r.connect(host="127.0.0.1", port=PORT) as conn:
        await r.table_create("tasks").run(conn)
        table = r.table("tasks")
        await table.index_create("value").run(conn)
        await table.index_wait().run(conn)
        await many_tasks(conn, table)
        await feeds(conn, table)
        await errors(conn, table)
        await noreply(conn, table)
    finish()


if __name__ == "__main__":
    asyncio.run(main())
