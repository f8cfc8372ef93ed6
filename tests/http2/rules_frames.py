"""RFC 9113 sections 3 to 7: connections, frames, streams, settings, flow control."""
import struct

from peer import *  # noqa: F401,F403
from peer import Answer, Peer, NotTried, Wrong, frame, rule, settings


# ---- 3: starting

@rule("3.4", "the server's first frame is SETTINGS")
def _(t):
    with Peer(t, greet=False) as p:
        f = p.read()
        if f is None or f[0] != SETTINGS or f[1] & ACK or f[2] != 0:
            raise Wrong("first came %r" % (f,))


@rule("3.4", "an invalid preface ends the connection")
def _(t):
    with Peer(t, preface=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", greet=False) as p:
        while not p.closed:
            try:
                if not p.socket.recv(65536):
                    return
            except ConnectionError:
                return


@rule("3.4", "a preface that comes byte by byte is taken")
def _(t):
    with Peer(t, preface=None, greet=False) as p:
        for byte in PREFACE + frame(SETTINGS):
            p.send(bytes([byte]))
        p.greet()
        p.served()


@rule("3.4", "a first frame that is not SETTINGS is a connection error")
def _(t):
    with Peer(t, preface=None, greet=False) as p:
        p.send(PREFACE + frame(PING, 0, 0, b"12345678"))
        p.connection_error(PROTOCOL_ERROR)


@rule("3.4", "requests may follow the preface at once")
def _(t):
    with Peer(t, greet=False) as p:
        p.served()


# ---- 4: frames

@rule("4.1", "a frame of unknown type is ignored")
def _(t):
    with Peer(t) as p:
        p.frame(0xbb, 0xff, 0, b"whatever")
        p.frame(0xbc, 0x00, 1, b"")
        p.served()


@rule("4.1", "undefined flags are ignored")
def _(t):
    with Peer(t) as p:
        p.frame(PING, 0xfe & ~ACK, 0, b"12345678")
        while True:
            f = p.read()
            if f is None or f[0] == GOAWAY:
                raise Wrong(p.ending())
            if f[0] == PING:
                break
        p.served()


@rule("4.1", "the reserved bit of the stream identifier is ignored")
def _(t):
    with Peer(t) as p:
        p.frame(PING, 0, 0x80000000, b"12345678")
        while True:
            f = p.read()
            if f is None or f[0] == GOAWAY:
                raise Wrong(p.ending())
            if f[0] == PING and f[1] & ACK:
                return


@rule("4.2", "a DATA frame of 2^14 bytes is taken")
def _(t):
    with Peer(t) as p:
        s = p.begin_post(("content-length", "16384"))
        p.frame(DATA, END_STREAM, s, b"x" * 16384)
        if p.answer(s).status != 200:
            raise Wrong("not taken")


def too_large(p):
    most = p.theirs.get(MAX_FRAME_SIZE, 16384)
    if most > 1 << 20:
        raise NotTried("frames of up to %d bytes are announced" % most)
    return b"x" * (most + 1)


@rule("4.2", "a DATA frame above the announced size is an error FRAME_SIZE_ERROR")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(DATA, 0, s, too_large(p))
        p.stream_error(s, FRAME_SIZE_ERROR)


@rule("4.2", "a HEADERS frame above the announced size is a connection error FRAME_SIZE_ERROR")
def _(t):
    with Peer(t) as p:
        p.frame(HEADERS, END_HEADERS | END_STREAM, p.stream(), too_large(p))
        p.connection_error(FRAME_SIZE_ERROR)


@rule("4.2", "a SETTINGS frame above the announced size is a connection error FRAME_SIZE_ERROR")
def _(t):
    with Peer(t) as p:
        p.frame(SETTINGS, 0, 0, too_large(p))
        p.connection_error(FRAME_SIZE_ERROR)


@rule("4.3", "a broken field block is a connection error COMPRESSION_ERROR")
def _(t):
    with Peer(t) as p:
        p.headers(p.stream(), [], raw=b"\xff\xff\xff\xff\xff\xff\xff")
        p.connection_error(COMPRESSION_ERROR)


@rule("4.3", "a field block goes on over CONTINUATION frames")
def _(t):
    with Peer(t) as p:
        s = p.stream()
        block = p.encoder.encode(p.fields(), huffman=False)
        p.frame(HEADERS, END_STREAM, s, block[:1])
        for byte in block[1:-1]:
            p.frame(CONTINUATION, 0, s, bytes([byte]))
        p.frame(CONTINUATION, END_HEADERS, s, block[-1:])
        if p.answer(s).status != 200:
            raise Wrong("not served")


@rule("4.3", "another frame within a field block is a connection error", )
def _(t):
    for between in (frame(PING, 0, 0, b"12345678"), frame(SETTINGS), frame(DATA, 0, 1, b"x"), frame(PRIORITY, 0, 1, b"\0\0\0\0\1"),
                    frame(HEADERS, END_HEADERS, 1, b""), frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\x82")):
        with Peer(t) as p:
            block = p.encoder.encode(p.fields(), huffman=False)
            p.frame(HEADERS, END_STREAM, 1, block[:5])
            p.send(between)
            p.frame(CONTINUATION, END_HEADERS, 1, block[5:])
            p.connection_error(PROTOCOL_ERROR)


# ---- 5: streams

def idle(kind, flags, payload):
    def attempt(t):
        with Peer(t) as p:
            p.frame(kind, flags, 5, payload)
            p.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)
    return attempt


rule("5.1", "DATA on an idle stream is a connection error")(idle(DATA, END_STREAM, b"x"))
rule("5.1", "RST_STREAM on an idle stream is a connection error")(idle(RST_STREAM, 0, struct.pack(">I", CANCEL)))
rule("5.1", "WINDOW_UPDATE on an idle stream is a connection error")(idle(WINDOW_UPDATE, 0, struct.pack(">I", 100)))
rule("5.1", "CONTINUATION on an idle stream is a connection error")(idle(CONTINUATION, END_HEADERS, b"\x82"))


@rule("5.1", "PRIORITY on an idle stream changes nothing")
def _(t):
    with Peer(t) as p:
        p.frame(PRIORITY, 0, 7, struct.pack(">IB", 0, 10))
        p.served()


def half_closed(kind, flags, payload):
    def attempt(t):
        with Peer(t, ((INITIAL_WINDOW_SIZE, 0),)) as p:
            s = p.get(t.large)  # the answer cannot end before we allow it
            p.frame(kind, flags, s, payload)
            until_error(p, s, STREAM_CLOSED, PROTOCOL_ERROR)
    return attempt


def until_error(p, s, *codes):
    """As stream_error, but an answer that began before does not count."""
    while True:
        f = p.read()
        if f is None:
            return
        kind, _, number, payload = f
        if kind == RST_STREAM and number == s:
            code = struct.unpack(">I", payload)[0]
            if code in codes:
                return
            raise Wrong("RST_STREAM %d" % code)
        if kind == GOAWAY and p.goaway[1]:
            if p.goaway[1] in codes:
                return
            raise Wrong("GOAWAY %d" % p.goaway[1])


rule("5.1", "DATA on a half-closed stream is an error STREAM_CLOSED")(half_closed(DATA, END_STREAM, b"x"))
rule("5.1", "HEADERS on a half-closed stream is an error STREAM_CLOSED")(half_closed(HEADERS, END_STREAM | END_HEADERS, b"\x82"))
rule("5.1", "CONTINUATION on a half-closed stream is an error")(half_closed(CONTINUATION, END_HEADERS, b"\x82"))


@rule("5.1", "WINDOW_UPDATE, PRIORITY and RST_STREAM on a half-closed stream are taken")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 0),)) as p:
        s = p.get(t.large)
        p.frame(PRIORITY, 0, s, struct.pack(">IB", 0, 10))
        p.frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 1))
        p.frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL))
        p.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 65535)))
        quiet(p.sync(), p)
        p.served()


def quiet(frames, p):
    """Decode the fields that came, so that the next ones can be."""
    for kind, flags, _, payload in frames:
        if kind == HEADERS:
            p.take_headers(None, flags, payload)
            p.finish_headers(Answer())


def closed(kind, flags, payload, after_reset):
    def attempt(t):
        with Peer(t) as p:
            if after_reset:
                s = p.begin_post()
                p.frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL))
            else:
                s = p.get()
                p.answer(s)
            p.frame(kind, flags, s, payload(p) if callable(payload) else payload)
            until_error(p, s, STREAM_CLOSED, PROTOCOL_ERROR)
    return attempt


@rule("5.1", "DATA after both ends have closed is an error STREAM_CLOSED, or discarded")
def _(t):
    with Peer(t) as p:
        s = p.get()
        p.answer(s)
        p.frame(DATA, END_STREAM, s, b"x")
        p.frame(PING, 0, 0, b"12345678")
        while True:
            f = p.read()
            if f is None or f[0] in (RST_STREAM, GOAWAY):
                return
            if f[0] == PING:
                break
        p.served()


rule("5.1", "HEADERS after both ends have closed is an error")(
    closed(HEADERS, END_STREAM | END_HEADERS, lambda p: p.encoder.encode(p.fields()), False))
rule("5.1", "CONTINUATION after both ends have closed is an error")(closed(CONTINUATION, END_HEADERS, b"\x82", False))
rule("5.1", "HEADERS after RST_STREAM is an error")(
    closed(HEADERS, END_STREAM | END_HEADERS, lambda p: p.encoder.encode(p.fields()), True))


@rule("5.1", "PRIORITY, WINDOW_UPDATE and RST_STREAM on a closed stream are no connection error")
def _(t):
    with Peer(t) as p:
        s = p.get()
        p.answer(s)
        p.frame(PRIORITY, 0, s, struct.pack(">IB", 0, 10))
        p.frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 10))
        p.frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL))
        p.served()


@rule("5.1.1", "a request on an even stream is a connection error")
def _(t):
    with Peer(t) as p:
        p.get(stream=2)
        p.connection_error(PROTOCOL_ERROR)


@rule("5.1.1", "a new stream below an earlier one is a connection error")
def _(t):
    with Peer(t) as p:
        p.answer(p.get(stream=7))
        p.get(stream=5)
        p.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@rule("5.1.1", "stream identifiers may be left out")
def _(t):
    with Peer(t) as p:
        for s in (1, 9, 11, 1001, 0x7fffffff):
            if p.answer(p.get(stream=s)).status != 200:
                raise Wrong("stream %d" % s)


@rule("5.1.2", "more streams than announced are refused")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 0),)) as p:
        most = p.theirs.get(MAX_CONCURRENT_STREAMS)
        if not most or most > 1000:
            raise NotTried("no limit announced")
        last = 0
        for _ in range(most + 1):
            last = p.get(t.large)
        until_error(p, last, PROTOCOL_ERROR, REFUSED_STREAM)


@rule("5.2", "several streams are answered beside each other")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 0),)) as p:
        slow = p.get(t.large)
        fast = p.get()
        p.frame(WINDOW_UPDATE, 0, fast, struct.pack(">I", 65535))
        if p.answer(fast, update=False).status != 200:
            raise Wrong("the second is not served")
        p.frame(WINDOW_UPDATE, 0, slow, struct.pack(">I", 1 << 24))
        p.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 24))
        total = 0
        while True:
            f = p.read()
            if f is None:
                raise Wrong("closed")
            if f[0] == DATA and f[2] == slow:
                total += len(f[3])
                if f[1] & END_STREAM:
                    break
        if total < 200000:
            raise Wrong("%d bytes" % total)


@rule("5.3", "priorities of RFC 7540 in HEADERS are read over")
def _(t):
    with Peer(t) as p:
        s = p.stream()
        p.headers(s, p.fields(), flags=END_HEADERS | WITH_PRIORITY, before=struct.pack(">IB", 0, 200))
        if p.answer(s).status != 200:
            raise Wrong("not served")


@rule("5.4.1", "after a connection error the connection is closed")
def _(t):
    with Peer(t) as p:
        p.frame(PING, 0, 3, b"12345678")
        while p.read() is not None:
            pass


@rule("5.4.1", "GOAWAY names the last request that was looked at")
def _(t):
    with Peer(t) as p:
        s = p.get()
        p.answer(s)
        p.frame(PING, 0, 3, b"12345678")
        p.connection_error(PROTOCOL_ERROR)
        if p.goaway and p.goaway[0] != s:
            raise Wrong("it names %d" % p.goaway[0])


@rule("5.4.2", "RST_STREAM is not answered with RST_STREAM")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL))
        if any(f[0] == RST_STREAM for f in p.sync()):
            raise Wrong("it was")


@rule("5.5", "an unknown setting is ignored")
def _(t):
    with Peer(t, ((0xff, 1), (0xfffe, 0xffffffff))) as p:
        p.served()


@rule("5.5", "an unknown frame within a field block is a connection error")
def _(t):
    with Peer(t) as p:
        block = p.encoder.encode(p.fields(), huffman=False)
        p.frame(HEADERS, END_STREAM, 1, block[:5])
        p.frame(0xbb, 0, 0, b"x")
        p.frame(CONTINUATION, END_HEADERS, 1, block[5:])
        p.connection_error(PROTOCOL_ERROR)


# ---- 6: the frames one by one

def connection_frame(text, section, data, *codes):
    @rule(section, text)
    def _(t):
        with Peer(t) as p:
            p.send(data)
            p.connection_error(*codes)


connection_frame("DATA on stream 0", "6.1", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR)
connection_frame("HEADERS on stream 0", "6.2", frame(HEADERS, END_HEADERS | END_STREAM, 0, b"\x82"), PROTOCOL_ERROR)
connection_frame("HEADERS with more padding than payload", "6.2",
                 frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\x09\x82\x86\x84"), PROTOCOL_ERROR, FRAME_SIZE_ERROR)
connection_frame("PRIORITY on stream 0", "6.3", frame(PRIORITY, 0, 0, b"\0\0\0\0\1"), PROTOCOL_ERROR)
connection_frame("RST_STREAM on stream 0", "6.4", frame(RST_STREAM, 0, 0, b"\0\0\0\0"), PROTOCOL_ERROR)
connection_frame("SETTINGS on another stream", "6.5", frame(SETTINGS, 0, 1, b""), PROTOCOL_ERROR)
connection_frame("SETTINGS acknowledged with a payload", "6.5", frame(SETTINGS, ACK, 0, settings((1, 1))), FRAME_SIZE_ERROR)
connection_frame("SETTINGS of a length that is no multiple of six", "6.5", frame(SETTINGS, 0, 0, b"\0\0\0"), FRAME_SIZE_ERROR)
connection_frame("ENABLE_PUSH above 1", "6.5.2", frame(SETTINGS, 0, 0, settings((ENABLE_PUSH, 2))), PROTOCOL_ERROR)
connection_frame("INITIAL_WINDOW_SIZE above 2^31-1", "6.5.2",
                 frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 1 << 31))), FLOW_CONTROL_ERROR)
connection_frame("MAX_FRAME_SIZE below 2^14", "6.5.2", frame(SETTINGS, 0, 0, settings((MAX_FRAME_SIZE, 16383))), PROTOCOL_ERROR)
connection_frame("MAX_FRAME_SIZE above 2^24-1", "6.5.2", frame(SETTINGS, 0, 0, settings((MAX_FRAME_SIZE, 1 << 24))), PROTOCOL_ERROR)
connection_frame("PING on another stream", "6.7", frame(PING, 0, 1, b"12345678"), PROTOCOL_ERROR)
connection_frame("PING of six bytes", "6.7", frame(PING, 0, 0, b"123456"), FRAME_SIZE_ERROR)
connection_frame("GOAWAY on another stream", "6.8", frame(GOAWAY, 0, 1, struct.pack(">II", 0, 0)), PROTOCOL_ERROR)
connection_frame("WINDOW_UPDATE of 0 on the connection", "6.9", frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0)), PROTOCOL_ERROR)
connection_frame("WINDOW_UPDATE of three bytes", "6.9", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), FRAME_SIZE_ERROR)
connection_frame("the connection's window beyond 2^31-1", "6.9.1",
                 frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7fffffff)) * 2, FLOW_CONTROL_ERROR)
connection_frame("CONTINUATION on stream 0", "6.10", frame(CONTINUATION, END_HEADERS, 0, b"\x82"), PROTOCOL_ERROR)
connection_frame("PUSH_PROMISE from a client", "8.4", frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + b"\x82"), PROTOCOL_ERROR)


@rule("6.1", "DATA with more padding than payload is a connection error")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(DATA, END_STREAM | PADDED, s, b"\x06Test")
        p.connection_error(PROTOCOL_ERROR)


@rule("6.1", "padding counts for flow control and is no part of the body")
def _(t):
    with Peer(t) as p:
        s = p.begin_post(("content-length", "3000"))
        for i in range(3000):  # with its padding three times what an initial window holds
            p.frame(DATA, PADDED | (END_STREAM if i == 2999 else 0), s, b"\xff" + b"x" + b"\0" * 255)
            if i % 100 == 99:
                p.sync()
        if p.answer(s).status != 200:
            raise Wrong("not taken")


@rule("6.2", "padded HEADERS are taken")
def _(t):
    with Peer(t) as p:
        s = p.stream()
        p.headers(s, p.fields(), flags=END_HEADERS | PADDED, before=b"\x10", after=b"\0" * 16)
        if p.answer(s).status != 200:
            raise Wrong("not served")


@rule("6.3", "PRIORITY of four bytes is an error FRAME_SIZE_ERROR")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(PRIORITY, 0, s, b"\0\0\0\1")
        p.stream_error(s, FRAME_SIZE_ERROR)


@rule("6.4", "RST_STREAM of three bytes is a connection error")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(RST_STREAM, 0, s, b"\0\0\1")
        p.connection_error(FRAME_SIZE_ERROR)


@rule("6.4", "a stream that was reset is answered no more, the others are")
def _(t):
    with Peer(t) as p:
        a, b = p.begin_post(), p.begin_post()
        p.frame(RST_STREAM, 0, a, struct.pack(">I", CANCEL))
        p.frame(DATA, END_STREAM, b, b"body")
        if p.answer(b).status != 200:
            raise Wrong("the other is not served")


@rule("6.5.3", "settings are acknowledged in order")
def _(t):
    with Peer(t) as p:
        for size in (1, 70000, 0, 65535):
            p.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, size), (INITIAL_WINDOW_SIZE, 65535)))
        if sum(f[0] == SETTINGS and bool(f[1] & ACK) for f in p.sync()) != 4:
            raise Wrong("not four times")


@rule("6.7", "PING is answered with its own bytes")
def _(t):
    with Peer(t) as p:
        p.frame(PING, 0, 0, b"\x00\xff\x01\xfe\x02\xfd\x03\xfc")
        while True:
            f = p.read()
            if f is None:
                raise Wrong("closed")
            if f[0] == PING:
                if not f[1] & ACK or f[3] != b"\x00\xff\x01\xfe\x02\xfd\x03\xfc":
                    raise Wrong("%r" % (f,))
                return


@rule("6.7", "an acknowledged PING is not answered")
def _(t):
    with Peer(t) as p:
        p.frame(PING, ACK, 0, b"unasked!")
        if any(f[0] == PING for f in p.sync()):
            raise Wrong("it was")


@rule("6.8", "requests before a client's GOAWAY are answered")
def _(t):
    with Peer(t) as p:
        s = p.get()
        p.frame(GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR))
        if p.answer(s).status != 200:
            raise Wrong("not served")


@rule("6.9", "WINDOW_UPDATE of 0 on a stream is an error PROTOCOL_ERROR")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 0))
        p.stream_error(s, PROTOCOL_ERROR)


@rule("6.9", "the reserved bit of an increment is ignored")
def _(t):
    with Peer(t) as p:
        p.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x80000001))
        p.served()


@rule("6.9.1", "a stream's window beyond 2^31-1 is an error FLOW_CONTROL_ERROR")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.send(frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 0x7fffffff)) * 2)
        p.stream_error(s, FLOW_CONTROL_ERROR)


def data_of(frames, s):
    return sum(len(f[3]) for f in frames if f[0] == DATA and f[2] == s)


@rule("6.9.1", "no more DATA comes than a stream's window allows, to the byte")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 1),)) as p:
        s = p.get(t.large)
        while True:
            f = p.read()
            if f is None:
                raise Wrong("closed")
            if f[0] == DATA:
                break
        if len(f[3]) != 1 or data_of(p.sync(), s):
            raise Wrong("%d bytes" % len(f[3]))
        p.frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 5))
        f = p.read()
        while f and f[0] != DATA:
            f = p.read()
        if f is None or len(f[3]) != 5 or data_of(p.sync(), s):
            raise Wrong("not five")


@rule("6.9.1", "no more DATA comes than the connection's window allows")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 1 << 30),)) as p:
        s = p.get(t.large)
        got = 0
        while got < 65535:
            f = p.read()
            if f is None:
                raise Wrong("closed")
            got += len(f[3]) if f[0] == DATA else 0
        if got != 65535 or data_of(p.sync(), s):
            raise Wrong("%d bytes" % got)


@rule("6.9.2", "a smaller initial window makes windows negative, and they have to be filled up first")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 3),)) as p:
        s = p.get(t.large)
        f = p.read()
        while f and f[0] != DATA:
            f = p.read()
        p.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 2)))
        p.frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 1))  # the window is 0 now
        if f is None or len(f[3]) != 3 or data_of(p.sync(), s):
            raise Wrong("sent too much")
        p.frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 2))
        f = p.read()
        while f and f[0] != DATA:
            f = p.read()
        if f is None or len(f[3]) != 2:
            raise Wrong("not two")


@rule("6.9.2", "a larger initial window opens the streams that wait")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 0),)) as p:
        s = p.get()
        if data_of(p.sync(), s):
            raise Wrong("sent without a window")
        p.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 65535)))
        got = 0
        while True:
            f = p.read()
            if f is None:
                raise Wrong("closed")
            if f[0] == DATA:
                got += len(f[3])
                if f[1] & END_STREAM:
                    return


@rule("6.9.2", "an initial window that brings a stream's beyond 2^31-1 is a connection error")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 0),)) as p:
        s = p.get(t.large)
        p.sync()
        p.frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 0x7fffffff))
        p.frame(SETTINGS, 0, 0, settings((INITIAL_WINDOW_SIZE, 0x7fffffff)))
        until_error(p, s, FLOW_CONTROL_ERROR)


@rule("6.9.1", "more DATA than the server's window allows is an error FLOW_CONTROL_ERROR")
def _(t):
    with Peer(t) as p:
        if not t.stuck:
            raise NotTried("no path that leaves a body unread")
        s = p.begin_post(path=t.stuck)
        for _ in range(2000):  # what the sockets on the way to the backend hold, and more
            p.frame(DATA, 0, s, b"x" * 16384)
        until_error(p, s, FLOW_CONTROL_ERROR)


@rule("6.9.1", "windows are opened again as the body is read")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        stream, left = p.theirs.get(INITIAL_WINDOW_SIZE, 65535), 3 << 20
        while left:
            n = min(stream, p.window, left, 16384)
            if n == 0:
                f = p.read()
                if f is None:
                    raise Wrong("closed")
                if f[0] == WINDOW_UPDATE:
                    stream += struct.unpack(">I", f[3])[0] * (f[2] == s)
                elif f[0] in (HEADERS, RST_STREAM):
                    raise NotTried("the server does not read so much")
                continue
            p.frame(DATA, END_STREAM if n == left else 0, s, b"x" * n)
            stream, p.window, left = stream - n, p.window - n, left - n
        if p.answer(s).status != 200:
            raise Wrong("not taken")


@rule("6.10", "CONTINUATION after a complete field block is a connection error")
def _(t):
    with Peer(t, ((INITIAL_WINDOW_SIZE, 0),)) as p:
        s = p.begin_post()
        p.frame(CONTINUATION, END_HEADERS, s, b"")
        p.connection_error(PROTOCOL_ERROR)


@rule("6.10", "CONTINUATION of another stream is a connection error")
def _(t):
    with Peer(t) as p:
        block = p.encoder.encode(p.fields(), huffman=False)
        p.frame(HEADERS, END_STREAM, 1, block[:5])
        p.frame(CONTINUATION, END_HEADERS, 3, block[5:])
        p.connection_error(PROTOCOL_ERROR)


@rule("6.10", "empty CONTINUATION frames are taken")
def _(t):
    with Peer(t) as p:
        s = p.stream()
        block = p.encoder.encode(p.fields(), huffman=False)
        p.frame(HEADERS, END_STREAM, s, b"")
        p.frame(CONTINUATION, 0, s, block)
        p.frame(CONTINUATION, 0, s, b"")
        p.frame(CONTINUATION, END_HEADERS, s, b"")
        if p.answer(s).status != 200:
            raise Wrong("not served")


# ---- 7: error codes

@rule("7", "unknown error codes cause nothing special")
def _(t):
    with Peer(t) as p:
        s = p.begin_post()
        p.frame(RST_STREAM, 0, s, struct.pack(">I", 0xdeadbeef))
        p.served()
        s = p.get()
        p.frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0xdeadbeef))
        if p.answer(s).status != 200:
            raise Wrong("not served")
