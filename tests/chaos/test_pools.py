"""Connections across workers: pools share a bound, clients are spread, a backend with few places breaks nothing."""
import http.client
import socket
import struct
import threading
import unittest

from chaos import PATIENCE, Watched, endpoint, eventually, grown

PLACES = 8
WORKERS = 16
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Narrow:
    """A backend that takes no more than PLACES connections at a time and resets every further one."""

    def __init__(self):
        self.lock, self.open, self.most, self.reset, self.ended = threading.Lock(), 0, 0, 0, False
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.host = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.ended:
            try:
                s = self.socket.accept()[0]
            except OSError:
                return
            with self.lock:
                full = self.open >= PLACES
                self.open += not full
                self.reset += full
                self.most = max(self.most, self.open)
            if full:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()
            else:
                threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        data = b""
        try:
            while True:
                part = s.recv(1 << 16)
                if not part:
                    break
                data += part
                while b"\r\n\r\n" in data:
                    data = data.partition(b"\r\n\r\n")[2]
                    s.sendall(ANSWER)
        except OSError:
            pass
        s.close()
        with self.lock:
            self.open -= 1

    def close(self):
        self.ended = True
        self.socket.close()


class Pools(unittest.TestCase):
    def test_narrow_backend(self):
        backend = Narrow()
        config = {"timeout": "%ds" % PATIENCE, "max_idle_connections": PLACES, "endpoints": [endpoint("/json", backend.host)]}
        with Watched(config, env={"GOMAXPROCS": str(WORKERS)}) as gateway:
            before, seen, lock = gateway.counters(), {}, threading.Lock()

            def client():
                keep = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
                for _ in range(20):
                    keep.request("GET", "/json")
                    answer = keep.getresponse()
                    answer.read()
                    with lock:
                        seen[answer.status] = seen.get(answer.status, 0) + 1
                keep.close()

            clients = [threading.Thread(target=client) for _ in range(4 * WORKERS)]
            for c in clients:
                c.start()
            for c in clients:
                c.join(PATIENCE)
                self.assertFalse(c.is_alive(), "nobody waits longer than its timeout")
            eventually(lambda: gateway.counters()["in_flight"] == 0, "all is answered")
            now = gateway.counters()
            failures = grown(before, now)
            self.assertEqual(20 * 4 * WORKERS, sum(seen.values()))
            self.assertLessEqual(set(seen), {200, 500})
            self.assertGreater(seen[200], 0)
            self.assertLessEqual(set(failures), {"reset", "closed"})
            self.assertEqual(seen.get(500, 0), sum(failures.values()))
            self.assertLessEqual(now["pools"]["idle"], WORKERS)
            self.assertLessEqual(backend.most, PLACES)
            print("%d workers, a backend of %d places: %r, failures %r, %d resets, idle %d" % (
                WORKERS, PLACES, seen, failures, backend.reset, now["pools"]["idle"]), flush=True)
        backend.close()

    def test_clients_are_spread(self):
        with Watched({"endpoints": [endpoint("/json", "http://127.0.0.1:10")]}, env={"GOMAXPROCS": "2"}) as gateway:
            for _ in range(10):
                eventually(lambda: gateway.counters()["connections"] == 0, "nobody is connected")
                held = [gateway.open(b"GET /__health HTTP/1.1\r\nHost: gateway\r\n\r\n") for _ in range(4)]
                for s in held:
                    self.assertTrue(s.recv(1 << 16).startswith(b"HTTP/1.1 200"))
                now = gateway.counters()["workers"]
                self.assertEqual((2, 4), (len(now), sum(now)))
                self.assertLessEqual(max(now), 3)
                for s in held:
                    s.close()


if __name__ == "__main__":
    unittest.main()
