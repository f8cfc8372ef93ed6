/* Go's http.DetectContentType (WHATWG MIME sniffing, section 7). */
#ifndef KD_TEXT_GO_SNIFF_H
#define KD_TEXT_GO_SNIFF_H

#include "base/bytes.h"

/* The media type of a body by its first 512 bytes, static text; "text/plain; charset=utf-8" for an empty one. */
kd_str kd_go_sniff(kd_str body);

#endif
