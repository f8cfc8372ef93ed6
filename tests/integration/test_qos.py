"""Limits, breakers and caches in a whole gateway: exact over all workers, and kept over a reload."""
import selectors
import signal
import socket
import time
import unittest

from gateway import Backend, Gateway, LONG, PATIENCE, endpoint, eventually, free_port

QUIET = {"telemetry/logging": {"level": "CRITICAL", "stdout": True}, "router": {"disable_access_log": True}}
RATE = 1000


def limited(path, host, block, **more):
    return endpoint(path, host, extra_config={"qos/ratelimit/router": block}, **more)


class Client:
    """A connection that sends the next request when the last one is answered."""

    def __init__(self, port, target):
        self.request = ("GET %s HTTP/1.1\r\nHost: gateway\r\n\r\n" % target).encode()
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.data = b""
        self.send()

    def send(self):
        self.sent = time.monotonic()
        self.socket.send(self.request)

    def read(self):
        """The status of a complete answer (all of them have no body), or None."""
        part = self.socket.recv(65536)
        if not part:
            raise AssertionError("the gateway closed a connection")
        self.data += part
        if not self.data.endswith(b"\r\n\r\n"):
            return None
        status = int(self.data[9:12])
        self.data = b""
        return status


def crowd(port, target, clients, answers, end=float("inf")):
    """So many clients until so many answers, or that time; (sent, received, status) of each, in the order of arrival."""
    with selectors.DefaultSelector() as selector:
        for _ in range(clients):
            c = Client(port, target)
            selector.register(c.socket, selectors.EVENT_READ, c)
        seen = []
        while len(seen) < answers and time.monotonic() < end:
            ready = selector.select(PATIENCE)
            if not ready:
                raise AssertionError("no answer within %d s" % PATIENCE)
            for key, _ in ready:
                status = key.data.read()
                if status is not None:
                    seen.append((key.data.sent, time.monotonic(), status))
                    key.data.send()
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return seen


class Exact(unittest.TestCase):
    def test_rate(self):
        """200 clients on four workers against 1000 requests a second.

        Each 503 is an instant at which the bucket was empty. Between the first and the last one as many requests pass as
        the bucket gained tokens, whatever the machine does; how many that are follows from the time stamps."""
        dead = "http://127.0.0.1:%d" % free_port()  # what passes fails fast: 500
        config = {"extra_config": QUIET, "endpoints": [limited("/a", dead, {"max_rate": RATE, "capacity": RATE})]}
        with Gateway(config, env={"GOMAXPROCS": "4"}) as gateway:
            seen = crowd(gateway.port, "/a", 200, 400000 if LONG else 40000)
        self.assertEqual({s for _, _, s in seen}, {500, 503})
        refused = [(sent, got) for sent, got, status in seen if status == 503]
        (s0, r0), (s1, r1) = min(refused, key=lambda x: x[1]), max(refused, key=lambda x: x[0])
        surely = sum(status == 500 and sent > r0 and got < s1 for sent, got, status in seen)
        maybe = sum(status == 500 and got > s0 and sent < r1 for sent, got, status in seen)
        times = sorted(got for _, got, _ in seen)
        lost = sum(b - a for a, b in zip(times, times[1:]) if b - a > .9) * RATE  # nobody asked: the bucket ran over
        self.assertLessEqual(surely, 1.01 * RATE * (r1 - s0) + 2)
        self.assertGreaterEqual(maybe, .99 * RATE * (s1 - r0) - 2 - lost)

    def test_capacity(self):
        """Endless buckets: of many requests at once exactly the capacity passes."""
        dead = "http://127.0.0.1:%d" % free_port()
        for block in ({"max_rate": 1, "capacity": 321, "every": "1000h"},
                      {"client_max_rate": 1, "client_capacity": 321, "every": "1000h", "strategy": "ip"}):
            config = {"extra_config": QUIET, "endpoints": [limited("/a", dead, block)]}
            with Gateway(config, env={"GOMAXPROCS": "4"}) as gateway:
                seen = crowd(gateway.port, "/a", 100, 3000)
            self.assertEqual(sum(status == 500 for _, _, status in seen), 321)


class Reloads(unittest.TestCase):
    def reload(self, gateway, config):
        """Another configuration; it is in use once its endpoint answers."""
        self.number += 1
        path = "/generation/%d" % self.number
        gateway.write(dict(config, endpoints=config["endpoints"] + [endpoint(path, self.backend.host)]))
        gateway.signal(signal.SIGHUP)
        eventually(lambda: gateway.get(path)[0] != 404, "the reload")

    def setUp(self):
        self.number = 0
        self.seen = []
        self.status = b"200 OK"

        def serve(connection, head):
            path = head.split()[1]
            self.seen.append(path)
            body = b'{"n":%d}' % len(self.seen)
            connection.sendall(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                               b"Date: Mon, 02 Jan 2023 10:00:00 GMT\r\nCache-Control: max-age=999999999\r\n\r\n%s"
                               % (self.status, len(body), body))
        self.backend = Backend(serve)
        self.addCleanup(self.backend.__exit__)

    def test_buckets(self):
        block = {"max_rate": 1, "capacity": 2, "every": "1000h"}
        config = {"extra_config": QUIET, "endpoints": [limited("/a", self.backend.host, block)]}
        with Gateway(config, env={"GOMAXPROCS": "2"}) as gateway:
            self.assertEqual([gateway.get("/a")[0] for _ in range(3)], [200, 200, 503])
            self.reload(gateway, config)
            self.assertEqual(gateway.get("/a")[0], 503)
            config["endpoints"] = [limited("/a", self.backend.host, dict(block, capacity=3))]
            self.reload(gateway, config)
            self.assertEqual([gateway.get("/a")[0] for _ in range(4)], [200, 200, 200, 503])

    def test_breakers(self):
        def broken(**block):
            one = endpoint("/a", self.backend.host)
            one["backend"][0]["extra_config"] = {"qos/circuit-breaker": dict({"timeout": 100000}, **block)}
            return one
        config = {"extra_config": QUIET, "endpoints": [broken()]}
        with Gateway(config) as gateway:
            self.status = b"500 No"
            gateway.get("/a")
            self.status = b"200 OK"
            self.assertEqual(gateway.get("/a")[0], 500)
            config["endpoints"] = [broken(name="other", log_status_change=True)]  # says nothing about the machine
            self.reload(gateway, config)
            self.assertEqual(gateway.get("/a")[0], 500)
            config["endpoints"] = [broken(max_errors=5)]
            self.reload(gateway, config)
            self.assertEqual(gateway.get("/a")[0], 200)
        self.assertEqual(self.seen.count("/a"), 2)

    def test_caches(self):
        def cached(path, **block):
            one = endpoint(path, self.backend.host)
            one["backend"][0]["url_pattern"] = "/x"
            one["backend"][0]["extra_config"] = {"qos/http-cache": block}
            return one
        config = {"extra_config": QUIET, "endpoints": [cached("/a", shared=True)]}
        with Gateway(config, env={"GOMAXPROCS": "4"}) as gateway:
            first = gateway.get("/a")
            self.assertEqual([gateway.get("/a") for _ in range(20)], [first] * 20)
            config["endpoints"].append(cached("/b", shared=True))
            self.reload(gateway, config)
            self.assertEqual([gateway.get("/a"), gateway.get("/b")], [first] * 2)
            config["endpoints"] = [cached("/b", shared=True, max_items=10, max_size=100000)]
            self.reload(gateway, config)
            self.assertNotEqual(gateway.get("/b"), first)


if __name__ == "__main__":
    unittest.main()
