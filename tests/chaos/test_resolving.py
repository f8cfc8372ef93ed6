"""Name servers that are slow, empty, dead or change their mind, through gateway/dns."""
import signal
import socket
import struct
import tempfile
import threading
import time
import unittest

from chaos import Backend, Watched, endpoint, eventually, grown, json_reply


class Dns:
    """A name server on a port of its own. records: name to (address, TTL); services: name to
    (priority, weight, port, target) of SRV records; `delay` and `silent` can be changed."""

    def __init__(self, records, services=None):
        self.services = services or {}
        self.records, self.asked, self.delay, self.silent, self.over = records, [], 0.0, False, False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.server = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            try:
                query, peer = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode("latin1"))
                at += query[at] + 1
            name, kind = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0]
            self.asked.append(name)
            if self.silent:
                continue
            address, ttl = self.records.get(name, (None, 0))
            record = b""
            if address and kind == 1:
                record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, ttl, 4) + socket.inet_aton(address)
            services = self.services.get(name, []) if kind == 33 else []
            for priority, weight, port, target in services:
                wire = b"".join(bytes([len(label)]) + label.encode() for label in target.split(".")) + b"\0"
                record += b"\xc0\x0c" + struct.pack(">HHIHHHH", 33, 1, 60, 6 + len(wire), priority, weight, port) + wire
            flags = 0x8180 if name in self.records or name in self.services else 0x8183
            n = len(services) if services else 1 if record else 0
            reply = query[:2] + struct.pack(">HHHHH", flags, 1, n, 0, 0) + query[12:at + 5] + record
            if self.delay:
                threading.Timer(self.delay, self.socket.sendto, (reply, peer)).start()
            else:
                self.socket.sendto(reply, peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        time.sleep(self.delay)
        self.socket.close()


def silent_ipv6(port):
    """A listener of ::1 whose queue is full, with what fills it; None where the machine has no IPv6 or the port is taken."""
    sockets = [socket.socket(socket.AF_INET6, socket.SOCK_STREAM) for _ in range(5)]
    try:
        sockets[0].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sockets[0].bind(("::1", port))
        sockets[0].listen(0)
        for s in sockets[1:]:
            s.setblocking(False)
            s.connect_ex(("::1", port))
        return sockets
    except OSError:
        for s in sockets:
            s.close()
        return None


class Names(unittest.TestCase):
    def setUp(self):
        self.backend = Backend(lambda c, h: json_reply(c, {"found": True}))

    def tearDown(self):
        self.backend.__exit__()

    def config(self, host, timeout="2s", **dns):
        return {"timeout": timeout, "dns_cache_ttl": "1s", "endpoints": [endpoint("/x", "http://%s:%d" % (host, self.backend.port))],
                "extra_config": {"gateway/dns": dns}}

    def test_found(self):
        with Dns({"shop.test": ("127.0.0.1", 60)}) as dns, Watched(self.config("shop.test", servers=[dns.server])) as gateway:
            self.assertEqual((200, b'{"found":true}', True), gateway.ask("/x"))

    def test_search(self):
        with Dns({"shop.inner.test": ("127.0.0.1", 60)}) as dns, \
                Watched(self.config("shop", servers=[dns.server], search=["outer.test", "inner.test"])) as gateway:
            self.assertEqual((200, b'{"found":true}', True), gateway.ask("/x"))
            self.assertIn("shop.outer.test", dns.asked)

    def test_empty_and_unknown(self):
        with Dns({"shop.test": (None, 60)}) as dns:
            for host in ("shop.test", "nobody.test"):
                with self.subTest(host=host), Watched(self.config(host, servers=[dns.server])) as gateway:
                    before = gateway.counters()
                    self.assertEqual((500, b"", True), gateway.ask("/x"))
                    self.assertEqual({"dns": 1}, grown(before, gateway.counters()))

    def test_slow(self):
        """Slower than the endpoint: the deadline ends it; nothing else waits, and a faster answer is used."""
        with Dns({"shop.test": ("127.0.0.1", 60)}) as dns, \
                Watched(self.config("shop.test", timeout="500ms", servers=[dns.server])) as gateway:
            dns.delay = 1.5
            before = gateway.counters()
            clients = [threading.Thread(target=gateway.ask, args=("/x",)) for _ in range(8)]
            for c in clients:
                c.start()
            self.assertEqual(200, gateway.get("/__health")[0])
            for c in clients:
                c.join()
            self.assertEqual({"deadline": 8}, grown(before, gateway.counters()))
            dns.delay = 0.0
            eventually(lambda: gateway.ask("/x")[0] == 200, "the name is found in the end")

    def test_dead(self):
        """No answer at all: the resolver's own timeout, well before the endpoint's."""
        with Dns({}) as dns:
            config = self.config("shop.test", timeout="30s", servers=[dns.server])
            config["extra_config"]["gateway/dns"]["timeout"] = "100ms"
            with Watched(config) as gateway:
                dns.silent = True
                before = gateway.counters()
                self.assertEqual((500, b"", True), gateway.ask("/x"))
                self.assertEqual({"dns": 1}, grown(before, gateway.counters()))

    def test_changes(self):
        """When the address moves, requests follow it once the TTL is over."""
        other = Backend.__new__(Backend)
        other.serve = lambda c, h: json_reply(c, {"moved": True})
        other.listener = socket.create_server(("127.0.0.2", self.backend.port), backlog=64)
        threading.Thread(target=other.accept, daemon=True).start()
        with other, Dns({"shop.test": ("127.0.0.1", 1)}) as dns:
            config = self.config("shop.test", servers=[dns.server])
            config["disable_keep_alives"] = True
            with Watched(config) as gateway:
                self.assertEqual(b'{"found":true}', gateway.ask("/x")[1])
                dns.records["shop.test"] = ("127.0.0.2", 1)
                eventually(lambda: gateway.ask("/x")[1] == b'{"moved":true}', "requests go to the new address")

    def test_hosts_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts, Dns({}) as dns:
            hosts.write("127.0.0.1 first.test shop.test # here\n")
            hosts.flush()
            with Watched(self.config("shop.test", servers=[dns.server], hosts_file=hosts.name)) as gateway:
                self.assertEqual((200, b'{"found":true}', True), gateway.ask("/x"))
            self.assertEqual([], dns.asked)

    def test_silent_family(self):
        """One family of a name's addresses says nothing: the other one is tried beside it, unless that is switched off."""
        sockets = silent_ipv6(self.backend.port)
        if not sockets:
            self.skipTest("no listener on ::1")
        with tempfile.NamedTemporaryFile("w", suffix=".hosts") as file:
            file.write("::1 shop.test\n127.0.0.1 shop.test\n")
            file.flush()
            for delay, timeout, want in (("20ms", "90s", (200, b'{"found":true}', True)), ("-1ms", "1s", (500, b"", True))):
                config = dict(self.config("shop.test", timeout=timeout, servers=["127.0.0.1:1"], hosts_file=file.name),
                              dialer_fallback_delay=delay)
                with self.subTest(delay=delay), Watched(config) as gateway:
                    self.assertEqual(want, gateway.ask("/x"))
        for s in sockets:
            s.close()

    def test_reload(self):
        """Another server in a reloaded configuration is asked, even by requests that wait for the old one."""
        dead = Dns({})
        dead.silent = True
        with dead, Dns({"shop.test": ("127.0.0.1", 60)}) as dns, \
                Watched(self.config("shop.test", timeout="50s", servers=[dead.server])) as gateway:
            answers = []
            client = threading.Thread(target=lambda: answers.append(gateway.ask("/x")))
            client.start()
            eventually(lambda: dead.asked, "the dead server is asked")
            gateway.write(self.config("shop.test", timeout="50s", servers=[dns.server]))
            gateway.signal(signal.SIGHUP)
            client.join()
            self.assertEqual([(200, b'{"found":true}', True)], answers)

    def discovered(self, dns, **backend):
        config = self.config("unused", servers=[dns.server])
        config["endpoints"][0]["backend"][0].update(
            {"host": ["_http._tcp.shop.test"], "sd": "dns", "disable_host_sanitize": True, **backend})
        return config

    def test_services(self):
        """The best priority is used, weights of 0 as well; an error keeps the list, a new answer replaces it."""
        name, port = "_http._tcp.shop.test", self.backend.port
        with Dns({"a.test": ("127.0.0.1", 1)}, {name: [(1, 0, port, "a.test"), (2, 5, 1, "a.test")]}) as dns, \
                Watched(self.discovered(dns)) as gateway:
            clients, answers = [], []
            for _ in range(8):
                clients.append(threading.Thread(target=lambda: answers.append(gateway.ask("/x")[0])))
                clients[-1].start()
            for client in clients:
                client.join()
            self.assertEqual([200] * 8, answers)
            self.assertEqual(1, dns.asked.count(name))
            kept, dns.services = dns.services, {}
            asked = len(dns.asked)
            eventually(lambda: dns.asked[asked:].count(name) > 1, "the name is asked for again, without traffic")
            self.assertEqual(200, gateway.ask("/x")[0])
            dns.services = {name: [(1, 1, 1, "a.test")]}
            eventually(lambda: gateway.ask("/x")[0] == 500, "the new list is used")
            dns.services = kept
            eventually(lambda: gateway.ask("/x")[0] == 200, "the first list is back")

    def test_services_unknown(self):
        """Nothing found at first: no host, until there is one."""
        with Dns({"a.test": ("127.0.0.1", 1)}) as dns, Watched(self.discovered(dns)) as gateway:
            before = gateway.counters()
            self.assertEqual((500, b"", True), gateway.ask("/x"))
            self.assertEqual({"no_hosts": 1}, grown(before, gateway.counters()))
            dns.services = {"_http._tcp.shop.test": [(1, 1, self.backend.port, "a.test")]}
            eventually(lambda: gateway.ask("/x")[0] == 200, "the service is found")

    def test_services_reload(self):
        """Requests that wait for a dead server's answer get that of the reloaded configuration's."""
        dead = Dns({})
        dead.silent = True
        name = "_http._tcp.shop.test"
        with dead, Dns({"a.test": ("127.0.0.1", 1)}, {name: [(1, 1, self.backend.port, "a.test")]}) as dns:
            old, new = self.discovered(dead), self.discovered(dns)
            old["timeout"] = new["timeout"] = "50s"
            with Watched(old) as gateway:
                answers = []
                client = threading.Thread(target=lambda: answers.append(gateway.ask("/x")))
                client.start()
                eventually(lambda: name in dead.asked, "the dead server is asked")
                gateway.write(new)
                gateway.signal(signal.SIGHUP)
                client.join()
                self.assertEqual([(200, b'{"found":true}', True)], answers)

    def test_wrong_settings(self):
        for wrong in ({"servers": ["nowhere"]}, {"servers": []}, {"timeout": "soon"}, {"search": "a.test"}, {"hosts_file": 1}):
            with self.subTest(wrong=wrong), self.assertRaisesRegex(AssertionError, "ended"):
                with Watched(self.config("shop.test", **wrong)):
                    pass


if __name__ == "__main__":
    unittest.main()
