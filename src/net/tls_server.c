/* The TLS of a listener as a whole: its settings, the credentials in use, and the watch over their files. */
#include "base/arena.h"
#include "base/log.h"
#include "net/tls_server_own.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define TEXT_MAX (64u * 1024)
#define DAY      (24 * 3600)
#define SOON     (30 * DAY) /* before a certificate expires, its daily line is a warning */

/* What tells whether a file is another one. All zero: there is none. */
typedef struct mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed, written;
} mark;

struct kd_tls_server {
    kd_arena arena; /* of the settings */
    kd_tls_server_options options;
    kd_buf problems, error; /* of the first load; lines, a text */
    bool no_http2_suite;
    pthread_mutex_t lock; /* of `present` */
    kd_tls_credentials *present;
    /* The main thread's. */
    uint32_t n_files;
    kd_str *files;
    mark *loaded, *seen; /* of each file: when it was last loaded, and at the last look */
    int64_t told;        /* when the dates of expiry were last written; seconds since 1970 */
};

/* ---- settings ------------------------------------------------------------------------------------------------------
 */

static kd_str *copy_texts(kd_arena *arena, const kd_str *v, uint32_t n)
{
    kd_str *copy = KD_NEW_ARRAY(arena, kd_str, n + 1);
    for (uint32_t i = 0; copy && i < n; i++)
        if (!(copy[i] = kd_arena_copy(arena, v[i])).p)
            copy = NULL;
    return copy;
}

static uint16_t *copy_numbers(kd_arena *arena, const uint16_t *v, uint32_t n)
{
    uint16_t *copy = KD_NEW_ARRAY(arena, uint16_t, n + 1);
    if (copy && n)
        memcpy(copy, v, n * sizeof *v);
    return copy;
}

static bool copy_options(kd_tls_server *s, const kd_tls_server_options *from)
{
    kd_tls_server_options *o = &s->options;
    kd_tls_files *pairs = KD_NEW_ARRAY(&s->arena, kd_tls_files, from->n_pairs + 1);
    *o = *from;
    for (uint32_t i = 0; pairs && i < from->n_pairs; i++) {
        pairs[i].certificate = kd_arena_copy(&s->arena, from->pairs[i].certificate);
        pairs[i].private_key = kd_arena_copy(&s->arena, from->pairs[i].private_key);
        if (!pairs[i].certificate.p || !pairs[i].private_key.p)
            return false;
    }
    o->pairs = pairs;
    o->roots = copy_texts(&s->arena, from->roots, from->n_roots);
    o->staples = copy_texts(&s->arena, from->staples, from->n_staples);
    o->curves = copy_numbers(&s->arena, from->curves, from->n_curves);
    o->suites = copy_numbers(&s->arena, from->suites, from->n_suites);
    o->min_version = kd_arena_copy(&s->arena, from->min_version);
    o->max_version = kd_arena_copy(&s->arena, from->max_version);
    return pairs && o->roots && o->staples && o->curves && o->suites && o->min_version.p && o->max_version.p;
}

/* Go refuses to serve HTTP/2 without one of these two, and every listener serves it (spec/01 section 3.2). */
static bool lacks_http2_suite(const kd_tls_server_options *o)
{
    if (!o->n_suites || kd_tls_version(o->min_version) >= TLS1_3_VERSION)
        return false;
    for (uint32_t i = 0; i < o->n_suites; i++)
        if (o->suites[i] == 0xc02f || o->suites[i] == 0xc02b)
            return false;
    return true;
}

/* ---- files ---------------------------------------------------------------------------------------------------------
 */

static bool list_files(kd_tls_server *s)
{
    const kd_tls_server_options *o = &s->options;
    uint32_t n_roots = o->mutual ? o->n_roots : 0, n = 2 * o->n_pairs + n_roots + o->n_staples;
    s->files = KD_NEW_ARRAY(&s->arena, kd_str, n + 1);
    s->loaded = KD_NEW_ARRAY(&s->arena, mark, n + 1);
    s->seen = KD_NEW_ARRAY(&s->arena, mark, n + 1);
    if (!s->files || !s->loaded || !s->seen)
        return false;
    for (uint32_t i = 0; i < o->n_pairs; i++) {
        s->files[s->n_files++] = o->pairs[i].certificate;
        s->files[s->n_files++] = o->pairs[i].private_key;
    }
    for (uint32_t i = 0; i < n_roots; i++)
        s->files[s->n_files++] = o->roots[i];
    for (uint32_t i = 0; i < o->n_staples; i++)
        s->files[s->n_files++] = o->staples[i];
    return true;
}

static mark mark_of(kd_str path)
{
    char text[4096];
    struct stat about;
    mark m;
    memset(&m, 0, sizeof m); /* marks are compared as bytes */
    if (path.n >= sizeof text)
        return m;
    memcpy(text, path.p, path.n);
    text[path.n] = 0;
    if (stat(text, &about) == 0) {
        m.device = about.st_dev;
        m.inode = about.st_ino;
        m.size = about.st_size;
        m.changed = about.st_ctim;
        m.written = about.st_mtim;
    }
    return m;
}

/* Looks at all files; are they as in `v`? Keeps what it sees there. */
static bool look(const kd_tls_server *s, mark *v)
{
    bool same = true;
    for (uint32_t i = 0; i < s->n_files; i++) {
        mark now = mark_of(s->files[i]);
        same &= memcmp(&now, &v[i], sizeof now) == 0;
        v[i] = now;
    }
    return same;
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */

kd_tls_server *kd_tls_server_create(const kd_tls_server_options *options)
{
    kd_tls_server *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    kd_arena_init(&s->arena, NULL, 0);
    kd_buf_init(&s->problems, TEXT_MAX);
    kd_buf_init(&s->error, TEXT_MAX);
    pthread_mutex_init(&s->lock, NULL);
    if (!copy_options(s, options) || !list_files(s)) {
        kd_tls_server_destroy(s);
        return NULL;
    }
    look(s, s->loaded); /* before they are read: a change meanwhile is seen as one */
    memcpy(s->seen, s->loaded, s->n_files * sizeof *s->seen);
    s->no_http2_suite = lacks_http2_suite(&s->options);
    s->present = kd_tls_credentials_load(&s->options, &s->problems, &s->error);
    if (s->present || s->error.n)
        return s;
    kd_tls_server_destroy(s);
    return NULL;
}

void kd_tls_server_destroy(kd_tls_server *server)
{
    kd_tls_credentials_release(server->present);
    pthread_mutex_destroy(&server->lock);
    kd_buf_fini(&server->problems);
    kd_buf_fini(&server->error);
    kd_arena_reset(&server->arena);
    free(server);
}

kd_tls_credentials *kd_tls_server_hold(kd_tls_server *server)
{
    pthread_mutex_lock(&server->lock);
    kd_tls_credentials *c = server->present;
    if (c)
        atomic_fetch_add(&c->uses, 1);
    pthread_mutex_unlock(&server->lock);
    return c;
}

kd_str kd_tls_server_error(const kd_tls_server *server, bool listening)
{
    if (server->error.n)
        return kd_buf_str(&server->error);
    if (listening && server->no_http2_suite)
        return KD_STR("http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at "
                      "least one of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)");
    return KD_STR("");
}

/* ---- what the log says ---------------------------------------------------------------------------------------------
 */

static void log_problems(kd_str lines)
{
    kd_str line;
    while (lines.p && kd_str_split(&lines, '\n', &line))
        if (line.n)
            kd_log(KD_LOG_ERROR, "[SERVICE: HTTP Server] %.*s", KD_FMT(line));
}

static void log_expiries(kd_tls_server *s)
{
    int64_t now = (int64_t)time(NULL);
    s->told = now;
    for (uint32_t i = 0; i < s->present->n; i++) {
        const kd_tls_pair_loaded *pair = &s->present->v[i];
        time_t at = (time_t)pair->expires;
        struct tm tm;
        char date[32] = "?";
        if (gmtime_r(&at, &tm))
            strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
        int64_t left = pair->expires - now;
        kd_level level = left <= 0 ? KD_LOG_ERROR : left < SOON ? KD_LOG_WARNING : KD_LOG_INFO;
        if (left <= 0)
            kd_log(level, "[SERVICE: HTTP Server] The certificate %.*s has expired: %s", KD_FMT(s->files[2 * i]), date);
        else
            kd_log(level, "[SERVICE: HTTP Server] The certificate %.*s expires in %lld days: %s",
                   KD_FMT(s->files[2 * i]), (long long)(left / DAY), date);
        if (pair->staple && pair->staple_ends <= now)
            kd_log(KD_LOG_WARNING,
                   "[SERVICE: HTTP Server] The OCSP answer for %.*s is out of date: it is not sent any more",
                   KD_FMT(s->files[2 * i]));
    }
}

void kd_tls_server_log(kd_tls_server *server)
{
    log_problems(kd_buf_str(&server->problems));
    if (server->present)
        log_expiries(server);
}

/* ---- files that change ---------------------------------------------------------------------------------------------
 */

static void replace(kd_tls_server *s, kd_tls_credentials *fresh)
{
    pthread_mutex_lock(&s->lock);
    kd_tls_credentials *old = s->present;
    s->present = fresh;
    pthread_mutex_unlock(&s->lock);
    kd_tls_credentials_release(old);
}

static void load_again(kd_tls_server *s)
{
    kd_buf problems, error;
    kd_buf_init(&problems, TEXT_MAX);
    kd_buf_init(&error, TEXT_MAX);
    kd_tls_credentials *fresh = kd_tls_credentials_load(&s->options, &problems, &error);
    /* What was wrong at the start need not be right now; anything else must be. */
    bool good = fresh && kd_str_eq(kd_buf_str(&problems), kd_buf_str(&s->problems));
    if (good) {
        kd_log(KD_LOG_INFO, "[SERVICE: HTTP Server] Certificates have changed: the new ones are in use");
        replace(s, fresh);
        log_expiries(s);
    } else {
        kd_str why = error.n ? kd_buf_str(&error) : kd_buf_str(&problems), line = KD_STR("cannot allocate memory");
        while (why.n && kd_str_split(&why, '\n', &line) && !line.n)
            ;
        kd_log(KD_LOG_ERROR,
               "[SERVICE: HTTP Server] Certificates have changed and cannot be used: %.*s. The present "
               "ones stay in use",
               KD_FMT(line));
        kd_tls_credentials_release(fresh);
    }
    kd_buf_fini(&problems);
    kd_buf_fini(&error);
}

void kd_tls_server_check(kd_tls_server *server, bool now)
{
    if (!server->present)
        return;
    if ((int64_t)time(NULL) - server->told >= DAY)
        log_expiries(server);
    bool settled = look(server, server->seen);
    if ((!settled && !now) || memcmp(server->seen, server->loaded, server->n_files * sizeof *server->seen) == 0)
        return;
    memcpy(server->loaded, server->seen, server->n_files * sizeof *server->seen);
    load_again(server);
}

uint32_t kd_tls_server_expiries(kd_tls_server *server, kd_tls_expiry *to, uint32_t max)
{
    kd_tls_credentials *c = kd_tls_server_hold(server);
    uint32_t n = c ? c->n : 0;
    for (uint32_t i = 0; i < n && i < max; i++)
        to[i] = (kd_tls_expiry){server->files[2 * i], c->v[i].expires};
    kd_tls_credentials_release(c);
    return n;
}
