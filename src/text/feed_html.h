/* HTML in feeds, as far as gofeed looks into it: a fragment is read, repaired and printed again. */
#ifndef KD_TEXT_FEED_HTML_H
#define KD_TEXT_FEED_HTML_H

#include "text/feed_pull.h"

/* What stands inside the one <div> that the fragment consists of (texts around it are lost), printed anew; the fragment
 * itself where it does not. p is NULL without memory. */
kd_str kd_feed_html_unwrap(kd_arena *arena, kd_str html);
/* The fragment printed anew, with the first attribute of each element that holds a URL made absolute; the fragment
 * itself when no xml:base is in force. p is NULL without memory. */
kd_str kd_feed_html_resolve(kd_pull *pull, kd_str html);

#endif
