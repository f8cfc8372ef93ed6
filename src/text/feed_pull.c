#include "text/feed_pull.h"

#include "text/feed_text.h"
#include "text/go/fixed.h"

void kd_pull_init(kd_pull *pull, kd_arena *arena, char *text, size_t n)
{
    *pull = (kd_pull){.event = KD_XML_OTHER};
    kd_xml_scan_init(&pull->scan, arena, text, n);
    pull->scan.lenient = true;
    pull->scan.namespaces = true;
}

bool kd_pull_fail(kd_pull *pull, kd_str error)
{
    pull->error = error;
    return false;
}

static bool no_memory(kd_pull *pull)
{
    return kd_pull_fail(pull, (kd_str){NULL, 0});
}

static kd_str lower(kd_arena *arena, kd_str s)
{
    kd_str copy = kd_arena_copy(arena, s);
    for (size_t i = 0; copy.p && i < copy.n; i++)
        ((char *)copy.p)[i] = (char)kd_lower((uint8_t)copy.p[i]);
    return copy;
}

/* ---- namespaces -------------------------------------------------------------------------------------------------- */

static bool add_space(kd_pull *pull, kd_str uri, kd_str prefix)
{
    kd_feed_space *space = KD_NEW(pull->scan.arena, kd_feed_space);
    if (!space || !prefix.p)
        return no_memory(pull);
    uint32_t n = pull->spaces ? pull->spaces->n : 0;
    if (n == KD_XML_MAX_SPACES)
        return true;
    *space = (kd_feed_space){pull->spaces, kd_feed_trim(uri), kd_feed_trim(prefix), n + 1};
    pull->spaces = space;
    return true;
}

static bool push_spaces(kd_pull *pull)
{
    for (uint32_t i = 0; i < pull->n_attrs; i++) {
        const kd_xml_attr *attr = &pull->scan.attrs[i];
        bool good = true;
        if (kd_str_eq(attr->name.space, KD_STR("xmlns")))
            good = add_space(pull, attr->value, lower(pull->scan.arena, attr->name.local));
        else if (kd_str_eq(attr->name.local, KD_STR("xmlns")))
            good = add_space(pull, attr->value, KD_STR(""));
        if (!good)
            return false;
    }
    if (pull->n_stack == pull->cap_stack) {
        uint32_t cap = pull->cap_stack ? pull->cap_stack * 2 : 32;
        const kd_feed_space **stack = kd_arena_alloc(pull->scan.arena, cap * sizeof(*stack));
        if (!stack)
            return no_memory(pull);
        if (pull->n_stack)
            memcpy(stack, pull->stack, pull->n_stack * sizeof(*stack));
        pull->stack = stack;
        pull->cap_stack = cap;
    }
    pull->stack[pull->n_stack++] = pull->spaces;
    return true;
}

static void pop_spaces(kd_pull *pull)
{
    if (pull->n_stack)
        pull->n_stack--;
    pull->spaces = pull->n_stack ? pull->stack[pull->n_stack - 1] : NULL;
}

static const kd_feed_space *find_space(const kd_pull *pull, kd_str uri)
{
    const kd_feed_space *space = pull->spaces;
    while (space && !kd_str_eq(space->uri, uri))
        space = space->next;
    return space;
}

kd_str kd_pull_declared(const kd_pull *pull)
{
    const kd_feed_space *space = find_space(pull, kd_feed_trim(pull->space));
    return space ? space->prefix : (kd_str){NULL, 0};
}

bool kd_pull_is_extension(const kd_pull *pull)
{
    static const kd_str own[] = {KD_STR_INIT(""), KD_STR_INIT("rss"), KD_STR_INIT("rdf"), KD_STR_INIT("content")};
    kd_str prefix = kd_pull_declared(pull);
    if (!prefix.p)
        return pull->space.n != 0;
    for (size_t i = 0; i < KD_COUNT(own); i++)
        if (kd_str_eq(prefix, own[i]))
            return false;
    return true;
}

/* What namespaces are called whatever a document calls them. */
static const struct {
    kd_str uri, prefix;
} known[] = {
#define SPACE(uri, prefix)                                                                                             \
    {                                                                                                                  \
        KD_STR_INIT(uri), KD_STR_INIT(prefix)                                                                          \
    }
    SPACE("http://webns.net/mvcb/", "admin"),
    SPACE("http://purl.org/rss/1.0/modules/aggregation/", "ag"),
    SPACE("http://purl.org/rss/1.0/modules/annotate/", "annotate"),
    SPACE("http://media.tangent.org/rss/1.0/", "audio"),
    SPACE("http://backend.userland.com/blogChannelModule", "blogChannel"),
    SPACE("http://creativecommons.org/ns#license", "cc"),
    SPACE("http://web.resource.org/cc/", "cc"),
    SPACE("http://cyber.law.harvard.edu/rss/creativeCommonsRssModule.html", "creativeCommons"),
    SPACE("http://backend.userland.com/creativeCommonsRssModule", "creativeCommons"),
    SPACE("http://purl.org/rss/1.0/modules/company", "co"),
    SPACE("http://purl.org/rss/1.0/modules/content/", "content"),
    SPACE("http://my.theinfo.org/changed/1.0/rss/", "cp"),
    SPACE("http://purl.org/dc/elements/1.1/", "dc"),
    SPACE("http://purl.org/dc/terms/", "dcterms"),
    SPACE("http://purl.org/rss/1.0/modules/email/", "email"),
    SPACE("http://purl.org/rss/1.0/modules/event/", "ev"),
    SPACE("http://rssnamespace.org/feedburner/ext/1.0", "feedburner"),
    SPACE("http://freshmeat.net/rss/fm/", "fm"),
    SPACE("http://xmlns.com/foaf/0.1/", "foaf"),
    SPACE("http://www.w3.org/2003/01/geo/wgs84_pos#", "geo"),
    SPACE("http://www.georss.org/georss", "georss"),
    SPACE("http://www.opengis.net/gml", "gml"),
    SPACE("http://postneo.com/icbm/", "icbm"),
    SPACE("http://purl.org/rss/1.0/modules/image/", "image"),
    SPACE("http://www.itunes.com/DTDs/PodCast-1.0.dtd", "itunes"),
    SPACE("http://example.com/DTDs/PodCast-1.0.dtd", "itunes"),
    SPACE("http://purl.org/rss/1.0/modules/link/", "l"),
    SPACE("http://search.yahoo.com/mrss", "media"),
    SPACE("http://search.yahoo.com/mrss/", "media"),
    SPACE("http://madskills.com/public/xml/rss/module/pingback/", "pingback"),
    SPACE("http://prismstandard.org/namespaces/1.2/basic/", "prism"),
    SPACE("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"),
    SPACE("http://www.w3.org/2000/01/rdf-schema#", "rdfs"),
    SPACE("http://purl.org/rss/1.0/modules/reference/", "ref"),
    SPACE("http://purl.org/rss/1.0/modules/richequiv/", "reqv"),
    SPACE("http://purl.org/rss/1.0/modules/search/", "search"),
    SPACE("http://purl.org/rss/1.0/modules/slash/", "slash"),
    SPACE("http://schemas.xmlsoap.org/soap/envelope/", "soap"),
    SPACE("http://purl.org/rss/1.0/modules/servicestatus/", "ss"),
    SPACE("http://hacks.benhammersley.com/rss/streaming/", "str"),
    SPACE("http://purl.org/rss/1.0/modules/subscription/", "sub"),
    SPACE("http://purl.org/rss/1.0/modules/syndication/", "sy"),
    SPACE("http://schemas.pocketsoap.com/rss/myDescModule/", "szf"),
    SPACE("http://purl.org/rss/1.0/modules/taxonomy/", "taxo"),
    SPACE("http://purl.org/rss/1.0/modules/threading/", "thr"),
    SPACE("http://purl.org/rss/1.0/modules/textinput/", "ti"),
    SPACE("http://madskills.com/public/xml/rss/module/trackback/", "trackback"),
    SPACE("http://wellformedweb.org/commentAPI/", "wfw"),
    SPACE("http://purl.org/rss/1.0/modules/wiki/", "wiki"),
    SPACE("http://www.w3.org/1999/xhtml", "xhtml"),
    SPACE("http://www.w3.org/1999/xlink", "xlink"),
    SPACE("http://www.w3.org/XML/1998/namespace", "xml"),
    SPACE("http://podlove.org/simple-chapters", "psc"),
#undef SPACE
};

kd_str kd_pull_prefix(const kd_pull *pull)
{
    for (size_t i = 0; i < KD_COUNT(known); i++)
        if (kd_str_eq(known[i].uri, pull->space))
            return known[i].prefix;
    const kd_feed_space *space = find_space(pull, pull->space);
    return space ? space->prefix : pull->space;
}

/* ---- xml:base ---------------------------------------------------------------------------------------------------- */

static bool stays_in_fragment(char c, bool as_written)
{
    return (uint8_t)(kd_lower((uint8_t)c) - 'a') < 26 || (uint8_t)(c - '0') < 10 ||
           (c && strchr("-_.~$&+,/:;=?@!()*", c)) || (as_written && c && strchr("'[]%", c));
}

/* URL.EscapedFragment of what stands behind a '#'. p is NULL without memory, or on a bad escape, which sets the error.
 */
static kd_str escape_fragment(kd_pull *pull, kd_str reference, kd_str raw)
{
    kd_str text, bad;
    bool good = true;
    pull->error = (kd_str){NULL, 0};
    if (!kd_go_url_unescape(pull->scan.arena, raw, false, &text, &bad)) {
        kd_pull_fail(pull, kd_arena_printf(pull->scan.arena, "parse \"%.*s\": invalid URL escape \"%.*s\"",
                                           KD_FMT(reference), KD_FMT(bad)));
        return (kd_str){NULL, 0};
    }
    for (size_t i = 0; i < raw.n && good; i++)
        good = stays_in_fragment(raw.p[i], true);
    if (good || !text.p)
        return text.p ? raw : text;
    kd_buf out = kd_buf_in_arena(pull->scan.arena, 3 * text.n + 1);
    for (size_t i = 0; i < text.n && !out.failed; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if (stays_in_fragment((char)c, false)) {
            kd_buf_byte(&out, (char)c);
        } else {
            kd_buf_byte(&out, '%');
            kd_buf_byte(&out, "0123456789ABCDEF"[c >> 4]);
            kd_buf_byte(&out, "0123456789ABCDEF"[c & 15]);
        }
    }
    return kd_buf_whole(&out);
}

/* A URL against another; Go keeps the fragment of the reference. */
static bool resolve(kd_pull *pull, const kd_url *base, kd_str reference, kd_str *out)
{
    ptrdiff_t hash = kd_str_find(reference, '#');
    kd_str fragment = hash < 0 ? KD_STR("") : kd_str_from(reference, (size_t)hash + 1), error;
    if (fragment.n && !(fragment = escape_fragment(pull, reference, fragment)).p)
        return false;
    if (hash >= 0)
        reference.n = (size_t)hash;
    if (!kd_go_url_resolve(pull->scan.arena, base, reference, out, &error))
        return kd_pull_fail(pull, error);
    if (fragment.n && out->p)
        *out = kd_arena_printf(pull->scan.arena, "%.*s#%.*s", KD_FMT(*out), KD_FMT(fragment));
    return out->p || no_memory(pull);
}

static void push_base(kd_pull *pull)
{
    kd_str value = {NULL, 0}, error;
    for (uint32_t i = 0; i < pull->n_attrs && !value.p; i++) {
        const kd_xml_name *name = &pull->scan.attrs[i].name;
        if (kd_str_eq(name->local, KD_STR("base")) &&
            kd_str_eq(name->space, KD_STR("http://www.w3.org/XML/1998/namespace")))
            value = pull->scan.attrs[i].value;
    }
    kd_feed_base *base = value.n ? KD_NEW(pull->scan.arena, kd_feed_base) : NULL;
    if (!base || (pull->base && !resolve(pull, &pull->base->url, value, &value)) ||
        !kd_go_url_parse(pull->scan.arena, value, &base->url, &error))
        return;
    base->up = pull->base;
    pull->base = base;
}

static void pop_base(kd_pull *pull)
{
    if (pull->base)
        pull->base = pull->base->up;
}

bool kd_pull_resolve(kd_pull *pull, kd_str reference, kd_str *out)
{
    *out = reference;
    if (!pull->base)
        return true;
    kd_str *path = &pull->base->url.raw_path;
    if (path->n && reference.n && path->p[path->n - 1] != '/') {
        *path = kd_arena_printf(pull->scan.arena, "%.*s/", KD_FMT(*path)); /* a base is a directory to gofeed */
        if (!path->p)
            return no_memory(pull);
    }
    return resolve(pull, &pull->base->url, reference, out);
}

static bool resolve_attrs(kd_pull *pull)
{
    static const kd_str urls[] = {KD_STR_INIT("href"), KD_STR_INIT("scheme"), KD_STR_INIT("src"), KD_STR_INIT("uri")};
    for (uint32_t i = 0; i < pull->n_attrs && pull->base; i++)
        for (size_t k = 0; k < KD_COUNT(urls); k++) {
            kd_xml_attr *attr = &pull->scan.attrs[i];
            if (kd_str_eq_ci(attr->name.local, urls[k]) && !kd_pull_resolve(pull, attr->value, &attr->value))
                return false;
        }
    return true;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

static bool next_token(kd_pull *pull)
{
    kd_xml_kind kind = kd_xml_next(&pull->scan);
    pull->name = pull->space = pull->text = KD_STR("");
    pull->n_attrs = 0;
    switch (kind) {
    case KD_XML_START:
        pull->name = pull->scan.name.local;
        pull->space = pull->scan.name.space;
        pull->n_attrs = pull->scan.n_attrs;
        if (!push_spaces(pull))
            return false;
        push_base(pull);
        break;
    case KD_XML_END:
        pull->name = pull->scan.name.local;
        pop_spaces(pull);
        pop_base(pull);
        break;
    case KD_XML_TEXT:
        pull->text = pull->scan.text;
        break;
    case KD_XML_REFUSED:
        return kd_pull_fail(pull, pull->scan.error);
    case KD_XML_NO_MEMORY:
        return no_memory(pull);
    default:
        break;
    }
    pull->event = kind;
    return true;
}

bool kd_pull_next(kd_pull *pull)
{
    do {
        if (!next_token(pull))
            return false;
    } while (pull->event == KD_XML_OTHER);
    return true;
}

bool kd_pull_tag(kd_pull *pull)
{
    do {
        if (!kd_pull_next(pull))
            return false;
        if (pull->event == KD_XML_EOF)
            return kd_pull_fail(pull, KD_STR("Failed to find NextTag before reaching the end of the document."));
    } while (pull->event == KD_XML_TEXT);
    return pull->event == KD_XML_END || resolve_attrs(pull);
}

bool kd_pull_skip(kd_pull *pull)
{
    for (uint32_t depth = 1; depth;) {
        if (!next_token(pull))
            return false;
        if (pull->event == KD_XML_EOF)
            return true;
        depth += pull->event == KD_XML_START;
        depth -= pull->event == KD_XML_END;
    }
    return true;
}

bool kd_pull_inside(kd_pull *pull, kd_str *inside)
{
    kd_xml_scan *scan = &pull->scan;
    kd_str name = pull->name;
    const char *text = scan->begin, *start = scan->p, *end = start;
    scan->raw = true;
    for (uint32_t depth = 0;;) {
        if (!depth)
            end = scan->p;
        kd_xml_kind kind = kd_xml_next(scan);
        if (kind >= KD_XML_EOF)
            return kind == KD_XML_NO_MEMORY ? no_memory(pull) : kd_pull_fail(pull, scan->error);
        if (scan->begin != text)
            start = end = text = scan->begin; /* another character set from here on */
        if (kind == KD_XML_END && depth-- == 0)
            break;
        depth += kind == KD_XML_START;
    }
    scan->raw = false;
    *inside = kd_feed_trim((kd_str){start, (size_t)(end - start)});
    pull->name = name;
    pull->space = pull->text = KD_STR("");
    pull->n_attrs = 0;
    pull->event = KD_XML_END;
    pop_base(pull); /* but not the namespaces: so it is in goxpp */
    return true;
}

bool kd_pull_texts(kd_pull *pull)
{
    bool first = true;
    for (;;) {
        if (!kd_pull_next(pull))
            return false;
        if (pull->event == KD_XML_END)
            return true;
        if (pull->event != KD_XML_TEXT)
            return kd_pull_fail(pull, first
                                          ? KD_STR("Parser must be on EndTag or Text to read text")
                                          : KD_STR("Event Text must be immediately followed by EndTag or Text but got "
                                                   "StartTag"));
        first = false;
    }
}

bool kd_pull_expect_end(kd_pull *pull, kd_str name)
{
    static const char *const names[] = {"StartTag", "EndTag", "Text", "", "EndDocument"};
    if (pull->event == KD_XML_END && kd_str_eq_ci(pull->name, name))
        return true;
    return kd_pull_fail(pull, kd_arena_printf(pull->scan.arena,
                                              "Expected Space:* Name:%.*s Event:EndTag but got Space:%.*s Name:%.*s "
                                              "Event:%s at offset: %zu",
                                              KD_FMT(name), KD_FMT(pull->space), KD_FMT(pull->name), names[pull->event],
                                              kd_xml_offset(&pull->scan)));
}

kd_str kd_pull_attr(const kd_pull *pull, kd_str name)
{
    for (uint32_t i = 0; i < pull->n_attrs; i++)
        if (kd_str_eq(pull->scan.attrs[i].name.local, name))
            return pull->scan.attrs[i].value;
    return KD_STR("");
}
