"""airports.csv through the official Python driver: joins, groups, a primary key of its own."""
import collections
import csv
import os

from harness import check, check_close, connect, finish, index, load, r

with open(os.environ["AIRPORTS_CSV"], encoding="utf-8", newline="") as file:
    AIRPORTS = [dict(row, latitude=float(row["latitude"]), longitude=float(row["longitude"]))
                for row in csv.DictReader(file)]

BY_CODE = {airport["iata"]: airport for airport in AIRPORTS}
PER_STATE = collections.Counter(airport["state"] for airport in AIRPORTS)
# Some states on purpose without airports, and some airports without a state of ours.
STATES = [{"id": state, "airports": count, "big": count > 100}
          for state, count in sorted(PER_STATE.items()) if len(state) == 2 and state != "AK"]
STATES.append({"id": "ZZ", "airports": 0, "big": False})

TABLE = r.db("geography").table("airports")
PLACES = r.db("geography").table("states")


def prepare(conn):
    if "geography" in r.db_list().run(conn):
        r.db_drop("geography").run(conn)
    r.db_create("geography").run(conn)
    r.db("geography").table_create("airports", primary_key="iata").run(conn)
    r.db("geography").table_create("states").run(conn)
    load(TABLE, AIRPORTS, conn, batch_documents=500)
    load(PLACES, STATES, conn)
    index(TABLE, "state", conn)
    index(TABLE, "place", conn, [r.row["state"], r.row["city"]])
    index(TABLE, "northness", conn, lambda a: r.branch(a["latitude"] >= 45, "north", "south"))


def reading(conn):
    check("count", TABLE.count().run(conn), len(AIRPORTS))
    check("get", TABLE.get("SFO").run(conn), BY_CODE["SFO"])
    check("every document comes back as it was", {a["iata"]: a for a in TABLE.run(conn)}, BY_CODE)
    codes = sorted(BY_CODE)
    check("orderBy on the primary key", [a["iata"] for a in TABLE.order_by(index="iata").run(conn)], codes)
    check("between strings", list(TABLE.between("A", "B").order_by("iata")["iata"].run(conn)),
          [code for code in codes if "A" <= code < "B"])
    check("the primary key of a table", TABLE.info()["primary_key"].run(conn), "iata")
    changed_key(conn)


def changed_key(conn):
    answer = TABLE.get("SFO").update({"iata": "QQQ"}).run(conn)
    first_line = answer.get("first_error", "").split("\n")[0]
    check("the primary key cannot change", (answer["errors"], first_line.startswith("Primary key `iata` cannot be changed")),
          (1, True))


def grouping(conn):
    check("group, count", TABLE.group("state").count().run(conn), dict(PER_STATE))
    check("group on an index", TABLE.group(index="state").count().run(conn), dict(PER_STATE))
    latitudes = collections.defaultdict(list)
    for airport in AIRPORTS:
        latitudes[airport["state"]].append(airport["latitude"])
    means = TABLE.group("state").avg("latitude").run(conn)
    check("group, avg: the groups", set(means), set(latitudes))
    for state, values in latitudes.items():
        check_close("mean latitude of %s" % state, means.get(state), sum(values) / len(values))
    north = TABLE.group("state").max("latitude")["iata"].run(conn)
    check("group, max", north, {s: max((a for a in AIRPORTS if a["state"] == s), key=lambda a: a["latitude"])["iata"]
                                for s in PER_STATE})
    south = TABLE.min("latitude")["iata"].run(conn)
    check("min", south, min(AIRPORTS, key=lambda a: a["latitude"])["iata"])
    check_close("sum of doubles", TABLE.sum("longitude").run(conn), sum(a["longitude"] for a in AIRPORTS))
    top = TABLE.group("state").count().ungroup().order_by(r.desc("reduction"), "group").limit(5).run(conn)
    expected = sorted(PER_STATE.items(), key=lambda item: (-item[1], item[0]))[:5]
    check("the largest groups", [(row["group"], row["reduction"]) for row in top], expected)
    square = TABLE.group(lambda a: [r.floor(a["latitude"] / 10), r.floor(a["longitude"] / 10)]).count().run(conn)
    check("group by an array", square, dict(collections.Counter(
        (a["latitude"] // 10, a["longitude"] // 10) for a in AIRPORTS)))
    listed = TABLE.get_all("HI", index="state").group("city")["iata"].run(conn)
    cities = collections.defaultdict(list)
    for airport in AIRPORTS:
        if airport["state"] == "HI":
            cities[airport["city"]].append(airport["iata"])
    check("group, then fields", {city: sorted(codes) for city, codes in listed.items()},
          {city: sorted(codes) for city, codes in cities.items()})


def indexes(conn):
    check("getAll", sorted(TABLE.get_all("CA", index="state")["iata"].run(conn)),
          sorted(a["iata"] for a in AIRPORTS if a["state"] == "CA"))
    check("getAll on a compound index", [a["iata"] for a in TABLE.get_all(["CA", "Oakland"], index="place").run(conn)],
          [a["iata"] for a in AIRPORTS if (a["state"], a["city"]) == ("CA", "Oakland")])
    texas = list(TABLE.between(["TX", r.minval], ["TX", r.maxval], index="place")
                 .order_by(index="place")["city"].run(conn))
    check("between and orderBy on a compound index", texas, sorted(a["city"] for a in AIRPORTS if a["state"] == "TX"))
    check("getAll on a function index", TABLE.get_all("north", index="northness").count().run(conn),
          sum(a["latitude"] >= 45 for a in AIRPORTS))
    check("between on strings", TABLE.between("M", "N", index="state").count().run(conn),
          sum("M" <= a["state"] < "N" for a in AIRPORTS))
    moved = TABLE.get_all("WY", index="state").update({"state": "wy"}).run(conn)["replaced"]
    check("an index follows many updates", (moved, TABLE.get_all("WY", index="state").count().run(conn),
                                            TABLE.get_all("wy", index="state").count().run(conn)),
          (PER_STATE["WY"], 0, PER_STATE["WY"]))
    TABLE.get_all("wy", index="state").update({"state": "WY"}).run(conn)
    status = TABLE.index_status().run(conn)
    check("indexStatus", sorted((row["index"], row["ready"], row["multi"]) for row in status),
          [("northness", True, False), ("place", True, False), ("state", True, False)])


def joining(conn):
    known = {state["id"]: state for state in STATES}
    joined = TABLE.eq_join("state", PLACES).count().run(conn)
    check("eqJoin", joined, sum(a["state"] in known for a in AIRPORTS))
    rows = TABLE.between("S", "T").eq_join("state", PLACES).zip().run(conn)
    check("eqJoin, zip", sorted(rows, key=lambda a: a["iata"]),
          [dict(BY_CODE[code], **known[BY_CODE[code]["state"]]) for code in sorted(BY_CODE)
           if "S" <= code < "T" and BY_CODE[code]["state"] in known])
    back = PLACES.filter({"big": True}).eq_join("id", TABLE, index="state").count().run(conn)
    check("eqJoin on a secondary index", back, sum(s["airports"] for s in STATES if s["big"]))
    some = TABLE.between("A", "AC")
    inner = some.inner_join(PLACES, lambda a, s: a["state"] == s["id"]).zip()["iata"].run(conn)
    few = [a for a in AIRPORTS if "A" <= a["iata"] < "AC"]
    check("innerJoin", sorted(inner), sorted(a["iata"] for a in few if a["state"] in known))
    outer = list(some.outer_join(PLACES, lambda a, s: a["state"] == s["id"]).run(conn))
    check("outerJoin keeps the unmatched", sorted(row["left"]["iata"] for row in outer if "right" not in row),
          sorted(a["iata"] for a in few if a["state"] not in known))
    check("outerJoin has everything", len(outer), len(few))
    merged = PLACES.get("HI").merge(lambda s: {
        "codes": TABLE.get_all(s["id"], index="state")["iata"].coerce_to("array")}).run(conn)
    check("a subquery inside merge", sorted(merged["codes"]),
          sorted(a["iata"] for a in AIRPORTS if a["state"] == "HI"))


def computing(conn):
    check("map over two sequences", r.map([1, 2, 3], [10, 20, 30], lambda a, b: a + b).run(conn), [11, 22, 33])
    check("do", r.do(TABLE.count(), PLACES.count(), lambda a, s: [a, s]).run(conn), [len(AIRPORTS), len(STATES)])
    check("branch", TABLE.get("SFO").do(lambda a: r.branch(a["latitude"] > 40, "cold", "mild")).run(conn), "mild")
    check("default", TABLE.get("SFO")["missing"].default("none").run(conn), "none")
    name = TABLE.get("SFO")["name"].upcase().split(" ").run(conn)
    check("strings", name, BY_CODE["SFO"]["name"].upper().split(" "))
    objects = TABLE.get_all("HI", index="state").map(lambda a: [a["iata"], a["city"]]).coerce_to("array") \
        .coerce_to("object").run(conn)
    check("coerceTo object", objects, {a["iata"]: a["city"] for a in AIRPORTS if a["state"] == "HI"})
    far = r.range(1, 6).map(lambda n: n * n).sum().run(conn)
    check("range", far, 55)


def deleting(conn):
    answer = TABLE.get_all("TX", index="state").delete().run(conn)
    check("delete through an index", answer["deleted"], PER_STATE["TX"])
    check("what is left", TABLE.count().run(conn), len(AIRPORTS) - PER_STATE["TX"])
    check("the index is empty there", TABLE.get_all("TX", index="state").count().run(conn), 0)
    load(TABLE, [a for a in AIRPORTS if a["state"] == "TX"], conn)
    check("inserted again", TABLE.get_all("TX", index="state").count().run(conn), PER_STATE["TX"])


def main():
    conn = connect()
    prepare(conn)
    for part in (reading, grouping, indexes, joining, computing, deleting):
        part(conn)
    conn.close()
    finish()


main()
