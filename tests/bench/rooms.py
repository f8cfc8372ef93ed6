#!/usr/bin/env python3
"""CPU per request of the modules, each against the same endpoint without it; a cache hit against nginx's plain proxying.

    tests/bench/rooms.py [--rounds 9] [--seconds 1.0] [--only TEXT] [--bin build/krakend] [--write]

Measured as tests/bench/run.py does, with its load generator, nginx.conf and 64 clients, bodies of 300 B through a no-op endpoint:
one worker pinned to a core, what is compared in turns, median of the rounds' ratios with the smallest and the largest. --write
puts the table into docs/performance.md.
"""
import argparse
import json
import os
import sys

import run as bench
import steps

HEADING = "## Modules"
PLAIN, FIRST_PORT = 9020, 9021
BACKEND = {"url_pattern": "/api/v1/users/{id}", "encoding": "no-op"}
ENDPOINT = {"endpoint": "/api/v1/users/{id}", "output_encoding": "no-op", "input_headers": ["*"], "input_query_strings": ["*"]}
ORIGIN = "Origin: https://e.example.com"
LIST = {"allow_origins": ["https://%s.example.com" % c for c in "abcde"], "allow_credentials": True}


def keys():
    path = os.path.join(bench.WORK, "keys.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"keys": [{"kty": "oct", "kid": "k", "alg": "HS256", "k": steps.b64(steps.SECRET)}]}, f)
    return path


def rows():
    """Name, bound, field of the request, extra_config of the service, of the endpoint, of the backend."""
    validator = {"alg": "HS256", "jwk_local_path": keys(), "disable_jwk_security": True, "issuer": "me"}
    return [
        ("security/cors, one origin", 1.08, "Origin: https://a.example.com",
         {"security/cors": {"allow_origins": ["https://a.example.com"], "allow_methods": ["GET"], "expose_headers": ["X-A"]}}, {}, {}),
        ("security/cors, five origins, credentials", 1.08, ORIGIN, {"security/cors": LIST}, {}, {}),
        ("the same, a request without Origin", 1.08, None, {"security/cors": LIST}, {}, {}),
        ("security/http", 1.08, None, {"security/http": {
            "frame_deny": True, "content_type_nosniff": True, "browser_xss_filter": True, "sts_seconds": 300, "sts_include_subdomains": True,
            "content_security_policy": "default-src 'self'"}}, {}, {}),
        ("security/bot-detector, ten patterns", 1.08, None, {}, {"security/bot-detector": {
            "deny": ["a", "b"], "patterns": ["(bot%d)/.*" % i for i in range(10)], "cache_size": 1000}}, {}),
        ("qos/ratelimit/router, by address", 1.08, None, {}, {"qos/ratelimit/router": {
            "max_rate": 1e9, "client_max_rate": 1e9, "strategy": "ip"}}, {}),
        ("qos/ratelimit/proxy", 1.08, None, {}, {}, {"qos/ratelimit/proxy": {"max_rate": 1e9, "capacity": 1000000000}}),
        ("qos/circuit-breaker", 1.08, None, {}, {}, {"qos/circuit-breaker": {"interval": 60, "timeout": 10, "max_errors": 1000000}}),
        ("auth/validator, a remembered token", 1.25, "Authorization: Bearer " + steps.token(), {}, {"auth/validator": validator}, {}),
        ("qos/http-cache, a hit; nginx = 1.00", 0.45, None, {}, {}, {"qos/http-cache": {"shared": False}}),
    ]


def gateway(opts, name, port, service, endpoint, backend):
    config = {"version": 3, "port": port, "host": ["http://127.0.0.1:%d" % bench.BACKEND], "timeout": "3s",
              "extra_config": dict({"telemetry/logging": {"level": "CRITICAL", "stdout": False},
                                    "router": {"disable_access_log": True}}, **service),
              "endpoints": [dict(ENDPOINT, extra_config=endpoint, backend=[dict(BACKEND, extra_config=backend)])]}
    path = os.path.join(bench.WORK, "room%d.json" % port)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
    return bench.ours(opts, path, name, port)


def measure(opts, nginx, plain):
    found = []
    for i, (name, bound, field, service, endpoint, backend) in enumerate(rows()):
        if opts.only not in name:
            continue
        proxy = gateway(opts, name, FIRST_PORT + i, service, endpoint, backend).start()
        try:
            extra = ["-s", "300"] + (["-H", field] if field else [])
            base = nginx if "nginx" in name else plain
            one, other = bench.rounds(opts.own, [(base, extra), (proxy, extra)], opts)
        finally:
            proxy.stop()
        ratio = bench.ratio(other, one)
        found.append((name, bound, *ratio, bench.middle(other, "cpu_us"), bench.middle(other, "user_us"), sum(x["err"] for x in one + other)))
        print("%-42s %.2f (%.2f..%.2f), must %.2f; %.1f us, user %.1f; errors %d" % (name, *ratio, bound, *found[-1][5:]), flush=True)
    return found


def table(opts, found):
    lines = ["`tests/bench/rooms.py`, %d rounds: CPU per request of a no-op endpoint with 300 B over the same endpoint without the module." %
             opts.rounds, "", "| module | must | CPU | smallest..largest | us | of it user | errors |", "|---|---|---|---|---|---|---|"]
    for name, bound, middle, least, most, us, user, errors in found:
        lines.append("| %s | %.2f | %s | %.2f..%.2f | %.1f | %.1f | %d |" % (name, bound, bench.verdict(middle, bound), least, most, us, user, errors))
    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--seconds", type=float, default=1.0)
    p.add_argument("--only", default="")
    p.add_argument("--bin", default=os.path.join(bench.TOP, "build", "krakend"))
    p.add_argument("--write", action="store_true")
    opts = p.parse_args()
    opts.bin = os.path.abspath(opts.bin)
    os.makedirs(os.path.join(bench.WORK, "run"), exist_ok=True)
    opts.own = bench.build(os.path.join(bench.HERE, "load.c"), "load")
    nginx = bench.Proxy("nginx", bench.NGINX, ["nginx", "-p", bench.WORK + "/", "-c", os.path.join(bench.HERE, "nginx.conf")])
    started = []
    try:
        for proxy in (nginx, gateway(opts, "plain", PLAIN, {}, {}, {})):
            started.append(proxy.start())
        found = measure(opts, *started)
    finally:
        for proxy in started:
            proxy.stop()
    if not found:
        sys.exit("no row of that name")
    if opts.write:
        steps.write(HEADING, table(opts, found))


if __name__ == "__main__":
    main()
