"""Backends that fail, behind a circuit breaker: what clients see, what the backend gets, how soon all is well again.

    tests/chaos/test_breakers.py --table    prints the table"""
import itertools
import socket
import sys
import threading
import time
import unittest

from chaos import PATIENCE, Backend, Watched, endpoint, eventually, free_port, grown, json_reply

BEARS, OPEN_FOR = 4, 1  # max_errors, timeout in seconds
REQUESTS = 400


def fails_each(n):
    """Every n-th answer is a 500."""
    count = itertools.count(1)

    def serve(connection, _):
        if next(count) % n:
            json_reply(connection, {"ok": True})
        else:
            connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    return serve


def flaps(n):
    """n good answers, n bad ones, and so on."""
    count = itertools.count()

    def serve(connection, _):
        if next(count) // n % 2:
            connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        else:
            json_reply(connection, {"ok": True})
    return serve


def hangs_up(connection, _):
    return False


class Scripted:
    """A backend whose behaviour can be changed while it runs."""

    def __init__(self, serve):
        self.behaviour, self.got, self.mended = serve, 0, None
        self.lock = threading.Lock()
        self.backend = Backend(self.serve)
        self.host = self.backend.host

    def serve(self, connection, head):
        with self.lock:
            self.got += 1
        return self.behaviour(connection, head)

    def mend(self):
        self.behaviour, self.mended = (lambda connection, _: json_reply(connection, {"ok": True})), time.monotonic()


class Row:
    """What a run has shown."""

    def __init__(self, name):
        self.name, self.good, self.failed, self.refused, self.got, self.recovery, self.took = name, 0, 0, 0, 0, 0, 0

    def __str__(self):
        return "| %s | %d | %d | %d | %d | %.2f s |" % (self.name, self.good, self.failed, self.refused, self.got,
                                                       self.recovery)


def config(host, timeout):
    one = endpoint("/a", host, timeout=timeout)
    one["backend"][0]["extra_config"] = {"qos/circuit-breaker": {"max_errors": BEARS, "timeout": OPEN_FOR, "name": "chaos",
                                                                "log_status_change": True}}
    return {"extra_config": {"router": {"return_error_msg": True}}, "endpoints": [one]}


def ask(gateway, row):
    status, body = gateway.get("/a")
    if status == 200:
        row.good += 1
    elif body in (b"circuit breaker is open", b"too many requests"):
        row.refused += 1
    else:
        row.failed += 1
    return status


def run(name, serve, requests=REQUESTS, timeout="2s"):
    """So many requests against a bad backend, then until it is well again."""
    backend, row = Scripted(serve), Row(name)
    with backend.backend, Watched(config(backend.host, timeout)) as gateway:
        before = gateway.counters()
        begin = time.monotonic()
        for _ in range(requests):
            ask(gateway, row)
        row.took = time.monotonic() - begin
        row.got, row.lines = backend.got, [line for line in gateway.lines() if "[CB]" in line and "went from" in line]
        row.counted = grown(before, gateway.counters()).get("breaker_open", 0)
        backend.mend()
        after = Row("")
        eventually(lambda: ask(gateway, after) == 200, "the first good answer of a mended backend")
        row.recovery = time.monotonic() - backend.mended
        eventually(lambda: ask(gateway, after) == 200 and ask(gateway, after) == 200, "good answers")
    return row


def run_dead():
    """Nobody listens; then somebody does."""
    row, port = Row("dead (refused)"), free_port()
    with Watched(config("http://127.0.0.1:%d" % port, "2s")) as gateway:
        begin = time.monotonic()
        for _ in range(REQUESTS):
            ask(gateway, row)
        row.took = time.monotonic() - begin
        backend = Scripted(None)
        backend.backend.__exit__()
        backend.mend()
        listener = socket.create_server(("127.0.0.1", port), backlog=64)
        backend.backend.listener = listener
        threading.Thread(target=backend.backend.accept, daemon=True).start()
        after = Row("")
        eventually(lambda: ask(gateway, after) == 200, "the first good answer of a backend that listens again")
        row.recovery = time.monotonic() - backend.mended
        backend.backend.__exit__()
    return row


class Breakers(unittest.TestCase):
    def probes(self, row):
        """How many calls an open breaker can have let out in that time."""
        return row.took / OPEN_FOR + 1

    def test_some_failures(self):
        """1 % and 10 %, never in a row: all pass through."""
        for n in (100, 10):
            row = run("every %d. answer" % n, fails_each(n))
            self.assertEqual((row.good, row.failed, row.refused, row.got),
                             (REQUESTS - REQUESTS // n, REQUESTS // n, 0, REQUESTS))
            self.assertEqual(row.lines, [])

    def test_all_failures(self):
        for name, serve in (("all", fails_each(1)), ("hangs up", hangs_up)):
            row = run(name, serve)
            self.assertEqual((row.good, row.failed + row.refused), (0, REQUESTS))
            self.assertEqual(row.counted, row.refused)
            self.assertLessEqual(row.failed, BEARS + 1 + self.probes(row))
            self.assertIn("[CB] Circuit breaker named 'chaos' went from 'closed' to 'open'", row.lines[0])

    def test_flapping(self):
        row = run("flaps", flaps(20))
        self.assertEqual(row.good + row.failed + row.refused, REQUESTS)
        self.assertEqual(row.got, row.good + row.failed)
        self.assertGreaterEqual(row.good, 20)

    def test_slow(self):
        """Longer than the endpoint waits: a timeout is a failure."""
        release = threading.Event()

        def serve(connection, _):
            release.wait(PATIENCE)
            return False
        row = run("slow", serve, 40, "200ms")
        release.set()
        self.assertEqual((row.good, row.failed + row.refused), (0, 40))
        self.assertLessEqual(row.failed, BEARS + 1 + self.probes(row))

    def test_dead(self):
        row = run_dead()
        self.assertEqual((row.good, row.failed + row.refused), (0, REQUESTS))
        self.assertLessEqual(row.failed, BEARS + 1 + self.probes(row))


def table():
    print("%d requests one after the other; max_errors %d, timeout %d s\n" % (REQUESTS, BEARS, OPEN_FOR))
    print("| backend | clients: 200 | clients: its failure | clients: refused at once | backend got | well again after |")
    print("|---|---|---|---|---|---|")
    print(run("good", fails_each(10**9)))
    print(run("fails 1 %", fails_each(100)))
    print(run("fails 10 %", fails_each(10)))
    print(run("fails 100 %", fails_each(1)))
    print(run("flaps, 20 good and 20 bad", flaps(20)))
    print(run("hangs up", hangs_up))
    print(run("slow, the endpoint waits 200 ms", lambda c, h: time.sleep(1), 40, "200ms"))
    print(run_dead())


if __name__ == "__main__":
    if "--table" in sys.argv:
        table()
    else:
        unittest.main()
