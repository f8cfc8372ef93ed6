"""Long bodies through no-op endpoints: every byte arrives, memory stays where it was, a slow reader slows the writer."""
import socket
import threading
import time
import unittest

from gateway import LONG, PATIENCE, Backend, Gateway, eventually, no_op

SIZE = (10 << 30) if LONG else (1 << 30)
GROWTH_KB = 16 << 10  # what a stream may add to the gateway's memory at any moment
PATTERN = bytes((i * 31 + (i >> 8) * 17) & 255 for i in range(251 * 4001))  # no power of two: a lost block shows
DOUBLE = memoryview(PATTERN + PATTERN)


def send_pattern(connection, size, sent=None):
    """Send bytes of the pattern; `sent` is a list whose last element counts them."""
    left, at, view = size, 0, memoryview(PATTERN)
    while left > 0:
        n = connection.send(view[at:at + min(left, len(PATTERN) - at)])
        left -= n
        at = (at + n) % len(PATTERN)
        if sent is not None:
            sent[-1] += n


def receive_pattern(connection, size, begin=b""):
    """Read bytes and compare them; return how many were right, or -1."""
    buffer = bytearray(1 << 18)
    got = len(begin)
    if begin != PATTERN[:got]:
        return -1
    while got < size:
        n = connection.recv_into(buffer, min(len(buffer), size - got))
        if n == 0:
            return got
        at = got % len(PATTERN)
        if memoryview(buffer)[:n] != DOUBLE[at:at + n]:
            return -1
        got += n
    return got


def read_head(connection):
    """Read an answer's head; return it and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise AssertionError("closed within the head: %r" % data)
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin1"), rest


class Peak(threading.Thread):
    """Watches a gateway's memory while something runs."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.top, self.over = gateway, gateway.memory_kb(), False
        self.first = self.top

    def run(self):
        while not self.over:
            self.top = max(self.top, self.gateway.memory_kb())
            time.sleep(0.05)

    def growth(self):
        self.over = True
        self.join()
        return self.top - self.first


class Streams(unittest.TestCase):
    def config(self, host, **more):
        return {"timeout": "3600s", "endpoints": [no_op("/file", host, **more)]}

    def test_download(self):
        def serve(connection, head):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % SIZE)
            send_pattern(connection, SIZE)

        with Backend(serve) as backend, Gateway(self.config(backend.host)) as gateway:
            gateway.get("/__health")
            with socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) as client:
                peak = Peak(gateway)
                peak.start()
                client.sendall(b"GET /file HTTP/1.1\r\nHost: gateway\r\n\r\n")
                head, rest = read_head(client)
                self.assertIn(" 200 ", head)
                self.assertEqual(SIZE, receive_pattern(client, SIZE, rest))
                self.assertLess(peak.growth(), GROWTH_KB)

    def test_upload(self):
        received = []

        def serve(connection, head):
            received.append(receive_pattern(connection, SIZE))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        with Backend(serve) as backend, Gateway(self.config(backend.host, method="POST")) as gateway:
            gateway.get("/__health")
            with socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) as client:
                peak = Peak(gateway)
                peak.start()
                client.sendall(b"POST /file HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n" % SIZE)
                send_pattern(client, SIZE)
                head, rest = read_head(client)
                self.assertIn(" 200 ", head)
                self.assertEqual([SIZE], received)
                self.assertLess(peak.growth(), GROWTH_KB)

    def test_slow_reader_holds_the_backend_back(self):
        sent = [0]

        def serve(connection, head):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
            send_pattern(connection, 1 << 30, sent)

        with Backend(serve) as backend, Gateway(self.config(backend.host)) as gateway:
            gateway.get("/__health")
            before = gateway.memory_kb()
            with socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) as client:
                client.sendall(b"GET /file HTTP/1.1\r\nHost: gateway\r\n\r\n")
                read_head(client)
                still = [-1]

                def stalled():
                    same, still[0] = still[0] == sent[0] and sent[0] > 0, sent[0]
                    time.sleep(0.3)
                    return same

                eventually(stalled, "the backend's writes stall behind a client that does not read")
                self.assertLess(sent[0], 64 << 20)
                self.assertLess(gateway.memory_kb() - before, GROWTH_KB)

    def test_answer_before_the_body_is_in(self):
        """A backend that refuses an upload early is heard, and the upload does not hang."""
        def serve(connection, head):
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False

        with Backend(serve) as backend, Gateway(self.config(backend.host, method="POST")) as gateway:
            with socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) as client:
                client.sendall(b"POST /file HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
                head, _ = read_head(client)
                self.assertRegex(head, r"^HTTP/1\.1 (413|500) ")
            self.assertEqual(200, gateway.get("/__health")[0])

    def answers(self, serve, check):
        """Have `serve` answer one GET; `check` gets the client's socket, the answer's head and what came behind it."""
        with Backend(serve) as backend, Gateway(self.config(backend.host)) as gateway:
            with socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) as client:
                client.sendall(b"GET /file HTTP/1.1\r\nHost: gateway\r\n\r\n")
                head, rest = read_head(client)
                check(client, head.lower(), rest)

    def test_short_answers_get_their_length(self):
        """Of two chunks, and more than fits."""
        for size, length in ((3, "content-length: 6\r\n"), (1024, "content-length: 2048\r\n"),
                             (1025, "transfer-encoding: chunked\r\n")):
            def serve(connection, head):
                chunk = b"%x\r\n%s\r\n" % (size, b"x" * size)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + 2 * chunk + b"0\r\n\r\n")
                return False

            with self.subTest(size=size):
                self.answers(serve, lambda client, head, rest: self.assertIn(length, head + "\r\n"))

    def test_what_comes_slowly_passes_as_it_comes(self):
        """The client has the first piece before the backend goes on, events without any waiting."""
        for kind in ("text/plain", "text/event-stream"):
            seen = threading.Event()

            def serve(connection, head):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   b"3\r\nabc\r\n" % kind.encode())
                seen.wait(PATIENCE)
                connection.sendall(b"3\r\ndef\r\n0\r\n\r\n")
                return False

            def check(client, head, rest):
                while b"abc" not in rest:
                    rest += client.recv(100)
                seen.set()
                while not rest.endswith(b"\r\n0\r\n\r\n"):
                    rest += client.recv(100)
                self.assertIn("transfer-encoding: chunked", head)
                self.assertEqual(b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", rest)

            with self.subTest(kind=kind):
                self.answers(serve, check)


if __name__ == "__main__":
    unittest.main()
