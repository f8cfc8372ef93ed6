#!/usr/bin/env python3
"""What a client sees of each fault of a backend or a name server, printed as the table of docs/failures.md.

    tests/chaos/table.py

Every fault is shown once to an endpoint that decodes the answer and, where it makes a difference, to one that passes it on
(no-op). The class is the one that the gateway's counters have grown by. The last column is the time from the moment when
the peer is well again to the first 200; nothing is retried or waited for in between but the next request. Names are asked
for a while longer, since each worker remembers them. Not part of make test: tests/chaos/test_*.py hold the expectations.
KD_BIN names the gateway; a build without sanitizers is meant, whose own memory does not count against max_memory.
"""
import re
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
from chaos import PATIENCE, Backend, Watched, endpoint, free_port, grown, json_reply, no_op  # noqa: E402
from test_backends import CASES, TIMEOUT  # noqa: E402
from test_resolving import Dns  # noqa: E402

LIMITS = {"max_memory": "192MB"}
SHOWN = 24  # characters of a body
REMEMBERED = 2.5  # seconds, longer than any name is remembered here


class Row:
    """One fault: what the client got, the class that was counted, the text that was logged."""

    def __init__(self, gateway, target):
        before, lines = gateway.counters(), len(gateway.lines())
        self.status, self.body, self.whole = gateway.ask(target)
        gateway.settle(1 << 20, target)
        self.failures = grown(before, gateway.counters())
        self.logged = [line.partition("] ")[2] for line in gateway.lines()[lines:] if " ERROR: " in line]

    def show(self, name, kind, recovered):
        if len(self.body) > SHOWN:
            body = "%d bytes" % len(self.body)
        else:
            body = "`%s`" % self.body.decode("latin1").replace("\r", "\\r").replace("\n", "\\n") if self.body else "empty"
        logged = "; ".join("`%s`" % re.sub(r":\d{4,5}\b", ":PORT", line) for line in self.logged)
        print("| %s | %s | %s | %s%s | %s | %s | %s |" % (
            name, kind, self.status or "no answer", body, "" if self.whole else ", cut", ", ".join(sorted(self.failures)) or "–",
            logged or "–", recovered), flush=True)


def milliseconds(since):
    return "%.0f ms" % ((time.monotonic() - since) * 1000)


def recovery(gateway, target, wanted=(200,)):
    """Time from now on to the first answer that begins with `wanted` (status, body); how many others came before, if any did."""
    began, failed = time.monotonic(), 0
    while gateway.ask(target)[:len(wanted)] != wanted:
        failed += 1
        if time.monotonic() - began > PATIENCE:
            return "never"
    return milliseconds(began) + (" (%d other%s before)" % (failed, "s" * (failed > 1)) if failed else "")


def recovery_of_name(gateway, wanted=(200,)):
    """The same for a name, which each worker remembers on its own: also when the last other answer came."""
    began = time.monotonic()
    first, last = recovery(gateway, "/x", wanted), None
    while time.monotonic() - began < REMEMBERED:
        if gateway.ask("/x")[:len(wanted)] != wanted:
            last = milliseconds(began)
        time.sleep(0.005)
    return first + (", the last other answer after %s" % last if last else "")


def well(connection):
    json_reply(connection, {"well": True})


def backends():
    now = [well]

    def serve(connection, head):
        now[0](connection)
        return now[0] is well

    with Backend(serve) as backend:
        config = {"timeout": "%gs" % TIMEOUT, "endpoints": [endpoint("/json", backend.host), no_op("/raw", backend.host)],
                  "extra_config": {"gateway/limits": LIMITS}}
        with Watched(config) as gateway:
            for name, (behaviour, *expected) in CASES.items():
                for target, kind, want in zip(("/json", "/raw"), ("json", "no-op"), expected):
                    if want is None or (kind == "no-op" and want == expected[0]):
                        continue
                    now[0] = behaviour
                    row = Row(gateway, target)
                    now[0] = well
                    row.show(name, kind, recovery(gateway, target))


def refused():
    port = free_port()
    with Watched({"timeout": "2s", "endpoints": [endpoint("/json", "http://127.0.0.1:%d" % port)]}) as gateway:
        row = Row(gateway, "/json")
        backend = Backend.__new__(Backend)
        backend.serve = lambda connection, head: well(connection)
        listen(backend, "127.0.0.1", port)
        with backend:
            row.show("refuses connections", "json", recovery(gateway, "/json"))


def listen(backend, address, port):
    backend.listener = socket.create_server((address, port), backlog=64)
    threading.Thread(target=backend.accept, daemon=True).start()


def names():
    with Backend(lambda connection, head: well(connection)) as backend:
        def config(server, **more):
            return {"timeout": "1s", "dns_cache_ttl": "1s", "disable_keep_alives": True,
                    "endpoints": [endpoint("/x", "http://shop.test:%d" % backend.port)],
                    "extra_config": {"gateway/dns": dict({"servers": [server]}, **more)}}
        there = ("127.0.0.1", 1)
        with Dns({"shop.test": there}) as dns, Watched(config(dns.server)) as gateway:
            dns.delay = 1.5
            row = Row(gateway, "/x")
            dns.delay = 0.0
            row.show("name server slower than the endpoint", "json", recovery_of_name(gateway))
        with Dns({}) as dns, Watched(config(dns.server, timeout="100ms")) as gateway:
            dns.silent = True
            row = Row(gateway, "/x")
            dns.silent, dns.records["shop.test"] = False, there
            row.show("name server silent", "json", recovery_of_name(gateway))
        for name, records in (("name without an address", {"shop.test": (None, 1)}), ("unknown name", {})):
            with Dns(records) as dns, Watched(config(dns.server)) as gateway:
                row = Row(gateway, "/x")
                dns.records["shop.test"] = there
                row.show(name, "json", recovery_of_name(gateway))
        other = Backend.__new__(Backend)
        other.serve = lambda connection, head: json_reply(connection, {"moved": True})
        listen(other, "127.0.0.2", backend.port)
        with other, Dns({"shop.test": there}) as dns, Watched(config(dns.server)) as gateway:
            gateway.ask("/x")
            dns.records["shop.test"] = ("127.0.0.2", 1)
            row = Row(gateway, "/x")
            row.show("address of the name changes (TTL 1 s)", "json", recovery_of_name(gateway, (200, b'{"moved":true}')))


if __name__ == "__main__":
    print("| Fault | endpoint | status | body | class | logged error | well again to first 200 |\n|---|---|---|---|---|---|---|")
    refused()
    backends()
    names()
