"""What the scripts share: counted checks, the connection, loading in batches."""
import json
import math
import os
import sys

from rethinkdb import RethinkDB

r = RethinkDB()
PORT = int(os.environ["PHOTONDB_PORT"])

_passed = 0
_failed = []


def connect(**options):
    return r.connect(host="127.0.0.1", port=PORT, **options)


def check(name, got, expected):
    """Counts; a difference is shown and fails the script at its end."""
    global _passed
    got = list(got) if hasattr(got, "next") else got
    if got == expected:
        _passed += 1
        return
    _failed.append(name)
    print("FAILED %s\n  expected %s\n  got      %s" % (name, _short(expected), _short(got)))


def check_close(name, got, expected):
    """Sums of doubles depend on their order."""
    close = isinstance(got, (int, float)) and math.isclose(got, expected, rel_tol=1e-9)
    check(name, expected if close else got, expected)


def check_error(name, query, conn, error_class, words):
    """The query must fail, with `words` in its message."""
    try:
        got = query.run(conn)
        got = list(got) if hasattr(got, "next") else got
        check(name, got, "%s: …%s…" % (error_class.__name__, words))
    except error_class as error:
        check(name, words if words in error.message else error.message, words)


def load(table, documents, conn, batch_documents=200):
    """Inserts everything and checks the counts."""
    inserted = 0
    for start in range(0, len(documents), batch_documents):
        answer = table.insert(documents[start:start + batch_documents]).run(conn)
        if answer["errors"]:
            raise SystemExit("loading: %s" % answer["first_error"])
        inserted += answer["inserted"]
    check("every document is inserted", inserted, len(documents))


def index(table, name, conn, *definition, **options):
    """Creates a secondary index and waits until it is ready."""
    table.index_create(name, *definition, **options).run(conn)
    status = table.index_wait(name).run(conn)
    check("index %s is ready" % name, [(row["index"], row["ready"]) for row in status], [(name, True)])


def finish():
    print("%d checks passed" % _passed)
    if _failed:
        print("%d checks failed: %s" % (len(_failed), ", ".join(_failed)))
        sys.exit(1)


def _short(value, characters_max=600):
    try:
        text = json.dumps(value, sort_keys=True, default=repr)
    except TypeError:
        text = repr(value)
    return text if len(text) <= characters_max else text[:characters_max] + "…"
