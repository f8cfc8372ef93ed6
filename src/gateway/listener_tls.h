/* Encryption towards clients: from `tls` (spec/01 section 3.2) and gateway/tls to what the listener's connections are
 * served with. The object behind it belongs to the process: a reload that does not change its settings keeps it, and
 * sessions go on in any case. */
#ifndef KD_GATEWAY_LISTENER_TLS_H
#define KD_GATEWAY_LISTENER_TLS_H

#include "gateway/generation.h"

/* Sets generation->server.tls and the bounds of handshakes; files are read unless the command only compiles. False:
 * gateway/tls has a wrong value (located errors say which), or there is no memory. Files that cannot be used are told
 * by kd_listener_tls_error. */
bool kd_listener_tls_load(kd_generation *generation, kd_errors *errors);
/* Why the generation cannot serve, in KrakenD's words, or empty. `listening`: what KrakenD finds once it has its port.
 */
kd_str kd_listener_tls_error(const kd_generation *generation, bool listening);
/* Writes what the start says of files, certificates and their expiry. */
void kd_listener_tls_log(const kd_generation *generation);
/* Looks after files that change; main thread, a few times a second. `at_once`: a reload asks for it. */
void kd_listener_tls_tick(const kd_generation *generation, bool at_once);

#endif
