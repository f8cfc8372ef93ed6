#!/usr/bin/env python3
"""What the gateway takes when it is asked for far more than max_memory allows. Not part of make test.

    tests/chaos/overload.py [--clients N] [--seconds S] [--memory MB] [--kind slow|silent|both] [--rounds N] [--https]

Starts a gateway with `gateway/limits` {"max_memory": "64MB"} in front of a backend whose JSON answers of 1 MB take two
seconds, then lets N clients (2 000) ask for them: first clients that read, then clients that never do. Every 200 ms it adds the
gateway's resident memory and what the kernel holds for its sockets (ss -tm: received, queued and sent, forward allocated,
backlog). Musts: the sum stays under max_memory, every answer is 200 or 503, ten seconds later resident memory is within 8 MB
of its value after a hundred such requests, and no later round takes more than the first. Exit 1 where one is missed.
"""
import argparse
import asyncio
import collections
import json
import os
import re
import resource
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests", "integration"))
os.environ.setdefault("KD_BIN", os.path.join(TOP, "build", "krakend"))
from gateway import Gateway, endpoint, eventually, free_port  # noqa: E402

ITEM = {"id": 123456, "name": "an item of a long list", "tags": ["red", "green"], "price": 12.5, "open": True}
BODY = json.dumps({"items": [ITEM] * (1000000 // (len(json.dumps(ITEM)) + 2))}).encode()
SLICES = 16
PAUSE = 2.0 / SLICES


async def answer(reader, writer):
    """One connection of the backend: every answer comes in slices over two seconds."""
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY))
            size = len(BODY) // SLICES + 1
            for at in range(0, len(BODY), size):
                writer.write(BODY[at:at + size])
                await writer.drain()
                await asyncio.sleep(PAUSE)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


def certificate(folder):
    """A certificate for this run, signed by itself."""
    names = [os.path.join(folder, n) for n in ("chain.pem", "key.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=overload", "-keyout", names[1], "-out", names[0]], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*names)
    return context


def backend(port, context):
    async def serve():
        server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=4096, limit=1 << 16, ssl=context)
        async with server:
            await server.serve_forever()
    asyncio.run(serve())


class Sampler(threading.Thread):
    """Adds up resident memory and the kernel's memory for the gateway's sockets."""

    def __init__(self, pid, port, backend_port):
        super().__init__(daemon=True)
        self.pid, self.filter, self.over = pid, "( sport = :%d or dport = :%d )" % (port, backend_port), False
        self.top, self.samples = (0, 0, 0), 0

    def resident(self):
        with open("/proc/%d/statm" % self.pid, encoding="utf-8") as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    def kernel(self):
        text = subprocess.run(["ss", "-tmnH", self.filter], stdout=subprocess.PIPE).stdout.decode()
        total = 0
        for m in re.finditer(r"skmem:\(r(\d+),rb\d+,t(\d+),tb\d+,f(\d+),w(\d+),o(\d+),bl(\d+)", text):
            r, t, f, w, o, bl = (int(x) for x in m.groups())
            total += r + max(t, w) + f + o + bl
        return total

    def run(self):
        while not self.over:
            began = time.monotonic()
            rss, kernel = self.resident(), self.kernel()
            self.top = max(self.top, (rss + kernel, rss, kernel))
            self.samples += 1
            time.sleep(max(0.0, 0.2 - (time.monotonic() - began)))


class Client:
    """A connection that asks again and again, or asks once and never reads."""

    def __init__(self, port, reads):
        self.port, self.reads = port, reads
        self.socket, self.need, self.status, self.head, self.wake = None, 0, 0, b"", 0.0

    def connect(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", self.port))
        self.head, self.need, self.status = b"", 0, 0


class Crowd:
    """All clients in one loop; counts answers by status."""

    def __init__(self, port, n, reads, seconds):
        self.selector, self.port, self.reads = selectors.DefaultSelector(), port, reads
        self.until = time.monotonic() + seconds
        self.seen, self.clients = collections.Counter(), [Client(port, reads) for _ in range(n)]

    def start(self, c):
        c.connect()
        self.selector.register(c.socket, selectors.EVENT_WRITE, c)

    def stop(self, c, wake=None):
        if c.socket:
            self.selector.unregister(c.socket)
            c.socket.close()
            c.socket = None
        c.wake = wake or 0.0

    def ask(self, c):
        try:
            c.socket.send(b"GET /big HTTP/1.1\r\nHost: gateway\r\n\r\n")
        except OSError:
            self.seen["no connection"] += 1
            self.stop(c, time.monotonic() + 1)
            return
        c.head, c.need, c.status = b"", 0, 0
        self.selector.modify(c.socket, selectors.EVENT_READ, c)

    def finish(self, c):
        self.seen[c.status] += 1
        closes = b"connection: close" in c.head.lower()
        if c.status == 503 or closes:
            self.stop(c, time.monotonic() + 1)  # as Retry-After asks
        else:
            self.ask(c)

    def read(self, c):
        if not self.reads and c.status:
            return
        try:
            data = c.socket.recv(1 << 18) if self.reads else c.socket.recv(16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.seen["cut after %s" % (c.status or "nothing")] += 1
            self.stop(c, time.monotonic() + 1)
            return
        if not self.reads:
            c.status = int(data[9:12])
            self.seen[c.status] += 1
            if c.status == 503:
                self.stop(c, time.monotonic() + 1)
            else:
                self.selector.unregister(c.socket)  # and never reads again
                self.selector.register(c.socket, 0 or selectors.EVENT_WRITE, None)
                self.selector.unregister(c.socket)
                c.held, c.socket, c.wake = c.socket, None, -1.0
            return
        if c.status:
            c.need -= len(data)
        else:
            c.head += data
            if b"\r\n\r\n" not in c.head:
                return
            head, _, rest = c.head.partition(b"\r\n\r\n")
            c.head, c.status = head, int(head[9:12])
            length = re.search(rb"content-length: (\d+)", head.lower())
            c.need = int(length.group(1)) - len(rest) if length else 0
            if c.status == 200 and not length:
                self.seen["200 without a length"] += 1
        if c.need <= 0:
            self.finish(c)

    def run(self):
        for i, c in enumerate(self.clients):
            self.start(c)
            if i % 100 == 99:
                self.turn()
        while time.monotonic() < self.until:
            self.turn()
        for c in self.clients:
            self.stop(c)
            if getattr(c, "held", None):
                c.held.close()
        return self.seen

    def turn(self):
        for key, events in self.selector.select(0.02):
            c = key.data
            if c.socket is None:
                continue
            if events & selectors.EVENT_WRITE:
                self.ask(c)
            else:
                self.read(c)
        now = time.monotonic()
        for c in self.clients:
            if c.socket is None and c.wake >= 0 and c.wake <= now and c.wake:
                self.start(c)


def report(name, sampler, seen, limit):
    total, rss, kernel = sampler.top
    mb = 1 << 20
    print("%s: at most %.1f MB (resident %.1f, sockets %.1f) of %d, %d samples; answers: %s" % (
        name, total / mb, rss / mb, kernel / mb, limit / mb, sampler.samples,
        ", ".join("%s × %s" % (n, s) for s, n in sorted(seen.items(), key=str))), flush=True)
    wrong = {s: n for s, n in seen.items() if s not in (200, 503) and not str(s).startswith("cut after 200" if name == "silent" else "-")}
    return total <= limit and not wrong and seen[200] > 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clients", type=int, default=2000)
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--memory", type=int, default=64)
    p.add_argument("--kind", choices=["slow", "silent", "both"], default="both")
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--https", action="store_true", help="the backend speaks https")
    p.add_argument("--log", help="a file for the gateway's log")
    opts = p.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    port = free_port()
    context = None
    if opts.https:
        with tempfile.TemporaryDirectory() as folder:
            context = certificate(folder)
    child = os.fork()
    if child == 0:
        backend(port, context)
        os._exit(0)
    limit, good = opts.memory << 20, True
    config = {"timeout": "20s", "endpoints": [endpoint("/big", "http%s://127.0.0.1:%d" % ("s" * opts.https, port))],
              "allow_insecure_connections": opts.https,
              "extra_config": {"gateway/limits": {"max_memory": "%dMB" % opts.memory}, "router": {"disable_access_log": True}}}
    log = open(opts.log, "wb") if opts.log else subprocess.DEVNULL
    try:
        with Gateway(config, stdout=log) as gateway:
            sampler = Sampler(gateway.pid(), gateway.port, port)
            threads = [threading.Thread(target=lambda: [gateway.get("/big") for _ in range(10)]) for _ in range(10)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            warm = sampler.resident()
            print("warm: %.1f MB resident" % (warm / (1 << 20)), flush=True)
            peaks = {}
            for _ in range(opts.rounds):
                for kind in ["slow", "silent"] if opts.kind == "both" else [opts.kind]:
                    sampler = Sampler(gateway.pid(), gateway.port, port)
                    sampler.start()
                    crowd = Crowd(gateway.port, opts.clients, kind == "slow", opts.seconds)
                    seen = crowd.run()
                    gateway.signal(signal.SIGUSR1)
                    sampler.over = True
                    sampler.join()
                    good &= report(kind, sampler, seen, limit)
                    good &= sampler.top[0] <= peaks.setdefault(kind, sampler.top[0])
                    time.sleep(10)
                    rest = sampler.resident()
                    print("%s: %.1f MB resident 10 s later" % (kind, rest / (1 << 20)), flush=True)
                    good &= rest <= warm + (8 << 20)
                    gateway.signal(signal.SIGUSR1)
                    eventually(lambda: gateway.get("/__health")[0] == 200, "the gateway answers")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
