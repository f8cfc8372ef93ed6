#!/usr/bin/env python3
"""Runs the conformance suite of the Common Expression Language (github.com/google/cel-spec, tests/simple/testdata).

usage: tests/cel/run.py --driver build/unit/cel_driver FOLDER [--show] [--table]

Prints for each file how many tests passed and failed and what the failing ones need, and ends with the totals. Only failures for
a reason that is none of those in GROUPS count as failures of ours. --show lists these, --table prints markdown.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys

TOKEN = re.compile(r"""\s+|\#[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([A-Za-z0-9_.+\-/]+)|([{}\[\]<>:,;])""")
ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "\\": 92, "'": 39, '"': 34, "?": 63}


def unquote(text):
    """The bytes of a quoted string of the text format."""
    out, at, body = bytearray(), 0, text[1:-1]
    while at < len(body):
        c = body[at]
        if c != "\\":
            out += c.encode()
            at += 1
            continue
        rest = body[at + 1:]
        for pattern, base in ((r"[0-7]{1,3}", 8), (r"x[0-9a-fA-F]{1,2}", 16), (r"u[0-9a-fA-F]{4}", 0), (r"U[0-9a-fA-F]{8}", 0)):
            m = re.match(pattern, rest)
            if not m:
                continue
            digits = m.group().lstrip("xuU") if base != 8 else m.group()
            if base:
                out.append(int(digits or "0", base) & 255)
            else:
                out += chr(int(m.group()[1:], 16)).encode("utf-8", "surrogatepass")
            at += 1 + m.end()
            break
        else:
            out.append(ESCAPES[rest[0]])
            at += 2
    return bytes(out)


def tokens(text):
    at = 0
    while at < len(text):
        m = TOKEN.match(text, at)
        if not m:
            raise ValueError("cannot read %r" % text[at:at + 40])
        at = m.end()
        if m.group(1):
            yield ("string", unquote(m.group(1)))
        elif m.group(2):
            yield ("word", m.group(2))
        elif m.group(3) and m.group(3) not in ",;":
            yield ("mark", m.group(3))


class Reader:
    """A message of the text format as a list of (name, value); a value is bytes, a word or such a list."""

    def __init__(self, text):
        self.all = list(tokens(text))
        self.at = 0

    def peek(self):
        return self.all[self.at] if self.at < len(self.all) else ("end", "")

    def take(self):
        self.at += 1
        return self.all[self.at - 1]

    def value(self):
        kind, v = self.peek()
        if (kind, v) in (("mark", "{"), ("mark", "<")):
            self.take()
            return self.message("}" if v == "{" else ">")
        if kind == "string":
            out = b""
            while self.peek()[0] == "string":
                out += self.take()[1]
            return out
        return self.take()[1]

    def name(self):
        kind, v = self.take()
        if (kind, v) != ("mark", "["):
            return v
        out = ""
        while self.peek() != ("mark", "]"):
            out += self.take()[1]
        self.take()
        return "[" + out + "]"

    def message(self, end=""):
        fields = []
        while self.peek() != ("mark", end) and self.peek()[0] != "end":
            name = self.name()
            if self.peek() == ("mark", ":"):
                self.take()
            if self.peek() == ("mark", "["):
                self.take()
                while self.peek() != ("mark", "]"):
                    fields.append((name, self.value()))
                self.take()
            else:
                fields.append((name, self.value()))
        if end:
            self.take()
        return fields


def get(message, name, default=None):
    for key, v in message:
        if key == name:
            return v
    return default


def every(message, name):
    return [v for key, v in message if key == name]


class Unknown(Exception):
    """A value or type that only protobuf's messages have."""


KINDS = {"bool_value": "bool", "int64_value": "int", "uint64_value": "uint", "double_value": "double", "null_value": "null"}


def from_object(message):
    """A well-known type in an Any."""
    name, fields = message[0]
    if not name.startswith("["):
        raise Unknown("a message")
    name = name.strip("[]").rsplit("/", 1)[-1]
    if name == "google.protobuf.Duration":
        return {"duration": str(int(get(fields, "seconds", "0")) * 10 ** 9 + int(get(fields, "nanos", "0")))}
    if name == "google.protobuf.Timestamp":
        return {"timestamp": "%d.%09d" % (int(get(fields, "seconds", "0")), int(get(fields, "nanos", "0")))}
    raise Unknown("a message")


def from_proto(message):
    """A cel.expr.Value as the driver writes values."""
    name, v = message[0]
    if name == "string_value":
        return {"string": v.hex()}
    if name == "bytes_value":
        return {"bytes": v.hex()}
    if name == "null_value":
        return {"null": ""}
    if name == "type_value":
        return {"type": v.hex()}
    if name in KINDS:
        return {KINDS[name]: v}
    if name == "list_value":
        return {"list": [from_proto(x) for x in every(v, "values")]}
    if name == "map_value":
        return {"map": [[from_proto(get(x, "key")), from_proto(get(x, "value"))] for x in every(v, "entries")]}
    if name == "object_value":
        return from_object(v)
    raise Unknown("a message")


PRIMITIVES = {"BOOL": "bool", "INT64": "int", "UINT64": "uint", "DOUBLE": "double", "STRING": "string", "BYTES": "bytes"}
DECLARABLE = {"bool", "int", "uint", "double", "string", "bytes", "dyn", "timestamp", "duration", "list(dyn)", "map(string, string)",
              "map(string, list(string))", "map(string, dyn)"}


def type_of(message):
    """A cel.expr.Type in cel-go's words."""
    name, v = message[0]
    if name == "primitive":
        return PRIMITIVES[v]
    if name == "dyn":
        return "dyn"
    if name == "null":
        return "null"
    if name == "well_known" and v in ("TIMESTAMP", "DURATION"):
        return "google.protobuf." + v.capitalize()
    if name == "list_type":
        return "list(%s)" % type_of(get(v, "elem_type", [("dyn", [])]))
    if name == "map_type":
        return "map(%s, %s)" % (type_of(get(v, "key_type")), type_of(get(v, "value_type")))
    raise Unknown("a message")


def same(a, b):
    """Equality as the suite means it: types matter, NaN is NaN, the order of a map's entries is none."""
    if a.keys() != b.keys():
        return False
    (kind, x), = a.items()
    y = b[kind]
    if kind == "double":
        return float(x) == float(y) or (float(x) != float(x) and float(y) != float(y))
    if kind in ("int", "uint"):
        return int(x, 0) == int(y, 0)
    if kind == "list":
        return len(x) == len(y) and all(same(p, q) for p, q in zip(x, y))
    if kind == "map":
        return len(x) == len(y) and all(any(same(k, l) and same(v, w) for l, w in y) for k, v in x)
    return x == y


def variables_of(test):
    out = {}
    for v in every(test, "type_env"):
        if get(v, "ident") is None:
            raise Unknown("a function that the test declares")
        kind = type_of(get(get(v, "ident"), "type")).replace("google.protobuf.", "").replace("Timestamp", "timestamp")
        kind = kind.replace("Duration", "duration")
        # A list or map of other types is checked as one of anything.
        kind = kind if kind in DECLARABLE else "list(dyn)" if kind.startswith("list") else "dyn"
        out[get(v, "name").decode()] = {"name": get(v, "name").decode(), "type": kind}
    for b in every(test, "bindings"):
        name = get(b, "key").decode()
        out.setdefault(name, {"name": name, "type": "dyn"})["value"] = from_proto(get(get(b, "value"), "value"))
    return list(out.values())


# What a failing test needs that KrakenD's environment has not, by file, section or text.
GROUPS = [
    ("an extension of cel-go that KrakenD does not enable", r"^(bindings_ext|block_ext|encoders_ext|math_ext|network_ext|string_ext|proto2_ext|optionals|macros2)/"),
    ("messages of protobuf", r"TestAllTypes|NestedTestAllTypes|TestRequired|GlobalEnum|NestedEnum|google\.protobuf\.Any|^(proto2|proto3|enums)/"),
    ("enumerations of protobuf", r"NullValue"),
    ("fields of well-known messages", r"google\.protobuf\.(Value|Struct|ListValue|Empty|FieldMask)"),
    ("names of fields in backquotes", r"^fields/quoted_map_fields/"),
    ("keys that a map refuses: cel-go takes them", r"/map_key_float|/map_value_repeat_key"),
    ("a container that does not hide a macro's variable: cel-go's does", r"^namespace/namespace_shadowing/"),
    ("functions that the test declares", r"'function'"),
    ("optional values", r"optional\.(of|none)"),
]


def needs(key, test):
    text = key + "\n" + repr(test)
    for reason, pattern in GROUPS:
        if re.search(pattern, text):
            return reason
    return ""


def judge(test, out):
    """None when the outcome is what the test wants, else what is wrong."""
    if get(test, "eval_error") is not None or get(test, "any_eval_errors") is not None:
        return None if "error" in out else text_of(out) if "ok" not in out else "no error"
    typed = get(test, "typed_result")
    want = get(typed, "result") if typed is not None else get(test, "value")
    if get(test, "check_only") == "true":
        if "check" in out or "syntax" in out:
            return text_of(out)
    elif "ok" not in out:
        return text_of(out)
    elif not same(out["ok"], from_proto(want) if want is not None else {"bool": "true"}):
        return "gives %s" % json.dumps(out["ok"])
    if typed is not None and get(typed, "deduced_type") is not None and out.get("type"):
        kind = type_of(get(typed, "deduced_type"))
        return None if out["type"] == kind else "is of type %s, not %s" % (out["type"], kind)
    return None


def text_of(out):
    for kind in ("error", "check", "syntax"):
        if kind in out:
            return "%s: %s" % (kind, bytes.fromhex(out[kind]).decode("utf-8", "replace").split("\n")[0])
    return "no answer"


class Driver:
    def __init__(self, path):
        self.child = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, test):
        question = {"expr": get(test, "expr").hex(), "container": (get(test, "container") or b"").decode(),
                    "unchecked": get(test, "disable_check") == "true", "vars": variables_of(test)}
        self.child.stdin.write(json.dumps(question).encode() + b"\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit("the driver ended at %r" % get(test, "expr"))
        return json.loads(line)

    def end(self):
        self.child.stdin.close()
        self.child.wait()


def run_file(path, driver):
    """Rows of (name, what is wrong or None, reason that excuses it)."""
    with open(path, encoding="utf-8") as f:
        suite = Reader(f.read()).message()
    name = os.path.basename(path).split(".")[0]
    for section in every(suite, "section"):
        for test in every(section, "test"):
            key = "%s/%s/%s" % (name, get(section, "name").decode(), get(test, "name").decode())
            try:
                wrong = judge(test, driver.ask(test))
            except Unknown as e:
                wrong = "needs %s" % e
            excuse = needs(key, test) or ("messages of protobuf" if (wrong or "").startswith("needs a message") else "")
            yield key, wrong, (get(test, "expr").decode("utf-8", "replace"), excuse)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder")
    ap.add_argument("--driver", required=True)
    ap.add_argument("--show", action="store_true")
    ap.add_argument("--table", action="store_true")
    opts = ap.parse_args()
    driver = Driver(opts.driver)
    total, ours, excused = 0, [], collections.Counter()
    if opts.table:
        print("| file | passed | failed | what these need |\n| --- | --- | --- | --- |")
    for file in sorted(f for f in os.listdir(opts.folder) if f.endswith(".textproto")):
        passed, reasons = 0, collections.Counter()
        for key, wrong, (expr, excuse) in run_file(os.path.join(opts.folder, file), driver):
            passed += wrong is None
            if wrong is not None:
                reasons[excuse or "ours"] += 1
                if not excuse:
                    ours.append("%s: %s: %s" % (key, expr, wrong))
        total += passed
        excused += reasons
        text = "; ".join("%s: %d" % kv for kv in sorted(reasons.items()))
        print(("| %s | %d | %d | %s |" if opts.table else "%-14s %4d passed %4d failed  %s")
              % (file.split(".")[0], passed, sum(reasons.values()), text))
    driver.end()
    if opts.show:
        print("".join("failed %s\n" % line for line in ours), end="")
    del excused["ours"]
    print("%d passed, %d failed, %d need what KrakenD has not" % (total, len(ours), sum(excused.values())))
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main())
