"""RFC 9113 section 8: HTTP in frames."""
import json

from peer import *  # noqa: F401,F403
from peer import Peer, NotTried, Wrong, frame, rule


def malformed(section, text, change, body=None, answers=(400,)):
    """A request that must be refused: a stream error, or an answer of 400 before it. change(fields) gives its fields."""
    @rule(section, text)
    def _(t):
        with Peer(t) as p:
            s = p.stream()
            fields = change(p.fields(method="GET" if body is None else "POST", path=None if body is None else t.post))
            p.headers(s, [f for f in fields if isinstance(f, tuple)], end=body is None,
                      raw=b"".join(f for f in fields if isinstance(f, bytes)))
            # At once: what is right up to here may be answered before the rest comes.
            p.send(b"".join(frame(DATA, END_STREAM if i == len(body) - 1 else 0, s, piece) for i, piece in enumerate(body or ())))
            p.stream_error(s, PROTOCOL_ERROR, answers=answers)
            if p.goaway is None and not p.closed:
                p.served()  # the others go on


def add(*more):
    return lambda fields: fields + list(more)


def without(name):
    return lambda fields: [f for f in fields if f[0] != name]


def put(name, value):
    return lambda fields: [(n, value if n == name else v) for n, v in fields]


def raw(name, value):
    """A field as it is, behind the others."""
    return lambda fields: fields + [b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value]


@rule("8.1", "a request with a body is answered")
def _(t):
    with Peer(t) as p:
        s = p.begin_post(("content-length", "9"))
        p.frame(DATA, 0, s, b"some ")
        p.frame(DATA, END_STREAM, s, b"body")
        if p.answer(s).status != 200:
            raise Wrong("not 200")


@rule("8.1", "an empty DATA frame ends a request")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(DATA, 0, s, b"body")
        p.frame(DATA, END_STREAM, s, b"")
        if p.answer(s).status != 200:
            raise Wrong("not 200")


@rule("8.1", "a request may end with trailers")
def _(t):
    with Peer(t) as p:
        s = p.begin_post(("trailer", "x-sum"))
        p.frame(DATA, 0, s, b"body")
        p.headers(s, [("x-sum", "1")])
        if p.answer(s).status != 200:
            raise Wrong("not 200")
        p.served()


@rule("8.1", "a second HEADERS frame that does not end the stream is malformed")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(DATA, 0, s, b"body")
        p.headers(s, [("x-sum", "1")], end=False)
        p.stream_error(s, PROTOCOL_ERROR, answers=(400,))


@rule("8.1", "a pseudo field in trailers is malformed")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(DATA, 0, s, b"body")
        p.headers(s, [(":path", "/"), ("x-sum", "1")])
        p.stream_error(s, PROTOCOL_ERROR, answers=(400,))


@rule("8.1", "an upper-case name in trailers is malformed")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(DATA, 0, s, b"body")
        p.headers(s, [("X-Sum", "1")])
        p.stream_error(s, PROTOCOL_ERROR, answers=(400,))


@rule("8.1", "the answer to HEAD has no body")
def _(t):
    with Peer(t) as p:
        s = p.get(t.head, method="HEAD")
        answer = p.answer(s)
        if answer.body or not answer.status:
            raise Wrong("%d, %r" % (answer.status, answer.body))


@rule("8.1", "an answer before the end of the request is whole, and the rest of the request is not waited for")
def _(t):
    with Peer(t) as p:
        s = p.begin_post(path=t.missing)
        answer = p.answer(s)
        if answer.status not in (404, 405):
            raise Wrong("status %d" % answer.status)
        p.frame(DATA, END_STREAM, s, b"too late")
        p.served()


malformed("8.1.1", "more DATA than Content-Length says", add(("content-length", "1")), (b"test",), answers=(400, 500))
malformed("8.1.1", "more DATA than Content-Length says, over several frames", add(("content-length", "1")), (b"t", b"est"),
          answers=(400, 500))
malformed("8.1.1", "less DATA than Content-Length says", add(("content-length", "10")), (b"test",), answers=(400, 500))
malformed("8.1.1", "a Content-Length above 0 without a body", add(("content-length", "10")))
malformed("8.1.1", "a Content-Length that is no number", add(("content-length", "+4")), (b"test",))
malformed("8.1.1", "two lengths that differ", add(("content-length", "4"), ("content-length", "5")), (b"test",))
malformed("8.2", "an upper-case field name", add(("X-Test", "1")))
malformed("8.2.1", "a space in a field name", raw(b"x test", b"1"))
malformed("8.2.1", "a colon in a field name", raw(b"x:test", b"1"))
malformed("8.2.1", "a control byte in a field name", raw(b"x\x01test", b"1"))
malformed("8.2.1", "a byte above 0x7e in a field name", raw(b"x\xfftest", b"1"))
malformed("8.2.1", "an empty field name", raw(b"", b"1"))
malformed("8.2.1", "NUL in a value", raw(b"x-test", b"a\x00b"))
malformed("8.2.1", "LF in a value", raw(b"x-test", b"a\nb: c"))
malformed("8.2.1", "CR in a value", raw(b"x-test", b"a\rb"))
malformed("8.2.2", "Connection", add(("connection", "keep-alive")))
malformed("8.2.2", "Proxy-Connection", add(("proxy-connection", "keep-alive")))
malformed("8.2.2", "Keep-Alive", add(("keep-alive", "timeout=1")))
malformed("8.2.2", "Transfer-Encoding", add(("transfer-encoding", "chunked")), (b"0\r\n\r\n",))
malformed("8.2.2", "Upgrade", add(("upgrade", "h2c")))
malformed("8.2.2", "TE with anything but trailers", add(("te", "trailers, deflate")))
malformed("8.3", "an unknown pseudo field", lambda f: f[:4] + [(":test", "1")])
malformed("8.3", "a pseudo field of answers", lambda f: f[:4] + [(":status", "200")])
malformed("8.3", "a pseudo field behind a regular one", lambda f: f[:2] + [("x-test", "1")] + f[2:])
for name in (":method", ":scheme", ":path"):
    malformed("8.3.1", "no " + name, without(name))
for name in (":method", ":scheme", ":path", ":authority"):
    malformed("8.3.1", name + " twice", lambda f, name=name: f + [x for x in f if x[0] == name])
malformed("8.3.1", "an empty :path", put(":path", ""))
malformed("8.3.1", "a :path without a slash", put(":path", "x"))
malformed("8.3.1", "a space in :path", put(":path", "/a b"))
malformed("8.3.1", "a control byte in :path", put(":path", "/a\x01b"))
malformed("8.3.1", "a space in :method", put(":method", "GET X"))
malformed("8.3.1", "an empty :method", put(":method", ""))
malformed("8.3.1", "user information in :authority", put(":authority", "user@127.0.0.1"))
malformed("8.3.1", "a Host that differs from :authority", add(("host", "other.example")))
malformed("8.5", "CONNECT with :scheme and :path", put(":method", "CONNECT"))
malformed("8.5", "CONNECT without :authority", lambda f: [(":method", "CONNECT")])


@rule("8.2.1", "white space around a value is refused, or cut off")
def _(t):
    for value in (b" x", b"x ", b"\tx", b"x\t"):
        with Peer(t) as p:
            s = p.stream()
            p.headers(s, p.fields(t.echo or t.get), raw=b"\x00\x06x-test" + bytes([len(value)]) + value)
            try:
                answer = p.answer(s)
            except Wrong:
                continue
            if answer.status == 400:
                continue
            if not t.echo:
                raise Wrong("status %d" % answer.status)
            if echoed(answer)["x-test"] != ["x"]:
                raise Wrong("the backend was told %r" % echoed(answer)["x-test"])


def echoed(answer):
    """The fields that the backend was asked with."""
    fields = {}
    for name, value in json.loads(answer.body.decode())["headers"]:
        fields.setdefault(name.lower(), []).append(value)
    return fields


@rule("8.2.2", "TE with trailers is taken")
def _(t):
    with Peer(t) as p:
        p.served(None, ("te", "trailers"))


@rule("8.2.3", "crumbs of a cookie are joined before they leave HTTP/2", needs=["echo"])
def _(t):
    with Peer(t) as p:
        got = echoed(p.answer(p.get(t.echo, ("cookie", "a=b"), ("x-y", "z"), ("cookie", "c=d"), ("cookie", "e=f"))))
        if got["cookie"] != ["a=b; c=d; e=f"]:
            raise Wrong("%r" % got["cookie"])


@rule("8.3.1", ":authority becomes Host", needs=["echo"])
def _(t):
    with Peer(t) as p:
        s = p.stream()
        p.headers(s, [(":method", "GET"), (":scheme", "http"), (":path", t.echo), (":authority", "some.example:81")])
        got = echoed(p.answer(s))
        if got["x-forwarded-host"] != ["some.example:81"]:
            raise Wrong("%r" % got)


@rule("8.3.1", "without :authority Host counts", needs=["echo"])
def _(t):
    with Peer(t) as p:
        s = p.stream()
        p.headers(s, [(":method", "GET"), (":scheme", "http"), (":path", t.echo), ("host", "some.example")])
        got = echoed(p.answer(s))
        if got["x-forwarded-host"] != ["some.example"]:
            raise Wrong("%r" % got)


@rule("8.3.1", "OPTIONS with * is answered")
def _(t):
    with Peer(t) as p:
        s = p.get("*", method="OPTIONS")
        if not p.answer(s).status:
            raise Wrong("no answer")


@rule("8.3.1", "fields of an answer have names in small letters, and none of the connection")
def _(t):
    with Peer(t) as p:
        for path in (t.get, t.large, t.missing):
            answer = p.answer(p.get(path))
            bad = [n for n in answer.fields if n != n.lower() or n in ("connection", "keep-alive", "transfer-encoding", "upgrade")]
            if bad:
                raise Wrong("%r" % bad)


@rule("8.3.2", "an answer has one :status, in front of its other fields")
def _(t):
    with Peer(t) as p:
        s = p.get()
        while True:
            f = p.read()
            if f is None:
                raise Wrong("closed")
            if f[0] == HEADERS and f[2] == s:
                break
        fields = p.decoder.decode(f[3])
        if fields[0][0] != ":status" or sum(n.startswith(":") for n, _ in fields) != 1:
            raise Wrong("%r" % fields)


@rule("8.5", "CONNECT is answered, not obeyed")
def _(t):
    with Peer(t) as p:
        s = p.stream()
        p.headers(s, [(":method", "CONNECT"), (":authority", "127.0.0.1:1")])
        try:
            status = p.answer(s).status
        except Wrong:
            return
        if status < 400:
            raise Wrong("status %d" % status)


@rule("RFC 9110 10.1.1", "100 comes before the body is sent", needs=["echo"])
def _(t):
    with Peer(t) as p:
        s = p.begin_post(("expect", "100-continue"), ("content-length", "4"))
        while True:
            f = p.read()
            if f is None:
                raise Wrong("closed")
            if f[0] == HEADERS and f[2] == s:
                break
        fields = p.decoder.decode(f[3])
        if fields != [(":status", "100")] or f[1] & END_STREAM:
            raise Wrong("%r" % fields)
        p.frame(DATA, END_STREAM, s, b"body")
        if p.answer(s).status != 200:
            raise Wrong("not 200")


@rule("10.5.1", "a field list above the announced size is refused, and the connection goes on")
def _(t):
    with Peer(t) as p:
        most = p.theirs.get(MAX_HEADER_LIST_SIZE)
        if not most:
            raise NotTried("no limit announced")
        s = p.stream()
        block = p.encoder.encode(p.fields() + [("x-%d" % i, "v" * 8000) for i in range(most // 8000 + 1)], huffman=False)
        pieces = [block[i:i + 16384] for i in range(0, len(block), 16384)]
        p.frame(HEADERS, END_STREAM, s, pieces[0])
        for piece in pieces[1:-1]:
            p.frame(CONTINUATION, 0, s, piece)
        p.frame(CONTINUATION, END_HEADERS, s, pieces[-1])
        if p.answer(s).status != 431:
            raise Wrong("not 431")
        p.served()
