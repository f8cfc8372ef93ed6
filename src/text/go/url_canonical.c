#include "text/go/url.h"

/* The bytes that url.QueryEscape leaves alone. */
static const uint8_t unreserved[256] = {
    ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['-'] = 1, ['_'] = 1, ['.'] = 1, ['~'] = 1,
};

#define PAIRS_MAX 64 /* beyond it the long way is taken */

bool kd_go_query_is_canonical(kd_str raw)
{
    kd_str last = {"", 0};
    size_t at = 0;
    for (unsigned pairs = 0; pairs < PAIRS_MAX; pairs++) {
        size_t start = at;
        while (at < raw.n && unreserved[(uint8_t)raw.p[at]])
            at++;
        if (at == raw.n || raw.p[at] != '=')
            return false;
        kd_str key = {raw.p + start, at - start};
        if (kd_str_cmp(key, last) < 0)
            return false;
        last = key;
        at++;
        while (at < raw.n && unreserved[(uint8_t)raw.p[at]])
            at++;
        if (at == raw.n)
            return true;
        if (raw.p[at++] != '&')
            return false;
    }
    return false;
}
