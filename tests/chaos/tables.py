"""Tables for the pages of the limits and of the tokens: what is admitted, what a million clients take, what bad key servers do.

    tests/chaos/tables.py exact | clients | keys

They are measured, not tested: the figures that can fail are in tests/integration/test_qos.py and test_tokens.py."""
import json
import sys
import threading
import time

from chaos import Backend, Watched, endpoint, eventually, free_port

from test_qos import QUIET, crowd, limited
from test_tokens import FAR, GOOD, HEAD, KEY, KeyServer, ask, echo, protected, sign

RATE = 1000
MEMORY_SAMPLES = (1000, 262144, 524288, 1000000)
BATCH = 250


def exact():
    """What passes from the first refusal to the last one, against the tokens of that time."""
    print("| limit | seconds | answers | admitted | the bucket's | off by |")
    print("|---|---|---|---|---|---|")
    for name, block, refusal in (
            ("`max_rate` %d" % RATE, {"max_rate": RATE, "capacity": RATE}, 503),
            ("`client_max_rate` %d, one client" % RATE,
             {"client_max_rate": RATE, "client_capacity": RATE, "strategy": "ip"}, 429)):
        dead = "http://127.0.0.1:%d" % free_port()  # what passes fails at once
        config = {"extra_config": QUIET, "endpoints": [limited("/a", dead, block)]}
        with Watched(config, env={"GOMAXPROCS": "4"}) as gateway:
            time.sleep(1.5)  # long enough for a full bucket
            begin = time.monotonic()
            seen = crowd(gateway.port, "/a", 200, float("inf"), begin + 10)
        passed = sorted(got for _, got, status in seen if status != refusal)
        last = max(got for _, got, status in seen if status == refusal)
        # the endpoint's bucket is as old as the gateway: as it empties it is filled once more; a client's begins with the client
        tokens = 2 * RATE + 1 + RATE * (last - passed[RATE]) if refusal == 503 else RATE + RATE * (last - begin)
        print("| %s | %.2f | %d | %d | %d | %+.2f %% |" % (name, last - begin, len(seen), len(passed), tokens,
                                                         100 * (len(passed) / tokens - 1)))


def answers(s, n):
    """So many answers without a body from a connection; their statuses."""
    data = b""
    while data.count(b"\r\n\r\n") < n:
        part = s.recv(1 << 18)
        if not part:
            raise AssertionError("the gateway closed a connection")
        data += part
    return [int(part[9:12]) for part in data.split(b"\r\n\r\n")[:-1]]


def clients():
    """One request of each of a million clients, behind an endpoint that takes none: memory on the way."""
    block = {"max_rate": 1, "capacity": 1, "client_max_rate": 1, "client_capacity": 1, "every": "1000h"}
    for name, more, field in (("header", {"strategy": "header", "key": "X-Api-Key"}, "X-Api-Key: client-%d"),
                              ("ip, from X-Forwarded-For", {"strategy": "ip"}, "X-Forwarded-For: %s")):
        config = {"extra_config": QUIET, "endpoints": [limited("/a", "http://127.0.0.1:%d" % free_port(), dict(block, **more))]}
        with Watched(config, env={"GOMAXPROCS": "4"}) as gateway, gateway.open() as s:
            def request(i):
                value = i if "%d" in field else "10.%d.%d.%d" % (i >> 16 & 255, i >> 8 & 255, i & 255)
                return ("GET /a HTTP/1.1\r\nHost: g\r\n%s\r\n\r\n" % (field % value)).encode()

            def row(n):
                now = gateway.counters()["ledger"]
                print("| %s | %d | %.1f | %.1f |" % (name, n, gateway.resident() / 1e6, now["total"] / 1e6))
            print("| strategy | clients | resident, MB | ledger, MB |\n|---|---|---|---|")
            s.sendall(request(1 << 22))
            answers(s, 1)
            row(1)
            sent, statuses, regular = 0, {}, 0
            for target in MEMORY_SAMPLES:
                while sent < target:
                    n = min(BATCH, target - sent)
                    s.sendall(b"".join(request(i) for i in range(sent, sent + n)) + request(1 << 22))
                    got = answers(s, n + 1)
                    regular += got.pop() == 429
                    for status in got:
                        statuses[status] = statuses.get(status, 0) + 1
                    sent += n
                row(sent)
            s.sendall(request(sent - 1) + request(0))
            print("statuses", statuses, "one that keeps asking is refused: %d of %d;" % (regular, -(-sent // BATCH)),
                  "the last client again, the first client again:", answers(s, 2), json.dumps(gateway.counters()["ledger"]))


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))] * 1000


def keys():
    """Requests with a good token while the key server is bad, and another endpoint's latency meanwhile."""
    print("| key server | good token, no key yet | good token, key known, its time over | times that it was asked "
          "| another endpoint meanwhile: p50, p99 ms |\n|---|---|---|---|---|")
    long_good = json.dumps({"keys": [dict(KEY, kid="o%d" % i, pad="x" * 300) for i in range(28000)] + [KEY]}).encode()
    long_bad = b'{"keys":[' + b'{"kty":"oct","k":"AA"},' * 450000 + b"{}]}"
    for name, body, wait in (("good", b"", 0), ("hangs up", None, 0), ("silent", None, 0), ("slow, 300 ms", b"", .3),
                             ("garbage", b"\xff<html>" * 100, 0), ("10 MB, the key is in it", long_good, 0),
                             ("10 MB, no key of ours", long_bad, 0),
                             ("rotated: another key under the name", json.dumps(
                                 {"keys": [dict(KEY, k="YW5vdGhlcg")]}).encode(), 0)):
        cells, asked, took = [], [], []
        for known in (False, True):
            with Backend(echo) as backend, KeyServer([KEY]) as server:
                good, state = server.body, {"wait": 0, "down": False}
                plain = server.backend.serve

                def serve(connection, head, server=server, state=state, plain=plain):
                    if state["down"]:
                        server.asked += 1
                        return False
                    time.sleep(state["wait"])
                    return plain(connection, head)
                server.backend.serve = serve
                config = {"timeout": "2s", "extra_config": QUIET, "endpoints": [
                    protected("/p", backend.host, {"alg": "HS256", "jwk_url": server.url, "cache": True, "cache_duration": 1}),
                    endpoint("/open", backend.host)]}
                def turn_bad(server=server, state=state, good=good):
                    server.body = good if body == b"" else body
                    state["wait"], state["down"] = wait, name == "hangs up"
                if not known:
                    turn_bad()
                with Watched(config) as gateway:
                    token = sign(HEAD, GOOD)
                    if known:
                        eventually(lambda: ask(gateway, "/p", token)[0] == 200, "the key is known")
                        time.sleep(1.2)
                        turn_bad()
                    before, seen, stop = server.asked, [], threading.Event()

                    def client():
                        while not stop.is_set() and len(seen) < 2000:
                            seen.append(ask(gateway, "/p", token)[0])
                            time.sleep(.005)
                    crew = [threading.Thread(target=client) for _ in range(3)]
                    for t in crew:
                        t.start()
                    c, end = gateway.connect(), time.monotonic() + 2.5
                    while time.monotonic() < end:
                        began = time.monotonic()
                        c.request("GET", "/open")
                        c.getresponse().read()
                        took.append(time.monotonic() - began)
                        time.sleep(.002)
                    stop.set()
                    server.release.set()
                    for t in crew:
                        t.join()
                    c.close()
                    asked.append(server.asked - before)
                    cells.append(", ".join("%d: %d" % (s, seen.count(s)) for s in sorted(set(seen))))
        print("| %s | %s | %s | %d, %d | %.2f, %.2f |" % (name, *cells, *asked, percentile(took, 50), percentile(took, 99)),
              flush=True)


if __name__ == "__main__":
    {"exact": exact, "clients": clients, "keys": keys}[sys.argv[1]]()
