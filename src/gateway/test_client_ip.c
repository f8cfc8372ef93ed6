/* Client addresses against Go's and gin's answers: tests/go/client_ip.txt, printed by tests/go/gen_client_ip.go. */
#include "gateway/client_ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "text/utf8.h"

enum { MAX_WORDS = 32 };

/* The value of a Go string literal. */
static kd_str unquote(kd_arena *arena, kd_str word)
{
    char *to = kd_arena_alloc(arena, word.n + 4);
    size_t n = 0;
    assert_non_null(to);
    for (size_t i = 1; i + 1 < word.n; i++) {
        char c = word.p[i];
        if (c == '\\') {
            char digits[5] = {0};
            c = word.p[++i];
            size_t width = c == 'u' ? 4 : c == 'x' ? 2 : 0;
            memcpy(digits, word.p + i + 1, width);
            unsigned long value = strtoul(digits, NULL, 16);
            i += width;
            if (c == 'u') {
                n += kd_utf8_encode(to + n, (uint32_t)value);
                continue;
            }
            c = (char)(c == 'x' ? (char)value : c == 't' ? '\t' : c);
        }
        to[n++] = c;
    }
    return kd_str_of(to, n);
}

static void check_address(const kd_str *w)
{
    uint8_t address[16];
    bool v4;
    char text[KD_IP_TEXT];
    bool valid = kd_ip_parse(w[1], address, &v4);
    if (valid != (w[2].n > 0))
        fail_msg("%.*s", KD_FMT(w[1]));
    if (!valid)
        return;
    kd_str printed = kd_str_of(text, kd_ip_write(text, address));
    if (!kd_str_eq(printed, w[2]) || v4 != (kd_str_find(w[2], ':') < 0))
        fail_msg("%.*s: %.*s", KD_FMT(w[1]), KD_FMT(printed));
}

static void check_network(const kd_str *w)
{
    uint8_t address[16];
    bool v4;
    kd_ip_net net;
    assert_true(kd_ip_parse(w[2], address, &v4));
    bool valid = kd_ip_net_parse(w[1], &net);
    if (valid != (w[3].n > 0))
        fail_msg("%.*s", KD_FMT(w[1]));
    if (valid && kd_ip_net_has(&net, address, v4) != kd_str_eq(w[3], KD_STR("in")))
        fail_msg("%.*s in %.*s", KD_FMT(w[2]), KD_FMT(w[1]));
}

static kd_str names[] = {KD_STR_INIT("X-Forwarded-For"), KD_STR_INIT("X-Real-Ip"), KD_STR_INIT("Cf-Connecting-Ip")};

static void check_client(kd_str *w, uint32_t n, kd_arena *arena)
{
    uint64_t n_proxies;
    char text[KD_IP_TEXT];
    kd_headers headers;
    kd_client_ip ip;
    assert_true(kd_str_to_u64(w[3], MAX_WORDS, &n_proxies));
    kd_router_options options = {.forwarded_by_client_ip = true,
                                 .remote_ip_headers = {names, KD_COUNT(names)},
                                 .trusted_proxies = {w + 4, (uint32_t)n_proxies}};
    assert_true(kd_client_ip_init(&ip, &options, arena));
    kd_headers_init(&headers, arena);
    for (uint32_t i = 4 + (uint32_t)n_proxies; i + 1 < n; i += 2)
        assert_true(kd_headers_add(&headers, w[i], w[i + 1]));
    kd_str got = kd_client_ip_find(&ip, w[1], false, &headers, arena, text);
    if (!kd_str_eq(got, w[2]))
        fail_msg("peer %.*s: expected %.*s, got %.*s", KD_FMT(w[1]), KD_FMT(w[2]), KD_FMT(got));
}

static void agrees_with_go(void **state)
{
    (void)state;
    FILE *file = fopen("tests/go/client_ip.txt", "r");
    char *text = NULL;
    size_t size = 0;
    unsigned counts[128] = {0};
    assert_non_null(file);
    for (ssize_t length; (length = getline(&text, &size, file)) > 0;) {
        kd_arena arena = {0};
        kd_str rest = kd_str_of(text, (size_t)length - 1), word, words[MAX_WORDS];
        uint32_t n = 0;
        while (n < MAX_WORDS && kd_str_split(&rest, '\t', &word))
            words[n] = n ? unquote(&arena, word) : word, n++;
        counts[(unsigned char)text[0] & 127]++;
        if (text[0] == 'I')
            check_address(words);
        else if (text[0] == 'N')
            check_network(words);
        else
            check_client(words, n, &arena);
        kd_arena_reset(&arena);
    }
    free(text);
    fclose(file);
    assert_true(counts['I'] > 100 && counts['N'] > 100 && counts['C'] > 500);
}

static void options_decide(void **state)
{
    (void)state;
    static kd_str proxies[] = {KD_STR_INIT("10.0.0.0/8"), KD_STR_INIT("nonsense"), KD_STR_INIT("0.0.0.0/0")};
    static const struct {
        bool forwarded, app_engine, unix_peer;
        const char *peer, *expected;
    } cases[] = {
        {true, false, false, "10.0.0.1", "5.5.5.5"},   /* a trusted peer */
        {true, false, false, "11.0.0.1", "11.0.0.1"},  /* the list ends at its first invalid item */
        {false, false, false, "10.0.0.1", "10.0.0.1"}, /* not forwarded */
        {true, true, false, "11.0.0.1", "anything"},   /* app_engine */
        {true, false, true, "", "5.5.5.5"},            /* a unix socket is trusted */
        {false, false, true, "", ""},
        {true, false, false, "", ""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena = {0};
        char text[KD_IP_TEXT];
        kd_client_ip ip;
        kd_headers headers;
        kd_router_options options = {.forwarded_by_client_ip = cases[i].forwarded,
                                     .app_engine = cases[i].app_engine,
                                     .remote_ip_headers = {names, KD_COUNT(names)},
                                     .trusted_proxies = {proxies, KD_COUNT(proxies)}};
        assert_true(kd_client_ip_init(&ip, &options, &arena));
        kd_headers_init(&headers, &arena);
        kd_headers_add(&headers, KD_STR("X-Real-Ip"), KD_STR("5.5.5.5"));
        kd_headers_add(&headers, KD_STR("X-Appengine-Remote-Addr"), KD_STR("anything"));
        kd_str got = kd_client_ip_find(&ip, kd_str_from_c(cases[i].peer), cases[i].unix_peer, &headers, &arena, text);
        if (!kd_str_eq(got, kd_str_from_c(cases[i].expected)))
            fail_msg("case %zu: %.*s", i, KD_FMT(got));
        kd_arena_reset(&arena);
    }
}

/* Without a header that could name another address nothing is parsed. */
static void direct_requests_are_seen(void **state)
{
    static const struct {
        kd_router_options options;
        kd_str listed, sent;
        bool direct;
    } cases[] = {
        {{.forwarded_by_client_ip = true}, KD_STR_INIT("X-Forwarded-For"), KD_STR_INIT("X-Forwarded-For"), false},
        {{.forwarded_by_client_ip = true}, KD_STR_INIT("X-Forwarded-For"), KD_STR_INIT("X-Forwarded-Host"), true},
        {{.forwarded_by_client_ip = true}, KD_STR_INIT("X-Forwarded-For"), KD_STR_INIT("X-My-Own"), true},
        {{.forwarded_by_client_ip = true}, KD_STR_INIT("X-My-Own"), KD_STR_INIT("X-My-Own"), false},
        {{.forwarded_by_client_ip = true}, KD_STR_INIT("X-My-Own"), KD_STR_INIT("X-My-Other"), true},
        {{.forwarded_by_client_ip = true}, KD_STR_INIT("X-My-Own"), KD_STR_INIT("X-Forwarded-For"), true},
        {{.forwarded_by_client_ip = false}, KD_STR_INIT("X-My-Own"), KD_STR_INIT("X-My-Own"), true},
        {{.app_engine = true}, KD_STR_INIT("X-My-Own"), KD_STR_INIT("Accept"), false},
    };
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_client_ip ip;
        kd_headers headers;
        kd_router_options options = cases[i].options;
        kd_str listed[] = {KD_STR("X-Real-Ip"), cases[i].listed};
        options.remote_ip_headers.v = listed;
        options.remote_ip_headers.n = KD_COUNT(listed);
        assert_true(kd_client_ip_init(&ip, &options, &arena));
        kd_headers_init(&headers, &arena);
        assert_int_equal(kd_client_ip_is_direct(&ip, &headers), !options.app_engine);
        kd_headers_add(&headers, KD_STR("Accept"), KD_STR("x"));
        kd_headers_add(&headers, cases[i].sent, KD_STR("1.2.3.4"));
        if (kd_client_ip_is_direct(&ip, &headers) != cases[i].direct)
            fail_msg("case %zu", i);
    }
    kd_arena_reset(&arena);
}

static void a_mapped_proxy_is_itself(void **state)
{
    (void)state;
    kd_ip_net net;
    uint8_t address[16];
    bool v4;
    assert_true(kd_ip_net_parse(KD_STR("::ffff:1.2.3.4"), &net));
    assert_true(kd_ip_parse(KD_STR("1.2.3.4"), address, &v4) && kd_ip_net_has(&net, address, v4));
    assert_true(kd_ip_parse(KD_STR("::1"), address, &v4) && !kd_ip_net_has(&net, address, v4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_go), cmocka_unit_test(options_decide),
                                       cmocka_unit_test(direct_requests_are_seen),
                                       cmocka_unit_test(a_mapped_proxy_is_itself)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
