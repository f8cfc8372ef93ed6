/* The request target in its four forms (RFC 9112 section 3.2). */
#ifndef KD_HTTP_SCAN_TARGET_H
#define KD_HTTP_SCAN_TARGET_H

#include "http/scan.h"

/* Splits head->target into authority, path and query and checks it: origin-form, "*", absolute-form with http or https,
 * and for CONNECT an authority. Bytes that no target may hold were refused before. False: the request is malformed.
 * Stricter than net/url where RFC 9110 section 4.2 demands it: no other scheme, no user information, no empty host. */
bool kd_scan_target(kd_request_head *head);
/* May this stand in a Host field? Bytes of a host and port, brackets only around the whole host; empty is fine. */
bool kd_scan_host_valid(kd_str host);

#endif
