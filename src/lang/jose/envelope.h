/* Key files that KrakenD keeps encrypted: AES-256-GCM under a key that is itself encrypted, for the local keeper with a
 * NaCl secret box (spec/02 section 3.6). */
#ifndef KD_LANG_JOSE_ENVELOPE_H
#define KD_LANG_JOSE_ENVELOPE_H

#include "base/arena.h"

/* Opens a NaCl secret box: XSalsa20 and Poly1305, 24 bytes of nonce before it. `key` has 32 bytes. The content lies in
 * the arena; p is NULL when the box was not made with this key, or without memory. */
kd_str kd_secretbox_open(kd_arena *arena, const uint8_t key[32], kd_str box);
/* Opens a file with its plain envelope key. p is NULL: *error says why (static; p NULL without memory). */
kd_str kd_envelope_open(kd_arena *arena, kd_str file, kd_str key, kd_str *error);
/* Decrypts an envelope key with a local keeper, "base64key://<32 bytes, base64url>". p is NULL: *error says why, in the
 * arena. */
kd_str kd_envelope_local_key(kd_arena *arena, kd_str keeper, kd_str encrypted, kd_str *error);

#endif
