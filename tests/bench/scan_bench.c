/* What one head costs to scan. Build in the release form and run without arguments:
 *     cc -O2 -D_GNU_SOURCE -Isrc tests/bench/scan_bench.c src/http/{headers,scan_*}.c src/text/go/quote.c \
 *        src/text/utf8.c src/base/{arena,buf,bytes,ledger}.c -o scan_bench
 * Prints the best of several rounds in nanoseconds per head; the best is what the code costs without neighbours. */
#include "base/clock.h"
#include "http/scan.h"

#include <stdio.h>

#define ROUNDS 15
#define HEADS  200000

static const char request[] = "GET /api/v1/users/12345?fields=name,email HTTP/1.1\r\n"
                              "Host: api.example.com\r\n"
                              "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0\r\n"
                              "Accept: application/json, text/plain, */*\r\n"
                              "Accept-Encoding: gzip, deflate, br\r\n"
                              "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc\r\n"
                              "X-Request-Id: 7f3c2a90\r\n"
                              "Cookie: s=1\r\n"
                              "Connection: keep-alive\r\n\r\n";

static const char response[] = "HTTP/1.1 200 OK\r\n"
                               "Date: Fri, 20 Nov 2026 18:08:05 GMT\r\n"
                               "Content-Type: application/json; charset=utf-8\r\n"
                               "Content-Length: 300\r\n"
                               "Server: backend/1.0\r\n"
                               "Cache-Control: max-age=60\r\n"
                               "Connection: keep-alive\r\n\r\n";

/* The same as `request` with names in lower case: each is written anew. */
static char lower[sizeof request];

static double measure(const char *head, size_t n, bool is_request, kd_arena *arena)
{
    char buf[1024];
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        kd_ns start = kd_clock_monotonic();
        for (int i = 0; i < HEADS; i++) {
            kd_request_head req;
            kd_response_head res;
            kd_scan_error refusal;
            kd_str error;
            memcpy(buf, head, n);
            __asm__ volatile("" : : "r"(buf) : "memory");
            kd_headers_init(&req.headers, arena);
            kd_headers_init(&res.headers, arena);
            char *at = arena->at;
            kd_scan_result result = is_request ? kd_scan_request(buf, n, 0, 1 << 20, &req, &refusal)
                                               : kd_scan_response(buf, n, 0, 1 << 20, KD_METHOD_GET, &res, &error);
            if (result != KD_SCAN_DONE)
                return -1;
            arena->at = at;
        }
        double each = (double)(kd_clock_monotonic() - start) / HEADS;
        best = each < best ? each : best;
    }
    return best;
}

int main(void)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    if (!kd_arena_alloc(&arena, 8))
        return 1;
    bool name = false;
    for (size_t i = 0; i < sizeof request; i++) {
        name = request[i] == '\n' || (name && request[i] != ':');
        lower[i] = (char)(name ? kd_lower((uint8_t)request[i]) : request[i]);
    }
    printf("request, %zu bytes, 8 fields:     %.0f ns\n", sizeof request - 1,
           measure(request, sizeof request - 1, true, &arena));
    printf("the same, names in lower case:    %.0f ns\n", measure(lower, sizeof request - 1, true, &arena));
    printf("response, %zu bytes, 6 fields:    %.0f ns\n", sizeof response - 1,
           measure(response, sizeof response - 1, false, &arena));
    kd_arena_reset(&arena);
    return 0;
}
