#!/usr/bin/env python3
"""User instructions per request of the gateway, with and without each step, by callgrind; a budget beside each.

    tests/bench/steps.py [--bin build/krakend] [--check] [--write] [--only TEXT] [--requests 100]

One worker, one keep-alive client, one request at a time: an answer's bytes arrive in one piece, so the counts are the same
on every run within about one per cent, however busy the machine. Instructions of the kernel are not counted. --check fails
when a row is over its budget, which is what was measured when the row was last changed and a tenth; --write puts the table
into docs/performance.md. Needs valgrind and a release build.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(TOP, "docs", "performance.md")
HEADING = "## Instructions of single steps"
HEAD = ("GET %s HTTP/1.1\r\nHost: gateway.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) bench/1.0\r\n"
        "Accept: application/json, text/plain, */*\r\nAccept-Language: en-US,en;q=0.9\r\n"
        "X-Correlation-Id: 7d9c0a4e-0000-4000-8000-0123456789ab\r\n%s\r\n")
WARM = 30  # requests before counting, which fill pools and caches

SECRET = b"a secret of thirty-two bytes!!!!"
USER = {"id": 7, "name": "Ann Example", "email": "ann@example.com", "active": True, "roles": ["admin", "clerk"],
        "address": {"street": "1 Main St", "city": "Springfield", "geo": {"lat": 40.1, "lng": -75.2}},
        "company": {"name": "Example & Sons", "catch": "more of less"}, "tags": ["a", "b"]}
BODIES = {
    "user": json.dumps(USER), "list": json.dumps([USER] * 3), "large": json.dumps({"items": [USER] * 18}),
    "xml": "<user id=\"7\"><name>Ann Example</name><email>ann@example.com</email><address><street>1 Main St</street>"
           "<city>Springfield</city></address><roles><role>admin</role><role>clerk</role></roles></user>",
    "text": "x" * 300, "cached": json.dumps(USER)}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token():
    signed = b64(b'{"alg":"HS256","kid":"k"}') + "." + b64(json.dumps({"sub": "ann", "exp": 4102444800, "iss": "me"}).encode())
    return signed + "." + b64(hmac.new(SECRET, signed.encode(), hashlib.sha256).digest())


def flat(*ops):
    return {"proxy": {"flatmap_filter": [{"type": o[0], "args": list(o[1:])} for o in ops]}}


def one(path="/user", endpoint=None, **backend):
    return dict({"backend": [dict({"url_pattern": path}, **backend)]}, **(endpoint or {}))


def extra(namespace, value):
    return {"extra_config": {namespace: value}}


NOOP = one("/text", {"output_encoding": "no-op"}, encoding="no-op")
GROUPS = [dict({"url_pattern": "/user"}, group=g) for g in "abc"]
KEYS = "@keys@"  # stands for the file with the key set
TOKEN = {"alg": "HS256", "jwk_local_path": KEYS, "disable_jwk_security": True, "issuer": "me"}

NO_OP, JSON, LARGE = "no-op, 300 B", "JSON, %d B" % len(BODIES["user"]), "JSON, %.1f KB" % (len(BODIES["large"]) / 1000)

# name, what it is compared with, endpoint, headers of the request, extra_config of the service, budget
ROWS = [
    (NO_OP, None, NOOP, "", {}, 11300),
    ("no-op, every header and parameter passes", NO_OP, dict(NOOP, input_headers=["*"], input_query_strings=["*"]), "", {}, 12000),
    ("access log", NO_OP, NOOP, "", {"router": {}}, 12600),
    ("security/cors", NO_OP, NOOP, "Origin: https://a.example.com\r\n",
     {"security/cors": {"allow_origins": ["https://a.example.com"], "allow_methods": ["GET"], "expose_headers": ["X-A"]}}, 11900),
    ("security/cors, five origins, credentials", NO_OP, NOOP, "Origin: https://e.example.com\r\n",
     {"security/cors": {"allow_origins": ["https://%s.example.com" % c for c in "abcde"], "allow_credentials": True}}, 11900),
    ("security/http", NO_OP, NOOP, "", {"security/http": {
        "frame_deny": True, "content_type_nosniff": True, "browser_xss_filter": True, "sts_seconds": 300, "sts_include_subdomains": True,
        "content_security_policy": "default-src 'self'"}}, 12000),
    ("security/bot-detector, ten patterns", NO_OP, dict(NOOP, **extra("security/bot-detector", {
        "deny": ["a", "b"], "patterns": ["(bot%d)/.*" % i for i in range(10)], "cache_size": 1000})), "", {}, 12100),
    ("qos/ratelimit/router, by address", NO_OP, dict(NOOP, **extra("qos/ratelimit/router", {
        "max_rate": 1000000, "client_max_rate": 1000000, "strategy": "ip"})), "", {}, 12300),
    ("qos/ratelimit/proxy", NO_OP, one("/text", {"output_encoding": "no-op"}, encoding="no-op", **extra(
        "qos/ratelimit/proxy", {"max_rate": 1000000, "capacity": 1000000})), "", {}, 11300),
    ("qos/circuit-breaker", NO_OP, one("/text", {"output_encoding": "no-op"}, encoding="no-op", **extra(
        "qos/circuit-breaker", {"interval": 60, "timeout": 10, "max_errors": 3})), "", {}, 11500),
    ("auth/validator, a remembered token", NO_OP, dict(NOOP, **extra("auth/validator", TOKEN)),
     "Authorization: Bearer %s\r\n" % token(), {}, 12700),
    (JSON, None, one(), "", {}, 18200),
    (LARGE, None, one("/large"), "", {}, 129900),
    ("JSON from the cache", JSON, one("/cached", **extra("qos/http-cache", {"shared": False})), "", {}, 15800),
    ("allow", JSON, one(allow=["id", "name", "address.city"]), "", {}, 18100),
    ("deny", JSON, one(deny=["email", "address.geo", "tags"]), "", {}, 21600),
    ("mapping", JSON, one(mapping={"name": "full_name", "email": "mail"}), "", {}, 22500),
    ("group", JSON, one(group="user"), "", {}, 18900),
    ("target", JSON, one(target="address"), "", {}, 16200),
    ("flatmap: move, del", JSON, one(**{"extra_config": flat(("move", "address.city", "city"), ("del", "tags", "company.catch"))}), "", {}, 26300),
    ("flatmap over the items of a list", LARGE, one("/large", **{"extra_config": flat(("move", "items.*.address.city", "items.*.city"),
                                                                                 ("del", "items.*.tags"))}), "", {}, 251900),
    ("json-collection", JSON, one("/list", {"output_encoding": "json-collection"}, is_collection=True), "", {}, 31800),
    ("negotiate", JSON, one("/user", {"output_encoding": "negotiate"}), "", {}, 18600),
    ("yaml out", JSON, one("/user", {"output_encoding": "yaml"}), "", {}, 50500),
    ("xml out", JSON, one("/user", {"output_encoding": "xml"}), "", {}, 37300),
    ("xml in", JSON, one("/xml", encoding="xml"), "", {}, 31600),
    ("string in", JSON, one("/text", encoding="string"), "", {}, 12900),
    ("merge of three", JSON, {"backend": GROUPS}, "", {}, 45400),
    ("sequence of two", JSON, dict({"backend": GROUPS[:1] + [dict(GROUPS[1], url_pattern="/user?id={resp0_a.id}")]}, **extra(
        "proxy", {"sequential": True})), "", {}, 40500),
    ("proxy.static, always", JSON, one("/user", extra("proxy", {"static": {"strategy": "always", "data": {"new": {"a": 1}}}})), "", {}, 24800),
]


class Backend(socketserver.ThreadingTCPServer):
    """Answers /<name> with that body, in one piece."""
    allow_reuse_address = True
    daemon_threads = True

    class RequestHandlerClass(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self):
            while line := self.rfile.readline():
                while self.rfile.readline().strip():
                    pass
                name = re.match(rb"\w+ /(\w+)", line).group(1).decode()
                body = BODIES[name].encode()
                more = "Cache-Control: max-age=3600\r\nDate: %s\r\n" % time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
                head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: 0123456789abcdef\r\n%sContent-Length: %d\r\n\r\n"
                self.wfile.write((head % (more if name == "cached" else "", len(body))).encode() + body)

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Gateway:
    """A gateway under callgrind that counts when told to."""

    def __init__(self, binary, config, folder):
        self.folder, self.port, self.dumps = folder, config["port"], 0
        file = os.path.join(folder, "krakend.json")
        with open(file, "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.out = os.path.join(folder, "counts")
        self.log = open(os.path.join(folder, "log"), "wb")
        self.process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=" + self.out, binary, "run", "-c", file],
            env=dict(os.environ, GOMAXPROCS="1", USAGE_DISABLE="1"), stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)

    def __enter__(self):
        while self.process.poll() is None:
            try:
                self.client = socket.create_connection(("127.0.0.1", self.port))
                self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self
            except OSError:
                time.sleep(0.1)
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as f:
            sys.exit("the gateway did not start:\n" + f.read()[-3000:])

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def control(self, *what):
        done = subprocess.run(["callgrind_control", *what, str(self.process.pid)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            sys.exit("callgrind_control: " + done.stdout.decode("utf-8", "replace"))

    def ask(self, request, n):
        for _ in range(n):
            self.client.sendall(request)
            data = b""
            while b"\r\n\r\n" not in data:
                data += self.some()
            head, body = data.split(b"\r\n\r\n", 1)
            if b" 200 " not in head[:20]:
                sys.exit("%s\ngave %s" % (request.decode(), head.decode("latin-1")))
            size = int(re.search(rb"(?i)\ncontent-length: *(\d+)", head).group(1))
            while len(body) < size:
                body += self.some()

    def some(self):
        data = self.client.recv(1 << 16)
        if not data:
            sys.exit("the gateway closed the connection")
        return data

    def count(self, request, n):
        """Instructions per request."""
        self.ask(request, WARM)
        self.control("-i", "on")
        self.control("-z")
        self.ask(request, n)
        self.control("-d")
        self.control("-i", "off")
        self.dumps += 1
        file = "%s.%d" % (self.out, self.dumps)
        while not os.path.exists(file) or not (total := self.total(file)):
            time.sleep(0.05)
        return total / n

    @staticmethod
    def total(file):
        with open(file, encoding="utf-8", errors="replace") as f:
            found = re.search(r"^totals: (\d+)", f.read(), re.M)
        return int(found.group(1)) if found else 0


def configured(value, file):
    """The rows' configuration with the key file's name in its place."""
    return json.loads(json.dumps(value).replace(KEYS, file))


def measure(opts):
    """{index of the row: instructions}"""
    backend, counts = Backend(), {}
    chosen = [i for i, row in enumerate(ROWS) if opts.only in row[0]]
    services = {json.dumps(ROWS[i][4], sort_keys=True) for i in chosen}
    for service in sorted(services):
        with tempfile.TemporaryDirectory(prefix="krakend-steps-") as folder:
            keys = os.path.join(folder, "keys")
            with open(keys, "w", encoding="utf-8") as f:
                json.dump({"keys": [{"kty": "oct", "kid": "k", "alg": "HS256", "k": b64(SECRET)}]}, f)
            mine = [i for i in chosen if json.dumps(ROWS[i][4], sort_keys=True) == service]
            settings = dict({"router": {"disable_access_log": True}}, **json.loads(service))
            config = {"version": 3, "port": free_port(), "listen_ip": "127.0.0.1", "timeout": "600s",
                      "host": ["http://127.0.0.1:%d" % backend.server_address[1]],
                      "extra_config": dict({"telemetry/logging": {"level": "ERROR", "stdout": True}}, **settings),
                      "endpoints": [dict(configured(ROWS[i][2], keys), endpoint="/row/%d/{id}" % i) for i in mine]}
            with Gateway(opts.bin, config, folder) as gateway:
                for i in mine:
                    counts[i] = gateway.count((HEAD % ("/row/%d/x" % i, ROWS[i][3])).encode(), opts.requests)
                    print("%-45s %8.0f" % (ROWS[i][0], counts[i]), file=sys.stderr, flush=True)
    backend.shutdown()
    return counts


def table(counts):
    index = {row[0]: i for i, row in enumerate(ROWS)}
    out = ["| request | instructions | more than without | budget |", "|---|---|---|---|"]
    for i in sorted(counts):
        name, base, budget = ROWS[i][0], ROWS[i][1], ROWS[i][5]
        more = "%+.0f (%s)" % (counts[i] - counts[index[base]], base) if base and index[base] in counts else "–"
        over = " **over**" if counts[i] > budget else ""
        out.append("| %s | %.0f%s | %s | %d |" % (name, counts[i], over, more, budget))
    return "\n".join(out)


def write(heading, text):
    """Replace the section of the page, or put it before the last one."""
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    old = re.search(r"^%s$.*?(?=^## )" % re.escape(heading), page, re.M | re.S)
    at = old.span() if old else (page.index("## How to repeat"),) * 2
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(page[:at[0]] + "%s\n\n%s\n\n" % (heading, text) + page[at[1]:])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", default=os.path.join(TOP, "build", "krakend"))
    p.add_argument("--check", action="store_true")
    p.add_argument("--write", action="store_true")
    p.add_argument("--only", default="", help="rows whose name contains this")
    p.add_argument("--requests", type=int, default=100)
    opts = p.parse_args()
    for tool in ("valgrind", "callgrind_control"):
        if not shutil.which(tool):
            sys.exit("%s is missing: apt-get install valgrind" % tool)
    counts = measure(opts)
    print(table(counts))
    if opts.write and not opts.only:
        write(HEADING, "`tests/bench/steps.py`: user instructions per request by callgrind, release build, one worker, one keep-alive client. "
              "`--check` fails where\na row is over its budget.\n\n" + table(counts))
    over = [ROWS[i][0] for i in sorted(counts) if counts[i] > ROWS[i][5]]
    if opts.check and over:
        sys.exit("over budget: " + ", ".join(over))


if __name__ == "__main__":
    main()
