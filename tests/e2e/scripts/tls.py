"""The official Python driver over TLS, large answers and feeds included."""
import os
import ssl
import threading

from rethinkdb.errors import ReqlDriverError

from harness import check, connect, finish, r

TRUSTED, STRANGE = os.environ["TRUSTED_CERTIFICATES"], os.environ["STRANGE_CERTIFICATES"]
CHARACTERS = 2_000_000


def refused(**options):
    """Why a connection is refused."""
    try:
        connect(**options).close()
        return "not refused"
    except (ReqlDriverError, ssl.SSLError) as error:
        return str(error)


conn = connect(ssl={"ca_certs": TRUSTED})
check("a value", r.expr({"a": [1, 2.5, None]}).run(conn), {"a": [1, 2.5, None]})
long = "x" * (CHARACTERS)
check("a long query and its answer", r.expr(long).run(conn) == long, True)
check("a long sequence", sum(r.range(200_000).run(conn)), 199_999 * 200_000 // 2)

r.table_create("python").run(conn)
table = r.table("python")
feed = table.changes().run(conn)
other = connect(ssl={"ca_certs": TRUSTED})
thread = threading.Thread(target=lambda: table.insert([{"id": n} for n in range(500)]).run(other))
thread.start()
seen = {next(feed)["new_val"]["id"] for _ in range(500)}
thread.join()
check("a feed", seen, set(range(500)))
feed.close()
check("the rows", table.count().run(conn), 500)
other.close()
conn.close()

check("an unknown authority", "CERTIFICATE_VERIFY_FAILED" in refused(ssl={"ca_certs": STRANGE}), True)
check("in the clear", "speaks TLS only" in refused(), True)
finish()
