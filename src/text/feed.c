#include "text/feed.h"

#include "text/feed_value.h"

typedef enum kind { UNKNOWN, RSS, ATOM, JSON, NO_MEMORY } kind;

/* By the first byte that is neither white space nor of a byte order mark, and the name of the first element. */
static kind detect(kd_arena *arena, char *text, size_t n)
{
    static const char ignored[] = " \r\n\t\xfe\xff\xef\xbb\xbf";
    size_t at = 0;
    while (at < n && memchr(ignored, text[at], sizeof(ignored))) /* its NUL too */
        at++;
    if (at == n || (text[at] != '<' && text[at] != '{'))
        return UNKNOWN;
    if (text[at] == '{')
        return JSON;
    kd_xml_scan scan;
    kd_xml_scan_init(&scan, arena, text + at, n - at);
    scan.lenient = scan.raw = true; /* the text is read again */
    while (kd_xml_next(&scan) != KD_XML_START)
        if (scan.kind >= KD_XML_EOF)
            return scan.kind == KD_XML_NO_MEMORY ? NO_MEMORY : UNKNOWN;
    if (kd_str_eq_ci(scan.name.local, KD_STR("rss")) || kd_str_eq_ci(scan.name.local, KD_STR("rdf")))
        return RSS;
    return kd_str_eq_ci(scan.name.local, KD_STR("feed")) ? ATOM : UNKNOWN;
}

static kd_feed_result read_xml(kd_arena *arena, char *text, size_t n, kind what, kd_feed *feed, kd_str *error)
{
    kd_pull pull;
    kd_pull_init(&pull, arena, text, n);
    bool good = true;
    while (good && pull.event != KD_XML_START) {
        good = kd_pull_next(&pull);
        if (good && pull.event == KD_XML_EOF)
            good = kd_pull_fail(&pull, KD_STR("Failed to find root node before document end."));
    }
    good = good && (what == RSS ? kd_feed_rss(&pull, feed) : kd_feed_atom(&pull, feed));
    *error = pull.error;
    return good ? KD_FEED_READ : pull.error.p ? KD_FEED_BAD : KD_FEED_OUT_OF_MEMORY;
}

static kd_feed_result read_any(kd_arena *arena, char *text, size_t n, kd_value *out, kd_str *error)
{
    static const kd_str names[] = {
        [RSS] = KD_STR_INIT("rss"), [ATOM] = KD_STR_INIT("atom"), [JSON] = KD_STR_INIT("json")};
    kd_feed feed = {.author = KD_VALUE_ABSENT, .image = KD_VALUE_ABSENT};
    kind what = detect(arena, text, n);
    *error = KD_STR("Failed to detect feed type");
    if (what == UNKNOWN || what == NO_MEMORY)
        return what == UNKNOWN ? KD_FEED_BAD : KD_FEED_OUT_OF_MEMORY;
    kd_feed_result result =
        what == JSON ? kd_feed_json(arena, text, n, &feed, error) : read_xml(arena, text, n, what, &feed, error);
    if (result != KD_FEED_READ)
        return result;
    *out = kd_feed_value(arena, &feed, names[what]);
    return out->type == KD_ABSENT ? KD_FEED_OUT_OF_MEMORY : KD_FEED_READ;
}

kd_feed_result kd_feed_read(kd_arena *arena, char *text, size_t n, kd_value *out, kd_str *error)
{
    uint32_t refused = arena->refused;
    kd_feed_result result = read_any(arena, text, n, out, error);
    /* What is left out when it is wrong, a base or a date, would be left out without memory too. */
    return arena->refused == refused ? result : KD_FEED_OUT_OF_MEMORY;
}
