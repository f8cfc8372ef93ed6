"""RFC 7541: compression of fields."""
from peer import *  # noqa: F401,F403
from peer import Answer, Peer, Wrong, frame, literal, number, rule, settings


def request(t, raw):
    """A request whose block is our own; the answer's status, or None after an error."""
    with Peer(t) as p:
        p.headers(1, [], raw=raw)
        return p.answer(1).status


def plain(t):
    """The four pseudo fields, by the static table where it has them."""
    return b"\x82\x86" + literal(b":path", t.get.encode()) + literal(b":authority", t.name.encode())


def good(section, text, block):
    @rule("RFC 7541 " + section, text)
    def _(t):
        status = request(t, block(t))
        if status != 200:
            raise Wrong("status %s" % status)


def broken(section, text, block):
    @rule("RFC 7541 " + section, text)
    def _(t):
        with Peer(t) as p:
            p.headers(1, [], raw=block(t))
            p.connection_error(COMPRESSION_ERROR)


good("2.3.1", "fields of the static table", lambda t: b"\x82\x86" + literal(b":path", t.get.encode()) + b"\x01\x01h\x90")
good("6.2.1", "a literal with incremental indexing, used again",
     lambda t: plain(t) + literal(b"x-a", b"b", 0x40) + b"\xbe\xbe")
good("6.2.2", "a literal without indexing", lambda t: plain(t) + literal(b"x-a", b"b"))
good("6.2.3", "a literal never indexed", lambda t: plain(t) + literal(b"x-a", b"b", 0x10))
good("6.3", "a table size of 0", lambda t: b"\x20" + plain(t) + literal(b"x-a", b"b", 0x40))
good("4.2", "two changes of the table size at the beginning", lambda t: b"\x20" + number(4096, 5, 0x20) + plain(t))
good("4.4", "an entry larger than the table empties it",
     lambda t: plain(t) + literal(b"x-a", b"b", 0x40) + literal(b"x-b", b"c" * 5000, 0x40) + literal(b"x-c", b"d", 0x40) + b"\xbe")
good("5.2", "Huffman coding", lambda t: plain(t) + b"\x00" + b"\x03x-a" + b"\x8c" + bytes.fromhex("f1e3c2e5f23a6ba0ab90f4ff"))
broken("2.3.3", "index 0", lambda t: plain(t) + b"\x80")
broken("2.3.3", "an index beyond both tables", lambda t: plain(t) + number(70, 7, 0x80))
broken("2.3.3", "a name's index beyond both tables", lambda t: plain(t) + number(70, 6, 0x40) + b"\x01x")
broken("2.3.3", "an entry that was evicted", lambda t: plain(t) + literal(b"x-a", b"b", 0x40) + b"\xbf")
broken("4.2", "a change of the table size behind a field", lambda t: plain(t) + b"\x20")
broken("4.2", "a table above the announced size", lambda t: number(4097, 5, 0x20) + plain(t))
broken("4.2", "a table above the announced size, by far", lambda t: number(1 << 31, 5, 0x20) + plain(t))
broken("5.1", "an integer without end", lambda t: plain(t) + b"\xff" + b"\xff" * 12 + b"\x00")
broken("5.1", "an integer that is cut off", lambda t: plain(t) + b"\xff\x80")
broken("5.2", "a string longer than the block", lambda t: plain(t) + b"\x00\x03x-a\x7f\x00abc")
broken("5.2", "padding of a whole byte", lambda t: plain(t) + b"\x00\x03x-a" + b"\x84" + b"\x49\x50\x9f\xff")
broken("5.2", "padding that is not of ones", lambda t: plain(t) + b"\x00\x03x-a" + b"\x83" + b"\x49\x50\x90")
broken("5.2", "the end of string symbol", lambda t: plain(t) + b"\x00\x03x-a" + b"\x84" + b"\xff\xff\xff\xff")


@rule("RFC 7541 2.3.2", "the dynamic table lives as long as the connection")
def _(t):
    with Peer(t) as p:
        p.headers(1, [], raw=plain(t) + literal(b"x-a", b"b", 0x40))
        if p.answer(1).status != 200:
            raise Wrong("not served")
        p.headers(3, [], raw=plain(t) + b"\xbe")
        if p.answer(3).status != 200:
            raise Wrong("the entry is forgotten")


@rule("RFC 7541 2.3.2", "fields of a stream that is refused are in the table all the same")
def _(t):
    with Peer(t) as p:
        p.headers(1, [], raw=b"\x82\x82\x86" + literal(b":path", t.get.encode()) + literal(b"x-a", b"b", 0x40))
        p.stream_error(1, PROTOCOL_ERROR, answers=(400,))
        p.headers(3, [], raw=plain(t) + b"\xbe")
        if p.answer(3).status != 200:
            raise Wrong("the entry is forgotten")


@rule("RFC 7541 4.2", "the server's own table obeys our limit")
def _(t):
    for size in (0, 100, 4096):
        with Peer(t, ((HEADER_TABLE_SIZE, size),)) as p:
            p.decoder.max_allowed_table_size = size
            for _ in range(3):
                p.served()
            p.frame(SETTINGS, 0, 0, settings((HEADER_TABLE_SIZE, 0)))
            p.sync()
            p.decoder.max_allowed_table_size = 0
            p.served()
