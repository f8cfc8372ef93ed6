"""A client that writes HTTP/2 frames byte by byte, right ones and wrong ones, and reads what comes back."""
import os
import socket
import struct

import hpack

PATIENCE = int(os.environ.get("KD_PATIENCE") or 60)  # seconds after which something counts as hung; nothing here is about speed
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)


class Wrong(AssertionError):
    """The server did something else than the rule says."""


class NotTried(Exception):
    """The rule cannot be tried on this server."""


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """The bytes of a frame; a length that is not the payload's own can be claimed."""
    return struct.pack(">I", len(payload) if length is None else length)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return b"".join(struct.pack(">HI", key, value) for key, value in pairs)


def number(value, prefix, first=0):
    """An integer of RFC 7541 section 5.1; `first` holds the bits in front of the prefix."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def literal(name, value, first=0x00):
    """A literal field without Huffman coding; first: 0x00 without indexing, 0x10 never indexed, 0x40 indexed."""
    return bytes([first]) + number(len(name), 7) + name + number(len(value), 7) + value


class Answer:
    def __init__(self):
        self.status, self.fields, self.body, self.interim, self.trailers = 0, {}, b"", [], None


class Peer:
    def __init__(self, target, pairs=(), preface=PREFACE, greet=True):
        self.socket = socket.create_connection((target.host, target.port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if getattr(target, "context", None):
            self.socket = target.context.wrap_socket(self.socket, server_hostname="localhost")
        self.target = target
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 24
        self.buffer, self.closed, self.goaway = b"", False, None
        self.theirs, self.settled, self.next, self.block = {}, False, 1, None
        self.window = 65535  # of the connection, towards the server: what it has allowed so far
        if preface:
            self.send(preface + frame(SETTINGS, 0, 0, settings(*pairs)))
        if greet:
            self.greet()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ---- bytes

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # the end will be read

    def frame(self, *args, **more):
        self.send(frame(*args, **more))

    def read(self):
        """The next frame as (type, flags, stream, payload); None at the end of the connection."""
        while not self.closed:
            if len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + length:
                    kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
                    payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
                    return self.note(kind, flags, stream & 0x7fffffff, payload)
            try:
                data = self.socket.recv(1 << 16)
            except socket.timeout:
                raise Wrong("nothing came for %d s" % PATIENCE)
            except OSError:
                data = b""
            self.closed = not data
            self.buffer += data
        return None

    def note(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            self.settled = True
            self.theirs.update(struct.unpack(">HI", payload[i:i + 6]) for i in range(0, len(payload), 6))
            self.frame(SETTINGS, ACK)
        elif kind == WINDOW_UPDATE and stream == 0:
            self.window += struct.unpack(">I", payload)[0]
        elif kind == GOAWAY:
            self.goaway = struct.unpack(">II", payload[:8])
        return kind, flags, stream, payload

    def greet(self):
        """Wait for the server's settings and for its acknowledgement of ours."""
        acknowledged = False
        while not (acknowledged and self.settled):
            got = self.read()
            if got is None:
                raise Wrong("closed within the greeting")
            acknowledged |= got[0] == SETTINGS and bool(got[1] & ACK)

    def sync(self):
        """Frames that come until a ping is answered: everything sent before has been read by then."""
        self.frame(PING, 0, 0, b"are you?")
        got = []
        while True:
            f = self.read()
            if f is None or f[0] == GOAWAY:
                raise Wrong("the connection ended: %s" % self.ending())
            if f[0] == PING and f[1] & ACK and f[3] == b"are you?":
                return got
            got.append(f)

    # ---- requests

    def stream(self):
        self.next += 2
        return self.next - 2

    def fields(self, path=None, method="GET", *more):
        return [(":method", method), (":scheme", "http"), (":path", path or self.target.get), (":authority", self.target.name)] + list(more)

    def headers(self, stream, fields, end=True, flags=END_HEADERS, raw=b"", before=b"", after=b""):
        """A HEADERS frame; `fields` are encoded, `raw` is put behind them as it is."""
        block = (self.encoder.encode(fields, huffman=False) if fields else b"") + raw
        self.frame(HEADERS, flags | (END_STREAM if end else 0), stream, before + block + after)

    def get(self, path=None, *more, stream=None, method="GET"):
        stream = stream or self.stream()
        self.headers(stream, self.fields(path, method, *more))
        return stream

    def begin_post(self, *more, path=None):
        stream = self.stream()
        self.headers(stream, self.fields(path or self.target.post, "POST", *more), end=False)
        return stream

    def take_headers(self, answer, flags, payload):
        if flags & PADDED:
            payload = payload[1:len(payload) - payload[0]]
        if flags & WITH_PRIORITY:
            payload = payload[5:]
        self.block = [payload, bool(flags & END_STREAM)]
        return flags & END_HEADERS

    def finish_headers(self, answer):
        fields = [(bytes(n).decode("latin1"), bytes(v).decode("latin1")) for n, v in self.decoder.decode(self.block[0], raw=True)]
        status = dict(fields).get(":status")
        if status is None:
            answer.trailers = dict(fields)
        elif status.startswith("1"):
            answer.interim.append(int(status))
        else:
            answer.status, answer.fields = int(status), dict(fields)
        return self.block[1]

    def answer(self, stream, update=True):
        """The whole answer on a stream; other streams' frames are dropped, but their fields are decoded."""
        answer, current = Answer(), None
        while True:
            f = self.read()
            if f is None:
                raise Wrong("closed before the answer: %s" % self.ending())
            kind, flags, number_, payload = f
            if kind in (HEADERS, CONTINUATION):
                target = answer if number_ == stream else Answer()
                if kind == HEADERS:
                    done = self.take_headers(target, flags, payload)
                else:
                    self.block[0] += payload
                    done = flags & END_HEADERS
                if done and self.finish_headers(target) and number_ == stream:
                    return answer
            elif kind == DATA:
                if update and payload:
                    self.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload)))
                    if not flags & END_STREAM:
                        self.frame(WINDOW_UPDATE, 0, number_, struct.pack(">I", len(payload)))
                if number_ == stream:
                    answer.body += payload
                    if flags & END_STREAM:
                        return answer
            elif kind == RST_STREAM and number_ == stream:
                raise Wrong("stream reset with %d" % struct.unpack(">I", payload))
            elif kind == GOAWAY and self.goaway[1]:
                raise Wrong("connection error %d" % self.goaway[1])

    # ---- what must happen

    def ending(self):
        return "GOAWAY %s" % (self.goaway,) if self.goaway else "no GOAWAY"

    def served(self, path=None, *more, **kw):
        """A plain request is answered with 200: the connection is in order."""
        answer = self.answer(self.get(path, *more, **kw))
        if answer.status != 200:
            raise Wrong("status %d instead of 200" % answer.status)
        return answer

    def connection_error(self, *codes):
        """GOAWAY with one of the codes (any error without), or the end of the connection."""
        while True:
            f = self.read()
            if f is None:
                return
            if f[0] == GOAWAY and self.goaway[1] != NO_ERROR:
                if codes and self.goaway[1] not in codes:
                    raise Wrong("GOAWAY with error %d, not %s" % (self.goaway[1], list(codes)))
                return

    def stream_error(self, stream, *codes, answers=()):
        """RST_STREAM with one of the codes, or a connection error; or an answer of one of these statuses."""
        while True:
            f = self.read()
            if f is None:
                return "closed"
            kind, flags, number_, payload = f
            if kind == RST_STREAM and number_ == stream:
                code = struct.unpack(">I", payload)[0]
                if codes and code not in codes:
                    raise Wrong("RST_STREAM with error %d, not %s" % (code, list(codes)))
                return "reset"
            if kind == GOAWAY and self.goaway[1] != NO_ERROR:
                if codes and self.goaway[1] not in codes:
                    raise Wrong("GOAWAY with error %d, not %s" % (self.goaway[1], list(codes)))
                return "connection"
            if kind == HEADERS:
                got = Answer()
                if not self.take_headers(got, flags, payload):
                    continue
                self.finish_headers(got)
                if number_ == stream and got.status:
                    if got.status in answers:
                        return "answered"
                    raise Wrong("answered with %d" % got.status)


RULES = []


def rule(section, text, needs=()):
    """A rule of RFC 9113 (or the one named), tried by the function below it."""
    def keep(function):
        RULES.append((section if section[0] == "R" else "RFC 9113 " + section, text, set(needs), function))
        return function
    return keep
