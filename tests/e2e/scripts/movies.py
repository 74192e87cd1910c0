"""movies.json through the official Python driver, every answer computed again from the file."""
import collections
import json
import os
import threading

from harness import check, check_close, check_error, connect, finish, index, load, r

with open(os.environ["MOVIES_JSON"], encoding="utf-8") as file:
    MOVIES = [dict(movie, id=number) for number, movie in enumerate(json.load(file))]

TABLE = r.db("cinema").table("movies")


def number(movie, field):
    return isinstance(movie[field], (int, float)) and not isinstance(movie[field], bool)


def prepare(conn):
    if "cinema" in r.db_list().run(conn):
        r.db_drop("cinema").run(conn)
    check("dbCreate", r.db_create("cinema").run(conn)["dbs_created"], 1)
    check("tableCreate", r.db("cinema").table_create("movies").run(conn)["tables_created"], 1)
    check("tableList", r.db("cinema").table_list().run(conn), ["movies"])
    load(TABLE, MOVIES, conn)


def reading(conn):
    check("count", TABLE.count().run(conn), len(MOVIES))
    rows = sorted(TABLE.run(conn), key=lambda movie: movie["id"])
    check("every document comes back as it was", rows, MOVIES)
    batches = TABLE.order_by(index="id").run(conn, max_batch_rows=7)
    check("small batches join to the whole", [movie["id"] for movie in batches], list(range(len(MOVIES))))
    check("get", TABLE.get(1000).run(conn), MOVIES[1000])
    check("get of nothing", TABLE.get(-1).run(conn), None)
    several = TABLE.get_all(3, 1, 4, 1, 5).run(conn)
    check("getAll", sorted(movie["id"] for movie in several), [1, 1, 3, 4, 5])
    check("getAll with repeats counts", TABLE.get_all(r.args([3, 1, 4])).count().run(conn), 3)
    check("between", TABLE.between(100, 200).count().run(conn), 100)
    closed = TABLE.between(100, 200, left_bound="open", right_bound="closed").run(conn)
    check("between with bounds", sorted(movie["id"] for movie in closed), list(range(101, 201)))
    check("skip, limit", [m["id"] for m in TABLE.order_by(index="id").skip(50).limit(5).run(conn)],
          [50, 51, 52, 53, 54])
    check("slice", [m["id"] for m in TABLE.order_by(index="id")[10:13].run(conn)], [10, 11, 12])
    check("nth", TABLE.order_by(index="id").nth(77)["Title"].run(conn), MOVIES[77]["Title"])
    backwards = TABLE.order_by(index=r.desc("id")).limit(3)["id"].run(conn)
    check("orderBy descending on the primary index", list(backwards), [3200, 3199, 3198])


def filtering(conn):
    dramas = [m for m in MOVIES if m["Major Genre"] == "Drama"]
    check("filter by object", TABLE.filter({"Major Genre": "Drama"}).count().run(conn), len(dramas))
    good = {m["id"] for m in MOVIES if number(m, "IMDB Rating") and m["IMDB Rating"] > 8.5}
    found = TABLE.filter(r.row["IMDB Rating"] > 8.5)["id"].run(conn)
    check("filter by comparison", set(found), good)
    # null sorts before every number
    low = [m for m in MOVIES if m["IMDB Rating"] is None or m["IMDB Rating"] < 2]
    check("null is less than numbers", TABLE.filter(r.row["IMDB Rating"] < 2).count().run(conn), len(low))
    both = [m for m in MOVIES if m["MPAA Rating"] == "R" and m["Distributor"] == "Miramax"]
    query = TABLE.filter((r.row["MPAA Rating"] == "R") & (r.row["Distributor"] == "Miramax"))
    check("filter by two fields", query.count().run(conn), len(both))
    check("hasFields", TABLE.has_fields("US DVD Sales").count().run(conn),
          sum(m["US DVD Sales"] is not None for m in MOVIES))
    check("typeOf", TABLE.filter(r.row["Title"].type_of() == "NUMBER")["Title"].order_by(r.row).run(conn),
          sorted(m["Title"] for m in MOVIES if number(m, "Title")))
    check("contains", TABLE["Title"].contains("Pulp Fiction").run(conn),
          any(m["Title"] == "Pulp Fiction" for m in MOVIES))
    matched = TABLE.filter(r.row["Title"].coerce_to("string").match("^Star (Wars|Trek)")).count().run(conn)
    starry = [m for m in MOVIES if str(m["Title"]).startswith(("Star Wars", "Star Trek"))]
    check("match", matched, len(starry))


def shaping(conn):
    fields = ("id", "Title", "IMDB Rating")
    plucked = TABLE.get_all(7, 8, 9).pluck(*fields).order_by("id").run(conn)
    check("pluck", plucked, [{f: MOVIES[n][f] for f in fields} for n in (7, 8, 9)])
    less = TABLE.get(7).without("Title", "Source").run(conn)
    check("without", less, {k: v for k, v in MOVIES[7].items() if k not in ("Title", "Source")})
    merged = TABLE.get(7).merge({"seen": True, "IMDB Rating": 10}).run(conn)
    check("merge", merged, dict(MOVIES[7], seen=True, **{"IMDB Rating": 10}))
    full = TABLE.with_fields("id", "Director", "Source").count().run(conn)
    check("withFields", full, sum(m["Director"] is not None and m["Source"] is not None for m in MOVIES))
    names = TABLE["Distributor"].distinct().run(conn)
    strings = sorted({m["Distributor"] for m in MOVIES if m["Distributor"]}, key=lambda s: s.encode())
    check("distinct is sorted, null first", names, [None] + strings)
    words = TABLE.concat_map(lambda m: m["Title"].coerce_to("string").split()).count().run(conn)
    check("concatMap", words, sum(len(title(m).split()) for m in MOVIES))
    lengths = TABLE.map(lambda m: m["Title"].coerce_to("string").count()).max().run(conn)
    check("map, max", lengths, max(len(title(m)) for m in MOVIES))
    top = TABLE.order_by(r.desc("IMDB Votes"), "id").limit(10)["id"].run(conn)
    by_votes = sorted(MOVIES, key=lambda m: (-(m["IMDB Votes"] or -1), m["id"]))
    check("orderBy in memory", list(top), [m["id"] for m in by_votes[:10]])
    union = TABLE.between(0, 10).union(TABLE.between(5, 15)).count().run(conn)
    check("union", union, 20)


def title(movie):
    return "null" if movie["Title"] is None else str(movie["Title"])


def aggregating(conn):
    gross = [m["US Gross"] for m in MOVIES if m["US Gross"] is not None]
    with_gross = TABLE.has_fields("US Gross")
    check("sum", with_gross.sum("US Gross").run(conn), sum(gross))
    check_close("avg", with_gross.avg("US Gross").run(conn), sum(gross) / len(gross))
    check("max", with_gross.max("US Gross")["US Gross"].run(conn), max(gross))
    check("min", with_gross.min("US Gross")["US Gross"].run(conn), min(gross))
    total = with_gross["US Gross"].reduce(lambda left, right: left + right).run(conn)
    check("reduce", total, sum(gross))
    check("count of a value", TABLE["MPAA Rating"].count("PG").run(conn),
          sum(m["MPAA Rating"] == "PG" for m in MOVIES))
    check_error("sum of null", TABLE.sum("US Gross"), conn, r.errors.ReqlQueryLogicError,
                "Expected type NUMBER but found NULL")

    genres = collections.Counter(m["Major Genre"] for m in MOVIES)
    check("group, count", TABLE.group("Major Genre").count().run(conn), dict(genres))
    ratings = collections.defaultdict(list)
    for m in MOVIES:
        if m["IMDB Rating"] is not None:
            ratings[m["MPAA Rating"]].append(m["IMDB Rating"])
    means = TABLE.has_fields("IMDB Rating").group("MPAA Rating").avg("IMDB Rating").run(conn)
    check("group, avg: the groups", set(means), set(ratings))
    for group, values in ratings.items():
        check_close("group, avg of %s" % group, means.get(group), sum(values) / len(values))
    pairs = collections.Counter((m["Major Genre"], m["MPAA Rating"]) for m in MOVIES)
    check("group by two fields", TABLE.group("Major Genre", "MPAA Rating").count().run(conn), dict(pairs))
    best = TABLE.has_fields("IMDB Rating").group("Major Genre").max("IMDB Rating")["IMDB Rating"].run(conn)
    expected = {}
    for m in MOVIES:
        if m["IMDB Rating"] is not None:
            expected[m["Major Genre"]] = max(expected.get(m["Major Genre"], 0), m["IMDB Rating"])
    check("group, max", best, expected)
    sums = TABLE.has_fields("US Gross").group("Creative Type").sum("US Gross").ungroup() \
        .order_by(r.desc("reduction")).limit(3).run(conn)
    totals = collections.Counter()
    for m in MOVIES:
        totals[m["Creative Type"]] += m["US Gross"] or 0
    check("group, sum, ungroup, orderBy", [(row["group"], row["reduction"]) for row in sums], totals.most_common(3))
    decades = TABLE.group(lambda m: m["Release Date"].split(" ").nth(-1)).count().run(conn)
    check("group by function", decades, dict(collections.Counter(m["Release Date"].split(" ")[-1] for m in MOVIES)))


def indexes(conn):
    index(TABLE, "Major Genre", conn)
    index(TABLE, "IMDB Rating", conn)
    index(TABLE, "year", conn, lambda m: m["Release Date"].split(" ").nth(-1).coerce_to("number"))
    index(TABLE, "genre_rating", conn, [r.row["Major Genre"], r.row["IMDB Rating"]])
    index(TABLE, "words", conn, lambda m: m["Title"].coerce_to("string").split().distinct(), multi=True)
    check("indexList", TABLE.index_list().run(conn),
          sorted(["Major Genre", "IMDB Rating", "year", "genre_rating", "words"]))

    comedies = {m["id"] for m in MOVIES if m["Major Genre"] == "Comedy"}
    found = TABLE.get_all("Comedy", index="Major Genre")["id"].run(conn)
    check("getAll on an index", sorted(found), sorted(comedies))
    either = TABLE.get_all("Comedy", "Horror", index="Major Genre").count().run(conn)
    check("getAll of two keys", either, sum(m["Major Genre"] in ("Comedy", "Horror") for m in MOVIES))
    rated = sorted((m["IMDB Rating"], m["id"]) for m in MOVIES if m["IMDB Rating"] is not None)
    ordered = list(TABLE.order_by(index="IMDB Rating").pluck("IMDB Rating", "id").run(conn))
    check("orderBy on an index skips null", [m["IMDB Rating"] for m in ordered], [rating for rating, _ in rated])
    check("orderBy on an index has everything", sorted(m["id"] for m in ordered), sorted(n for _, n in rated))
    top = TABLE.order_by(index=r.desc("IMDB Rating")).limit(20)["IMDB Rating"].run(conn)
    check("orderBy descending on an index", list(top), [rating for rating, _ in rated[::-1][:20]])
    middle = TABLE.between(7, 7.5, index="IMDB Rating").count().run(conn)
    check("between on an index", middle, sum(7 <= rating < 7.5 for rating, _ in rated))
    year = lambda m: float(m["Release Date"].split(" ")[-1])
    nineties = TABLE.between(1990, 2000, index="year").count().run(conn)
    check("between on a function index", nineties, sum(1990 <= year(m) < 2000 for m in MOVIES))
    good_dramas = TABLE.between(["Drama", 8], ["Drama", r.maxval], index="genre_rating")["id"].run(conn)
    check("between on a compound index", set(good_dramas),
          {m["id"] for m in MOVIES if m["Major Genre"] == "Drama" and number(m, "IMDB Rating")
           and m["IMDB Rating"] >= 8})
    exact = TABLE.get_all(["Action", 7], index="genre_rating").count().run(conn)
    check("getAll on a compound index", exact,
          sum(m["Major Genre"] == "Action" and m["IMDB Rating"] == 7 for m in MOVIES))
    love = TABLE.get_all("Love", index="words")["id"].run(conn)
    check("getAll on a multi index", sorted(love), [m["id"] for m in MOVIES if "Love" in title(m).split()])
    per_genre = TABLE.group(index="Major Genre").count().run(conn)
    counts = collections.Counter(m["Major Genre"] for m in MOVIES if m["Major Genre"] is not None)
    check("group on an index", per_genre, dict(counts))
    check("distinct on an index", TABLE.distinct(index="Major Genre").run(conn), sorted(counts))

    check("indexRename", TABLE.index_rename("year", "released").run(conn), {"renamed": 1})
    check("the renamed index works", TABLE.get_all(1998, index="released").count().run(conn),
          sum(year(m) == 1998 for m in MOVIES))
    check("indexDrop", TABLE.index_drop("words").run(conn), {"dropped": 1})
    check_error("a dropped index is gone", TABLE.get_all("Love", index="words"), conn,
                r.errors.ReqlOpFailedError, "Index `words` was not found on table `cinema.movies`")


def writing(conn):
    duplicate = TABLE.insert({"id": 5, "Title": "Again"}).run(conn)
    check("a duplicate is an error", (duplicate["errors"], duplicate["first_error"].split("\n")[0]),
          (1, "Duplicate primary key `id`:"))
    check("the document stays", TABLE.get(5).run(conn), MOVIES[5])
    answer = TABLE.insert({"id": 5, "note": "x"}, conflict="update", return_changes=True).run(conn)
    check("conflict update", answer["changes"], [{"old_val": MOVIES[5], "new_val": dict(MOVIES[5], note="x")}])
    answer = TABLE.insert(MOVIES[5], conflict="replace").run(conn)
    check("conflict replace", (answer["replaced"], TABLE.get(5).run(conn)), (1, MOVIES[5]))
    answer = TABLE.insert({"id": 5, "note": "new"},
                          conflict=lambda key, old, new: old.merge({"key": key, "note": new["note"]})).run(conn)
    check("conflict function", TABLE.get(5).pluck("key", "note").run(conn), {"key": 5, "note": "new"})
    check("replace", TABLE.get(5).replace(r.row.without("key", "note")).run(conn)["replaced"], 1)
    check("after replace", TABLE.get(5).run(conn), MOVIES[5])

    horror = [m for m in MOVIES if m["Major Genre"] == "Horror"]
    answer = TABLE.get_all("Horror", index="Major Genre") \
        .update(lambda m: {"score": m["IMDB Rating"].default(0) * 10}).run(conn)
    check("update with a function", answer["replaced"], len(horror))
    scores = {m["id"]: m["score"] for m in TABLE.has_fields("score").pluck("id", "score").run(conn)}
    check("its values", scores, {m["id"]: (m["IMDB Rating"] or 0) * 10 for m in horror})
    again = TABLE.get_all("Horror", index="Major Genre").update({"Major Genre": "Horror"}).run(conn)
    check("an update that changes nothing", again["unchanged"], len(horror))
    answer = TABLE.filter({"Major Genre": "Horror"}).replace(lambda m: m.without("score")).run(conn)
    check("replace of many", answer["replaced"], len(horror))

    TABLE.get(9).update({"Major Genre": "Test"}).run(conn)
    check("an index follows an update", list(TABLE.get_all("Test", index="Major Genre")["id"].run(conn)), [9])
    TABLE.get(9).replace(MOVIES[9]).run(conn)
    check("and its replacement", TABLE.get_all("Test", index="Major Genre").count().run(conn), 0)
    answer = TABLE.get(0).delete(return_changes=True).run(conn)
    check("delete", (answer["deleted"], answer["changes"]), (1, [{"old_val": MOVIES[0], "new_val": None}]))
    check("count after delete", TABLE.count().run(conn), len(MOVIES) - 1)
    TABLE.insert(MOVIES[0]).run(conn)
    made = TABLE.insert([{"Title": "one"}, {"Title": "two"}]).run(conn)
    check("generated keys", (made["inserted"], len(set(made["generated_keys"]))), (2, 2))
    check("their documents", TABLE.get_all(r.args(made["generated_keys"])).delete().run(conn)["deleted"], 2)
    copied = r.db("cinema").table_create("copies").run(conn)["tables_created"]
    copies = r.db("cinema").table("copies")
    answer = copies.insert(TABLE.filter({"Major Genre": "Musical"})).run(conn)
    musicals = [m for m in MOVIES if m["Major Genre"] == "Musical"]
    check("insert from a query", (copied, answer["inserted"]), (1, len(musicals)))
    answer = r.expr(musicals).for_each(lambda m: copies.get(m["id"]).update({"seen": True})).run(conn)
    check("forEach", (answer["replaced"], copies.filter({"seen": True}).count().run(conn)), (len(musicals),) * 2)
    check("sync", copies.sync().run(conn), {"synced": 1})
    check("tableDrop", r.db("cinema").table_drop("copies").run(conn)["tables_dropped"], 1)


def feeds(conn):
    """Watches from one connection what another one writes."""
    watcher, point_watcher = connect(), connect()
    everything = TABLE.changes().run(watcher)
    one = TABLE.get(42).changes(include_initial=True).run(point_watcher)
    check("a point feed starts with the value", one.next(wait=10), {"new_val": MOVIES[42]})
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(everything.next(wait=20) for _ in range(3)))
    reader.start()
    changed = dict(MOVIES[42], Title="The Answer")
    TABLE.get(42).update({"Title": "The Answer"}).run(conn)
    TABLE.get(43).delete().run(conn)
    TABLE.insert(MOVIES[43]).run(conn)
    reader.join(30)
    check("a table feed delivers every change in order", seen, [
        {"old_val": MOVIES[42], "new_val": changed},
        {"old_val": MOVIES[43], "new_val": None},
        {"old_val": None, "new_val": MOVIES[43]},
    ])
    check("a point feed delivers the change", one.next(wait=10), {"old_val": MOVIES[42], "new_val": changed})
    try:
        surplus = one.next(wait=0.2)
        check("a point feed is silent about others", surplus, "nothing")
    except r.errors.ReqlTimeoutError:
        check("a point feed is silent about others", True, True)
    everything.close()
    one.close()
    check("a connection goes on after its feed", TABLE.get(43).run(watcher), MOVIES[43])
    TABLE.get(42).replace(MOVIES[42]).run(conn)
    watcher.close()
    point_watcher.close()


def connections(conn):
    for n in range(50):
        TABLE.get(n).update({"touched": n}).run(conn, noreply=True)
    conn.noreply_wait()
    check("noreply writes are done after noreplyWait", TABLE.has_fields("touched").count().run(conn), 50)
    TABLE.filter(r.row.has_fields("touched")).replace(r.row.without("touched")).run(conn)
    info = conn.server()
    check("server info", (set(info) >= {"id", "name", "proxy"}, info["proxy"]), (True, False))
    conn.use("cinema")
    check("the default database", r.table("movies").get(12).run(conn), MOVIES[12])
    half = TABLE.order_by(index="id").run(conn, max_batch_rows=10)
    first = [next(half)["id"] for _ in range(25)]
    half.close()
    check("a cursor may be left half read", first, list(range(25)))
    conn.reconnect()
    check("after reconnect", TABLE.count().run(conn), len(MOVIES))
    check_error("a missing table", r.db("cinema").table("nothing"), conn, r.errors.ReqlOpFailedError,
                "Table `cinema.nothing` does not exist.")
    check_error("an error of the user", r.error("mine"), conn, r.errors.ReqlUserError, "mine")
    cursors = [TABLE.order_by(index="id").run(conn, max_batch_rows=5) for _ in range(4)]
    sums = [0] * 4
    for _ in range(100):
        for place, cursor in enumerate(cursors):
            sums[place] += next(cursor)["id"]
    check("cursors side by side", sums, [sum(range(100))] * 4)


def main():
    conn = connect()
    prepare(conn)
    for part in (reading, filtering, shaping, aggregating, indexes, writing, feeds, connections):
        part(conn)
    check("nothing is left changed", sorted(TABLE.run(conn), key=lambda m: m["id"]), MOVIES)
    conn.close()
    finish()


main()
