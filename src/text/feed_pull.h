/* XML as gofeed pulls it: goxpp 1.1.0 on Go's lenient decoder, with its ways of tracking namespaces and xml:base. */
#ifndef KD_TEXT_FEED_PULL_H
#define KD_TEXT_FEED_PULL_H

#include "text/go/url.h"
#include "text/xml_token.h"

/* What a namespace is called here. A list: the newest first, shared with the elements around. */
typedef struct kd_feed_space {
    const struct kd_feed_space *next;
    kd_str uri, prefix;
    uint32_t n; /* in the list; beyond KD_XML_MAX_SPACES no more are taken */
} kd_feed_space;

/* The xml:base of an element. gofeed forgets one at every end of an element, whether that had one or not. */
typedef struct kd_feed_base {
    struct kd_feed_base *up;
    kd_url url;
} kd_feed_base;

typedef struct kd_pull {
    kd_xml_scan scan;
    kd_xml_kind event; /* KD_XML_START, _END, _TEXT or _EOF */
    kd_str name, space, text;
    uint32_t n_attrs;            /* of scan.attrs; none but on a start */
    const kd_feed_space *spaces; /* in force; gofeed's idea of it */
    const kd_feed_space **stack; /* those of the elements around */
    uint32_t n_stack, cap_stack;
    kd_feed_base *base;
    kd_str error; /* why false was returned; p is NULL without memory */
} kd_pull;

/* Begins at text[0..n), which is changed in place. */
void kd_pull_init(kd_pull *pull, kd_arena *arena, char *text, size_t n);

/* All of these return false when reading failed (pull->error), and so they do from then on.
 * The next start, end, text or the end of the document. */
bool kd_pull_next(kd_pull *pull);
/* The next start or end of an element; attributes that hold URLs are made absolute. */
bool kd_pull_tag(kd_pull *pull);
/* Goes behind the end of the element that was begun last. */
bool kd_pull_skip(kd_pull *pull);
/* The same, and what stands inside it, as it was written. */
bool kd_pull_inside(kd_pull *pull, kd_str *inside);
/* The same, joined texts, with nothing else inside. */
bool kd_pull_texts(kd_pull *pull);
/* Is this the end of an element of that name? */
bool kd_pull_expect_end(kd_pull *pull, kd_str name);

/* The attribute of that local name, whatever its namespace; empty when there is none. */
kd_str kd_pull_attr(const kd_pull *pull, kd_str name);
/* Is the element's name in lower case this one? */
static inline bool kd_pull_is(const kd_pull *pull, kd_str name)
{
    return kd_str_eq_ci(pull->name, name);
}
/* Is the element of a namespace that is neither the feed's own nor one of those that count as such? */
bool kd_pull_is_extension(const kd_pull *pull);
/* What the element's namespace is called. */
kd_str kd_pull_prefix(const kd_pull *pull);
/* The prefix that the document gave to the namespace; p is NULL when it gave none. */
kd_str kd_pull_declared(const kd_pull *pull);

/* The reference made absolute by the xml:base in force; the same text without one. False on a bad URL (pull->error). */
bool kd_pull_resolve(kd_pull *pull, kd_str reference, kd_str *out);

/* Sets the error; returns false. */
bool kd_pull_fail(kd_pull *pull, kd_str error);

#endif
