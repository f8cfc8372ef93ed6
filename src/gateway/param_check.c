#include "gateway/param_check.h"

#include "text/go/quote.h"

typedef enum verdict { VERDICT_PASS, VERDICT_ENCODED, VERDICT_BAD_ESCAPE } verdict;

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* *bad is the first escape that url.PathUnescape refuses, three bytes at most. */
static verdict judge(kd_str value, kd_str *bad)
{
    verdict v = VERDICT_PASS;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (KD_LIKELY(c != '%' && c != '?' && c != '#'))
            continue;
        v = VERDICT_ENCODED;
        if (c != '%')
            continue;
        if (i + 2 >= value.n || !is_hex(value.p[i + 1]) || !is_hex(value.p[i + 2])) {
            *bad = kd_str_head(kd_str_from(value, i), 3);
            return VERDICT_BAD_ESCAPE;
        }
        i += 2;
    }
    return v;
}

bool kd_param_check(const kd_route_param *params, uint32_t n, kd_arena *arena, kd_str *body)
{
    for (uint32_t i = 0; i < n; i++) {
        enum { ROOM = 64 };
        kd_str bad;
        verdict v = judge(params[i].value, &bad);
        if (KD_LIKELY(v == VERDICT_PASS))
            continue;
        *body = KD_STR("error: encoded url params");
        if (v == VERDICT_BAD_ESCAPE) {
            kd_buf text = {.p = kd_arena_alloc(arena, ROOM), .cap = ROOM, .max = ROOM};
            *body = (kd_str){NULL, 0};
            if (text.p) {
                kd_buf_add(&text, KD_STR("error: invalid URL escape "));
                kd_go_quote(&text, bad);
                *body = kd_buf_str(&text);
            }
        }
        return false;
    }
    return true;
}
