/* Go's quoting: strconv.Quote and what builds on it. */
#ifndef KD_TEXT_GO_QUOTE_H
#define KD_TEXT_GO_QUOTE_H

#include "base/buf.h"

/* strconv.Quote: double quotes, \a \b \f \n \r \t \v, \x.., \u...., printable runes as they are; bad UTF-8 as \x... */
void kd_go_quote(kd_buf *out, kd_str s);
/* encoding/json's quoteChar of one byte, quotes included: 'x', '\'', '"', '\x00', '\u0080' (spec/01 section 9.1). */
void kd_go_quote_json_byte(kd_buf *out, uint8_t c);
/* html.EscapeString as net/http uses it: & < > " ' → &amp; &lt; &gt; &#34; &#39;. */
void kd_go_html_escape(kd_buf *out, kd_str s);

#endif
