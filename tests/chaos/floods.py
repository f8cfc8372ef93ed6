"""What floods cost: CPU and memory of the gateway, and the times of a well-behaved client in a process of its own.

    tests/chaos/test_multiplexed.py --table

Each flood goes on for SECONDS: who is cut comes back at once. The machine is shared with the attackers, who use all that they
get: the first line of each part is the same without them. The client asks for /__health, so that what is timed is the gateway and
not the test's backend, which runs beside the attackers in one process.
"""
import os
import resource
import socket
import subprocess
import sys
import threading
import time

from chaos import PATIENCE, Backend, Watched, eventually
from test_handshakes import NEVER, STORM, Crowd, Tls

from tls import Certificates, client_hello, context  # of the integration tests

SECONDS = 2


def good(port, secure):
    """Ask until the input ends, with HTTP/2 on one connection or with a TLS handshake each; print the times."""
    import peer as h2
    over, times, failed = threading.Event(), [], 0
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()

    class Here:
        host, name, get, post = "127.0.0.1", "gateway", "/__health", "/post"
    Here.port = port
    kept, c = None if secure else h2.Peer(Here), context()
    while not over.is_set():
        start = time.monotonic()
        try:
            if kept:
                ok = kept.answer(kept.get()).status == 200
            else:
                with c.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE), server_hostname="localhost") as s:
                    s.sendall(b"GET /__health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    ok = s.recv(4096).split(b" ")[1:2] == [b"200"]
        except (OSError, h2.Wrong):
            ok = False
        failed += not ok
        times.append(time.monotonic() - start)
        time.sleep(0.002)
    times.sort()
    print(len(times), failed, times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000)


class Beside:
    """Measures while a with statement runs, and prints the row."""

    def __init__(self, gateway, name, secure=False):
        self.gateway, self.name, self.secure, self.connections, self.cut = gateway, name, secure, 0, 0
        self.lock = threading.Lock()

    def __enter__(self):
        self.most, self.over = self.gateway.resident(), threading.Event()
        self.client = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), str(self.gateway.port), "tls" if self.secure else ""],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)  # it has started; only what the figures are about needs this
        self.ticks, self.start = self.gateway.ticks(), time.monotonic()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()
        return self

    def watch(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, self.gateway.resident())

    def __exit__(self, kind, *_):
        ticks, took = self.gateway.ticks() - self.ticks, time.monotonic() - self.start
        self.over.set()
        self.watcher.join()
        out = self.client.communicate("")[0]
        if kind is None:
            n, failed, p50, p99 = out.split()
            print("| %s | %d | %d | %.1f | %.2f | %.1f | %s | %s | %.1f | %.1f |" % (
                self.name, self.connections, self.cut, took, ticks / os.sysconf("SC_CLK_TCK"), self.most / 1048576, n, failed,
                float(p50), float(p99)), flush=True)

    def left(self):
        return self.start + SECONDS - time.monotonic()


def attack(row, attacker, gateway, flood, windows, must_cut):
    """One attacker after another until the time is over; whose connection is not cut holds it until then."""
    while row.left() > 0:
        try:
            a = attacker(gateway, flood, windows)
        except (OSError, AssertionError):
            continue
        with row.lock:
            row.connections += 1
        a.start()
        a.join(PATIENCE if must_cut else max(row.left(), 0))
        if must_cut:
            a.ending()
            if a.cut or a.peer.goaway or a.peer.closed:
                with row.lock:
                    row.cut += 1
        else:
            time.sleep(max(row.left(), 0))
        a.peer.socket.close()


def multiplexed(floods, attacker, config, serve):
    with Backend(serve) as backend, Watched(config(backend.host)) as gateway:
        gateway.get("/__health")
        with Beside(gateway, "nobody") as row:
            time.sleep(row.left())
        for name, flood, must_cut, n in floods:
            windows = ((4, 0),) if name == "answers that are never fetched" else ()
            with Beside(gateway, name) as row:
                crowd = [threading.Thread(target=attack, args=(row, attacker, gateway, flood, windows, must_cut)) for _ in range(n)]
                for t in crowd:
                    t.start()
                for t in crowd:
                    t.join()
            gateway.settle(1 << 20, name)


def handshakes():
    with Certificates() as own:
        own.make("a")
        with Tls(own, own={"max_handshakes": 64, "handshake_timeout": NEVER}) as gateway:
            gateway.health()
            with Beside(gateway, "no other handshakes", True) as row:
                time.sleep(row.left())
            with Beside(gateway, "%d handshakes at once" % STORM, True) as row:
                crowd = Crowd(gateway.port, STORM, context())
                crowd.begin()
                crowd.finish()
                row.connections, row.cut = STORM, crowd.lost
            crowd.close()
            for name, data in (("%d clients that say nothing", b""), ("%d clients with half a hello", client_hello()[:-1]),
                               ("%d clients with a hello and nothing more", client_hello())):
                with Beside(gateway, name % STORM, True) as row:
                    slow = []
                    for _ in range(STORM):
                        s = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE, ("127.0.0.2", 0))
                        s.sendall(data)
                        slow.append(s)
                    row.connections = STORM
                    time.sleep(max(row.left(), 0))
                for s in slow:
                    s.close()
                eventually(lambda: gateway.counters()["tls"]["coming"] == 0, "they are gone: " + name)


def table(floods, attacker, config, serve):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(3 * STORM, hard)), hard))
    print("| flood | connections | cut | s | CPU s | MB resident, at most | requests beside | failed | p50 ms | p99 ms |\n"
          "|---|---|---|---|---|---|---|---|---|---|", flush=True)
    multiplexed(floods, attacker, config, serve)
    handshakes()


if __name__ == "__main__":
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http2"))
    good(int(sys.argv[1]), sys.argv[2] == "tls")
