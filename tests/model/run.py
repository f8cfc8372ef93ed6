#!/usr/bin/env python3
"""Random documents through random endpoints, compared with a second writing of the rules (rules.py).

    tests/model/run.py [--bin BINARY] [--documents N] [--endpoints N] [--seed TEXT] [--only DOCUMENT]

One gateway holds all endpoints, one backend in this process all documents; every document goes through three endpoints.
The last line is `N passed, N failed`; a difference names seed, document and endpoint, so that --seed and --only repeat it.
"""
import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import documents  # noqa: E402
import rules  # noqa: E402

TOP = os.path.dirname(os.path.dirname(HERE))
TURNS = 3       # endpoints that each document goes through
CLIENTS = 8
SHOWN = 1500    # bytes of a document or an answer in a message
DIFFERENCES = 20  # that are shown
PATIENCE = 600  # seconds after which an answer counts as missing; nothing here is about speed


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def read_head(reader):
    """First line and headers (names in lower case), or None at the end."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    return lines[0], {k.strip().lower(): v.strip() for k, _, v in (l.partition(":") for l in lines[1:] if l)}


async def read_body(reader, headers):
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        chunk = await reader.readexactly(size + 2)
        if not size:
            return body
        body += chunk[:-2]


async def get(stream, target):
    reader, writer = stream
    writer.write(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target).encode())
    head = await read_head(reader)
    if not head:
        raise ConnectionError("the gateway closed the connection")
    line, headers = head
    return {"status": int(line.split()[1]), "headers": headers, "body": await read_body(reader, headers)}


def seen_as(answer, expected):
    """The parts of a real answer that the model speaks of."""
    headers = answer["headers"]
    seen = {"status": answer["status"], "completed": headers.get("x-krakend-completed"), "cache": headers.get("cache-control")}
    if expected["status"] != 200 or answer["status"] != 200:
        seen["errors"] = sorted(answer["body"].decode("utf-8", "backslashreplace").split("\n"))
        return seen
    return dict(seen, type=headers.get("content-type"), body=answer["body"])


def message(opts, number, endpoint, body, expected, seen):
    def short(value):
        text = repr(value)
        return text if len(text) <= SHOWN else "%s… (%d)" % (text[:SHOWN], len(text))

    lines = ["DIFFERENCE seed %s, document %d, %s" % (opts.seed, number, endpoint["endpoint"]),
             "    document: " + short(body), "    endpoint: " + json.dumps(endpoint, ensure_ascii=False)]
    for key in sorted(set(expected) | set(seen)):
        if expected.get(key) != seen.get(key):
            lines += ["    %s expected: %s" % (key, short(expected.get(key))), "    %s seen:     %s" % (key, short(seen.get(key)))]
    return "\n".join(lines)


async def started(process, port):
    while process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        except OSError:
            await asyncio.sleep(0.05)
    return False


class Run:
    """The documents on their way."""

    def __init__(self, opts):
        self.opts, self.passed, self.failed = opts, 0, 0
        self.queue = iter([opts.only] if opts.only is not None else range(opts.documents))
        self.bodies = {}
        self.endpoints = []
        self.serving = set()

    async def serve(self, reader, writer):
        """The backend: /<n> answers with document n."""
        self.serving.add(asyncio.current_task())
        try:
            while head := await read_head(reader):
                body = self.bodies[int(head[0].split()[1][1:])]
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except ConnectionError:
            pass  # the gateway may leave when it has seen enough
        finally:
            writer.close()

    def judge(self, number, endpoint, expected, seen):
        if seen == expected:
            self.passed += 1
            return
        self.failed += 1
        if self.failed <= DIFFERENCES:
            print(message(self.opts, number, endpoint, self.bodies[number], expected, seen), flush=True)

    async def client(self, port):
        stream = None
        for number in self.queue:
            self.bodies[number] = documents.document(self.opts.seed, number)
            rng = random.Random("way %s %d" % (self.opts.seed, number))
            for index in rng.sample(range(len(self.endpoints)), min(TURNS, len(self.endpoints))):
                endpoint = self.endpoints[index]
                expected = rules.answer(endpoint, self.bodies[number])
                try:
                    stream = stream or await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
                    answer = await asyncio.wait_for(get(stream, "/e%d/%d" % (index, number)), PATIENCE)
                    self.judge(number, endpoint, expected, seen_as(answer, expected))
                except (OSError, EOFError, asyncio.TimeoutError) as e:
                    stream = None
                    self.judge(number, endpoint, expected, {"status": "%s: %s" % (type(e).__name__, e)})
            del self.bodies[number]
        if stream:
            stream[1].close()

    async def all(self, folder):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        host = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        self.endpoints = [documents.endpoint(self.opts.seed, i, host) for i in range(self.opts.endpoints)]
        port = free_port()
        file = os.path.join(folder, "krakend.json")
        with open(file, "w", encoding="utf-8") as f:
            json.dump({"version": 3, "port": port, "listen_ip": "127.0.0.1", "timeout": "600s", "endpoints": self.endpoints,
                       "extra_config": {"router": {"return_error_msg": True, "disable_access_log": True}}}, f)
        with open(os.path.join(folder, "log"), "wb") as log:
            process = subprocess.Popen([self.opts.bin, "run", "-c", file], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT, env=dict(os.environ, USAGE_DISABLE="1"))
        try:
            if not await started(process, port):
                with open(os.path.join(folder, "log"), encoding="utf-8", errors="replace") as f:
                    print("the gateway ended with %s\n%s" % (process.returncode, f.read()[-3000:]))
                self.failed += 1
                return
            await asyncio.gather(*[self.client(port) for _ in range(CLIENTS)])
            if process.poll() is not None:
                print("the gateway ended with %s" % process.returncode)
                self.failed += 1
        finally:
            process.kill()
            process.wait()
            server.close()
            await asyncio.gather(*self.serving)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", default=os.environ.get("KD_BIN") or os.path.join(TOP, "build", "krakend"))
    p.add_argument("--documents", type=int, default=500)
    p.add_argument("--endpoints", type=int, default=300)
    p.add_argument("--seed", default="1")
    p.add_argument("--only", type=int, help="one document instead of all")
    opts = p.parse_args()
    sys.setrecursionlimit(200000)  # documents are nested up to 12 000 deep
    run = Run(opts)
    with tempfile.TemporaryDirectory(prefix="krakend-model-") as folder:
        asyncio.run(run.all(folder))
    print("%d passed, %d failed" % (run.passed, run.failed))
    sys.exit(1 if run.failed else 0)


if __name__ == "__main__":
    main()
