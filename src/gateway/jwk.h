/* Where keys come from: a document behind a URL, fetched in the background, or a file that is read at load (spec/02
 * section 3). Shared by those who verify and those who sign tokens. */
#ifndef KD_GATEWAY_JWK_H
#define KD_GATEWAY_JWK_H

#include "config/go_struct.h"
#include "gateway/worker.h"
#include "lang/jose/key_set.h"

/* KrakenD waits for a key server as long as it takes. */
#define KD_JWK_TIMEOUT (10 * KD_SECOND)

/* What a configuration says about it. Texts are borrowed. */
typedef struct kd_jwk_place {
    kd_str url, local_path, local_ca, secret_url;
    kd_str cypher_key; /* decoded */
    bool insecure;     /* disable_jwk_security */
    kd_str_list fingerprints;
    kd_uint_list suites;
} kd_jwk_place;

/* The members of a Go struct that fill the kd_jwk_place `place` of `type`. Sorted. */
#define KD_JWK_PLACE_MEMBERS(type)                                                                                     \
    {KD_STR_INIT("cipher_suites"), KD_GO_UINT16S, offsetof(type, place.suites)},                                       \
        {KD_STR_INIT("cypher_key"), KD_GO_BYTES, offsetof(type, place.cypher_key)},                                    \
        {KD_STR_INIT("disable_jwk_security"), KD_GO_BOOL, offsetof(type, place.insecure)},                             \
        {KD_STR_INIT("jwk_fingerprints"), KD_GO_STRINGS, offsetof(type, place.fingerprints)},                          \
        {KD_STR_INIT("jwk_local_ca"), KD_GO_STRING, offsetof(type, place.local_ca)},                                   \
        {KD_STR_INIT("jwk_local_path"), KD_GO_STRING, offsetof(type, place.local_path)},                               \
        {KD_STR_INIT("jwk_url"), KD_GO_STRING, offsetof(type, place.url)},                                             \
    {                                                                                                                  \
        KD_STR_INIT("secret_url"), KD_GO_STRING, offsetof(type, place.secret_url)                                      \
    }

/* The same members for field tables. */
extern const kd_field kd_jwk_place_fields[];
#define KD_JWK_PLACE_FIELDS 8u

/* Does KrakenD refuse the place because it is not safe? */
bool kd_jwk_place_is_insecure(const kd_jwk_place *place);
/* Everything that matters to a fetch, as text for identities; p is NULL without memory. */
kd_str kd_jwk_place_identity(kd_arena *arena, const kd_jwk_place *place);
/* What cannot be used of fingerprints and authorities, in KrakenD's words and in the arena; empty: all can. */
kd_str kd_jwk_place_problem(kd_arena *arena, const kd_jwk_place *place);

/* A place that is ready to be asked: a process object's part. */
typedef struct kd_jwk_remote {
    kd_arena arena;
    kd_str url;
    kd_tls_profile *tls; /* NULL: the URL is no https */
} kd_jwk_remote;

/* False without memory. */
bool kd_jwk_remote_init(kd_jwk_remote *remote, const kd_jwk_place *place);
void kd_jwk_remote_fini(kd_jwk_remote *remote);

/* What a fetch gave: keys, or the failure. Valid during the call, on any thread. The keys are the receiver's to take:
 * it refs what it keeps. */
typedef void (*kd_jwk_done)(void *context, const kd_jwk_list *keys, kd_failure failure, kd_str error);
/* Asks, on this worker; `done` comes exactly once, at once or later. `remote` lives at least as long. A document above
 * 64 KB is read on another thread. */
void kd_jwk_fetch(const kd_jwk_remote *remote, kd_gateway_worker *worker, kd_jwk_done done, void *context);

/* Reads the file of a place, decrypting it where there is a secret_url; blocking, at load. False: *error is KrakenD's
 * text, in the arena (p is NULL without memory); nothing is held then. One key that cannot be used refuses the file. */
bool kd_jwk_file_read(kd_arena *arena, const kd_jwk_place *place, kd_jwk_list *out, kd_str *error);

#endif
