"""The rules by which a decoded answer becomes the client's body, written a second time and in the plainest way.

Nothing here is taken from the gateway's sources: decode, target, allow, deny, mapping, flatmap, group, merge and the
renderers follow KrakenD's behaviour. Where docs/compatibility.md has a row, the row rules.

A decoded value is None, True, False, Number, str, list or dict. A byte that is no UTF-8 stands in a str as a surrogate
(surrogateescape), which only the decoder `string` leaves there.
"""
import codecs


class Number(str):
    """A number as it was written: it is printed as it came."""


class Refused(Exception):
    """The answer cannot be decoded; the text is the client's."""


# ---------------------------------------------------------------- decoding JSON

SPACE = b" \t\r\n"
DIGITS = b"0123456789"
DEPTH = 10000
LITERALS = {b"t": (b"true", True), b"f": (b"false", False), b"n": (b"null", None)}
ESCAPES = {b"b": "\b", b"f": "\f", b"n": "\n", b"r": "\r", b"t": "\t", b'"': '"', b"\\": "\\", b"/": "/"}
SHOWN = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 39: "\\'", 92: "\\\\"}

# One U+FFFD for each byte that is part of no character.
codecs.register_error("each-byte", lambda e: ("\ufffd", e.start + 1))


def shown(byte):
    """A byte as the decoder's messages show it."""
    if byte in SHOWN:
        return "'%s'" % SHOWN[byte]
    if byte < 0x20 or byte == 0x7f:
        return "'\\x%02x'" % byte
    if 0x80 <= byte <= 0xa0 or byte == 0xad:
        return "'\\u%04x'" % byte
    return "'%s'" % chr(byte)


class Scanner:
    """Reads the first JSON value of some bytes; what follows it is not looked at."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def peek(self):
        """The next byte as bytes of length one; the end is an error."""
        if self.at >= len(self.data):
            raise Refused("unexpected EOF")
        return self.data[self.at:self.at + 1]

    def bad(self, where):
        raise Refused("invalid character %s %s" % (shown(self.data[self.at]), where))

    def spaces(self):
        while self.at < len(self.data) and self.data[self.at] in SPACE:
            self.at += 1

    def first(self):
        self.spaces()
        if self.at == len(self.data):
            raise Refused("EOF")
        # What is open, innermost last; an object keeps its pending key beside it.
        open_, keys = [], []
        while True:
            value, done = self.begin(open_, keys)
            while done:
                if not open_:
                    return value
                if isinstance(open_[-1], list):
                    open_[-1].append(value)
                else:
                    open_[-1][keys[-1]] = value
                value, done = self.follow(open_, keys)

    def begin(self, open_, keys):
        """Reads the beginning of a value: (value, True), or (None, False) where it opened something with members."""
        self.spaces()
        c = self.peek()
        if c in (b"{", b"["):
            if len(open_) >= DEPTH:
                self.bad("exceeded max depth")
            open_.append({} if c == b"{" else [])
            keys.append(None)
            self.at += 1
            self.spaces()
            if self.peek() == (b"}" if c == b"{" else b"]"):
                self.at += 1
                keys.pop()
                return open_.pop(), True
            if c == b"{":
                keys[-1] = self.key()
            return None, False
        if c == b'"':
            return self.string(), True
        if c in LITERALS:
            return self.literal(*LITERALS[c]), True
        if c == b"-" or c in DIGITS:
            return self.number(), True
        self.bad("looking for beginning of value")

    def follow(self, open_, keys):
        """Reads what follows a member: (container, True) where it ends, (None, False) before the next member."""
        self.spaces()
        c = self.peek()
        is_list = isinstance(open_[-1], list)
        if c == (b"]" if is_list else b"}"):
            self.at += 1
            keys.pop()
            return open_.pop(), True
        if c != b",":
            self.bad("after array element" if is_list else "after object key:value pair")
        self.at += 1
        if not is_list:
            keys[-1] = self.key()
        return None, False

    def key(self):
        self.spaces()
        if self.peek() != b'"':
            self.bad("looking for beginning of object key string")
        key = self.string()
        self.spaces()
        if self.peek() != b":":
            self.bad("after object key")
        self.at += 1
        return key

    def literal(self, word, value):
        for i in range(1, len(word)):
            self.at += 1
            if self.peek() != word[i:i + 1]:
                self.bad("in literal %s (expecting '%s')" % (word.decode(), chr(word[i])))
        self.at += 1
        return value

    def digits(self):
        while self.at < len(self.data) and self.data[self.at] in DIGITS:
            self.at += 1

    def number(self):
        start = self.at
        if self.peek() == b"-":
            self.at += 1
            if self.peek() not in DIGITS:
                self.bad("in numeric literal")
        if self.peek() == b"0":
            self.at += 1
        else:
            self.digits()
        if self.data[self.at:self.at + 1] == b".":
            self.at += 1
            if self.peek() not in DIGITS:
                self.bad("after decimal point in numeric literal")
            self.digits()
        if self.data[self.at:self.at + 1] in (b"e", b"E"):
            self.at += 1
            if self.peek() in (b"+", b"-"):
                self.at += 1
            if self.peek() not in DIGITS:
                self.bad("in exponent of numeric literal")
            self.digits()
        return Number(self.data[start:self.at].decode())

    def unit(self):
        """The four digits after \\u; stands behind them afterwards."""
        start = self.at
        for _ in range(4):
            if self.peek() not in b"0123456789abcdefABCDEF":
                self.bad("in \\u hexadecimal character escape")
            self.at += 1
        return int(self.data[start:self.at], 16)

    def string(self):
        parts = []  # str: a character of an escape; bytes: as they came; int: half of a pair
        self.at += 1
        while True:
            start = self.at
            while self.peek() not in (b'"', b"\\") and self.data[self.at] >= 0x20:
                self.at += 1
            parts.append(self.data[start:self.at])
            c = self.peek()
            if c == b'"':
                self.at += 1
                return self.joined(parts)
            if c != b"\\":
                self.bad("in string literal")
            self.at += 1
            c = self.peek()
            if c == b"u":
                self.at += 1
                parts.append(self.unit())
            elif c in ESCAPES:
                parts.append(ESCAPES[c])
                self.at += 1
            else:
                self.bad("in string escape code")

    @staticmethod
    def joined(parts):
        parts = [p for p in parts if p != b""]
        out, i = [], 0
        while i < len(parts):
            p = parts[i]
            if isinstance(p, bytes):
                out.append(p.decode("utf-8", "each-byte"))
            elif isinstance(p, str):
                out.append(p)
            elif 0xd800 <= p < 0xdc00 and i + 1 < len(parts) and isinstance(parts[i + 1], int) \
                    and 0xdc00 <= parts[i + 1] < 0xe000:
                out.append(chr(0x10000 + ((p - 0xd800) << 10) + parts[i + 1] - 0xdc00))
                i += 1
            else:
                out.append("\ufffd" if 0xd800 <= p < 0xe000 else chr(p))
            i += 1
        return "".join(out)


def kind(value):
    if isinstance(value, bool):
        return "bool"
    return {Number: "number", str: "string", list: "array", dict: "object"}[type(value)]


def decode(body, encoding, is_collection):
    """The data of an answer: a dict or None."""
    if encoding == "string":
        return {"content": body.decode("utf-8", "surrogateescape")}
    value = Scanner(body).first()
    if encoding == "safejson":
        return value if isinstance(value, dict) else {"collection" if isinstance(value, list) else "content": value}
    if value is not None and not isinstance(value, list if is_collection else dict):
        raise Refused("json: cannot unmarshal %s into Go value of type %s" %
                      (kind(value), "[]interface {}" if is_collection else "map[string]interface {}"))
    return {"collection": value} if is_collection else value


# ---------------------------------------------------------------- filters

def target(data, path):
    for part in path.split("."):
        data = (data or {}).get(part)
        if not isinstance(data, dict):
            return {}
    return data


def allow_tree(paths):
    """The allowed paths as a tree; of a path and one that goes on from it the later wins."""
    tree = {}
    for path in paths:
        *way, last = path.split(".")
        at = tree
        for part in way:
            if not isinstance(at.get(part), dict):
                at[part] = {}
            at = at[part]
        at[last] = True
    return tree


def allow(data, tree):
    kept = {}
    for key, value in data.items():
        rule = tree.get(key)
        if rule is True:
            kept[key] = value
        elif rule is not None and isinstance(value, dict):
            inner = allow(value, rule)
            if inner:
                kept[key] = inner
    return kept


def deny(data, paths):
    """The paths are lists of labels."""
    gone = {p[0] for p in paths if len(p) == 1}
    kept = {}
    for key, value in data.items():
        if key in gone:
            continue
        deeper = [p[1:] for p in paths if p[0] == key]
        kept[key] = deny(value, deeper) if deeper and isinstance(value, dict) else value
    return kept


def mapping(data, names):
    data = dict(data)
    for old in sorted(names):
        if old in data:
            value = data[old]
            data[names[old].split(".")[0]] = value
            del data[old]
    return data


def shape(data, backend):
    """What target, allow or deny, mapping, flatmap and group of a backend make of its data."""
    if backend.get("target"):
        data = target(data, backend["target"])
    ops = backend.get("extra_config", {}).get("proxy", {}).get("flatmap_filter")
    if ops:
        data = flatmap(data, ops)
    else:
        if data and backend.get("allow"):
            data = allow(data, allow_tree(backend["allow"]))
        elif data and backend.get("deny"):
            data = deny(data, [p.split(".") for p in backend["deny"]])
        if data:
            data = mapping(data, backend.get("mapping", {}))
    return {backend["group"]: data} if backend.get("group") else data


# ---------------------------------------------------------------- flatmap

class Node:
    """A value taken apart: edges are [label, Node], in order; without edges it is a leaf with its value.
    Go's maps have no order; here the members of an object stand in that of their names."""

    def __init__(self, value=None):
        self.value, self.is_list, self.edges = None, isinstance(value, list), []
        if isinstance(value, dict) and value:
            self.edges = [[k, Node(v)] for k, v in sorted(value.items())]
        elif isinstance(value, list) and value:
            self.edges = [[str(i), Node(v)] for i, v in enumerate(value)]
        else:
            self.value = value

    def built(self):
        if not self.edges:
            return self.value
        if self.is_list:
            return [n.built() for _, n in self.edges]
        return {label: n.built() for label, n in self.edges}

    def edge(self, label):
        return next((e for e in self.edges if e[0] == label), None)

    def drop(self, edge):
        self.edges = [e for e in self.edges if e is not edge]


def delete(node, path):
    first, rest = path[0], path[1:]
    if first == "*":
        for _, child in node.edges if rest else []:
            delete(child, rest)
        if not rest:
            node.edges = []
        return
    edge = node.edge(first)
    if edge and rest:
        delete(edge[1], rest)
    elif edge:
        node.drop(edge)


def found(node, path):
    """What a path leads to: a value, or with '*' the list of what each label leads to."""
    if not path:
        return node.built()
    if not node.edges:
        return None
    if path[0] == "*":
        return [found(child, path[1:]) for _, child in node.edges]
    edge = node.edge(path[0])
    return found(edge[1], path[1:]) if edge else None


def append(root, src, dst):
    more, there = found(root, src), found(root, dst)
    if not isinstance(more, list) or not isinstance(there, list):
        return
    node = root
    for label in dst:
        if not node.edge(label):
            node.edges.append([label, Node()])
        node = node.edge(label)[1]
    if "*" in dst:
        # What such a path leads to is put where that label is spelled out.
        node.is_list, node.edges, more = True, [], there + more
        node.value = None if more else []
    for value in more:
        node.edges.append([str(len(node.edges)), Node(value)])
    delete(root, src)


def move(root, src, dst):
    reached = [(root, [])]
    for label in src[:-1]:
        reached = [(e[1], way + [e[0]]) for node, way in reached for e in node.edges
                   if label == "*" or e is node.edge(label)]
    moved = []
    for node, way in reached:
        edge = node.edge(src[-1])
        if not edge:
            continue
        if len(src) == len(dst):
            if not node.is_list:
                node.edges = [e for e in node.edges if e is edge or e[0] != dst[-1]]
            edge[0] = dst[-1]
            continue
        node.drop(edge)
        moved.append((node, way, edge))
    for node, way, edge in moved:
        if len(src) > len(dst):
            at = root
            for i, label in enumerate(dst[:-1]):
                onward = at.edge(way[i] if label == "*" else label)
                if not onward:
                    break
                at = onward[1]
        else:
            at = node
            for label in dst[len(src) - 1:-1]:
                if not at.edge(label):
                    at.edges.append([label, Node()])
                at = at.edge(label)[1]
        edge[0] = dst[-1]
        at.edges.append(edge)


def flatmap(data, ops):
    if not data:
        return data
    root = Node(data)
    for op in ops:
        args = [a.split(".") for a in op["args"]]
        if op["type"] == "del":
            for path in args:
                delete(root, path)
        elif op["type"] == "append":
            append(root, args[0], args[1])
        elif op["type"] == "move":
            move(root, args[0], args[1])
    return root.built()


# ---------------------------------------------------------------- rendering

JSON_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
                "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
JSON_ESCAPES.update({chr(i): "\\u%04x" % i for i in range(0x20) if chr(i) not in JSON_ESCAPES})
JSON_ESCAPES.update({chr(i): "\\ufffd" for i in range(0xdc80, 0xdd00)})
JSON_TABLE = str.maketrans(JSON_ESCAPES)


def json_text(value):
    """JSON as Go's encoder writes it; without recursion, since documents may be deep."""
    out, work = [], [value]
    while work:
        v = work.pop()
        if isinstance(v, bytes):  # punctuation of ours
            out.append(v.decode())
        elif isinstance(v, Number):
            out.append(v)
        elif isinstance(v, str):
            out.append('"' + v.translate(JSON_TABLE) + '"')
        elif isinstance(v, dict):
            todo = [b"{"]
            for i, key in enumerate(sorted(v)):
                todo += [b","] if i else []
                todo += [key, b":", v[key]]
            work += reversed(todo + [b"}"])
        elif isinstance(v, list):
            todo = [b"["]
            for i, item in enumerate(v):
                todo += [b","] if i else []
                todo.append(item)
            work += reversed(todo + [b"]"])
        else:
            out.append({None: "null", True: "true", False: "false"}[v])
    return "".join(out)


def render(data, encoding):
    """Content-Type and body."""
    if encoding == "string":
        content = (data or {}).get("content")
        text = content if isinstance(content, str) and not isinstance(content, Number) else ""
        return "text/plain; charset=utf-8", text.encode("utf-8", "surrogateescape")
    if encoding == "json-collection":
        data = data["collection"] if data and "collection" in data else []
    return "application/json; charset=utf-8", json_text(data).encode("utf-8")


# ---------------------------------------------------------------- an endpoint

def answer(endpoint, body):
    """What the client gets where every backend of an endpoint answers 200 with this body: a dict of what is compared."""
    merged, errors, complete = None, [], True
    for backend in endpoint["backend"]:
        try:
            data = shape(decode(body, backend.get("encoding", "json"), backend.get("is_collection", False)), backend)
        except Refused as e:
            errors.append(str(e))
            continue
        merged = data if merged is None else {**merged, **data}
    if len(errors) == len(endpoint["backend"]):
        return {"status": 500, "completed": "false", "cache": None, "errors": sorted(errors)}
    complete = not errors
    ops = endpoint.get("extra_config", {}).get("proxy", {}).get("flatmap_filter")
    if ops and complete and len(endpoint["backend"]) > 1:
        merged = flatmap(merged, ops)
    kind_, text = render(merged, endpoint["output_encoding"])
    whole = bool(merged) and complete
    return {"status": 200, "completed": "true" if whole else "false", "cache": "public, max-age=7" if whole else None,
            "type": kind_, "body": text}
