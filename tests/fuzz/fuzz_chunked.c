/* The chunked coding: the answer does not depend on where the input is cut, the tolerant form reads whatever the strict
 * one reads in the same way, and what we write is read back. */
#include "http/chunked.h"

#include <stdio.h>
#include <stdlib.h>

#define CLAIM(holds)                                                                                                   \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#define INPUT_MAX 4096u

typedef struct result {
    kd_chunked_result end;
    size_t used, n;
    char body[INPUT_MAX];
} result;

/* Decodes in[0..n) from memory of its own size; true while the end is not reached. */
static bool feed(kd_chunked *decoder, const char *in, size_t n, result *r)
{
    char *copy = malloc(n ? n : 1);
    size_t at = 0, used;
    kd_str data;
    CLAIM(copy != NULL);
    if (n)
        memcpy(copy, in, n);
    do {
        r->end = kd_chunked_decode(decoder, copy + at, n - at, &used, &data);
        CLAIM(used <= n - at && r->n + data.n <= INPUT_MAX);
        CLAIM(data.n == 0 || (r->end == KD_CHUNKED_DATA && data.p >= copy + at && data.p + data.n == copy + at + used));
        if (data.n)
            memcpy(r->body + r->n, data.p, data.n);
        r->n += data.n;
        at += used;
    } while (r->end == KD_CHUNKED_DATA);
    CLAIM(r->end != KD_CHUNKED_MORE || at == n);
    r->used += at;
    free(copy);
    return r->end == KD_CHUNKED_MORE;
}

/* Decodes in two pieces, or byte by byte when the first has none. */
static void decode(const char *in, size_t n, size_t first, bool tolerant, result *r)
{
    kd_chunked decoder;
    kd_chunked_init(&decoder, tolerant);
    r->end = KD_CHUNKED_MORE;
    r->used = r->n = 0;
    if (first) {
        if (feed(&decoder, in, first, r) && first < n)
            feed(&decoder, in + first, n - first, r);
        return;
    }
    for (size_t i = 0; i < n && r->end == KD_CHUNKED_MORE; i++)
        feed(&decoder, in + i, 1, r);
}

static void claim_same(const result *a, const result *b)
{
    CLAIM(a->end == b->end && a->used == b->used && a->n == b->n);
    CLAIM(memcmp(a->body, b->body, a->n) == 0);
}

static result whole, pieces, tolerant;

static void check_cuts(const char *in, size_t n, bool is_tolerant)
{
    decode(in, n, n, is_tolerant, &whole);
    for (size_t cut = 0; cut<n; cut += n> 512 ? 1 + n / 97 : 1) {
        decode(in, n, cut, is_tolerant, &pieces);
        claim_same(&whole, &pieces);
    }
}

/* Writes the input as chunks whose sizes are taken from its bytes, and reads them back. */
static void check_round_trip(const char *in, size_t n)
{
    static char out[INPUT_MAX * 8];
    size_t to = 0;
    for (size_t at = 0; at < n;) {
        size_t size = 1 + (uint8_t)in[at] % 97;
        size = n - at < size ? n - at : size;
        to += kd_chunked_head(out + to, size);
        memcpy(out + to, in + at, size);
        memcpy(out + to + size, "\r\n", 2);
        to += size + 2;
        at += size;
    }
    memcpy(out + to, KD_CHUNKED_LAST.p, KD_CHUNKED_LAST.n);
    to += KD_CHUNKED_LAST.n;
    CLAIM(to < sizeof out);
    size_t cuts[] = {to, n % to + 1, 0};
    for (size_t i = 0; i < KD_COUNT(cuts); i++) {
        decode(out, to, cuts[i] > to ? to : cuts[i], i & 1, &pieces);
        CLAIM(pieces.end == KD_CHUNKED_END && pieces.used == to && pieces.n == n);
        CLAIM(n == 0 || memcmp(pieces.body, in, n) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *in = (const char *)data;
    if (n == 0 || n > INPUT_MAX)
        return 0;
    check_cuts(in, n, true);
    tolerant = whole;
    check_cuts(in, n, false);
    if (whole.end != KD_CHUNKED_ERROR)
        claim_same(&whole, &tolerant);
    check_round_trip(in, n);
    return 0;
}
