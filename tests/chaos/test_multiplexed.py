"""HTTP/2 clients that misbehave: each costs little and is cut, or costs what it asked for; others are served meanwhile.
Reloads and the end under HTTP/2 clients: no request is lost. Needs python3-h2's hpack; tests/run finds a Python that has it.

    tests/chaos/test_multiplexed.py --table

prints what each flood costs the gateway, and a well-behaved client beside it."""
import os
import signal
import struct
import sys
import threading
import unittest

from chaos import LONG, PATIENCE, Backend, Watched, endpoint, eventually, json_reply, no_op

from tls import Certificates, context  # of the integration tests

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http2"))
try:
    import peer as h2
    from peer import Peer, frame
except ImportError:
    h2 = None

FRAMES = 200000 if LONG else 20000
RELOADS = 1000 if LONG else 100
CLIENTS, STREAMS = 32, 4
MEMORY = 48 << 20
GROWTH = 4 << 20  # by reloads
LARGE = 1 << 20


class Here:
    """What Peer wants to know of a server."""

    def __init__(self, gateway, secure=False):
        self.host, self.port, self.name, self.get, self.post = "127.0.0.1", gateway.port, "gateway", "/small", "/post"
        self.context = context() if secure else None
        if secure:
            self.context.set_alpn_protocols(["h2"])


def serve(connection, head):
    path = head.split()[1]
    if path == "/large":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE + b"l" * LARGE)
        return
    length = next((int(l.split(":")[1]) for l in head.split("\r\n") if l.lower().startswith("content-length")), 0)
    while length:
        length -= len(connection.recv(min(length, 1 << 16)))
    json_reply(connection, {"path": path})


def config(host, **more):
    return dict({"use_h2c": True, "timeout": "20s", "max_idle_connections_per_host": 256, "endpoints": [
        endpoint("/small", host), no_op("/large", host), no_op("/post", host, method="POST"),
        endpoint("/x/{n}", host)], "extra_config": {"router": {"disable_access_log": True}, "gateway/limits": {"max_memory": "2GB"}}}, **more)


# ---- floods: each yields bytes to send; the attacker sends them until it is cut

def block(p, *more):
    return p.encoder.encode(p.fields() + list(more), huffman=False)


def rapid_reset(p):
    for i in range(FRAMES // 2):
        s = p.stream()
        yield frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, s, block(p)) + frame(h2.RST_STREAM, 0, s, struct.pack(">I", h2.CANCEL))


def provoked_reset(p):
    for i in range(FRAMES // 2):
        s = p.stream()
        yield frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, s, block(p)) + frame(h2.WINDOW_UPDATE, 0, s, struct.pack(">I", 0))


def malformed(p):
    for i in range(FRAMES):
        yield frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, p.stream(), b"\x82\x82")


def same(data):
    def flood(p):
        for _ in range(FRAMES):
            yield data
    return flood


def within_stream(data):
    def flood(p):
        s = p.begin_post(path="/post")
        for _ in range(FRAMES):
            yield data(s)
    return flood


def small_continuations(p):
    yield frame(h2.HEADERS, 0, p.stream(), b"")
    for _ in range(FRAMES):
        yield frame(h2.CONTINUATION, 0, p.next - 2, b"")


def large_continuations(p):
    yield frame(h2.HEADERS, 0, p.stream(), b"")
    for _ in range(FRAMES // 100):
        yield frame(h2.CONTINUATION, 0, p.next - 2, h2.literal(b"a", b"v" * 16000))


def hpack_bomb(p):
    """An entry of 4 KB in the table, and frames full of references to it."""
    entry = h2.literal(b"x", b"v" * 4000, 0x40)
    for i in range(FRAMES // 1000):
        head = b"\x82\x86" + h2.literal(b":path", b"/small") + h2.literal(b":authority", b"gateway")
        yield frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, p.stream(), head + (entry if i == 0 else b"") + b"\xbe" * 12000)


def half_requests(p):
    for _ in range(240):
        yield frame(h2.HEADERS, h2.END_HEADERS, p.stream(), p.encoder.encode(p.fields("/post", "POST", ("content-length", "100000")), huffman=False))


def large_answers(p):
    for _ in range(200):
        yield frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, p.stream(), p.encoder.encode(p.fields("/large"), huffman=False))


FLOODS = [  # name, attack, whether it must be cut, connections
    ("rapid reset", rapid_reset, True, 4),
    ("provoked resets", provoked_reset, True, 4),
    ("malformed requests", malformed, True, 4),
    ("settings", h2 and same(frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 1, 4096))), True, 4),
    ("ping", h2 and same(frame(h2.PING, 0, 0, b"12345678")), True, 4),
    ("window updates of a connection", h2 and same(frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))), True, 4),
    ("window updates of a stream", h2 and within_stream(lambda s: frame(h2.WINDOW_UPDATE, 0, s, struct.pack(">I", 1))), True, 4),
    ("priority", h2 and same(frame(h2.PRIORITY, 0, 1, struct.pack(">IB", 0, 1))), True, 4),
    ("empty data", h2 and within_stream(lambda s: frame(h2.DATA, 0, s, b"")), True, 4),
    ("data of padding", h2 and within_stream(lambda s: frame(h2.DATA, h2.PADDED, s, b"\x03\0\0\0")), True, 4),
    ("empty continuations", small_continuations, True, 4),
    ("continuations without end", large_continuations, True, 4),
    ("compression bomb", hpack_bomb, False, 4),
    ("unknown frames", h2 and same(frame(0xbb, 0, 0, b"")), False, 4),
    ("requests that are never finished", half_requests, False, 8),
    ("answers that are never fetched", large_answers, False, 4),
]


class Attacker(threading.Thread):
    """Sends one flood; never reads before it has sent all, or was cut."""

    def __init__(self, gateway, flood, windows):
        super().__init__(daemon=True)
        self.peer = Peer(Here(gateway), windows)
        self.flood, self.sent, self.cut, self.finished = flood, 0, False, False

    def run(self):
        try:
            for data in self.flood(self.peer):
                self.peer.socket.sendall(data)
                self.sent += 1
        except OSError:
            self.cut = True
        self.finished = True

    def ending(self):
        """How the server has ended the connection."""
        try:
            while self.peer.read() is not None:
                if self.peer.goaway:
                    break
        except h2.Wrong:
            pass
        if self.peer.goaway:
            return {h2.ENHANCE_YOUR_CALM: "GOAWAY, calm down", h2.PROTOCOL_ERROR: "GOAWAY, protocol error"}.get(self.peer.goaway[1], str(self.peer.goaway))
        return "closed"


@unittest.skipIf(h2 is None, "no hpack for this Python: scripts/setup test installs python3-h2")
class Floods(unittest.TestCase):
    def flood(self, gateway, name, attack, must_cut, n):
        before, ticks = gateway.resident(), gateway.ticks()
        idle = ((h2.INITIAL_WINDOW_SIZE, 0),) if attack is large_answers else ()
        attackers = [Attacker(gateway, attack, idle) for _ in range(n)]
        for a in attackers:
            self.addCleanup(a.peer.socket.close)
        for a in attackers:
            a.start()
        served = 0
        with Peer(Here(gateway)) as good:
            while served < 50 or not all(a.finished for a in attackers):
                if served == 5000:
                    break  # those that are read slowly do not end by themselves
                self.assertEqual(200, good.answer(good.get()).status, "beside: " + name)
                served += 1
        for a in attackers:
            a.join(PATIENCE)
        grown, ticks = gateway.resident() - before, gateway.ticks() - ticks
        ends = [a.ending() for a in attackers] if must_cut else ["not cut"]
        for a in attackers:
            a.peer.socket.close()
        print("%-34s %7d frames, %5d ms of CPU, %+6d KB, %4d requests beside, %s" % (
            name, sum(a.sent for a in attackers), ticks * 1000 // os.sysconf("SC_CLK_TCK"), grown >> 10, served, ", ".join(sorted(set(ends)))), flush=True)
        if must_cut:
            self.assertLessEqual(set(ends), {"GOAWAY, calm down", "GOAWAY, protocol error", "closed"}, name)
        if not gateway.keeps_freed_memory():
            self.assertLess(grown, MEMORY, name)

    def test_floods(self):
        with Backend(serve) as backend, Watched(config(backend.host)) as gateway:
            gateway.get("/__health")
            eventually(lambda: gateway.counters()["connections"] == 0, "idle")
            descriptors = gateway.descriptors() + 64  # connections to the backend stay
            for name, attack, must_cut, n in FLOODS:
                with self.subTest(name):
                    self.flood(gateway, name, attack, must_cut, n)
                    gateway.settle(descriptors, name)


class Asker(threading.Thread):
    """One connection that keeps some requests in flight; a number of its own tells each."""

    def __init__(self, gateway, base, answered, secure=False):
        super().__init__(daemon=True)
        self.here, self.base, self.answered, self.over = Here(gateway, secure), base, answered, False
        self.wrong, self.count, self.retried, self.asked = [], 0, 0, {}

    def connect(self):
        self.asked.clear()
        try:
            self.peer = Peer(self.here)
        except (OSError, h2.Wrong):
            self.over = True  # the gateway has ended
        return not self.over

    def ask(self):
        self.base += 1
        self.asked[self.peer.get("/x/%d" % self.base)] = [self.base, 0, b""]

    def take(self, f):
        kind, flags, stream, payload = f
        request = self.asked.get(stream)
        if kind == h2.HEADERS:
            answer = h2.Answer()
            self.peer.take_headers(answer, flags, payload)
            self.peer.finish_headers(answer)
            if request:
                request[1] = answer.status
        elif kind == h2.DATA:
            self.peer.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", max(len(payload), 1)))
            if request:
                request[2] += payload
        elif kind == h2.RST_STREAM and request:
            self.wrong.append("request %d was reset: %r" % (request[0], payload))
            del self.asked[stream]
            return
        if request and kind in (h2.HEADERS, h2.DATA) and flags & h2.END_STREAM:
            del self.asked[stream]
            if request[1] != 200 or b'"/%d"' % request[0] not in request[2]:
                self.wrong.append("request %d: %r" % (request[0], request))
            self.answered.add(request[0])
            self.count += 1

    def run(self):
        while not self.over and self.connect():
            while True:
                while not self.over and not self.peer.goaway and len(self.asked) < STREAMS:
                    self.ask()
                if not self.asked:
                    break
                f = self.peer.read()
                if f is None:
                    # What lies above the last identifier was not looked at, the client may ask again.
                    last = self.peer.goaway[0] if self.peer.goaway else 0
                    self.wrong += ["request %d was lost" % v[0] for s, v in self.asked.items() if s <= last or not self.peer.goaway]
                    self.retried += len(self.asked)
                    break
                self.take(f)
            self.peer.socket.close()


def numbered(asked):
    def answer(connection, head):
        asked.add(int(head.split()[1].rpartition("/")[2]))
        serve(connection, head)
    return answer


def numbers(host, generation, **more):
    return config(host, **more, endpoints=[{"endpoint": "/x/{n}", "backend": [{"host": [host], "url_pattern": "/{n}"}],
                                    "extra_config": {"proxy": {"static": {"strategy": "always", "data": {"generation": generation}}}}}])


@unittest.skipIf(h2 is None, "no hpack for this Python: scripts/setup test installs python3-h2")
class Reloads(unittest.TestCase):
    def crowd(self, gateway, answered, secure=False):
        askers = [Asker(gateway, i * 10000000, answered, secure) for i in range(CLIENTS)]
        for a in askers:
            a.start()
        return askers

    def reload(self, name, tls=None):
        more = {"tls": tls} if tls else {}
        asked, answered, warm = set(), set(), 0
        with Backend(numbered(asked)) as backend, Watched(numbers(backend.host, 0, **more)) as gateway:
            askers = self.crowd(gateway, answered, bool(tls))
            for i in range(1, RELOADS + 1):
                gateway.write(numbers(backend.host, i, **more))
                gateway.signal(signal.SIGHUP)
                eventually(lambda: sum("Configuration reloaded" in line for line in gateway.lines()) >= i, "reload %d" % i)
                if i == RELOADS // 4:
                    warm = gateway.resident()
            grown = gateway.resident() - warm if not gateway.keeps_freed_memory() else 0
            for a in askers:
                a.over = True
            for a in askers:
                a.join(PATIENCE)
            self.assertEqual([], [w for a in askers for w in a.wrong])
            self.assertEqual(set(), asked - answered)
            self.assertEqual(0, sum(a.retried for a in askers))
            self.assertGreater(len(answered), RELOADS)
            self.assertLess(grown, GROWTH)
            print("%d reloads under %d clients of %d streams, %s: %d answers, none lost; memory %+d KB" % (
                RELOADS, CLIENTS, STREAMS, name, len(answered), grown >> 10), flush=True)

    def test_reloads(self):
        self.reload("h2c")

    def test_reloads_with_tls(self):
        with Certificates() as own:
            own.make("a")
            self.reload("TLS", {"keys": [own.pair("a")]})

    def test_end(self):
        """SIGTERM: every request that reached the gateway is answered; what it has not looked at, GOAWAY says."""
        total = retried = 0
        for _ in range(10 if LONG else 3):
            asked, answered = set(), set()
            with Backend(numbered(asked)) as backend, Watched(numbers(backend.host, 0)) as gateway:
                askers = self.crowd(gateway, answered)
                eventually(lambda: len(answered) > 20 * CLIENTS, "the clients are served")
                gateway.signal(signal.SIGTERM)
                self.assertEqual(0, gateway.ended())
                for a in askers:
                    a.join(PATIENCE)
                self.assertEqual([], [w for a in askers for w in a.wrong])
                self.assertEqual(set(), asked - answered)
                total, retried = total + len(answered), retried + sum(a.retried for a in askers)
        print("ends under HTTP/2 clients: %d answers, none lost, %d to be asked again" % (total, retried), flush=True)


if __name__ == "__main__":
    if "--table" in sys.argv:
        import floods
        floods.table(FLOODS, Attacker, config, serve)
    else:
        unittest.main()
