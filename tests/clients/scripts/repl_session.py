"""A session of `photondb repl` at a terminal, and questions that other verbs ask there."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../e2e/scripts"))
from harness import PORT, check, connect, finish, r  # noqa: E402
from terminal import Terminal  # noqa: E402

FOLDER = os.environ["WORK_FOLDER"]
HISTORY = os.path.join(FOLDER, "history")
BINARY = os.environ["PHOTONDB_BINARY"]


def start(*arguments):
    command = [BINARY, *arguments, "-c", "127.0.0.1:%d" % PORT]
    return Terminal(command, dict(os.environ, TERM="xterm", PHOTONDB_HISTORY_FILE=HISTORY))


def sees(name, terminal, text):
    check(name, text in terminal.wait_for(text), True)


def queries(conn):
    repl = start("repl")
    repl.wait_for_prompt("test> ")
    repl.type("r.table('people').get(1)\r")
    sees("one document is shown as JSON", repl, '"name": "Ann"')
    repl.wait_for_prompt("test> ")
    repl.type("r.table('people').orderBy('id')\r")
    sees("many are a table", repl, "│  2 ┆ Bob")
    repl.wait_for_prompt("test> ")
    repl.type("r.table('people').filter({\r")
    repl.wait_for("....> ")
    repl.type("name: 'Bob'}).count()\r")
    sees("a query goes on until its brackets close", repl, "\n1\r\n")
    repl.wait_for_prompt("test> ")
    repl.type("r.expr({a: 1})('b').add(1)\r")
    sees("a mistake is pointed at", repl, "1:15: No attribute `b` in object")
    sees("by marks below the query", repl, "^^^")
    repl.wait_for_prompt("test> ")
    return repl


def commands(repl):
    repl.type(".tables\r")
    sees("tables are listed", repl, "people")
    repl.wait_for_prompt("test> ")
    repl.type(".use shop\r")
    repl.wait_for_prompt("shop> ")
    repl.type(".tables\r")
    sees("of the database in use", repl, "orders")
    repl.wait_for_prompt("shop> ")
    repl.type(".use nothing\r")
    sees("which must be there", repl, "there is no database `nothing`")
    repl.wait_for_prompt("shop> ")
    repl.type(".use test\r")
    repl.wait_for_prompt("test> ")
    repl.type(".explain r.table('people').filter({name: 'Bob'})\r")
    sees("a plan", repl, '"stages"')
    repl.wait_for_prompt("test> ")
    repl.type(".profile r.table('people').count()\r")
    sees("a profile", repl, '"description"')
    repl.wait_for_prompt("test> ")
    repl.type(".output ndjson\r")
    repl.wait_for_prompt("test> ")
    repl.type("r.range(2)\r")
    sees("another format", repl, "\n0\r\n1\r\n")
    repl.wait_for_prompt("test> ")


def completion(repl):
    for begun, whole in [("r.tableCr", "r.tableCreate"), ("r.table('peo", "r.table('people"),
                         ("r.db('sho", "r.db('shop"), ("r.table('people')('nam", "('name")]:
        repl.type(begun + "\t")
        sees("Tab completes %s" % begun, repl, whole)
        repl.type("\x03")
        repl.wait_for_prompt("test> ")


def feeds(repl, conn):
    repl.type("r.table('people').changes()\r")
    repl.wait_for("\r\n")
    # The feed may begin a moment after the line was typed.
    number, seen = 100, False
    while number < 160 and not seen:
        r.table("people").insert({"id": number}).run(conn)
        seen = repl.comes('"new_val":{"id":', seconds=1)
        number += 1
    check("changes are shown as they come", seen, True)
    repl.interrupt()
    sees("Ctrl-C ends a feed", repl, "interrupted")
    repl.wait_for_prompt("test> ")
    repl.type("r.range(1e12).filter(false)\r")
    repl.wait_for("\r\n")
    repl.interrupt()
    sees("and a query", repl, "interrupted")
    repl.wait_for_prompt("test> ")
    repl.type("r.expr(20).add(2)\r")
    sees("the session goes on", repl, "22")
    repl.wait_for_prompt("test> ")


def end(repl):
    repl.type(".quit\r")
    check("the session ends well", repl.exit_code(), 0)
    with open(HISTORY, encoding="utf-8") as file:
        check("what was typed is kept", "r.expr(20).add(2)" in file.read(), True)
    check("for its owner alone", os.stat(HISTORY).st_mode & 0o077, 0)
    repl = start("repl")
    repl.wait_for_prompt("test> ")
    repl.type("\x04")
    check("Ctrl-D ends a session", repl.exit_code(), 0)


def questions(conn):
    drop = start("table", "drop", "test.people")
    drop.wait_for("Really drop table test.people with ")
    drop.type("n\r")
    check("no is no", drop.exit_code(), 1)
    check("and nothing is dropped", "people" in r.table_list().run(conn), True)
    create = start("user", "create", "ann")
    create.wait_for("New password of user \"ann\": ")
    create.type_hidden("secret\r")
    create.wait_for("The same again: ")
    create.type_hidden("secret\r")
    check("a password is asked for twice", create.exit_code(), 0)
    check("and not shown", b"secret" in create.shown, False)
    connect(user="ann", password="secret").close()
    ask = start("db", "list", "--user", "ann", "-p")
    ask.wait_for("Password of user \"ann\": ")
    ask.type("secret\r")
    check("and for a session, too", ask.exit_code(), 0)
    drop = start("table", "drop", "test.people")
    drop.wait_for("[y/N] ")
    drop.type("y\r")
    check("yes is yes", drop.exit_code(), 0)
    check("and the table is gone", r.table_list().run(conn), [])


def main():
    conn = connect()
    r.table_create("people").run(conn)
    r.table("people").insert([{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}]).run(conn)
    r.db_create("shop").run(conn)
    r.db("shop").table_create("orders").run(conn)
    repl = queries(conn)
    commands(repl)
    completion(repl)
    feeds(repl, conn)
    end(repl)
    questions(conn)
    finish()


if __name__ == "__main__":
    main()
