/* The texts of feeds as gofeed 1.2.1 reads them: entities of HTML, CDATA, names with addresses, dates. */
#ifndef KD_TEXT_FEED_TEXT_H
#define KD_TEXT_FEED_TEXT_H

#include "base/arena.h"
#include "text/go/time_layout.h"

/* Without Unicode's white space at both ends (strings.TrimSpace). */
kd_str kd_feed_trim(kd_str s);
/* What stands in an element, as it was written: with CDATA in it the sections' texts (what stands before one is lost,
 * as in gofeed), else the text with its entities decoded. s itself or in the arena; p is NULL without memory. */
kd_str kd_feed_plain(kd_arena *arena, kd_str s);
bool kd_feed_has_cdata(kd_str s);
/* Entities decoded up to the first '&' that has no ';', or a space before it. Memory as above. */
kd_str kd_feed_entities(kd_arena *arena, kd_str s);
/* html.UnescapeString; `attribute`: in an attribute's value, where "&lt=" stays. Memory as above. */
kd_str kd_feed_unescape(kd_arena *arena, kd_str s, bool attribute);
/* Standard base64 with padding, line breaks ignored. False where it is none. p is NULL without memory. */
bool kd_feed_base64(kd_arena *arena, kd_str s, kd_str *out);
/* "mail (name)", "name (mail)", a name or an address; anything else is neither. Borrowed. */
void kd_feed_person(kd_str s, kd_str *name, kd_str *mail);
/* A date in one of the forms that gofeed knows. */
bool kd_feed_date(kd_str s, kd_go_time *out);

#endif
