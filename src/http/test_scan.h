/* What the tests of the scanners share: a head is handed over whole and in pieces, each time in memory of exactly its
 * size, and the answers must be the same text. */
#ifndef KD_HTTP_TEST_SCAN_H
#define KD_HTTP_TEST_SCAN_H

#include "base/buf.h"
#include "http/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const framings[] = {"none", "length", "chunked", "close"};

/* One scan: its arena, its copy of the input, and its answer as text. */
typedef struct scanned {
    kd_arena arena;
    char *buf;
    kd_scan_result result;
    kd_request_head request;
    kd_response_head response;
    kd_scan_error refusal;
    kd_str error;
    kd_buf text;
} scanned;

static void scanned_fini(scanned *s)
{
    kd_arena_reset(&s->arena);
    kd_buf_fini(&s->text);
    free(s->buf);
}

static void add_headers(kd_buf *text, const kd_headers *headers)
{
    for (uint32_t i = 0; i < headers->n; i++) {
        const kd_header *h = &headers->v[i];
        assert_int_equal(h->token, kd_token_of(kd_header_name(h)));
        kd_buf_printf(text, " %.*s=", KD_FMT(kd_header_name(h)));
        kd_buf_add(text, kd_header_value(h));
        kd_buf_byte(text, ';');
    }
}

static void describe_request(scanned *s)
{
    const kd_request_head *h = &s->request;
    kd_buf_printf(&s->text, "%.*s [%.*s] path=%.*s%s%s%.*s host=%.*s 1.%d %s %s:%llu%s%s size=%zu",
                  KD_FMT(h->method_text), KD_FMT(h->authority), KD_FMT(h->path), h->path_plain ? "" : " (escaped)",
                  h->has_query ? " ?" : "", KD_FMT(h->query), KD_FMT(h->host), h->minor,
                  h->keep_alive ? "keep" : "close", framings[h->framing], (unsigned long long)h->length,
                  h->expect_continue ? " 100" : "", h->expect_other ? " 417" : "", h->size);
    add_headers(&s->text, &h->headers);
}

static void describe_response(scanned *s)
{
    const kd_response_head *h = &s->response;
    kd_buf_printf(&s->text, "1.%d %u [%.*s] %s %s:%llu size=%zu", h->minor, h->status, KD_FMT(h->reason),
                  h->keep_alive ? "keep" : "close", framings[h->framing], (unsigned long long)h->length, h->size);
    add_headers(&s->text, &h->headers);
}

static void describe(scanned *s, bool request)
{
    if (s->result == KD_SCAN_MORE)
        kd_buf_add(&s->text, KD_STR("MORE"));
    else if (s->result == KD_SCAN_DONE && request)
        describe_request(s);
    else if (s->result == KD_SCAN_DONE)
        describe_response(s);
    else if (request)
        kd_buf_printf(&s->text, "%d %.*s%.*s", s->refusal.status, KD_FMT(s->refusal.detail),
                      KD_FMT(s->refusal.unsupported));
    else
        kd_buf_add(&s->text, s->error);
    kd_buf_byte(&s->text, 0);
    assert_false(s->text.failed);
}

/* Scans `in`, of which each call sees `step` bytes more. */
static void scan_in_steps(scanned *s, kd_str in, size_t step, size_t limit, bool request, kd_method method,
                          kd_scan_memo *memo)
{
    *s = (scanned){.result = KD_SCAN_MORE};
    kd_arena_init(&s->arena, NULL, 0);
    kd_buf_init(&s->text, 4 << 20);
    kd_headers_init(&s->request.headers, &s->arena);
    kd_headers_init(&s->response.headers, &s->arena);
    s->request.headers.memo = s->response.headers.memo = memo;
    for (size_t seen = 0, n; seen < in.n && s->result == KD_SCAN_MORE; seen = n) {
        n = in.n - seen < step ? in.n : seen + step;
        char *buf = malloc(n);
        assert_non_null(buf);
        if (seen)
            memcpy(buf, s->buf, seen);
        memcpy(buf + seen, in.p + seen, n - seen);
        free(s->buf);
        s->buf = buf;
        if (request)
            s->result = kd_scan_request(buf, n, seen, limit, &s->request, &s->refusal);
        else
            s->result = kd_scan_response(buf, n, seen, limit, method, &s->response, &s->error);
        assert_int_not_equal(s->result, KD_SCAN_NO_MEMORY);
    }
    describe(s, request);
}

/* Scans whole; then in pieces of several sizes and with the memo of all heads before, which must give the same answer.
 * The caller calls scanned_fini. */
static void scan_every_way(scanned *s, kd_str in, size_t limit, bool request, kd_method method)
{
    static const size_t steps[] = {1, 2, 3, 5, 7, 16, 33, 100};
    static kd_scan_memo memo;
    scan_in_steps(s, in, in.n, limit, request, method, NULL);
    for (size_t i = 0; i < 2 + KD_COUNT(steps); i++) {
        scanned again;
        scan_in_steps(&again, in, i < 2 ? in.n : steps[i - 2], limit, request, method, &memo);
        if (strcmp(again.text.p, s->text.p) != 0)
            fail_msg("way %zu: %s\nwhole: %s", i, again.text.p, s->text.p);
        scanned_fini(&again);
    }
}

#endif
