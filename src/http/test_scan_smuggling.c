/* Requests that two parsers in a row could read differently, and the other malformed ones: each is refused with the
 * status and words of spec/01 section 3.3, or read in the one way that is written here. */
#include "http/test_scan.h"

/* The status line and headers that nearly every row begins with. */
#define P              "POST /p HTTP/1.1\r\nHost: a\r\n"
#define G              "GET /g HTTP/1.1\r\n"
#define CL             "Content-Length: "
#define TE             "Transfer-Encoding: "
#define E              "\r\n\r\n"
#define BAD            "400 "
#define CODING         "501 Unsupported transfer encoding"
#define HOST           "400 malformed Host header"
#define NAME           "400 invalid header name"
#define VERSION        "505 unsupported protocol version"
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *in;
    size_t n;
    const char *out; /* the beginning of the answer */
} rows[] = {
    /* Content-Length beside Transfer-Encoding, in both orders. */
    {BYTES(P CL "6\r\n" TE "chunked" E "0\r\n\r\nG"), BAD},
    {BYTES(P TE "chunked\r\n" CL "6" E "0\r\n\r\nG"), BAD},
    {BYTES(P TE "chunked\r\n" CL "0" E "0\r\n\r\n"), BAD},
    {BYTES(P TE "identity\r\n" CL "6" E "abcdef"), CODING},
    {BYTES(P CL "6\r\n" TE "gzip" E "abcdef"), CODING},
    {BYTES(P CL "6\r\ntransfer-encoding: chunked" E "0\r\n\r\n"), BAD},
    /* Codings that are not plain `chunked`. */
    {BYTES(P TE "xchunked" E), CODING},
    {BYTES(P TE "chunkedx" E), CODING},
    {BYTES(P TE "chunked, identity" E), CODING},
    {BYTES(P TE "identity, chunked" E), CODING},
    {BYTES(P TE "chunked, chunked" E), CODING},
    {BYTES(P TE "gzip, chunked" E), CODING},
    {BYTES(P TE "chunked;q=1" E), CODING},
    {BYTES(P TE "\"chunked\"" E), CODING},
    {BYTES(P TE "'chunked'" E), CODING},
    {BYTES(P TE ",chunked" E), CODING},
    {BYTES(P TE "chunked," E), CODING},
    {BYTES(P TE "cow" E), CODING},
    {BYTES(P TE E), CODING},
    {BYTES(P TE "chunked\r\n" TE "chunked" E), CODING},
    {BYTES(P TE "chunked\r\n" TE "identity" E), CODING},
    {BYTES(P TE "x\r\n" TE "chunked" E), CODING},
    {BYTES(P TE "chunked\r\n" TE E), CODING},
    {BYTES(P TE "c\xc5\xbfhunked" E), CODING},
    {BYTES(P TE "chun\xe2\x84\xaa"
                "ed" E),
     CODING},
    /* Spaces around a good one are no part of it. */
    {BYTES(P "Transfer-Encoding:chunked" E), "POST [] path=/p host=a 1.1 keep chunked:0"},
    {BYTES(P TE " \t chunked \t" E), "POST [] path=/p host=a 1.1 keep chunked:0"},
    {BYTES(P TE "cHUNKED" E), "POST [] path=/p host=a 1.1 keep chunked:0"},
    /* The same field, disguised. */
    {BYTES(P "Transfer-Encoding : chunked" E), NAME},
    {BYTES(P "Transfer-Encoding\t: chunked" E), BAD},
    {BYTES(P " Transfer-Encoding: chunked" E), HOST},
    {BYTES(P "X: y\r\n Transfer-Encoding: chunked" E), BAD},
    {BYTES(P "X: y\r\n\tTransfer-Encoding: chunked" E), BAD},
    {BYTES(P "Transfer-Encoding:\r\n chunked" E), BAD},
    {BYTES(P "Transfer-Encoding: \x0b"
             "chunked" E),
     BAD},
    {BYTES(P "Transfer-Encoding: \x0c"
             "chunked" E),
     BAD},
    {BYTES(P "Transfer-Encoding: chunked\0" E), BAD},
    {BYTES(P "Transfer-Encoding\0: chunked" E), BAD},
    {BYTES(P "Transfer-Encoding\xa0: chunked" E), BAD},
    {BYTES(P "Transfer\rEncoding: chunked" E), BAD},
    {BYTES(P "X: y\rTransfer-Encoding: chunked" E), BAD},
    {BYTES(P "X: y\nTransfer-Encoding: chunked" E), BAD},
    {BYTES(P "X: y\r\r\nTransfer-Encoding: chunked" E), BAD},
    {BYTES(P "X: y\n\rTransfer-Encoding: chunked" E), BAD},
    {BYTES(P "\rTransfer-Encoding: chunked" E), BAD},
    {BYTES(P "\x0bTransfer-Encoding: chunked" E), BAD},
    {BYTES(P "Transfer-Encoding= chunked" E), BAD},
    {BYTES(P "Transfer Encoding: chunked" E), NAME},
    {BYTES(P "(Transfer-Encoding): chunked" E), BAD},
    {BYTES(P "\"Transfer-Encoding\": chunked" E), BAD},
    {BYTES(P "Transfer_Encoding: chunked" E),
     "POST [] path=/p host=a 1.1 keep none:0 size=57 Transfer_encoding=chunked;"},
    {BYTES(P "X:Transfer-Encoding: chunked" E), "POST [] path=/p host=a 1.1 keep none:0"},
    /* Lengths that are none. */
    {BYTES(P CL "abc" E "x"), BAD},
    {BYTES(P CL "-1" E "x"), BAD},
    {BYTES(P CL "+1" E "x"), BAD},
    {BYTES(P CL "-0" E), BAD},
    {BYTES(P CL "0x1" E "x"), BAD},
    {BYTES(P CL "1e1" E "x"), BAD},
    {BYTES(P CL "1.0" E "x"), BAD},
    {BYTES(P CL "1_0" E "x"), BAD},
    {BYTES(P CL "1 0" E "x"), BAD},
    {BYTES(P CL "1;a" E "x"), BAD},
    {BYTES(P CL "\"1\"" E "x"), BAD},
    {BYTES(P CL "1\0" E "x"), BAD},
    {BYTES(P CL "\xd9\xa1" E "x"), BAD},
    {BYTES(P CL E), BAD},
    {BYTES(P CL " \t" E), BAD},
    {BYTES(P CL "9223372036854775808" E), BAD},
    {BYTES(P CL "18446744073709551616" E), BAD},
    {BYTES(P CL "18446744073709551617" E), BAD},
    {BYTES(P CL "99999999999999999999" E), BAD},
    {BYTES(P CL "4294967296000000000000000000000000000001" E), BAD},
    /* Several lengths. */
    {BYTES(P CL "1\r\n" CL "2" E "xy"), BAD},
    {BYTES(P CL "1\r\n" CL "01" E "x"), BAD},
    {BYTES(P CL "1\r\n" CL E "x"), BAD},
    {BYTES(P CL "1\r\nX: y\r\ncontent-LENGTH: 2" E "xy"), BAD},
    {BYTES(P CL "1, 1" E "x"), BAD},
    {BYTES(P CL "1,2" E "x"), BAD},
    {BYTES(P CL "1," E "x"), BAD},
    {BYTES(P CL ",1" E "x"), BAD},
    {BYTES(P CL "1\r\n" CL "1" E "x"), "POST [] path=/p host=a 1.1 keep length:1 size=67 Content-Length=1;"},
    {BYTES(P "Content-Length : 1" E "x"), NAME},
    {BYTES(P "Content Length: 1" E "x"), NAME},
    {BYTES(P "Content-Length\t: 1" E "x"), BAD},
    {BYTES(P CL "1\r\n 2" E "x"), BAD},
    {BYTES(P "Content-Length:\r\n 1" E "x"), BAD},
    {BYTES(P "Content_Length: 1" E), "POST [] path=/p host=a 1.1 keep none:0"},
    /* A coding under HTTP/1.0 is faulty framing. */
    {BYTES("POST /p HTTP/1.0\r\n" TE "chunked" E), BAD},
    {BYTES("POST /p HTTP/1.0\r\nConnection: keep-alive\r\n" TE "chunked\r\n" CL "1" E), BAD},
    {BYTES("POST /p HTTP/1.0\r\n" TE "identity" E), BAD},
    /* Trailers that announce framing. */
    {BYTES(P TE "chunked\r\nTrailer: X, content-length" E), BAD},
    {BYTES(P TE "chunked\r\nTrailer: Transfer-Encoding" E), BAD},
    {BYTES(P "Trailer: Content-Length" E), "POST [] path=/p host=a 1.1 keep none:0"},
    /* Host. */
    {BYTES(G "\r\n"), "400 missing required Host header"},
    {BYTES(G "X: y" E), "400 missing required Host header"},
    {BYTES(G "Host: a\r\nHost: a" E), BAD},
    {BYTES(G "Host: a\r\nhost: b" E), BAD},
    {BYTES(G "Host: a\r\nHost:" E), BAD},
    {BYTES("GET /g HTTP/1.0\r\nHost: a\r\nHost: b" E), BAD},
    {BYTES("GET http://x/g HTTP/1.1\r\nHost: a\r\nHost: b" E), BAD},
    {BYTES("GET http://x/g HTTP/1.1" E), "400 missing required Host header"},
    {BYTES("GET http://x/g HTTP/1.1\r\nHost: a b" E), HOST},
    {BYTES(G "Host: a b" E), HOST},
    {BYTES(G "Host: a/b" E), HOST},
    {BYTES(G "Host: a?b" E), HOST},
    {BYTES(G "Host: a#b" E), HOST},
    {BYTES(G "Host: u@a" E), HOST},
    {BYTES(G "Host: a\\b" E), HOST},
    {BYTES(G "Host: a,b" E), HOST},
    {BYTES(G "Host: [::1" E), HOST},
    {BYTES(G "Host: ::1]" E), HOST},
    {BYTES(G "Host: [::1]x" E), HOST},
    {BYTES(G "Host: []" E), HOST},
    {BYTES(G "Host: a[::1]" E), HOST},
    {BYTES(G "Host: [[::1]]" E), HOST},
    {BYTES(G "Host: a\tb" E), HOST},
    {BYTES(G "Host: \xc3\xa9" E), HOST},
    {BYTES(G "Host: a\r\n b" E), HOST},
    {BYTES(G "Host : a" E), "400 missing required Host header"},
    {BYTES(G "Host: a\r\nHost : b" E), NAME},
    /* Field lines. */
    {BYTES(G "Host: a\r\nNoColon" E), BAD},
    {BYTES(G "Host: a\r\n: x" E), BAD},
    {BYTES(G "Host: a\r\n:" E), BAD},
    {BYTES(G "Host: a\r\nBad Name: x" E), NAME},
    {BYTES(G "Host: a\r\nX : x" E), NAME},
    {BYTES(G "Host: a\r\nX : x\r\nY: \x01" E), BAD},
    {BYTES(G "Host: a\r\nX\xc3\xa9: x" E), BAD},
    {BYTES(G "Host: a\r\nX@: x" E), BAD},
    {BYTES(G "Host: a\r\nX: a\0b" E), BAD},
    {BYTES(G "Host: a\r\nX: a\x7f"
             "b" E),
     BAD},
    {BYTES(G "Host: a\r\nX: a\x1f"
             "b" E),
     BAD},
    {BYTES(G "Host: a\r\nX: a\rb" E), BAD},
    {BYTES(G " X: y\r\nHost: a" E), BAD},
    {BYTES(G "\tX: y\r\nHost: a" E), BAD},
    {BYTES(G "Host: a\r\nX: y\r\n z" E), BAD},
    {BYTES(G "Host: a\r\nX: y\r\n " E), BAD},
    /* Line ends. */
    {BYTES("GET /g HTTP/1.1\nHost: a" E), BAD},
    {BYTES(G "Host: a\nX: y" E), BAD},
    {BYTES(G "Host: a\r\n\n"), BAD},
    {BYTES(G "Host: a\n\r\n"), BAD},
    {BYTES(G "Host: a\n\n"), BAD},
    {BYTES(G "Host: a\r\n\r\r\n\r\n"), BAD},
    {BYTES("GET /g HTTP/1.1\r\r\nHost: a" E), BAD},
    {BYTES("\r\nGET /g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("\nGET /g HTTP/1.1\r\nHost: a" E), BAD},
    /* The request line. */
    {BYTES(" GET /g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET  /g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g  HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET\t/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g\tHTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g HTTP/1.1 \r\nHost: a" E), BAD},
    {BYTES("GET /g HTTP/1.1 x\r\nHost: a" E), BAD},
    {BYTES("GET /g\r\nHost: a" E), BAD},
    {BYTES("GET\r\nHost: a" E), BAD},
    {BYTES("G@T /g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("G\0T /g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g?a=b c HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g\x01 HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g\x7f HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g\0 HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g\r HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g?\x0b HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g%2 HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g% HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /%zz HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET ?x=1 HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET *x HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET #f HTTP/1.1\r\nHost: a" E), BAD},
    /* Versions. */
    {BYTES("GET /g HTTP/2.0\r\nHost: a" E), VERSION},
    {BYTES("GET /g HTTP/0.9\r\nHost: a" E), VERSION},
    {BYTES("GET /g HTTP/2.0" E), VERSION},
    {BYTES("PRI * HTTP/2.0\r\n\r\n"), BAD},
    {BYTES("GET /g http/1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g HTTP/1.10\r\nHost: a" E), BAD},
    {BYTES("GET /g HTTP/11\r\nHost: a" E), BAD},
    {BYTES("GET /g HTTP/1,1\r\nHost: a" E), BAD},
    {BYTES("GET /g HTTP/1.x\r\nHost: a" E), BAD},
    {BYTES("GET /g HTTP 1.1\r\nHost: a" E), BAD},
    {BYTES("GET /g XHTTP/1.1\r\nHost: a" E), BAD},
    /* Absolute targets: which host is meant must be plain. */
    {BYTES("GET http://x/g HTTP/1.1\r\nHost: a" E), "GET [x] path=/g host=x 1.1"},
    {BYTES("GET ftp://x/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET mailto:x HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http:/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http:///g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http:// HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://:80/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://u@x/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://a%2eb/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://x:8a/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://x:80:81/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://[::1/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://[x]/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://x\\y/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("GET http://x#/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("CONNECT u@x:80 HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("CONNECT x:80/g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("CONNECT x:80?g HTTP/1.1\r\nHost: a" E), BAD},
    {BYTES("CONNECT :80 HTTP/1.1\r\nHost: a" E), BAD},
};

static void each_row_is_read_as_written(void **state)
{
    assert_true(KD_COUNT(rows) >= 80);
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        scanned s;
        scan_every_way(&s, kd_str_of(rows[i].in, rows[i].n), 1 << 20, true, KD_METHOD_GET);
        bool exact = s.result == KD_SCAN_ERROR;
        if (exact ? strcmp(s.text.p, rows[i].out) != 0 : strncmp(s.text.p, rows[i].out, strlen(rows[i].out)) != 0)
            fail_msg("row %zu: %s\ngives:    %s\nexpected: %s", i, rows[i].in, s.text.p, rows[i].out);
        scanned_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_is_read_as_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
