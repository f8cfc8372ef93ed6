/* RSS 0.9x, 1.0 and 2.0, Atom and JSON feeds as one shape: what the library gofeed 1.2.1 makes of them in KrakenD's
 * encoding "rss" (spec/01 section 9.3, spec/05 section 6.3). */
#ifndef KD_TEXT_FEED_H
#define KD_TEXT_FEED_H

#include "text/value.h"

typedef enum kd_feed_result { KD_FEED_READ, KD_FEED_BAD, KD_FEED_OUT_OF_MEMORY } kd_feed_result;

/* Reads the feed text[0..n) into an object: items, author, categories, custom, copyright, description, type, language,
 * title, published, updated, and img_url where there is an image. Below the first level objects are typed: their
 * members keep their order and filters do not enter them. The text is changed in place, must outlive the value and have
 * KD_JSON_PAD writable bytes behind it; all else is in the arena. KD_FEED_BAD: *error is KrakenD's text, in the arena
 * or static. Broken HTML inside an Atom text of type xhtml is repaired more simply than gofeed's parser does it. */
kd_feed_result kd_feed_read(kd_arena *arena, char *text, size_t n, kd_value *out, kd_str *error);

#endif
