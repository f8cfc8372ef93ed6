"""Backends that misbehave: what the client sees, which class of failure is counted, and that everything comes back."""
import gzip
import socket
import struct
import time
import unittest
import zlib

from chaos import PATIENCE, Backend, Watched, endpoint, free_port, grown, json_reply, no_op

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TIMEOUTS = {"": "%ds" % (2 * PATIENCE), "/deadline": "1s"}  # of the endpoints: only where the deadline is tested it may end


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hold(connection):
    """Wait until the gateway gives up."""
    connection.settimeout(PATIENCE)
    connection.recv(1)


def sends(*pieces):
    """A behaviour: send these pieces; a callable in between gets the connection."""
    def serve(connection):
        for piece in pieces:
            if callable(piece):
                piece(connection)
            else:
                connection.sendall(piece)
    return serve


def endless_head(connection):
    connection.sendall(OK)
    line = b"X-Endless: " + b"x" * 65000 + b"\r\n"
    for _ in range(1 << 14):  # 1 GB if nobody stops it
        connection.sendall(line)


def make_bomb():
    """256 MB of zeros in 256 KB or so."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = b"\0" * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(256)) + packer.flush()


BOMB = make_bomb()


def bomb(connection):
    connection.sendall(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)


def nested(depth):
    body = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
    return sends(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def broken_gzip(connection):
    body = gzip.compress(b'{"a":"' + b"b" * 1000 + b'"}')[:-12]
    connection.sendall(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


# name: behaviour, then status, whole and class for a decoded answer, and for one that is passed on; None: not tried
CASES = {
    "resets before the answer": (sends(reset), (500, True, "reset"), (500, True, "reset")),
    "closes before the answer": (sends(), (500, True, "closed"), (500, True, "closed")),
    "stalls before the answer": (sends(hold), (500, True, "deadline"), (500, True, "deadline")),
    "stalls in the head": (sends(OK + b"X-Half: ", hold), (500, True, "deadline"), (500, True, "deadline")),
    "closes in the head": (sends(OK + b"X-Half: "), (500, True, "bad_message"), (500, True, "bad_message")),
    "stalls in the body": (sends(OK + b"Content-Length: 100\r\n\r\n{\"a\":1", hold), (500, True, "deadline"), (200, False, "deadline")),
    "sends half": (sends(OK + b"Content-Length: 100\r\n\r\n{\"a\":1"), (500, True, "closed"), (200, False, "closed")),
    "resets in the body": (sends(OK + b"Content-Length: 100\r\n\r\n{\"a\":1", lambda c: time.sleep(0.2), reset),
                           (500, True, "reset"), (200, False, "reset")),
    "states too short a length": (sends(OK + b"Content-Length: 5\r\n\r\n{\"a\":1}"), (500, True, "bad_body"), (200, True, None)),
    "states no length that is a number": (sends(OK + b"Content-Length: many\r\n\r\n{}"), (500, True, "bad_message"), (500, True, "bad_message")),
    "garbles chunks": (sends(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\nzz\r\n"), (500, True, "bad_message"), (200, False, "bad_message")),
    "ends within the chunks": (sends(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"), (500, True, "closed"), (200, False, "closed")),
    "is no HTTP server": (sends(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), (500, True, "bad_message"), (500, True, "bad_message")),
    "sends a head without end": (endless_head, (500, True, "too_large"), (500, True, "too_large")),
    "sends a gzip bomb": (bomb, (500, True, "too_large"), None),
    "cuts its gzip": (broken_gzip, (500, True, "bad_body"), None),
    "nests 10 001 arrays": (nested(10001), (500, True, "bad_body"), (200, True, None)),
    "nests 9 000 arrays": (nested(9000), (200, True, None), (200, True, None)),
}


class Backends(unittest.TestCase):
    def test_table(self):
        now = [None]

        def serve(connection, head):
            now[0](connection)
            return False

        with Backend(serve) as backend:
            endpoints = [make(path + suffix, backend.host, timeout=timeout) for suffix, timeout in TIMEOUTS.items()
                         for make, path in ((endpoint, "/json"), (no_op, "/raw"))]
            config = {"endpoints": endpoints,
                      "extra_config": {"gateway/limits": {"max_memory": "192MB"}}}
            with Watched(config) as gateway:
                gateway.settle(1 << 20, "the start")
                descriptors = gateway.descriptors()
                for name, (behaviour, *expected) in CASES.items():
                    now[0] = behaviour
                    for target, want in zip(("/json", "/raw"), expected):
                        if want is None:
                            continue
                        with self.subTest(case=name, target=target):
                            before = gateway.counters()
                            status, _, whole = gateway.ask(target + ("/deadline" if want[2] == "deadline" else ""))
                            gateway.settle(descriptors, name)
                            failures = grown(before, gateway.counters())
                            if status == 503 and gateway.keeps_freed_memory():
                                want = (503, True, "shed")  # their own memory counts too: too long is out of memory
                            self.assertEqual(want[:2], (status, whole))
                            self.assertEqual({want[2]: 1} if want[2] else {}, failures)
                if not gateway.keeps_freed_memory():
                    self.assertLess(gateway.resident(), 192 << 20)

    def test_refused(self):
        host = "http://127.0.0.1:%d" % free_port()
        with Watched({"timeout": "2s", "endpoints": [endpoint("/json", host), no_op("/raw", host)]}) as gateway:
            before = gateway.counters()
            self.assertEqual((500, b"", True), gateway.ask("/json"))
            self.assertEqual((500, b"", True), gateway.ask("/raw"))
            self.assertEqual({"connect_refused": 2}, grown(before, gateway.counters()))

    def test_recovers_at_once(self):
        """A backend that fails and is well again: the next request is answered."""
        bad = [True]

        def serve(connection, head):
            if bad[0]:
                reset(connection)
                return False
            json_reply(connection, {"well": True})

        with Backend(serve) as backend, Watched({"timeout": "2s", "endpoints": [endpoint("/json", backend.host)]}) as gateway:
            self.assertEqual(500, gateway.ask("/json")[0])
            bad[0] = False
            self.assertEqual((200, b'{"well":true}', True), gateway.ask("/json"))


if __name__ == "__main__":
    unittest.main()
