"""TLS towards clients under pressure: certificates that change under load, storms of handshakes, clients that dawdle."""
import os
import resource
import selectors
import socket
import ssl
import sys
import threading
import time
import unittest

from chaos import LONG, PATIENCE, Backend, Watched, endpoint, eventually, json_reply

from tls import Certificates, client_hello, context, serial, run  # of the integration tests

CLIENTS = 64
SWAPS = 40 if LONG else 6
STORM = 2000
NEVER = "1h"  # a busy machine takes its time; what happens when it is over: the integration tests
ROOM = 220 << 20  # that 2 000 handshakes at once may take beyond the memory before; without a bound: see test_storm


class Tls(Watched):
    def __init__(self, certificates, endpoints=(), own=None, env=None):
        self.certificates = certificates
        super().__init__({"endpoints": list(endpoints), "tls": {"keys": [certificates.pair("a")], "min_version": "TLS12"},
                          "extra_config": {"gateway/tls": own or {}}}, env=env)

    def shake(self, c):
        s = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        try:
            return c.wrap_socket(s, server_hostname="localhost")
        except BaseException:
            s.close()
            raise

    def health(self):
        """A well-behaved client's request on a connection of its own."""
        with self.shake(context()) as s:
            s.sendall(b"GET /__health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return s.recv(4096).split(b" ")[1] == b"200"

    def shown(self):
        with self.shake(context()) as s:
            der = s.getpeercert(True)
        return run("openssl", "x509", "-noout", "-serial", input=ssl.DER_cert_to_PEM_cert(der).encode()).strip()


class Client(threading.Thread):
    """Asks again and again, on one connection or on a new one each time; keeps count of what went wrong."""

    def __init__(self, gateway, keep):
        super().__init__(daemon=True)
        self.gateway, self.keep, self.over, self.answers, self.wrong = gateway, keep, False, 0, []
        self.context = context()

    def ask(self, s):
        s.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        data = b""
        while not data.endswith(b"}"):
            part = s.recv(4096)
            if not part:
                raise OSError("cut after %r" % data)
            data += part
        if not data.startswith(b"HTTP/1.1 200 "):
            raise OSError("%r" % data[:60])
        self.answers += 1

    def run(self):
        s = None
        while not self.over:
            try:
                s = s or self.gateway.shake(self.context)
                self.ask(s)
            except OSError as e:  # an SSLError is one
                self.wrong.append(repr(e))
                s = None
            if s and not self.keep:
                s.close()
                s = None
        if s:
            s.close()


class Certificate(unittest.TestCase):
    def test_swap_under_load(self):
        """64 clients, on connections that stay and on new ones, while the certificate changes: no request fails."""
        with Certificates() as own, Backend(lambda c, head: json_reply(c, {"ok": True})) as backend:
            own.make("a")
            own.make("b")
            pairs = [(own.read(n + ".pem"), own.read(n + ".key")) for n in "ab"]
            serials = [serial(own(n + ".pem")) for n in "ab"]
            with Tls(own, [endpoint("/x", backend.host)]) as gateway:
                clients = [Client(gateway, keep=i % 2 == 0) for i in range(CLIENTS)]
                for c in clients:
                    c.start()
                for i in range(SWAPS):
                    pem, key = pairs[(i + 1) % 2]
                    own.write("a.key", key)
                    own.write("a.pem", pem)
                    eventually(lambda: gateway.shown() == serials[(i + 1) % 2], "the new certificate is shown")
                for c in clients:
                    c.over = True
                for c in clients:
                    c.join(PATIENCE)
                self.assertEqual([w for c in clients for w in c.wrong], [])
                self.assertTrue(all(c.answers for c in clients), "every client was answered")
                print("%d certificates in turn under %d clients: %d answers, none failed" % (
                    SWAPS, CLIENTS, sum(c.answers for c in clients)), flush=True)


class Crowd:
    """Many connections in one loop, each at its handshake as far as `go` lets it."""

    def __init__(self, port, n, context_):
        self.port, self.n, self.context, self.done, self.lost = port, n, context_, 0, 0
        self.selector, self.open = selectors.DefaultSelector(), []

    def begin(self):
        for _ in range(self.n):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.port))
            self.open.append(s)
            self.selector.register(s, selectors.EVENT_WRITE)

    def finish(self):
        """Shake hands on all; count those that succeed."""
        for s in self.open:
            self.selector.modify(s, selectors.EVENT_WRITE)
        secure, left = {}, len(self.open)
        end = time.monotonic() + PATIENCE * 10
        while left and time.monotonic() < end:
            for key, _ in self.selector.select(1):
                raw = key.fileobj
                try:
                    if raw not in secure:
                        self.selector.unregister(raw)
                        s = secure[raw] = self.context.wrap_socket(raw, server_hostname="localhost", do_handshake_on_connect=False)
                        self.selector.register(s, selectors.EVENT_READ, s)
                        secure[s] = s
                    s = key.data or secure[raw]
                    s.do_handshake()
                    self.done += 1
                except ssl.SSLWantReadError:
                    continue
                except OSError:
                    self.lost += 1
                left -= 1
                self.selector.unregister(s)
                s.close()
        return left

    def close(self):
        for s in self.open:
            s.close()
        self.selector.close()


class Storm(unittest.TestCase):
    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 3 * STORM and hard >= 3 * STORM:
            resource.setrlimit(resource.RLIMIT_NOFILE, (3 * STORM, hard))
        self.own = Certificates()
        self.addCleanup(self.own.__exit__)
        self.own.make("a")

    def room(self, gateway, before):
        """Memory stays below the bound; a build with a sanitizer has no say in that."""
        if not gateway.keeps_freed_memory():
            self.assertLess(gateway.resident() - before, ROOM)

    def test_storm(self):
        """2 000 clients at once: each gets its handshake, never more at a time than there are places."""
        with Tls(self.own, own={"max_handshakes": 64, "handshake_timeout": NEVER}) as gateway:
            before, most, over = gateway.resident(), [0], threading.Event()

            def watch():
                while not over.wait(0.05):
                    most[0] = max(most[0], gateway.counters()["tls"]["active"])
            watcher = threading.Thread(target=watch)
            watcher.start()
            crowd = Crowd(gateway.port, STORM, context())
            crowd.begin()
            left = crowd.finish()
            over.set()
            watcher.join()
            crowd.close()
            self.assertEqual((left, crowd.lost, crowd.done), (0, 0, STORM))
            self.assertLessEqual(most[0], 64 + 1)  # each worker's share is rounded up
            self.room(gateway, before)
            self.assertTrue(gateway.health())

    def dawdle(self, sent, own, hello):
        """2 000 clients that have sent only that; who is well-behaved is served beside them."""
        with Tls(self.own, own=own) as gateway:
            descriptors, before = gateway.descriptors(), gateway.resident()
            slow = []
            for _ in range(STORM):
                # of another address: turns go by that
                s = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE, ("127.0.0.2", 0))
                s.sendall(sent)
                slow.append(s)
            for _ in range(10):
                self.assertTrue(gateway.health())
            counted = gateway.counters()["tls"]
            self.assertLessEqual(counted["active"], 64 + 1)
            if not hello:
                self.assertEqual(counted["active"] + counted["waiting"], 0)
            self.room(gateway, before)
            for s in slow:
                s.close()
            eventually(lambda: gateway.counters()["tls"]["coming"] == 0, "they are gone")
            eventually(lambda: gateway.descriptors() <= descriptors, "their descriptors come back")
            self.assertTrue(gateway.health())

    def test_silence(self):
        self.dawdle(b"", {"max_handshakes": 64, "handshake_timeout": NEVER}, False)

    def test_half_a_hello(self):
        self.dawdle(client_hello()[:-1], {"max_handshakes": 64, "handshake_timeout": NEVER}, False)

    def test_hello_and_nothing_more(self):
        """They have every place, and lose it: two seconds each, because others wait."""
        self.dawdle(client_hello(), {"max_handshakes": 64, "max_handshakes_per_peer": 64, "handshake_timeout": NEVER}, True)

    def test_a_byte_at_a_time(self):
        """200 clients that send their hello byte by byte take no place from a well-behaved one."""
        hello = client_hello()
        with Tls(self.own, own={"max_handshakes": 4, "handshake_timeout": NEVER}) as gateway:
            slow = [socket.create_connection(("127.0.0.1", gateway.port), PATIENCE) for _ in range(200)]
            served = 0
            for i in range(20):
                for s in slow:
                    s.sendall(hello[i:i + 1])
                served += gateway.health()
            self.assertEqual(served, 20)
            self.assertEqual(gateway.counters()["tls"]["active"], 0)
            for s in slow:
                s.close()
            eventually(lambda: gateway.counters()["tls"]["coming"] == 0, "they are gone")


if __name__ == "__main__":
    unittest.main()
