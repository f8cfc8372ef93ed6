"""Reloads and the end, under load: no request is lost or cut, memory stays where it is."""
import collections
import re
import selectors
import signal
import socket
import threading
import time
import unittest

from chaos import LONG, PATIENCE, Backend, Watched, endpoint, eventually, json_reply

CLIENTS = 64
RELOADS = 1000 if LONG else 200
ENDS = 20 if LONG else 4
GROWTH = 4 << 20


class Crowd(threading.Thread):
    """Keep-alive clients in one loop: each asks again as soon as it is answered. Every request has a number of its own."""

    def __init__(self, port, n, stop_at_refusal=False):
        super().__init__(daemon=True)
        self.port, self.stop_at_refusal, self.over = port, stop_at_refusal, False
        self.selector = selectors.DefaultSelector()
        self.seen, self.wrong, self.refused, self.answered, self.next = collections.Counter(), [], 0, set(), 0
        self.open = set()
        for _ in range(n):
            self.connect()

    def connect(self):
        s = socket.socket()
        try:
            s.connect(("127.0.0.1", self.port))
        except OSError:
            self.refused += 1
            s.close()
            return
        s.setblocking(False)
        self.open.add(s)
        self.ask(s)

    def ask(self, s):
        number, self.next = self.next, self.next + 1
        try:
            s.send(b"GET /x/%d HTTP/1.1\r\nHost: gateway\r\n\r\n" % number)
        except OSError:
            self.drop(s)
            return
        try:
            self.selector.register(s, selectors.EVENT_READ, [number, b""])
        except KeyError:
            self.selector.modify(s, selectors.EVENT_READ, [number, b""])

    def drop(self, s):
        try:
            self.selector.unregister(s)
        except KeyError:
            pass
        s.close()
        self.open.discard(s)
        if not self.over:
            self.connect()

    def receive(self, key):
        number, data = key.data
        try:
            part = key.fileobj.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            # whether the gateway had read it is known by its backend
            self.seen["cut" if data else "closed unread"] += 1
            if data:
                self.wrong.append("request %d was cut after %r" % (number, data[:60]))
            self.drop(key.fileobj)
            return
        key.data[1] = data = data + part
        head, found, body = data.partition(b"\r\n\r\n")
        if not found or len(body) < int(re.search(rb"Content-Length: (\d+)", head).group(1)):
            return
        status = int(head[9:12])
        self.seen[status] += 1
        self.answered.add(number)
        if status != 200 or b'"number":"%d"' % number not in body:
            self.wrong.append("request %d: %r" % (number, data[:200]))
        if b"Connection: close" in head:
            self.drop(key.fileobj)
        else:
            self.ask(key.fileobj)

    def run(self):
        while not self.over or (self.stop_at_refusal and self.open):
            if self.stop_at_refusal and self.refused:
                self.over = True
            for key, _ in self.selector.select(0.05):
                self.receive(key)
        for s in list(self.open):
            s.close()


def serve(asked):
    """A backend that remembers which numbers it was asked for."""
    def answer(connection, head):
        number = head.split()[1].rpartition("/")[2]
        asked.add(int(number))
        json_reply(connection, {"number": number})
    return answer


def config(host, generation):
    return {"timeout": "20s", "max_idle_connections_per_host": 256, "endpoints": [dict(
        {"endpoint": "/x/{n}", "backend": [{"host": [host], "url_pattern": "/{n}"}]},
        extra_config={"proxy": {"static": {"strategy": "always", "data": {"generation": generation}}}})],
        "extra_config": {"router": {"disable_access_log": True}}}


class Reloads(unittest.TestCase):
    def test_under_load(self):
        asked = set()
        with Backend(serve(asked)) as backend, Watched(config(backend.host, 0)) as gateway:
            def reloads():
                return sum("Configuration reloaded" in line for line in gateway.lines())
            crowd = Crowd(gateway.port, CLIENTS)
            crowd.start()
            warm = 0
            for i in range(1, RELOADS + 1):
                gateway.write(config(backend.host, i))
                gateway.signal(signal.SIGHUP)
                eventually(lambda: reloads() >= i, "reload %d" % i)
                if i == RELOADS // 4:
                    warm = gateway.resident()
            grown = gateway.resident() - warm if not gateway.keeps_freed_memory() else 0
            crowd.over = True
            crowd.join(PATIENCE)
            self.assertEqual([], crowd.wrong)
            self.assertEqual({200}, set(crowd.seen))
            self.assertGreater(crowd.seen[200], RELOADS)
            self.assertLess(grown, GROWTH)
            print("%d reloads under %d clients: %d answers, none lost; memory %+d KB" % (
                RELOADS, CLIENTS, crowd.seen[200], grown >> 10), flush=True)


class Ends(unittest.TestCase):
    def test_under_load(self):
        """SIGTERM: what the backend was asked for is answered whole; connections that were refused are counted apart."""
        lost = answers = refused = unread = 0
        for _ in range(ENDS):
            asked = set()
            with Backend(serve(asked)) as backend, Watched(config(backend.host, 0)) as gateway:
                crowd = Crowd(gateway.port, CLIENTS, stop_at_refusal=True)
                crowd.start()
                eventually(lambda: crowd.seen[200] > 10 * CLIENTS, "the clients are served")
                gateway.signal(signal.SIGTERM)
                self.assertEqual(0, gateway.ended())
                crowd.join(PATIENCE)
                self.assertFalse(crowd.is_alive())
                self.assertEqual([], crowd.wrong)
                lost += len(asked - crowd.answered)
                answers, refused, unread = answers + crowd.seen[200], refused + crowd.refused, unread + crowd.seen["closed unread"]
        print("%d ends under %d clients: %d answers, %d lost, %d connections refused, %d closed before anything was read" % (
            ENDS, CLIENTS, answers, lost, refused, unread), flush=True)
        self.assertEqual(0, lost)


if __name__ == "__main__":
    unittest.main()
