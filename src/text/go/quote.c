#include "text/go/quote.h"

#include "text/utf8.h"

typedef struct rune_range {
    uint32_t first, last;
} rune_range;

static const rune_range printable[] = {
#include "text/go/printable.inc"
};

static bool is_printable(uint32_t rune)
{
    if (rune < 0x80)
        return rune >= 0x20 && rune < 0x7f;
    size_t low = 0, high = KD_COUNT(printable);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (printable[middle].last < rune)
            low = middle + 1;
        else
            high = middle;
    }
    return low < KD_COUNT(printable) && printable[low].first <= rune;
}

static void put_hex(kd_buf *out, char mark, uint32_t v, int digits)
{
    char text[10] = {'\\', mark};
    for (int i = 0; i < digits; i++)
        text[2 + i] = "0123456789abcdef"[v >> (4 * (digits - 1 - i)) & 15];
    kd_buf_add(out, (kd_str){text, (size_t)(2 + digits)});
}

/* One rune inside quotes; `quote` is the byte that must be escaped. */
static void put_rune(kd_buf *out, uint32_t rune, char quote)
{
    static const char letters[] = "abtnvfr"; /* for the bytes 7 to 13 */
    if (rune == (uint8_t)quote || rune == '\\') {
        kd_buf_byte(out, '\\');
        kd_buf_byte(out, (char)rune);
    } else if (is_printable(rune)) {
        char text[4];
        kd_buf_add(out, (kd_str){text, kd_utf8_encode(text, rune)});
    } else if (rune >= 7 && rune <= 13) {
        kd_buf_byte(out, '\\');
        kd_buf_byte(out, letters[rune - 7]);
    } else if (rune < 0x20 || rune == 0x7f) {
        put_hex(out, 'x', rune, 2);
    } else if (rune < 0x10000) {
        put_hex(out, 'u', rune, 4);
    } else {
        put_hex(out, 'U', rune, 8);
    }
}

void kd_go_quote(kd_buf *out, kd_str s)
{
    kd_buf_byte(out, '"');
    for (size_t i = 0; i < s.n;) {
        uint32_t rune;
        size_t n = kd_utf8_decode(s.p + i, s.n - i, &rune);
        if (n == 1 && rune == KD_RUNE_BAD)
            put_hex(out, 'x', (uint8_t)s.p[i], 2);
        else
            put_rune(out, rune, '"');
        i += n;
    }
    kd_buf_byte(out, '"');
}

void kd_go_quote_json_byte(kd_buf *out, uint8_t c)
{
    /* The byte is taken as the rune of that number, and the other kind of quote needs no escape. */
    kd_buf_byte(out, '\'');
    put_rune(out, c, '\'');
    kd_buf_byte(out, '\'');
}

void kd_go_html_escape(kd_buf *out, kd_str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        kd_str entity;
        switch (s.p[i]) {
        case '&':
            entity = KD_STR("&amp;");
            break;
        case '<':
            entity = KD_STR("&lt;");
            break;
        case '>':
            entity = KD_STR("&gt;");
            break;
        case '"':
            entity = KD_STR("&#34;");
            break;
        case '\'':
            entity = KD_STR("&#39;");
            break;
        default:
            continue;
        }
        if (i > from)
            kd_buf_add(out, (kd_str){s.p + from, i - from});
        kd_buf_add(out, entity);
        from = i + 1;
    }
    if (from < s.n)
        kd_buf_add(out, kd_str_from(s, from));
}
