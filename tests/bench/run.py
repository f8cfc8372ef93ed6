#!/usr/bin/env python3
"""CPU per request, memory and start-up time of build/krakend beside nginx and haproxy; writes docs/performance.md.

    tests/bench/run.py [--rounds 7] [--seconds 1.0] [--only TEXT] [--lb PATH] [--bin PATH] [--dry]

The proxies run pinned to core 0 with one worker each, the load generator, which is also their backend, on core 1. In each
round every proxy is measured once, in alternating order, so that whatever else the machine does falls on all of them. The
figure is CPU time per request of the proxy process (from /proc/PID/task/*/schedstat) over nginx's in the same round: the
median of the rounds, with the smallest and the largest beside it.

    --only TEXT   only rows whose name contains TEXT       --dry   print, write nothing
    --lb PATH     the load generator for fixed bodies (C source or program); default: research/perf/src/lb.c in the folder
                  SUITES (../shared beside the checkout) where it is there, else tests/bench/load.c. Bodies that rotate always
                  come from load.c, and so does the fixed body that they are compared with.

Needs nginx, haproxy, gcc, two cores, a limit of 20 000 open files (root raises it).
"""
import argparse
import copy
import json
import os
import platform
import random
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(TOP, "build", "bench")
SUITES = os.path.abspath(os.environ.get("SUITES") or os.path.join(TOP, "..", "shared"))
RESEARCH = os.path.join(SUITES, "research", "perf")
BACKEND, NGINX, HAPROXY, OURS, LOGGED = 9900, 9001, 9002, 9004, 9005
IDLE = 9500
DOCUMENTS = 1000
# row: body, request target, and what the project demands of it (nginx = 1.00)
ROWS = [("no-op 300 B", "300", None, 0.75), ("no-op 4.5 KB", "5k", None, 0.72), ("no-op 92 KB", "100k", None, 0.78),
        ("JSON 248 B", "small", "/json", 0.85), ("JSON 4.5 KB", "5k", "/json", 1.25), ("JSON 92 KB", "100k", "/json", 5.2)]
# measured with a fixed body only; the backend of the last one speaks https (its own body of 300 B)
MORE_ROWS = [("merge of three 248 B", "small", "/merge", 1.6), ("merge of three 4.5 KB", "5k", "/merge", 3.6),
             ("no-op 300 B, https backend", "300", "/https/42", 0.90)]
LOG_ROW = ("JSON 248 B, access log", "small", "/json", 0.95)


# ---------------------------------------------------------------- bodies

def item(rng, i):
    return {"id": i, "sku": "SKU-%08d" % rng.randrange(10**8), "name": "Zoë's item %d" % i, "price": round(rng.random() * 1000, 2),
            "quantity": rng.randrange(100), "rating": round(rng.random() * 5, 6), "active": rng.random() < .5,
            "parent": None if i % 3 else i * 7, "tags": [rng.choice(["new", "sale", "été", "a&b", "plain"]) for _ in range(3)],
            "geo": {"lat": round(rng.uniform(-90, 90), 7), "lon": round(rng.uniform(-180, 180), 7), "city": "Łódź"},
            "description": "A sentence or two that says what this is. " * rng.randrange(1, 4), "created_at": "2026-11-20T18:08:05.123Z"}


def document(items):
    rng = random.Random(7)
    return {"id": 42, "name": "catalogue", "internal": {"node": "a1", "ts": 1763661000123}, "debug": [1, 2, 3],
            "links": {"self": "/x", "next": "/y?page=2"}, "total": items,
            "user": {"email": "a@example.com", "name": "Zoë", "roles": ["admin", "ops"]},
            "items": [item(rng, i) for i in range(items)], "etag": 1234567890123456789}


def varied(value, rng, odd):
    """The same keys with other values of other lengths; an odd document has its keys in another order, or escapes."""
    if isinstance(value, dict):
        pairs = [(k, varied(v, rng, odd)) for k, v in value.items()]
        if odd == "order":
            rng.shuffle(pairs)
        return dict(pairs)
    if isinstance(value, list):
        return [varied(v, rng, odd) for v in value]
    if isinstance(value, bool):
        return rng.random() < .5
    if isinstance(value, int):
        digits = max(1, len(str(abs(value))) + rng.choice([-1, 0, 1]))
        return rng.randrange(10**(digits - 1), 10**digits)
    if isinstance(value, float):
        return round(rng.uniform(-2, 2) * (value or 1), rng.randrange(1, 8))
    if isinstance(value, str):
        length = max(1, len(value) + rng.randrange(-(len(value) // 2), len(value) // 2 + 1))
        text = ((value or "x") * 3)[:length]
        return text[:length // 2] + rng.choice(["\n", "\"", "\u2028", "<b>", "\\"]) + text[length // 2:] if odd == "escapes" else text
    return value


def bodies():
    """Files with the fixed bodies and, for each, one with documents that rotate; sizes by name."""
    if os.path.exists(os.path.join(RESEARCH, "gen.py")):
        subprocess.run([sys.executable, "-B", os.path.join(RESEARCH, "gen.py")], cwd=WORK, check=True, stdout=subprocess.DEVNULL)
        made = {"small": "data/300.json", "5k": "data/5k.json", "100k": "data/100k.json"}
        texts = {k: open(os.path.join(WORK, p), encoding="utf-8").read() for k, p in made.items()}
    else:
        texts = {k: json.dumps(document(n), ensure_ascii=False, separators=(",", ":"))
                 for k, n in (("small", 0), ("5k", 11), ("100k", 238))}
    found = {}
    for name, text in texts.items():
        fixed, turning = os.path.join(WORK, name + ".json"), os.path.join(WORK, name + ".lines")
        with open(fixed, "w", encoding="utf-8") as f:
            f.write(text)
        rng, base, total = random.Random(11), json.loads(text), 0
        with open(turning, "w", encoding="utf-8") as f:
            for i in range(DOCUMENTS):
                odd = (None, rng.choice(["order", "escapes"]))[i % 10 == 9]
                line = json.dumps(varied(copy.deepcopy(base), rng, odd), ensure_ascii=False, separators=(",", ":"))
                total += len(line.encode())
                f.write(line + "\n")
        found[name] = {"fixed": fixed, "turning": turning, "size": len(text.encode()), "mean": total / DOCUMENTS}
    return found


# ---------------------------------------------------------------- the proxies

class Proxy:
    """One proxy with one worker on core 0."""

    def __init__(self, name, port, command, env=None, stdout=subprocess.DEVNULL):
        self.name, self.port, self.command, self.env, self.stdout = name, port, command, env or {}, stdout

    def start(self):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", self.port)) == 0:
                sys.exit("port %d is taken: stop what listens there" % self.port)
        began = time.monotonic()
        self.process = subprocess.Popen(["taskset", "-c", "0"] + self.command, env=dict(os.environ, **self.env), cwd=WORK,
                                        stdout=self.stdout, stderr=subprocess.DEVNULL)
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            if self.process.poll() is not None or time.monotonic() - began > 30:
                sys.exit("%s did not start: %s" % (self.name, " ".join(self.command)))
            time.sleep(0.001)
        self.took = time.monotonic() - began
        time.sleep(0.3)
        # nginx answers from a child of the process that was started
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="utf-8") as f:
            self.pid = int((f.read().split() or [self.process.pid])[0])
        return self

    def memory(self):
        """Resident and private dirty memory in MB."""
        with open("/proc/%d/smaps_rollup" % self.pid, encoding="utf-8") as f:
            text = f.read()
        return [int(re.search(key + r":\s+(\d+)", text).group(1)) / 1024 for key in ("Rss", "Private_Dirty")]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def config_file(name, change):
    """The bench's krakend.json with a change, as a file of its own."""
    with open(os.path.join(HERE, "krakend.json"), encoding="utf-8") as f:
        config = json.load(f)
    change(config)
    path = os.path.join(WORK, name)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
    return path


def logging_on(config):
    config["port"] = LOGGED
    config["extra_config"] = {"telemetry/logging": {"level": "INFO", "stdout": True}}


def many_endpoints(config):
    config["endpoints"] = [{"endpoint": "/service%d/users/{id}/orders" % i, "input_query_strings": ["page"],
                            "backend": [{"url_pattern": "/users/{id}/orders", "allow": ["items", "total"]}]} for i in range(10000)]


def ours(opts, config, name="krakend", port=OURS, stdout=subprocess.DEVNULL):
    return Proxy(name, port, [opts.bin, "run", "-c", config], {"GOMAXPROCS": "1", "USAGE_DISABLE": "1"}, stdout)


def proxies(opts):
    found = [Proxy("nginx", NGINX, ["nginx", "-p", WORK + "/", "-c", os.path.join(HERE, "nginx.conf")]),
             Proxy("haproxy", HAPROXY, ["haproxy", "-db", "-f", os.path.join(HERE, "haproxy.cfg")])]
    return found + [ours(opts, os.path.join(HERE, "krakend.json"))]


def https_backend():
    """nginx with a certificate of its own, on core 1: what both proxies of the https row talk to."""
    chain, key = os.path.join(WORK, "chain.pem"), os.path.join(WORK, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=bench", "-keyout", key, "-out", chain], check=True, stderr=subprocess.DEVNULL)
    shutil.copy(os.path.join(HERE, "nginx_https.conf"), WORK)  # names of certificates are looked up beside it
    backend = subprocess.Popen(["taskset", "-c", "1", "nginx", "-p", WORK + "/", "-c", os.path.join(WORK, "nginx_https.conf")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", 9443)) == 0:
                return backend
        time.sleep(0.05)
    sys.exit("the https backend does not start")


# ---------------------------------------------------------------- measuring

def load(program, proxy, opts, extra):
    done = subprocess.run(["taskset", "-c", "1", program, "-p", str(proxy.port), "-b", str(BACKEND), "-P", str(proxy.pid), "-c", "64",
                           "-d", str(opts.seconds), "-w", "0.3"] + extra, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("load on %s: %s" % (proxy.name, done.stderr))
    return json.loads(done.stdout)


def rounds(program, variants, opts):
    """Run (proxy, extra arguments) variants in interleaved rounds; return the list of results of each."""
    results = [[] for _ in variants]
    for r in range(opts.rounds):
        order = list(enumerate(variants))
        for i, (proxy, extra) in order if r % 2 == 0 else order[::-1]:
            results[i].append(load(program, proxy, opts, extra))
    return results


def ratio(result, base):
    found = [a["cpu_us"] / b["cpu_us"] for a, b in zip(result, base)]
    return statistics.median(found), min(found), max(found)


def middle(result, key):
    return statistics.median(x[key] for x in result)


def fixed_rows(opts, running, logged, found):
    rows = []
    for name, body, target, must in ROWS + MORE_ROWS + [LOG_ROW]:
        if opts.only not in name:
            continue
        extra = ["-s", "300"] if body == "300" else ["-f", found[body]["fixed"]]
        extra += ["-u", target] if target else []
        gateway = logged if name == LOG_ROW[0] else running[2]
        other = running[0] if "https" in name else running[1]  # haproxy has no https backend here
        results = rounds(opts.lb, [(p, extra) for p in (running[0], other, gateway)], opts)
        row = {"name": name, "must": must, "nginx_us": middle(results[0], "cpu_us"), "haproxy": ratio(results[1], results[0]),
               "ours": ratio(results[2], results[0]), "us": middle(results[2], "cpu_us"), "user": middle(results[2], "user_us"),
               "p50": middle(results[2], "p50"), "p99": middle(results[2], "p99"), "rps": middle(results[2], "rps"),
               "busy": middle(results[2], "proxy_util"), "err": sum(x["err"] for r in results for x in r)}
        rows.append(row)
        print("%-24s krakend %.2f (%.2f..%.2f), must %.2f; haproxy %.2f; %.1f us, nginx %.1f us; errors %d" %
              (name, *row["ours"], must, row["haproxy"][0], row["us"], row["nginx_us"], row["err"]), flush=True)
    return rows


def turning_rows(opts, running, found):
    rows = []
    for name, body, target, must in ROWS:
        if target is None or opts.only not in name:
            continue
        fixed, turning = ["-f", found[body]["fixed"], "-u", target], ["-R", found[body]["turning"], "-u", target]
        results = rounds(opts.own, [(running[0], fixed), (running[0], turning), (running[2], fixed), (running[2], turning)], opts)
        row = {"name": name, "must": must, "fixed": ratio(results[2], results[0]), "turning": ratio(results[3], results[1]),
               "more": ratio(results[3], results[2]), "nginx": ratio(results[1], results[0]), "size": found[body]["size"], "mean": found[body]["mean"],
               "err": sum(x["err"] for r in results for x in r)}
        rows.append(row)
        print("%-24s fixed %.2f, rotating %.2f (%.2f..%.2f), must %.2f; CPU rotating over fixed %.2f, nginx's %.2f; errors %d" %
              (name, row["fixed"][0], *row["turning"], must, row["more"][0], row["nginx"][0], row["err"]), flush=True)
    return rows


def memory_rows(opts):
    rows = []
    for proxy in proxies(opts):
        proxy.start()
        try:
            start = proxy.memory()
            holder = subprocess.Popen(["taskset", "-c", "1", opts.own, "-p", str(proxy.port), "-b", str(BACKEND), "-c", str(IDLE), "-1",
                                       "-u", "/api/v1/users/42"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            said = holder.stdout.readline().strip()
            time.sleep(1)
            rows.append({"name": proxy.name, "start": start, "idle": proxy.memory(), "said": said})
            holder.stdin.close()
            holder.wait()
        finally:
            proxy.stop()
        print("memory %-10s private dirty %.1f MB at start, %.1f MB with %d idle connections (%s)" %
              (proxy.name, rows[-1]["start"][1], rows[-1]["idle"][1], IDLE, rows[-1]["said"]), flush=True)
    return rows


def start_row(opts):
    path, times, memory = config_file("many.json", many_endpoints), [], None
    for _ in range(5):
        proxy = ours(opts, path).start()
        times.append(proxy.took)
        memory = proxy.memory()
        proxy.stop()
    print("start with 10 000 endpoints: %.2f s, %.1f MB resident, %.1f MB private dirty" % (statistics.median(times), *memory))
    return {"seconds": statistics.median(times), "memory": memory}


# ---------------------------------------------------------------- the report

def version(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return (done.stdout.strip().split("\n") or [""])[0]


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*:\s*(.*)", f.read())
    return "%s, %d cores, Linux %s" % (model.group(1) if model else platform.machine(), os.cpu_count(), platform.release().split("-")[0])


def verdict(value, must):
    return "%.2f" % value if value <= must else "**%.2f** (missed)" % value


def report(opts, fixed, turning, memory, start):
    out = ["# Performance", "", "Written by `make bench` (`tests/bench/run.py`); its head says how it measures. The measure is CPU time "
           "per request of", "the gateway's process, one worker pinned to a core, over nginx's in the same round with the same bodies: "
           "nginx = 1.00,", "smaller is better. Differences below 8 % are noise. Of a merge nginx proxies one of the three.", "",
           "Machine: %s. %s; %s." % (machine(), version(["nginx", "-v"]), re.sub(r" \d{4}/.*", "", version(["haproxy", "-v"]))),
           "Load: 64 keep-alive clients, closed loop, %d rounds of %.1f s; %s." % (opts.rounds, opts.seconds, opts.lb_name), "",
           "## CPU per request", "",
           "| work | must | krakend | smallest..largest | haproxy | us | of it user | requests/s | p50 us | p99 us | errors |",
           "|---|---|---|---|---|---|---|---|---|---|---|"]
    for r in fixed:
        out.append("| %s | %.2f | %s | %.2f..%.2f | %.2f | %.1f | %.1f | %.0f | %.0f | %.0f | %d |" % (
            r["name"], r["must"], verdict(r["ours"][0], r["must"]), r["ours"][1], r["ours"][2], r["haproxy"][0], r["us"], r["user"],
            r["rps"], r["p50"], r["p99"], r["err"]))
    out += ["", "## Bodies that change from answer to answer", "",
            "The backend answers with %d documents in turn: the same keys, other values and lengths, a tenth with keys in another "
            "order or" % DOCUMENTS, "with escapes. Both columns are measured with `tests/bench/load.c`. What rotating costs nginx, which looks at no body, is the "
            "price of", "memory that is not in a cache.", "",
            "| work | must | fixed body | rotating | smallest..largest | CPU rotating over fixed: krakend | nginx | bytes: fixed, mean rotating |",
            "|---|---|---|---|---|---|---|---|"]
    for r in turning:
        out.append("| %s | %.2f | %s | %s | %.2f..%.2f | %.2f | %.2f | %d, %.0f |" % (
            r["name"], r["must"], verdict(r["fixed"][0], r["must"]), verdict(r["turning"][0], r["must"]), r["turning"][1],
            r["turning"][2], r["more"][0], r["nginx"][0], r["size"], r["mean"]))
    out += ["", "## Memory", "", "Private dirty memory in MB, %d idle keep-alive connections that each made one request." % IDLE, "",
            "| proxy | at start | idle connections | bytes a connection |", "|---|---|---|---|"]
    for r in memory:
        out.append("| %s | %.1f | %.1f | %.0f |" % (r["name"], r["start"][1], r["idle"][1], (r["idle"][1] - r["start"][1]) * 1048576 / IDLE))
    out += ["", "krakend must: 3 MB at start, 7 MB with the idle connections.", "", "## Start", "",
            "10 000 endpoints: %.2f s until the port answers (must: 0.3 s), %.1f MB resident, %.1f MB private dirty (must: 40 MB)." %
            (start["seconds"], *start["memory"]), "", "## How to repeat", "", "    scripts/setup bench && make bench", "",
            "The configurations are `tests/bench/krakend.json`, `nginx.conf` and `haproxy.cfg`. KrakenD CE 2.13.8, measured once in the "
            "same way on another", "machine: no-op 7.9, 7.5, 3.8; JSON 7.0, 18.5, 79; 13 MB at start, 195 MB with the idle connections; "
            "10 000 endpoints in", "0.7 s and 143 MB.", ""]
    return "\n".join(out)


def keep_others(old, new):
    """The new page with the sections of the old one that other programs have put there."""
    def sections(page):
        return re.split(r"^(?=## )", page, flags=re.M)

    titles = [s.split("\n")[0] for s in sections(new)]
    others = [s for s in sections(old)[1:] if s.split("\n")[0] not in titles]
    *first, last = sections(new)
    return "".join(first + others + [last])


def build(source, name):
    target = os.path.join(WORK, name)
    subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-w", "-o", target, source], check=True)
    return target


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--seconds", type=float, default=1.0)
    p.add_argument("--only", default="")
    p.add_argument("--lb")
    p.add_argument("--bin", default=os.path.join(TOP, "build", "krakend"))
    p.add_argument("--dry", action="store_true")
    opts = p.parse_args()
    opts.bin = os.path.abspath(opts.bin)
    os.makedirs(os.path.join(WORK, "run"), exist_ok=True)
    for tool in ("nginx", "haproxy", "gcc", "taskset"):
        if not shutil.which(tool):
            sys.exit("%s is missing: scripts/setup bench installs what the bench needs" % tool)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 20000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (20000, max(hard, 20000)))
    opts.own = build(os.path.join(HERE, "load.c"), "load")
    source = opts.lb or os.path.join(RESEARCH, "src", "lb.c")
    opts.lb_name = "generator tests/bench/load.c"
    if opts.lb or os.path.exists(source):
        opts.lb = build(source, "lb") if source.endswith(".c") else os.path.abspath(source)
        opts.lb_name = "fixed bodies: the project's reference generator " + os.path.basename(source)
    else:
        opts.lb = opts.own
    found = bodies()
    running, logged = proxies(opts), None
    far = https_backend()
    with open(os.path.join(WORK, "access.log"), "wb") as access:
        logged = ours(opts, config_file("logged.json", logging_on), "krakend, access log", LOGGED, access)
        started = []
        try:
            for proxy in running + [logged]:
                started.append(proxy.start())
            fixed = fixed_rows(opts, running, logged, found)
            turning = turning_rows(opts, running, found)
        finally:
            for proxy in started:
                proxy.stop()
            far.terminate()
            far.wait()
    memory = memory_rows(opts)
    start = start_row(opts)
    text = report(opts, fixed, turning, memory, start)
    if opts.dry or opts.only:
        print(text)
        return
    page = os.path.join(TOP, "docs", "performance.md")
    with open(page, encoding="utf-8") as f:
        text = keep_others(f.read(), text)
    with open(page, "w", encoding="utf-8") as f:
        f.write(text)
    print("written: docs/performance.md")


if __name__ == "__main__":
    main()
