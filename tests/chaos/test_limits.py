"""The limits of gateway/limits: what is refused at each, how it is told, counted and logged, and that it ends."""
import http.client
import socket
import threading
import unittest

from chaos import PATIENCE, Backend, Watched, endpoint, eventually, grown, json_reply, no_op, take_apart


def limited(host, **limits):
    return {"timeout": "%ds" % PATIENCE, "endpoints": [endpoint("/json", host), no_op("/raw", host),
                                                       dict(no_op("/post", host), method="POST", input_headers=["*"])],
            "extra_config": {"gateway/limits": limits}}


def rest(s):
    data = b""
    try:
        while True:
            part = s.recv(1 << 16)
            if not part:
                return data
            data += part
    except ConnectionError:
        return data


class Limits(unittest.TestCase):
    def shed(self, data):
        """A 503 with Retry-After and no body."""
        status, body, whole = take_apart(data)
        self.assertEqual((503, b"", True), (status, body, whole))
        self.assertIn(b"\r\nRetry-After: 1\r\n", data)

    def test_connections(self):
        with Backend(lambda c, head: json_reply(c, {})) as backend, Watched(limited(backend.host, max_connections=3)) as gateway:
            def counted(n):
                return lambda: gateway.counters()["connections"] == n
            eventually(counted(0), "the first look is over")
            before = gateway.counters()
            held = [gateway.open() for _ in range(3)]
            eventually(counted(3), "three are held")
            for _ in range(2):
                with gateway.open() as s:
                    self.shed(rest(s))
            held.pop().close()
            eventually(counted(2), "one has gone")
            self.assertEqual((200, b"{}", True), gateway.ask("/json"))
            self.assertEqual({"shed": 2}, grown(before, gateway.counters()))
            self.assertTrue(any("max_connections" in line for line in gateway.lines()))
            for s in held:
                s.close()

    def test_requests(self):
        gate = threading.Event()

        def serve(connection, head):
            gate.wait(PATIENCE)
            json_reply(connection, {"late": True})

        with Backend(serve) as backend, Watched(limited(backend.host, max_requests=2)) as gateway:
            before = gateway.counters()
            waiting = [gateway.open(b"GET /json HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n") for _ in range(2)]
            eventually(lambda: gateway.counters()["in_flight"] == 2, "two are in flight")
            keep = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
            for _ in range(3):  # the connection that was refused can ask again
                keep.request("GET", "/json")
                answer = keep.getresponse()
                self.assertEqual((503, b"", "1"), (answer.status, answer.read(), answer.getheader("Retry-After")))
            gate.set()
            for s in waiting:
                self.assertEqual((200, b'{"late":true}', True), take_apart(rest(s)))
                s.close()
            eventually(lambda: gateway.counters()["in_flight"] == 0, "they are answered")
            keep.request("GET", "/json")
            self.assertEqual(200, keep.getresponse().status)
            keep.close()
            self.assertEqual({"shed": 3}, grown(before, gateway.counters()))
            self.assertIn(sum("max_requests" in line for line in gateway.lines()), (1, 2, 3), "one line a second at most")

    def test_body(self):
        with Backend(lambda c, head: json_reply(c, {})) as backend, Watched(limited(backend.host, max_body_size="1KB")) as gateway:
            head = b"POST /post HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"
            table = {
                "as long as allowed": (b"Content-Length: 1024\r\n\r\n" + b"x" * 1024, 200),
                "stated too long": (b"Content-Length: 1025\r\n\r\n", 413),
                "too long in chunks": (b"Transfer-Encoding: chunked\r\n\r\n" + (b"200\r\n" + b"x" * 512 + b"\r\n") * 3 + b"0\r\n\r\n", 413),
                "short chunks": (b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1024 + b"0\r\n\r\n", 200),
            }
            for name, (body, want) in table.items():
                with self.subTest(name), gateway.open(head + body) as s:
                    status, _, whole = take_apart(rest(s))
                    self.assertEqual((want, True), (status, whole))

    def test_head(self):
        with Backend(lambda c, head: json_reply(c, {})) as backend, Watched(limited(backend.host, max_header_bytes=2048)) as gateway:
            for size, want in ((2048, 200), (1 << 16, 431)):
                with self.subTest(size), gateway.open(
                        b"GET /json HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nX-Long: %s\r\n\r\n" % (b"x" * size)) as s:
                    self.assertEqual(want, take_apart(rest(s))[0])


class Shadows(unittest.TestCase):
    def test_dropped(self):
        """A shadow backend that never answers: above their bound shadows are dropped and counted, the answers go on."""
        asked = 1100
        with Backend(lambda c, head: json_reply(c, {})) as backend, socket.create_server(("127.0.0.1", 0), backlog=4096) as silence:
            host = "http://127.0.0.1:%d" % silence.getsockname()[1]
            shadow = {"host": [host], "url_pattern": "/s", "extra_config": {"proxy": {"shadow": True, "shadow_timeout": "1h"}}}
            config = {"endpoints": [{"endpoint": "/x", "backend": [{"host": [backend.host], "url_pattern": "/x"}, shadow]}],
                      "extra_config": {"router": {"disable_access_log": True}}}
            with Watched(config) as gateway:
                keep = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
                for _ in range(asked):  # one connection: one worker
                    keep.request("GET", "/x")
                    answer = keep.getresponse()
                    self.assertEqual((200, b"{}"), (answer.status, answer.read()))
                keep.close()
                now = gateway.counters()
                self.assertEqual(asked, now["detached"] + now["dropped_detached"])
                self.assertGreater(now["dropped_detached"], 0)
                self.assertGreater(now["detached"], 0)


if __name__ == "__main__":
    unittest.main()
