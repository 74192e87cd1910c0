"""The command line tools of the Python package: everything that they carry comes back equal.

A database with every kind of index, times, binary, geometry, numbers at their edges, 50,000
documents and write hooks goes through dump and restore, and through export and import. Then
what the tools dump goes through `photondb restore`, and what `photondb dump` writes through
the tools."""
import datetime
import glob
import hashlib
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../e2e/scripts"))
from harness import PORT, check, connect, finish, r  # noqa: E402

FOLDER = os.environ["WORK_FOLDER"]
DOCUMENTS = 50_000
BATCH_DOCUMENTS = 1_000
TOOL_TIMEOUT_SECONDS = 120


def tool(name, *arguments):
    """Runs a tool; gives what it printed."""
    command = [sys.executable, "-m", "rethinkdb." + name, "-c", "127.0.0.1:%d" % PORT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise SystemExit("%s failed:\n%s\n%s" % (name, done.stdout, done.stderr))
    return done.stdout + done.stderr


def own_tool(*arguments):
    """Runs the server's binary as a tool; gives what it printed."""
    command = [os.environ["PHOTONDB_BINARY"], *arguments, "-c", "127.0.0.1:%d" % PORT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise SystemExit("%s failed:\n%s\n%s" % (command, done.stdout, done.stderr))
    return done.stdout


def document(number, generator):
    zone = r.make_timezone("+02:00")
    at = datetime.datetime(2020 + number % 5, 1 + number % 12, 1 + number % 28, number % 24, number % 60,
                           number % 60, number % 1000 * 1000, tzinfo=zone)
    words = ["äpfel", "日本", 'quote"', "tab\t", "back\\slash", "x" * (number % 100), "\u2028", "𝄞"]
    return {
        "id": number if number % 3 else "order-%d" % number,
        "customer": "c%d" % generator.randrange(500),
        "total": generator.random() * 1000,
        "tags": generator.sample(["red", "green", "blue", "old", "new"], generator.randrange(4)),
        "at": at,
        "note": " ".join(generator.choice(words) for _ in range(4)),
        "blob": r.binary(bytes(generator.randrange(256) for _ in range(number % 50))),
        "nested": {"list": [1, [2], {"none": None}], "large": 2**53 - number, "small": -1.5e-300 * number},
        "place": r.point(generator.uniform(-180, 180), generator.uniform(-85, 85)),
    }


def fill(conn):
    generator = random.Random(7)
    r.db_create("shop").run(conn)
    shop = r.db("shop")
    shop.table_create("orders").run(conn)
    shop.table_create("people", primary_key="email").run(conn)
    shop.table_create("areas").run(conn)
    shop.table_create("empty").run(conn)
    orders = shop.table("orders")
    orders.index_create("customer").run(conn)
    orders.index_create("customer_total", [r.row["customer"], r.row["total"]]).run(conn)
    orders.index_create("tags", multi=True).run(conn)
    orders.index_create("month", lambda order: order["at"].month()).run(conn)
    orders.index_create("words", lambda order: order["note"].split(" "), multi=True).run(conn)
    orders.index_create("place", geo=True).run(conn)
    for start in range(0, DOCUMENTS, BATCH_DOCUMENTS):
        batch = [document(number, generator) for number in range(start, start + BATCH_DOCUMENTS)]
        answer = orders.insert(batch, durability="soft").run(conn)
        if answer["inserted"] != BATCH_DOCUMENTS:
            raise SystemExit("filling: %s" % answer)
    orders.index_wait().run(conn)
    people = shop.table("people")
    people.index_create("lower", r.row["email"].downcase()).run(conn)
    people.index_wait().run(conn)
    people.insert([{"email": "P%d@x" % number, "number": number} for number in range(2_000)]).run(conn)
    # It lets new rows be: the tools set it while the last rows of theirs may be on their way.
    people.set_write_hook(lambda context, old, new: r.branch(
        old.eq(None), new, new.merge({"seen": context["timestamp"]}))).run(conn)
    shop.table("areas").insert([
        {"id": 1, "area": r.polygon([0, 0], [0, 10], [10, 10]), "path": r.line([0, 0], [5, 5])},
        {"id": 2, "area": r.circle([20, 20], 1000), "moment": r.epoch_time(-1.25)},
    ]).run(conn)


def fingerprint(conn, tables=None):
    """Every document byte by byte, every index with its definition and size, every hook."""
    database = "shop"
    found = {}
    for name in tables or r.db(database).table_list().run(conn):
        table = r.db(database).table(name)
        primary_key = table.info().run(conn)["primary_key"]
        digest = hashlib.sha256()
        count = 0
        for row in table.order_by(index=primary_key).run(conn, time_format="raw", binary_format="raw"):
            digest.update(json.dumps(row, sort_keys=True).encode())
            count += 1
        indexes = []
        for status in table.index_status().run(conn):
            size = None
            if not status["geo"]:
                size = table.between(r.minval, r.maxval, index=status["index"]).count().run(conn)
            function = hashlib.sha256(status["function"]).hexdigest()
            indexes.append([status["index"], status["multi"], status["geo"], status["ready"],
                            status["query"], function, size])
        hook = table.get_write_hook().run(conn)
        found[name] = [primary_key, count, digest.hexdigest(), indexes, hook and hook["query"]]
    return found


def dump_and_restore(conn, before):
    archive = os.path.join(FOLDER, "dump.tar.gz")
    tool("_dump", "-f", archive, "-q")
    r.db_drop("shop").run(conn)
    tool("_restore", archive, "-q")
    check("what was dumped and restored is equal", fingerprint(conn), before)
    tool("_restore", archive, "-q", "--force", "-i", "shop.areas")
    check("a table restored over itself is equal", fingerprint(conn), before)
    tool("_dump", "-f", os.path.join(FOLDER, "part.tar.gz"), "-e", "shop.people", "-q")
    check("a part can be dumped", os.path.exists(os.path.join(FOLDER, "part.tar.gz")), True)


def archives_are_exchanged(conn, before):
    archive = os.path.join(FOLDER, "dump.tar.gz")
    r.db_drop("shop").run(conn)
    own_tool("restore", archive)
    check("photondb restores what the tools dumped", fingerprint(conn), before)
    archive = os.path.join(FOLDER, "own.tar.gz")
    own_tool("dump", "-f", archive)
    r.db_drop("shop").run(conn)
    tool("_restore", archive, "-q")
    check("the tools restore what photondb dumped", fingerprint(conn), before)


def export_and_import(conn, before):
    folder = os.path.join(FOLDER, "export")
    tool("_export", "-d", folder)
    written = sorted(os.path.basename(path) for path in glob.glob(os.path.join(folder, "shop/*")))
    names = ["areas", "empty", "orders", "people"]
    check("a file and its facts for each table", written,
          sorted(name + end for name in names for end in (".info", ".json")))
    r.db_drop("shop").run(conn)
    tool("_import", "-d", folder)
    check("what was exported and imported is equal", fingerprint(conn), before)


def single_files(conn):
    folder = os.path.join(FOLDER, "single")
    tool("_export", "-d", folder, "-e", "shop.people", "--format", "csv", "--fields", "email,number")
    # The tool itself cannot make the table of a single file: it asks for the primary key null.
    r.db_create("copies").run(conn)
    r.db("copies").table_create("people", primary_key="email").run(conn)
    r.db("copies").table_create("new").run(conn)
    tool("_import", "-f", os.path.join(folder, "shop/people.csv"), "--format", "csv",
         "--table", "copies.people", "--force")
    people = r.db("copies").table("people")
    check("rows of a CSV file", people.count().run(conn), 2_000)
    check("CSV knows texts only", people.get("P17@x").run(conn), {"email": "P17@x", "number": "17"})
    tool("_export", "-d", os.path.join(FOLDER, "lines"), "-e", "shop.orders", "--format", "ndjson")
    path = os.path.join(FOLDER, "lines/shop/orders.ndjson")
    with open(path, encoding="utf-8") as lines:
        check("a line for each document", sum(1 for line in lines if json.loads(line)), DOCUMENTS)
    with open(os.path.join(FOLDER, "new.json"), "w", encoding="utf-8") as file:
        json.dump([{"id": number} for number in range(10)], file)
    tool("_import", "-f", os.path.join(FOLDER, "new.json"), "--table", "copies.new", "--force")
    check("rows of a JSON file", r.db("copies").table("new").count().run(conn), 10)


def files_are_exchanged(conn, before):
    """What one side exports the other imports, by the same arguments."""
    arguments = ["--clients", "2", "--read-outdated", "-q"]
    tables = ["people", "areas"]
    before = {name: before[name] for name in tables}
    for name, export, restore in [("theirs", tool, own_tool), ("ours", own_tool, tool)]:
        verb = {tool: "_%s", own_tool: "%s"}
        folder = os.path.join(FOLDER, name)
        export(verb[export] % "export", "-d", folder, "-e", "shop.people", "-e", "shop.areas", *arguments)
        for table in tables:
            r.db("shop").table_drop(table).run(conn)
        restore(verb[restore] % "import", "-d", folder, "-i", "shop", "--clients", "4", "--hard-durability", "-q")
        check("%s: exported, imported by the other side" % name, fingerprint(conn, tables), before)
    rows = {}
    for name, export, verb in [("theirs.csv", tool, "_export"), ("ours.csv", own_tool, "export")]:
        folder = os.path.join(FOLDER, name)
        export(verb, "-d", folder, "-e", "shop.people", "--format", "csv", "--fields", "email,number",
               "--delimiter", ",", *arguments)
        with open(os.path.join(folder, "shop/people.csv"), encoding="utf-8", newline="") as file:
            rows[name] = sorted(file.read().splitlines())
    check("the same rows of CSV", rows["ours.csv"], rows["theirs.csv"])
    found = []
    for run, verb in [(tool, "_import"), (own_tool, "import")]:
        r.db("copies").table("people").delete().run(conn)
        run(verb, "-f", os.path.join(FOLDER, "ours.csv/shop/people.csv"), "--format", "csv", "--table",
            "copies.people", "--delimiter", ",", "--no-header", "--custom-header", "email,number",
            "--fields", "email", "--force", "--clients", "2", "-q")
        # Their tool sets the hook of the table whose file it reads; its times are of the moment.
        emails = r.db("copies").table("people").order_by(index="email").without("seen")
        found.append(list(emails.run(conn)))
    check("the same documents of CSV", found[0], found[1])


def rebuild(conn, before):
    tool("_index_rebuild", "-r", "shop.orders", "--force", "-n", "3")
    check("indexes rebuilt are equal", fingerprint(conn), before)
    check("nothing is outdated", "Rebuilding 0 index" in tool("_index_rebuild"), True)


def main():
    conn = connect()
    fill(conn)
    before = fingerprint(conn)
    check("documents are there", before["orders"][1], DOCUMENTS)
    dump_and_restore(conn, before)
    archives_are_exchanged(conn, before)
    export_and_import(conn, before)
    single_files(conn)
    files_are_exchanged(conn, before)
    rebuild(conn, before)
    own_tool("index-rebuild", "-r", "shop.orders", "--force", "-n", "3")
    check("indexes rebuilt by photondb are equal", fingerprint(conn), before)
    finish()


if __name__ == "__main__":
    main()
