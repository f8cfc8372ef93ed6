"""Random documents and random endpoints. The same seed gives the same ones on every machine.

The names in both come from one small set, so that filters meet what they name.
"""
import random

NAMES = ["a", "b", "c", "d", "id", "name", "items", "collection", "content", "0", "1", "2", "A", "", " ", "a b", "\u00e9",
         "\u4e2d", "\U0001f600", "*", "<k>", "-x", "#text", "\ufffd", "a.b", "\u2028", "\x7f", "\u0001", "null", "\"q\\"]
COMMON = NAMES[:12]
NUMBERS = ["0", "-0", "1", "-1", "42", "1.0", "0.10", "-0.0", "1e3", "1E3", "1e+3", "1E-2", "0e0", "1E400", "-1e-400",
           "9007199254740993", "18446744073709551616", "123456789012345678901234567890", "0.1000000000000000055511151231257827",
           "3.141592653589793238462643383279", "1" + "0" * 60, "1e00005"]
# Pieces of strings as bytes inside the quotes.
PIECES = [b"x", b"text", b"Hello, world", b" ", b"<b>&amp;</b>", b"\\n", b"\\t", b"\\b\\f\\r", b"\\/", b"/", b"\\\"", b"\\\\",
          b"\\u0041", b"\\u00e9", b"\\u2028", b"\\u0000", b"\\u001f", b"\\u007f", b"\\ud83d\\ude00", b"\\uD83D\\uDE00",
          b"\\ud83d", b"\\ude00", b"\\ud83d\\u0041", b"\\ud83d\\ud83d\\ude00", b"\\ud83dx", b"\\ud83d\\n", b"\\uffff",
          b"\\ufffd", b"\xc3\xa9", b"\xe4\xb8\xad", b"\xf0\x9f\x98\x80", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xef\xbb\xbf",
          b"\xef\xbf\xbd", b"\x7f", b"\xc2\x80", b"\xef\xbf\xbf"]
BROKEN = [b"\xff", b"\x80", b"\xc3", b"\xe4\xb8", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80",
          b"\xe2\x80", b"\xf5", b"\xc3\xc3\xa9", b"\xe4\xb8x"]
SPACES = [b"", b"", b"", b"", b" ", b"\n", b"\t", b"\r\n", b"  "]
GARBAGE = [b"x", b",", b"]", b"}", b"[", b"{", b"\"", b":", b"\\", b"\x00", b"\n", b"\x0b", b"-", b".", b"e", b"0", b"t", b"'",
           b"\xef\xbb\xbf", b"\xa0", b"\xad", b"\xff", b"\x7f", b"\xc3\xa9", b"nul", b"tru", b"1.", b"-x", b"\\u12", b"\\x"]


class Writer:
    """Writes one random document."""

    def __init__(self, rng):
        self.rng, self.left = rng, rng.choice([3, 12, 30, 60, 120])
        self.broken = rng.random() < 0.15
        self.spaced = rng.random() < 0.3

    def space(self):
        return self.rng.choice(SPACES) if self.spaced else b""

    def string(self):
        rng = self.rng
        pieces = PIECES + BROKEN if self.broken else PIECES
        n = rng.choice([0, 1, 1, 2, 3, 8]) if rng.random() > 0.01 else 2000
        return b'"' + b"".join(rng.choice(pieces) for _ in range(n)) + b'"'

    def key(self):
        rng = self.rng
        if rng.random() < 0.03:
            return self.string()
        name = rng.choice(COMMON if rng.random() < 0.85 else NAMES)
        if rng.random() < 0.05:  # the same name, written with escapes
            return b'"' + b"".join(b"\\u%04x" % u for u in units(name)) + b'"'
        return quoted(name)

    def scalar(self):
        rng = self.rng
        which = rng.randrange(10)
        if which < 3:
            number = rng.choice(NUMBERS) if rng.random() < 0.5 else str(rng.randrange(-10000, 10 ** rng.randrange(1, 25)))
            return number.encode()
        return self.string() if which < 8 else rng.choice([b"null", b"true", b"false"])

    def value(self, depth, force=None):
        rng = self.rng
        self.left -= 1
        which = force or ("scalar" if self.left <= 0 or depth > 7 else rng.choice(["scalar", "object", "object", "list"]))
        if which == "scalar":
            return self.scalar()
        n = rng.choice([0, 1, 2, 3, 5, 8]) if not force else rng.choice([0, 1, 3, 5, 8, 12])
        if which == "list":
            same = rng.choice([None, "object", "list", "scalar", "object"])
            parts = [self.space() + self.value(depth + 1, same if self.left > 0 else None) + self.space() for _ in range(n)]
            return b"[" + (b",".join(parts) or self.space()) + b"]"
        parts = [self.space() + self.key() + self.space() + b":" + self.space() + self.value(depth + 1) + self.space()
                 for _ in range(n)]
        return b"{" + (b",".join(parts) or self.space()) + b"}"


def units(text):
    data = text.encode("utf-16-be")
    return [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]


def quoted(name):
    return b'"' + "".join("\\u%04x" % ord(c) if c < " " or c in '"\\' else c for c in name).encode() + b'"'


def deep(rng):
    """Nested as deep as decoders go, sometimes deeper, sometimes cut."""
    depth = rng.choice([100, 1000, 5000, 9998, 9999, 10000, 10001, 12000])
    kinds = rng.choice([[(b"[", b"]")], [(b'{"a":', b"}")], [(b"[", b"]"), (b'{"a":', b"}")]])
    pairs = [(b'{"a":', b"}")] + [rng.choice(kinds) for _ in range(depth - 1)]
    body = b"".join(p[0] for p in pairs) + rng.choice([b"1", b"null", b'"x"']) + b"".join(p[1] for p in reversed(pairs))
    return body[:len(body) - rng.choice([0, 0, 0, 1, depth])]


def wide(rng):
    """Many members: thousands of names or items."""
    n = rng.choice([300, 1000, 6000])
    if rng.random() < 0.5:
        return b"{" + b",".join(quoted(rng.choice(["a", "b", "k%d" % rng.randrange(n)])) + b":%d" % i for i in range(n)) + b"}"
    return b'{"items":[' + b",".join(b'{"id":%d,"name":"%d","a":{"b":[%d]}}' % (i, i, i) for i in range(n)) + b"]}"


def document(seed, number):
    """The bytes of one document."""
    rng = random.Random("document %s %d" % (seed, number))
    which = rng.random()
    if which < 0.004:
        return deep(rng)
    if which < 0.01:
        return wide(rng)
    writer = Writer(rng)
    force = "object" if which < 0.75 else "list" if which < 0.93 else "scalar"
    body = writer.space() + writer.value(0, force) + writer.space()
    how = rng.random()
    if how < 0.06:
        at = rng.randrange(len(body) + 1)
        body = body[:at] + rng.choice(GARBAGE) + body[at + rng.choice([0, 0, 1]):]
    elif how < 0.09:
        body = body[:rng.randrange(len(body) + 1)]
    elif how < 0.11:
        body += rng.choice(GARBAGE)
    return body


# ---------------------------------------------------------------- endpoints

def path(rng, first=None, star=False):
    n = rng.choice([1, 1, 2, 2, 3, 4])
    labels = [first or rng.choice(COMMON)] + [rng.choice(COMMON if rng.random() < 0.9 else NAMES) for _ in range(n - 1)]
    return ".".join("*" if star and rng.random() < 0.25 else label for label in labels)


def operations(rng, groups=()):
    """Flatmap operations; where there are groups the paths begin with one mostly. They come back to the same places."""
    used = []

    def one():
        if used and rng.random() < 0.5:
            p = rng.choice(used)
            how = rng.random()
            p = p.rpartition(".")[0] or p if how < 0.2 else p + "." + rng.choice(COMMON + ["*"]) if how < 0.5 else p
        else:
            p = path(rng, rng.choice(groups) if groups and rng.random() < 0.8 else None, True)
        used.append(p)
        return p

    ops = []
    for _ in range(rng.choice([1, 1, 2, 3, 5])):
        kind = rng.choice(["move", "move", "del", "del", "append", "none"])
        args = [one() for _ in range(rng.choice([1, 2, 3]) if kind == "del" else 2)]
        ops.append({"type": kind, "args": args})
    return ops


def backend(rng, host, group):
    b = {"host": [host], "url_pattern": "/{id}", "encoding": rng.choice(["json"] * 6 + ["safejson", "fast-json", "string"])}
    if rng.random() < 0.25:
        b["is_collection"] = True
    if rng.random() < 0.15:
        b["target"] = path(rng)
    if rng.random() < 0.45:
        b["extra_config"] = {"proxy": {"flatmap_filter": operations(rng)}}
    elif rng.random() < 0.5:
        b["allow"] = [path(rng) for _ in range(rng.choice([1, 2, 4, 8]))]
    elif rng.random() < 0.6:
        b["deny"] = [path(rng) for _ in range(rng.choice([1, 2, 4, 8]))]
    if rng.random() < 0.3:
        b["mapping"] = {rng.choice(COMMON[:10]): rng.choice(COMMON[:10] + ["a.b", "new"]) for _ in range(rng.choice([1, 2, 3]))}
    if group or rng.random() < 0.15:
        b["group"] = group or rng.choice(["g", "a", "collection", "content", "x.y"])
    return b


def endpoint(seed, number, host):
    """One endpoint of the configuration, answering at /e<number>/<document>."""
    rng = random.Random("endpoint %s %d" % (seed, number))
    groups = ["g%d" % i for i in range(rng.choice([1, 1, 1, 2, 3]))]
    backends = [backend(rng, host, g if len(groups) > 1 else None) for g in groups]
    e = {"endpoint": "/e%d/{id}" % number, "timeout": "600s", "cache_ttl": "7s", "backend": backends,
         "output_encoding": rng.choice(["json"] * 5 + ["json-collection", "json-collection", "string", "negotiate"])}
    if all(b["encoding"] != "string" for b in backends) and rng.random() < 0.2:
        e["output_encoding"] = "fast-json"
    if len(groups) > 1 and rng.random() < 0.7:
        e["extra_config"] = {"proxy": {"flatmap_filter": operations(rng, groups)}}
    return e
