/* The HTTP/1 head scanners. Sans-I/O: bytes in, spans out. Two profiles: requests strictly (RFC 9112; exceptions in
 * spec/01 section 3.3), responses tolerantly (spec/01 section 8.4) but never leaving an ambiguous framing reusable. */
#ifndef KD_HTTP_SCAN_H
#define KD_HTTP_SCAN_H

#include "http/headers.h"

typedef enum kd_scan_result {
    KD_SCAN_MORE, /* the head is not complete yet */
    KD_SCAN_DONE,
    KD_SCAN_ERROR,
    KD_SCAN_NO_MEMORY
} kd_scan_result;

/* The names of the last head's fields, line by line. Peers send the same fields in the same order again and again: a
 * line whose name is the one that stood there before needs no look at each of its bytes. One for each direction of a
 * worker, all zero at first, set in headers.memo. */
#define KD_SCAN_MEMO_LINES 24
#define KD_SCAN_MEMO_NAME  32

typedef struct kd_scan_memo {
    struct {
        char text[KD_SCAN_MEMO_NAME]; /* the canonical name and ": " */
        uint8_t n;                    /* of the text; 0: nothing known */
        uint8_t token;
    } lines[KD_SCAN_MEMO_LINES];
} kd_scan_memo;

/* How the body of a message is delimited. */
typedef enum kd_framing { KD_FRAMING_NONE, KD_FRAMING_LENGTH, KD_FRAMING_CHUNKED, KD_FRAMING_CLOSE } kd_framing;

typedef enum kd_method {
    KD_METHOD_OTHER,
    KD_METHOD_GET,
    KD_METHOD_HEAD,
    KD_METHOD_POST,
    KD_METHOD_PUT,
    KD_METHOD_PATCH,
    KD_METHOD_DELETE,
    KD_METHOD_OPTIONS,
    KD_METHOD_CONNECT,
    KD_METHOD_TRACE
} kd_method;

kd_method kd_method_of(kd_str exact);

typedef struct kd_request_head {
    kd_str method_text;
    kd_method method;
    kd_str target;    /* as sent */
    kd_str authority; /* of an absolute target (or CONNECT), else empty */
    kd_str path;      /* raw path of the target, without query; "*" for OPTIONS * */
    kd_str query;     /* raw, without '?' */
    bool has_query;   /* a '?' was there */
    bool path_plain;  /* the raw path has no '%': it is its own decoded form */
    uint8_t minor;    /* 0 or 1 (HTTP/1.2 and above count as 1) */
    kd_str host;      /* Host's value (absolute targets: their authority); empty on HTTP/1.0 without Host */
    bool keep_alive;  /* by version and Connection */
    bool expect_continue;
    bool expect_other;  /* an expectation other than 100-continue: 417 */
    kd_framing framing; /* NONE, LENGTH or CHUNKED */
    uint64_t length;
    kd_headers headers; /* canonical names; without Host and Transfer-Encoding; without Content-Length when chunked;
                           `Pragma: no-cache` alone has gained Cache-Control: spec/01 section 3.3 */
    size_t size;        /* bytes of the head, its empty line included */
} kd_request_head;

typedef struct kd_scan_error {
    uint16_t status;    /* what the client is told: 400 417 431 501 505 */
    kd_str detail;      /* appended to status line and body, static; may be empty */
    kd_str unsupported; /* 501: the body is this text instead */
} kd_scan_error;

/* Scans buf[0..n) for a request head. `seen` is how many of these bytes a former call (that said MORE) has seen, 0 at
 * first: they are not searched again for the end. Header names are made canonical in place. `headers` grows in its
 * arena, which the caller has set; spans point into buf. A head above `limit` bytes is an error of status 431. */
kd_scan_result kd_scan_request(char *buf, size_t n, size_t seen, size_t limit, kd_request_head *head,
                               kd_scan_error *error);

typedef struct kd_response_head {
    uint16_t status; /* 0..999 as the backend wrote it */
    uint8_t minor;
    kd_str reason;
    kd_framing framing;
    uint64_t length;
    bool keep_alive;    /* the connection can be used again once the body is read */
    kd_headers headers; /* canonical names; without Transfer-Encoding, and without Content-Length when chunked; a
                           Connection that holds "close" is left out: spec/01 section 3.3 */
    size_t size;
} kd_response_head;

/* Scans buf[0..n) for a response head to a request of method `method` (HEAD has no body). *error is Go's text without
 * the `Get "url": ` in front, such as `net/http: HTTP/1.x transport connection broken: malformed HTTP status code
 * "abc"`; it lies in the arena of head->headers. Interim heads (1xx but 101) are returned like others: the caller skips
 * them. */
kd_scan_result kd_scan_response(char *buf, size_t n, size_t seen, size_t limit, kd_method method,
                                kd_response_head *head, kd_str *error);

#endif
