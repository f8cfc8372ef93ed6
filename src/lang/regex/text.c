#include "lang/regex/regex.h"
#include "text/utf8.h"

kd_str kd_regex_text(kd_arena *arena, kd_str text)
{
    if (kd_utf8_valid(text))
        return text;
    char *to = kd_arena_alloc(arena, 3 * text.n);
    size_t n = 0;
    for (size_t i = 0; to && i < text.n;) {
        uint32_t rune;
        i += kd_utf8_decode(text.p + i, text.n - i, &rune);
        n += kd_utf8_encode(to + n, rune);
    }
    return kd_str_of(to, n);
}
