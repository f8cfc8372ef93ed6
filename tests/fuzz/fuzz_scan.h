/* What the fuzz targets of the head scanners share: copies of the input in memory of exactly its size, so that the
 * address sanitizer sees every byte read too far, and the comparison of two scans. */
#ifndef KD_TESTS_FUZZ_SCAN_H
#define KD_TESTS_FUZZ_SCAN_H

#include "http/scan.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT 8192u

/* Ends the run with the place when the claim does not hold; libFuzzer keeps the input. */
#define CLAIM(holds)                                                                                                   \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* One scan with its own copy of the input and its own arena. */
typedef struct scan {
    kd_arena arena;
    char *buf;
    kd_scan_result result;
    kd_request_head request;
    kd_response_head response;
    kd_scan_error refusal;
    kd_str error;
} scan;

static inline void scan_init(scan *s)
{
    *s = (scan){.result = KD_SCAN_MORE};
    kd_arena_init(&s->arena, NULL, 0);
    kd_headers_init(&s->request.headers, &s->arena);
    kd_headers_init(&s->response.headers, &s->arena);
}

static inline void scan_fini(scan *s)
{
    kd_arena_reset(&s->arena);
    free(s->buf);
}

/* Shows the scanner the first n bytes of the input, of which it has seen `seen`. */
static inline void scan_call(scan *s, const uint8_t *in, size_t n, size_t seen, bool request, kd_method method)
{
    char *buf = malloc(n + 1);
    CLAIM(buf != NULL);
    buf = realloc(buf, n ? n : 1);
    if (seen)
        memcpy(buf, s->buf, seen);
    if (n > seen)
        memcpy(buf + seen, in + seen, n - seen);
    free(s->buf);
    s->buf = buf;
    if (request)
        s->result = kd_scan_request(buf, n, seen, LIMIT, &s->request, &s->refusal);
    else
        s->result = kd_scan_response(buf, n, seen, LIMIT, method, &s->response, &s->error);
    CLAIM(s->result != KD_SCAN_NO_MEMORY);
}

/* Shows the input in pieces whose lengths follow from `seed`, or byte by byte when it is 0. */
static inline void scan_in_pieces(scan *s, const uint8_t *in, size_t n, unsigned seed, bool request, kd_method method)
{
    static kd_scan_memo memo; /* of all inputs before: it must change nothing */
    scan_init(s);
    s->request.headers.memo = s->response.headers.memo = &memo;
    size_t seen = 0;
    do {
        seed = seed * 1103515245u + 12345u * (seed != 0);
        size_t step = seed ? 1 + (seed >> 16) % (n / 3 + 1) : 1, to = n - seen < step ? n : seen + step;
        scan_call(s, in, to, seen, request, method);
        seen = to;
    } while (s->result == KD_SCAN_MORE && seen < n);
}

static inline void claim_same_headers(const kd_headers *a, const kd_headers *b)
{
    CLAIM(a->n == b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        CLAIM(a->v[i].token == b->v[i].token);
        CLAIM(kd_str_eq(kd_header_name(&a->v[i]), kd_header_name(&b->v[i])));
        CLAIM(kd_str_eq(kd_header_value(&a->v[i]), kd_header_value(&b->v[i])));
    }
}

static inline bool is_control(char c)
{
    return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

/* What holds of every list of fields: names have their token, nothing in them could end a line. */
static inline void claim_sound_headers(const kd_headers *headers)
{
    for (uint32_t i = 0; i < headers->n; i++) {
        kd_str name = kd_header_name(&headers->v[i]), value = kd_header_value(&headers->v[i]);
        CLAIM(name.n > 0 && headers->v[i].token == kd_token_of(name));
        for (size_t j = 0; j < name.n; j++)
            CLAIM((uint8_t)name.p[j] >= 0x20 && (uint8_t)name.p[j] < 0x7f && name.p[j] != ':');
        for (size_t j = 0; j < value.n; j++)
            CLAIM(!is_control(value.p[j]));
        CLAIM(kd_str_trim(value).n == value.n);
    }
}

#endif
