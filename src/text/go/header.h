/* Go's header names: net/textproto CanonicalMIMEHeaderKey (spec/01 section 15.1). */
#ifndef KD_TEXT_GO_HEADER_H
#define KD_TEXT_GO_HEADER_H

#include "base/bytes.h"

/* Makes the name canonical in place; one that holds a byte outside RFC 9110's tokens stays as it is (returns false). */
bool kd_go_header_canonical(char *name, size_t n);
/* Is every byte a token byte, and is there one at least? */
bool kd_go_header_valid_name(kd_str name);
/* No control byte but tab (golang.org/x/net/http/httpguts ValidHeaderFieldValue). */
bool kd_go_header_valid_value(kd_str value);

#endif
