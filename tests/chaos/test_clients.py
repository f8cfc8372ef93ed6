"""Clients that misbehave: nothing of them is left, and nobody else notices."""
import socket
import struct
import threading
import time
import unittest

from chaos import LONG, PATIENCE, Backend, Watched, endpoint, eventually, grown, json_reply, no_op

GET = b"GET /json HTTP/1.1\r\nHost: gateway\r\n\r\n"
LARGE = 32 << 20
PIPELINED = 10000


class Clients(unittest.TestCase):
    def setUp(self):
        self.release = threading.Event()
        self.asked = []
        self.backend = Backend(self.serve)
        config = {"timeout": "60s", "endpoints": [
            endpoint("/json", self.backend.host), endpoint("/slow", self.backend.host), no_op("/raw", self.backend.host),
            no_op("/up", self.backend.host, method="POST"), endpoint("/large", self.backend.host)]}
        self.gateway = Watched(config)
        self.gateway.__enter__()
        self.gateway.settle(1 << 20, "the start")
        self.descriptors = self.gateway.descriptors()

    def tearDown(self):
        self.release.set()
        self.gateway.__exit__()
        self.backend.__exit__()

    def serve(self, connection, head):
        self.asked.append(head.split()[1])
        if head.startswith("GET /slow"):
            self.release.wait(PATIENCE)
            json_reply(connection, {"slow": True})
        elif head.startswith("GET /large"):
            body = b'{"a":"' + b"x" * (1 << 20) + b'"}'
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        elif head.startswith("GET /raw"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
            piece = b"x" * (1 << 16)
            for _ in range(LARGE // len(piece)):
                connection.sendall(piece)
        elif head.startswith("POST /up"):
            while connection.recv(1 << 16):
                pass
        else:
            json_reply(connection, {"well": True})
        return False  # so that no idle connection is taken for one that was forgotten

    def well(self):
        self.assertEqual((200, b'{"well":true}', True), self.gateway.ask("/json"))

    def test_vanish_at_every_point(self):
        points = {
            "after connecting": b"",
            "in the request line": b"GE",
            "in the head": GET[:-2],
            "after the head": b"GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n",
            "in the body": b"POST /up HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000\r\n\r\n0123",
            "in a chunk": b"POST /up HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123",
            "in the answer": b"GET /raw HTTP/1.1\r\nHost: gateway\r\n\r\n",
            "in a decoded answer": b"GET /large HTTP/1.1\r\nHost: gateway\r\n\r\n",
            "between pipelined requests": GET + GET + GET[:20],
        }
        for name, data in points.items():
            for abrupt in (False, True):
                with self.subTest(point=name, abrupt=abrupt):
                    before, asked = self.gateway.counters(), len(self.asked)
                    s = self.gateway.open(data)
                    if data.endswith(b"\r\n\r\n") or b"POST" in data:
                        eventually(lambda: len(self.asked) > asked, "the backend is asked")
                    if "answer" in name:
                        s.recv(100)
                    if abrupt:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.close()
                    self.gateway.settle(self.descriptors, name)
                    failures = grown(before, self.gateway.counters())
                    self.assertLessEqual(set(failures), {"client_gone", "bad_request"})
                    if name == "after the head":
                        self.assertEqual({"client_gone": 1}, failures)
                    self.well()

    def test_a_byte_at_a_time(self):
        """Slow writers are served in the end, and hold nobody up."""
        step = 1.0 if LONG else 0.03
        with self.gateway.open() as s:
            for i in range(len(GET)):
                s.sendall(GET[i:i + 1])
                time.sleep(step)
                if i % 10 == 0:
                    self.well()
            s.settimeout(PATIENCE)
            self.assertIn(b'{"well":true}', s.recv(4096))
        self.gateway.settle(self.descriptors, "a byte at a time")

    def test_never_read(self):
        """Fifty clients that ask for 32 MB each and read nothing cost bounded memory, and others are served."""
        before = self.gateway.resident()
        clients = [self.gateway.open(b"GET /raw HTTP/1.1\r\nHost: gateway\r\n\r\n") for _ in range(50)]
        eventually(lambda: self.asked.count("/raw") == 50, "all are asked for")
        for _ in range(20):
            self.well()
            self.assertLess(self.gateway.resident() - before, 32 << 20)
            time.sleep(0.05)
        self.assertEqual(50, self.gateway.counters()["in_flight"])
        for s in clients:
            s.close()
        self.gateway.settle(self.descriptors, "clients that never read")

    def test_half_close(self):
        """Who has closed its sending side while it waits cannot be told from who has gone: it counts as gone, as in KrakenD."""
        before = self.gateway.counters()
        with self.gateway.open(b"GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n") as s:
            eventually(lambda: "/slow" in self.asked, "the backend is asked")
            s.shutdown(socket.SHUT_WR)
            s.settimeout(PATIENCE)
            self.assertEqual(b"", s.recv(4096))
        self.gateway.settle(self.descriptors, "half-closed clients")
        self.assertEqual({"client_gone": 1}, grown(before, self.gateway.counters()))

    def test_pipeline(self):
        """Ten thousand requests at once on one connection: all answers come, in order."""
        before = self.gateway.resident()
        requests = b"".join(b"GET /none/%d HTTP/1.1\r\nHost: gateway\r\n\r\n" % i if i % 100 else
                            b"GET /__health HTTP/1.1\r\nHost: gateway\r\n\r\n" for i in range(PIPELINED))
        with self.gateway.open() as s:
            sender = threading.Thread(target=s.sendall, args=(requests,), daemon=True)
            sender.start()
            s.settimeout(PATIENCE)
            data, statuses = b"", []
            while len(statuses) < PIPELINED:
                part = s.recv(1 << 16)
                self.assertTrue(part, "closed after %d answers" % len(statuses))
                data += part
                pieces = data.split(b"HTTP/1.1 ")
                statuses += [int(p[:3]) for p in pieces[1:-1]]
                data = b"HTTP/1.1 " + pieces[-1] if len(pieces) > 1 else data
                if len(statuses) == PIPELINED - 1 and b"\r\n\r\n" in data:
                    statuses.append(int(data[9:12]))
            sender.join(PATIENCE)
        self.assertEqual([404 if i % 100 else 200 for i in range(PIPELINED)], statuses)
        self.assertLess(self.gateway.resident() - before, 32 << 20)
        self.gateway.settle(self.descriptors, "a long pipeline")


if __name__ == "__main__":
    unittest.main()
