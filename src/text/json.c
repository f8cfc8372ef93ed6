#include "text/json.h"

#include "base/ledger.h"
#include "text/go/fixed.h"
#include "text/json_go.h"
#include "text/order.h"

#include <stdlib.h>
#include <yyjson.h>

/* Bytes behind what the reader uses: the emitter looks at strings 16 bytes at a time. */
#define SLACK      64
#define FIRST_POOL ((size_t)16 * 1024)

void kd_json_pool_init(kd_json_pool *pool, size_t keep)
{
    *pool = (kd_json_pool){.keep = keep};
}

void kd_json_pool_fini(kd_json_pool *pool)
{
    if (pool->memory) {
        free(pool->memory);
        kd_ledger_release(KD_ACCOUNT_JSON, pool->size);
    }
    pool->memory = NULL;
    pool->size = 0;
}

/* Makes the pool hold at least `want` bytes; what it held is lost. Memory above `keep` goes back once it is not needed.
 */
static bool pool_fit(kd_json_pool *pool, size_t want)
{
    if (KD_LIKELY(pool->size >= want && (pool->size <= pool->keep || want > pool->keep)))
        return true;
    kd_json_pool_fini(pool);
    size_t size = FIRST_POOL;
    while (size < want && size <= pool->keep / 2)
        size *= 2;
    if (size < want || size > pool->keep)
        size = want;
    if (!kd_ledger_reserve(KD_ACCOUNT_JSON, size))
        return false;
    pool->memory = malloc(size);
    if (!pool->memory) {
        kd_ledger_release(KD_ACCOUNT_JSON, size);
        return false;
    }
    pool->size = size;
    return true;
}

static void *arena_take(void *arena, size_t n)
{
    return n > SIZE_MAX - SLACK ? NULL : kd_arena_alloc(arena, n + SLACK);
}

static void *arena_retake(void *arena, void *p, size_t before, size_t n)
{
    kd_arena *a = arena;
    if (n > SIZE_MAX - SLACK - 8)
        return NULL;
    /* What was taken last grows where it is, if its chunk has room. */
    size_t held = (before + SLACK + 7) & ~(size_t)7, wanted = (n + SLACK + 7) & ~(size_t)7;
    if (a->at == (char *)p + held && (size_t)(a->end - (char *)p) >= wanted) {
        a->at = (char *)p + wanted;
        return p;
    }
    void *to = arena_take(arena, n);
    if (to)
        memcpy(to, p, before < n ? before : n);
    return to;
}

static void arena_ignore(void *arena, void *p) {}

#define FLAGS YYJSON_READ_NUMBER_AS_RAW

/* Reads a whole text with yyjson. `used` bytes of the pool are the caller's. */
static yyjson_doc *read_in_pool(kd_json_pool *pool, size_t used, char *text, size_t n, yyjson_read_flag flags,
                                yyjson_read_err *error)
{
    yyjson_alc alc;
    yyjson_alc_pool_init(&alc, (char *)pool->memory + used, pool->size - used - SLACK);
    return yyjson_read_opts(text, n, flags, &alc, error);
}

static yyjson_doc *read_in_arena(kd_arena *arena, char *text, size_t n, yyjson_read_flag flags, yyjson_read_err *error)
{
    yyjson_alc alc = {arena_take, arena_retake, arena_ignore, arena};
    return yyjson_read_opts(text, n, flags, &alc, error);
}

static size_t most_memory(size_t n, yyjson_read_flag flags)
{
    return yyjson_read_max_memory_usage(n, flags) + SLACK;
}

static yyjson_doc *read_fast(kd_json_pool *pool, kd_arena *arena, char *text, size_t n, yyjson_read_err *error)
{
    if (arena)
        return read_in_arena(arena, text, n, FLAGS, error);
    size_t most = most_memory(n, FLAGS);
    error->code = YYJSON_READ_ERROR_MEMORY_ALLOCATION;
    /* A large text is tried with what texts of four bytes per value need: far below the worst case. */
    size_t usual = most <= pool->keep || most <= pool->size ? most : n + n * 17 / 4 + 4096;
    if (usual >= most)
        usual = most;
    if (!pool_fit(pool, usual))
        return NULL;
    yyjson_doc *doc = read_in_pool(pool, 0, text, n, FLAGS, error);
    if (doc || usual == most || error->code != YYJSON_READ_ERROR_MEMORY_ALLOCATION || !pool_fit(pool, most))
        return doc;
    return read_in_pool(pool, 0, text, n, FLAGS, error);
}

/* Is a container nested deeper than Go reads? Only subtrees with enough values to be are looked into. */
__attribute__((noinline)) static bool too_deep(yyjson_doc *doc)
{
    yyjson_val *at = yyjson_doc_get_root(doc), *ends[KD_JSON_MAX_DEPTH + 1];
    size_t depth = 0;
    ends[0] = at + yyjson_doc_get_val_count(doc);
    for (;;) {
        while (at == ends[depth]) {
            if (depth-- == 0)
                return false;
        }
        yyjson_val *next = unsafe_yyjson_get_next(at);
        if (!unsafe_yyjson_is_ctn(at) || (size_t)(next - at) + depth <= KD_JSON_MAX_DEPTH) {
            at = next;
            continue;
        }
        if (depth == KD_JSON_MAX_DEPTH)
            return true;
        ends[++depth] = next;
        at++;
    }
}

static kd_json_result accept(yyjson_doc *doc, kd_value *out)
{
    *out = kd_value_of_json(yyjson_doc_get_root(doc));
    return KD_JSON_OK;
}

static kd_json_result refuse(kd_json_pool *pool, kd_arena *arena, const kd_json_scan *scan, kd_str *error)
{
    if (!arena && !pool_fit(pool, KD_JSON_ERROR_MAX))
        return KD_JSON_NO_MEMORY;
    char *to = arena ? kd_arena_alloc(arena, KD_JSON_ERROR_MAX) : pool->memory;
    if (!to)
        return KD_JSON_NO_MEMORY;
    kd_buf buf = kd_buf_over(to, KD_JSON_ERROR_MAX);
    kd_json_scan_error(scan, &buf);
    *error = kd_buf_str(&buf);
    return KD_JSON_REFUSED;
}

/* Reads a value that the scan accepted, repaired into memory of its own. */
static yyjson_doc *read_repaired(kd_json_pool *pool, kd_arena *arena, kd_str text, const kd_json_scan *scan,
                                 yyjson_read_err *error)
{
    size_t room = scan->end - scan->start + scan->grows;
    size_t held = (room + YYJSON_PADDING_SIZE + 15) & ~(size_t)15;
    yyjson_read_flag flags = FLAGS | YYJSON_READ_INSITU;
    error->code = YYJSON_READ_ERROR_MEMORY_ALLOCATION;
    if (!arena && !pool_fit(pool, held + most_memory(room, flags)))
        return NULL;
    char *copy = arena ? kd_arena_alloc(arena, held + SLACK) : pool->memory;
    if (!copy)
        return NULL;
    size_t n = kd_json_repair(text, scan, copy);
    memset(copy + n, 0, YYJSON_PADDING_SIZE);
    return arena ? read_in_arena(arena, copy, n, flags, error) : read_in_pool(pool, held, copy, n, flags, error);
}

static kd_json_result read_slow(kd_json_pool *pool, kd_arena *arena, kd_str text, kd_value *out, kd_str *error)
{
    kd_json_scan scan;
    yyjson_read_err why = {0};
    if (!kd_json_scan_text(text, &scan))
        return refuse(pool, arena, &scan, error);
    yyjson_doc *doc = scan.dirty ? read_repaired(pool, arena, text, &scan, &why)
                                 : read_fast(pool, arena, (char *)text.p + scan.start, scan.end - scan.start, &why);
    if (doc)
        return accept(doc, out);
    if (why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return KD_JSON_NO_MEMORY;
    *error = KD_STR("json: the document is not understood"); /* the two readers disagree; the fuzzer looks for it */
    return KD_JSON_REFUSED;
}

kd_json_result kd_json_read(kd_json_pool *pool, kd_arena *arena, char *text, size_t n, kd_value *out, kd_str *error)
{
    /* Not in situ: yyjson would destroy the text before it knows that it refuses it, and the slow reader needs it.
     * The copy costs 2 % of the parsing. */
    yyjson_read_err why = {0};
    if (KD_UNLIKELY(n == 0)) {
        *error = KD_STR("EOF");
        return KD_JSON_REFUSED;
    }
    if (KD_UNLIKELY(n > UINT32_MAX))
        return KD_JSON_NO_MEMORY;
    yyjson_doc *doc = read_fast(pool, arena, text, n, &why);
    if (KD_LIKELY(doc != NULL)) {
        if (KD_LIKELY(yyjson_doc_get_val_count(doc) <= KD_JSON_MAX_DEPTH || !too_deep(doc)))
            return accept(doc, out);
    } else if (why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        /* A text that ends inside many containers takes more than yyjson promises for any valid one. */
        kd_json_scan scan;
        bool valid = kd_json_scan_text((kd_str){text, n}, &scan);
        return valid ? KD_JSON_NO_MEMORY : refuse(pool, arena, &scan, error);
    }
    return read_slow(pool, arena, (kd_str){text, n}, out, error);
}

/* json.Unmarshal looks at the whole text before it decodes: an end is always the same error. */
static kd_json_result refuse_all(kd_arena *arena, kd_json_scan *scan, kd_str *error)
{
    if (scan->context)
        return refuse(NULL, arena, scan, error);
    *error = KD_STR("unexpected end of JSON input");
    return KD_JSON_REFUSED;
}

kd_json_result kd_json_read_all(kd_arena *arena, kd_str text, kd_value *out, kd_str *error)
{
    yyjson_read_err why = {0};
    kd_json_scan scan = {0};
    if (text.n > UINT32_MAX)
        return KD_JSON_NO_MEMORY;
    yyjson_doc *doc = text.n ? read_in_arena(arena, (char *)text.p, text.n, FLAGS, &why) : NULL;
    if (doc && (yyjson_doc_get_val_count(doc) <= KD_JSON_MAX_DEPTH || !too_deep(doc)))
        return accept(doc, out);
    if (!kd_json_scan_text(text, &scan))
        return refuse_all(arena, &scan, error);
    if (!doc && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return KD_JSON_NO_MEMORY;
    size_t at = scan.end;
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t' || text.p[at] == '\r' || text.p[at] == '\n'))
        at++;
    if (at == text.n)
        return read_slow(NULL, arena, text, out, error);
    scan = (kd_json_scan){.end = at, .byte = (uint8_t)text.p[at], .context = "after top-level value"};
    return refuse(NULL, arena, &scan, error);
}

kd_str kd_json_type_name(kd_value v)
{
    switch (v.type) {
    case KD_BOOL:
        return KD_STR("bool");
    case KD_NUMBER:
        return KD_STR("number");
    case KD_STRING:
        return KD_STR("string");
    case KD_LIST:
        return KD_STR("array");
    case KD_OBJECT:
        return KD_STR("object");
    default:
        return KD_STR("null");
    }
}
