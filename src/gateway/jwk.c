#include "gateway/jwk.h"

#include "gateway/fetch.h"
#include "lang/jose/base64.h"
#include "lang/jose/envelope.h"
#include "net/offload.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ELSEWHERE (64u * 1024) /* longer documents are read on another thread */

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_DROP_BLOCK, .offset = KD_NO_OFFSET,           \
    .about = text

const kd_field kd_jwk_place_fields[KD_JWK_PLACE_FIELDS] = {
    {FIELD("cipher_suites", UINTS, "Cipher suites of TLS 1.2 towards the key server, as numbers.")},
    {FIELD("cypher_key", STRING, "The encrypted key of an encrypted key file, standard base64."),
     .flags = KD_FIELD_SECRET},
    {FIELD("disable_jwk_security", BOOL, "Allows http, any certificate, and key files without a URL."),
     .dflt = "false"},
    {FIELD("jwk_fingerprints", STRINGS, "SHA-256 of public keys, base64url: the key server must have one of them.")},
    {FIELD("jwk_local_ca", STRING, "PEM file with further authorities for the key server.")},
    {FIELD("jwk_local_path", STRING, "File with the key set, read at start.")},
    {FIELD("jwk_url", STRING, "Where the key set is fetched."), .former = "jwk-url"},
    {FIELD("secret_url", STRING, "Keeper that decrypts cypher_key: base64key://…"), .flags = KD_FIELD_SECRET},
};

/* ---- the place -------------------------------------------------------------------------------------------------- */

bool kd_jwk_place_is_insecure(const kd_jwk_place *place)
{
    return !place->insecure && !kd_str_starts(place->url, KD_STR("https://"));
}

static void put(kd_buf *out, kd_str text)
{
    kd_buf_printf(out, "%zu:", text.n);
    kd_buf_add(out, text);
}

kd_str kd_jwk_place_identity(kd_arena *arena, const kd_jwk_place *place)
{
    kd_buf out;
    kd_buf_init(&out, 1024 * 1024);
    put(&out, place->url);
    put(&out, place->local_ca);
    kd_buf_byte(&out, place->insecure ? 'i' : 's');
    for (uint32_t i = 0; i < place->fingerprints.n; i++)
        put(&out, place->fingerprints.v[i]);
    kd_buf_byte(&out, ';');
    for (uint32_t i = 0; i < place->suites.n; i++)
        kd_buf_printf(&out, "%u,", place->suites.v[i]);
    kd_str text = out.failed ? (kd_str){NULL, 0} : kd_arena_copy(arena, kd_buf_str(&out));
    kd_buf_fini(&out);
    return text;
}

/* A whole file in the arena. False: *error is errno. */
static bool read_file(kd_arena *arena, kd_str path, size_t max, kd_str *out, int *error)
{
    kd_str name = kd_arena_copy(arena, path);
    struct stat info;
    int fd = name.p ? open(name.p, O_RDONLY | O_CLOEXEC) : -1;
    *error = name.p ? errno : ENOMEM;
    if (fd < 0)
        return false;
    size_t n = 0, room = 0;
    char *to = NULL;
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        *error = EISDIR;
    } else if (info.st_size >= 0 && (size_t)info.st_size <= max) {
        room = (size_t)info.st_size;
        to = kd_arena_alloc(arena, room + 1);
        *error = to ? 0 : ENOMEM;
    } else {
        *error = EFBIG;
    }
    while (to && n < room) {
        ssize_t got = read(fd, to + n, room - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            *error = errno;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fd);
    *out = kd_str_of(to, n);
    return *error == 0;
}

static kd_str file_error(kd_arena *arena, kd_str path, int error)
{
    char words[128], *text = strerror_r(error, words, sizeof words);
    kd_str out = kd_arena_printf(arena, "%s %.*s: %s", error == EISDIR ? "read" : "open", KD_FMT(path), text);
    char *first = out.p ? (char *)out.p + 5 + path.n + 2 : NULL; /* Go's texts begin in lower case */
    if (first && first[0] >= 'A' && first[0] <= 'Z' && first[1] >= 'a')
        *first = (char)(*first | 0x20);
    return out;
}

kd_str kd_jwk_place_problem(kd_arena *arena, const kd_jwk_place *place)
{
    kd_jose_base64 info;
    kd_str bytes;
    int error;
    for (uint32_t i = 0; i < place->fingerprints.n; i++) {
        if (kd_jose_base64url_padded(arena, place->fingerprints.v[i], &bytes, &info))
            continue;
        kd_str why = kd_jose_base64_error(arena, &info);
        return kd_arena_printf(arena, "decoding fingerprint #%u: %.*s", i, KD_FMT(why));
    }
    if (!place->local_ca.n || read_file(arena, place->local_ca, 8u * 1024 * 1024, &bytes, &error))
        return KD_STR("");
    kd_str why = file_error(arena, place->local_ca, error);
    return kd_arena_printf(arena, "failed to append \"%.*s\" to RootCAs: %.*s", KD_FMT(place->local_ca), KD_FMT(why));
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

/* Of TLS 1.2 what krakend-jose offers unless told otherwise: ECDHE with AEAD. */
static const uint16_t default_suites[] = {0xc02f, 0xc02b, 0xc030, 0xc02c, 0xcca8, 0xcca9};

bool kd_jwk_remote_init(kd_jwk_remote *remote, const kd_jwk_place *place)
{
    *remote = (kd_jwk_remote){0};
    kd_arena_init(&remote->arena, NULL, 0);
    remote->url = kd_arena_copy(&remote->arena, place->url);
    if (!remote->url.p)
        return false;
    if (!kd_str_eq_ci(kd_str_head(place->url, 6), KD_STR("https:")))
        return true;
    kd_tls_options options = {.insecure = place->insecure,
                              .roots = &place->local_ca,
                              .n_roots = place->local_ca.n ? 1 : 0,
                              .suites = place->suites.n ? place->suites.v : default_suites,
                              .n_suites = place->suites.n ? place->suites.n : KD_COUNT(default_suites)};
    uint8_t(*pins)[32] = kd_arena_zero(&remote->arena, 32 * ((size_t)place->fingerprints.n + 1));
    for (uint32_t i = 0; pins && i < place->fingerprints.n; i++) {
        kd_jose_base64 info;
        kd_str bytes;
        /* one of another length can never fit: it is left out, but there is a list that must be fitted */
        if (kd_jose_base64url_padded(&remote->arena, place->fingerprints.v[i], &bytes, &info) && bytes.n == 32)
            memcpy(pins[options.n_pins++], bytes.p, 32);
    }
    options.pins = (const uint8_t(*)[32])pins;
    if (place->fingerprints.n)
        options.pin_error = "JWK client did not find a pinned key";
    remote->tls = pins ? kd_tls_profile_acquire(&options) : NULL;
    return remote->tls != NULL;
}

void kd_jwk_remote_fini(kd_jwk_remote *remote)
{
    kd_tls_profile_release(remote->tls);
    kd_arena_reset(&remote->arena);
}

/* A fetch under way: who wants its keys. */
typedef struct asking {
    kd_jwk_done done;
    void *context;
    kd_gateway_worker *worker;
} asking;

/* A long document that another thread reads. */
typedef struct reading {
    kd_job job;
    asking ask;
    size_t n;
    char text[];
} reading;

static void read_document(kd_str text, kd_jwk_done done, void *context)
{
    kd_arena scratch;
    kd_jwk_list keys;
    kd_str error;
    kd_arena_init(&scratch, NULL, 0);
    if (!kd_jwk_list_read(&scratch, text, false, &keys, &error)) {
        done(context, NULL, error.p ? KD_FAIL_BAD_BODY : KD_FAIL_SHED, error.p ? error : KD_STR("out of memory"));
    } else if (keys.n == 0) {
        kd_str why = keys.broken.p ? keys.broken : KD_STR("no Keys has been found");
        done(context, NULL, KD_FAIL_BAD_BODY, why);
    } else {
        done(context, &keys, KD_FAIL_NONE, KD_STR(""));
        kd_jwk_list_fini(&keys);
    }
    kd_arena_reset(&scratch);
}

static void run_job(kd_job *job)
{
    reading *r = KD_CONTAINER(job, reading, job);
    read_document(kd_str_of(r->text, r->n), r->ask.done, r->ask.context);
}

static void end_job(kd_worker *worker, kd_job *job)
{
    reading *r = KD_CONTAINER(job, reading, job);
    if (job->expired)
        r->ask.done(r->ask.context, NULL, KD_FAIL_SHED, KD_STR("the gateway is busy"));
    free(r);
}

static bool read_elsewhere(const asking *ask, kd_str text)
{
    reading *r = malloc(sizeof *r + text.n);
    kd_worker *net = ask->worker->net;
    if (!r)
        return false;
    kd_job job = {.run = run_job, .on_done = end_job, .worker = net, .deadline = net->loop.now + KD_JWK_TIMEOUT};
    *r = (reading){.job = job, .ask = *ask, .n = text.n};
    memcpy(r->text, text.p, text.n);
    if (kd_offload_submit(&r->job))
        return true;
    free(r);
    return false;
}

static bool is_json(const kd_response_head *head)
{
    const kd_header *type = kd_headers_find(&head->headers, KD_HEADER_CONTENT_TYPE);
    kd_str value = type ? kd_header_value(type) : KD_STR("");
    return kd_str_starts(value, KD_STR("application/json")) || kd_str_starts(value, KD_STR("application/jwk-set+json"));
}

static void on_answer(void *context, const kd_fetch_result *result)
{
    asking *a = context;
    if (result->failure != KD_FAIL_NONE)
        a->done(a->context, NULL, result->failure, result->error);
    else if (!is_json(result->head))
        a->done(a->context, NULL, KD_FAIL_BAD_BODY, KD_STR("should have a JSON content type for JWKS endpoint"));
    else if (result->body.n <= ELSEWHERE || !read_elsewhere(a, result->body))
        read_document(result->body, a->done, a->context);
    free(a);
}

void kd_jwk_fetch(const kd_jwk_remote *remote, kd_gateway_worker *worker, kd_jwk_done done, void *context)
{
    static const kd_fetch_field agent = {KD_STR_INIT("User-Agent"), KD_STR_INIT(KD_USER_AGENT)};
    kd_fetch_request request = {.method = KD_METHOD_GET,
                                .url = remote->url,
                                .fields = &agent,
                                .n_fields = 1,
                                .timeout = KD_JWK_TIMEOUT,
                                .max_body = KD_JWK_SET_BYTES,
                                .tls = remote->tls};
    asking *a = malloc(sizeof *a);
    if (a)
        *a = (asking){done, context, worker};
    if (a && kd_fetch_start(worker, &request, on_answer, a))
        return;
    free(a);
    done(context, NULL, KD_FAIL_SHED, KD_STR("out of memory"));
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static bool decrypt(kd_arena *arena, const kd_jwk_place *place, kd_str *text, kd_str *error)
{
    if (!kd_str_starts(place->secret_url, KD_STR("base64key://"))) {
        ptrdiff_t colon = kd_str_find(place->secret_url, ':');
        kd_str scheme = kd_str_head(place->secret_url, colon > 0 ? (size_t)colon : 0);
        *error = kd_arena_printf(arena, "open secrets.Keeper: no driver registered for \"%.*s\" in this version",
                                 KD_FMT(scheme));
        return false;
    }
    kd_str key = kd_envelope_local_key(arena, place->secret_url, place->cypher_key, error), encrypted = *text;
    if (!key.p)
        return false;
    *text = kd_envelope_open(arena, encrypted, key, error);
    OPENSSL_cleanse((char *)key.p, key.n);
    return text->p != NULL;
}

bool kd_jwk_file_read(kd_arena *arena, const kd_jwk_place *place, kd_jwk_list *out, kd_str *error)
{
    kd_str text;
    int code;
    bool good;
    *error = (kd_str){NULL, 0};
    if (!read_file(arena, place->local_path, KD_JWK_SET_BYTES, &text, &code)) {
        *error = file_error(arena, place->local_path, code);
        return false;
    }
    if (place->secret_url.n && !decrypt(arena, place, &text, error))
        return false;
    good = kd_jwk_list_read(arena, text, true, out, error);
    OPENSSL_cleanse((char *)text.p, text.n);
    if (!good || !out->broken.p)
        return good;
    *error = out->broken;
    kd_jwk_list_fini(out);
    return false;
}
