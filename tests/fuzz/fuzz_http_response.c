/* The response scanner beside a plain model of what net/http's ReadResponse does: it takes copies of lines and has no
 * speed to lose. Both must accept the same heads with the same fields and framing. And the answer must not depend on
 * how the bytes arrive. The first byte of the input chooses the method. */
#include "fuzz_scan.h"

#define FIELDS_MAX 1024u

typedef struct field {
    char *name, *value; /* C strings: a NUL is an error in both */
} field;

typedef struct model {
    enum { MODEL_MORE, MODEL_ACCEPTS, MODEL_REFUSES } verdict;
    unsigned status, major, minor;
    field fields[FIELDS_MAX];
    size_t n, size;
} model;

static char *copy_of(const char *p, size_t n)
{
    char *copy = malloc(n + 1);
    CLAIM(copy != NULL);
    memcpy(copy, p, n);
    copy[n] = 0;
    return copy;
}

static void model_fini(model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->fields[i].name);
        free(m->fields[i].value);
    }
}

/* The line at *at without its end; p is NULL when it is not complete. */
static kd_str take_line(kd_str in, size_t *at)
{
    ptrdiff_t lf = kd_str_find(kd_str_from(in, *at), '\n');
    if (lf < 0)
        return (kd_str){NULL, 0};
    kd_str line = {in.p + *at, (size_t)lf};
    *at += (size_t)lf + 1;
    return kd_str_ends(line, KD_STR("\r")) ? kd_str_head(line, line.n - 1) : line;
}

static bool model_status(model *m, kd_str line)
{
    kd_str version;
    kd_str rest = line;
    uint64_t status;
    if (kd_str_find(line, ' ') < 0)
        return false;
    kd_str_split(&rest, ' ', &version);
    while (rest.n && rest.p[0] == ' ')
        rest = kd_str_from(rest, 1);
    kd_str code = rest;
    if (kd_str_find(rest, ' ') >= 0)
        kd_str_split(&rest, ' ', &code);
    if (code.n != 3 || !kd_str_to_u64(code, 999, &status))
        return false;
    m->status = (unsigned)status;
    if (version.n != 8 || !kd_str_starts(version, KD_STR("HTTP/")) || version.p[6] != '.')
        return false;
    m->major = (unsigned)(version.p[5] - '0');
    m->minor = (unsigned)(version.p[7] - '0');
    return m->major <= 9 && m->minor <= 9;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* One joined line `name: value`. */
static bool model_field(model *m, kd_str line)
{
    ptrdiff_t colon = kd_str_find(line, ':');
    if (colon <= 0 || m->n == FIELDS_MAX)
        return false;
    bool spaced = false;
    for (ptrdiff_t i = 0; i < colon; i++) {
        uint8_t c = (uint8_t)line.p[i];
        spaced |= c == ' ';
        if (c <= 0x1f || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return false;
    }
    kd_str value = kd_str_trim(kd_str_from(line, (size_t)colon + 1));
    for (size_t i = 0; i < value.n; i++)
        if (is_control(value.p[i]))
            return false;
    field *f = &m->fields[m->n++];
    *f = (field){copy_of(line.p, (size_t)colon), copy_of(value.p, value.n)};
    for (ptrdiff_t i = 0; !spaced && i < colon; i++) {
        uint8_t c = (uint8_t)f->name[i];
        f->name[i] = (char)(i == 0 || f->name[i - 1] == '-' ? kd_upper(c) : kd_lower(c));
    }
    return true;
}

/* Reads fields up to the empty line; what is folded is joined first. A bad line counts only when the lines that could
 * continue it are known, so this says MORE where the scanner may already know better. */
static void model_fields(model *m, kd_str in, size_t at)
{
    char *joined = malloc(in.n + 1);
    CLAIM(joined != NULL);
    m->verdict = MODEL_MORE;
    for (bool first = true;; first = false) {
        kd_str line = take_line(in, &at);
        if (!line.p)
            break;
        if (line.n == 0) {
            m->verdict = MODEL_ACCEPTS;
            m->size = at;
            break;
        }
        m->verdict = MODEL_REFUSES;
        if ((first && is_space(line.p[0])) || kd_str_find(line, ':') < 0)
            break;
        kd_str part = kd_str_trim(line);
        size_t n = part.n;
        memcpy(joined, part.p, n);
        while (at < in.n && is_space(in.p[at]) && kd_str_find(kd_str_from(in, at), '\n') >= 0) {
            part = kd_str_trim(take_line(in, &at));
            joined[n++] = ' ';
            if (part.n)
                memcpy(joined + n, part.p, part.n);
            n += part.n;
        }
        if (!model_field(m, (kd_str){joined, n}))
            break;
        m->verdict = MODEL_MORE;
    }
    free(joined);
}

static const char *model_first(const model *m, const char *name, size_t *count)
{
    const char *value = NULL;
    *count = 0;
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->fields[i].name, name) == 0 && (*count)++ == 0)
            value = m->fields[i].value;
    return value;
}

/* Do all fields of that name have this value? */
static bool model_all(const model *m, const char *name, const char *value)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->fields[i].name, name) == 0 && strcmp(m->fields[i].value, value) != 0)
            return false;
    return true;
}

/* Does a list in any field of that name hold one of the words? */
static bool model_has(const model *m, const char *name, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < m->n; i++) {
        kd_str list = kd_str_from_c(m->fields[i].value), item;
        while (strcmp(m->fields[i].name, name) == 0 && kd_str_split(&list, ',', &item))
            for (size_t j = 0; j < n_words; j++)
                if (kd_str_eq_ci(kd_str_trim(item), kd_str_from_c(words[j])))
                    return true;
    }
    return false;
}

/* What the fields say about the body: false when net/http refuses them. */
static bool model_framing(const model *m, kd_method method, kd_framing *framing, uint64_t *length)
{
    static const char *const bad_trailers[] = {"Transfer-Encoding", "Content-Length", "Trailer"};
    size_t lengths, codings;
    const char *coding = model_first(m, "Transfer-Encoding", &codings);
    const char *first = model_first(m, "Content-Length", &lengths);
    bool chunked = codings && (m->major > 1 || (m->major == 1 && m->minor >= 1));
    if (chunked && (codings > 1 || !kd_str_eq_ci(kd_str_from_c(coding), KD_STR("chunked"))))
        return false;
    *length = 0;
    if (lengths && (!model_all(m, "Content-Length", first) || !kd_str_to_u64(kd_str_from_c(first), INT64_MAX, length)))
        return false;
    if (chunked && model_has(m, "Trailer", bad_trailers, KD_COUNT(bad_trailers)))
        return false;
    *framing = chunked ? KD_FRAMING_CHUNKED : lengths ? KD_FRAMING_LENGTH : KD_FRAMING_CLOSE;
    if (m->status / 100 == 1 || m->status == 204 || m->status == 304 || method == KD_METHOD_HEAD)
        *framing = KD_FRAMING_NONE;
    if (*framing != KD_FRAMING_LENGTH)
        *length = 0;
    return true;
}

/* A connection may be kept only if all of this holds. */
static bool model_may_keep(const model *m, kd_framing framing)
{
    static const char *const close[] = {"close"}, *const keep[] = {"keep-alive"};
    size_t lengths, codings;
    model_first(m, "Content-Length", &lengths);
    model_first(m, "Transfer-Encoding", &codings);
    for (size_t i = 0; i < m->n; i++)
        if (strchr(m->fields[i].name, ' '))
            return false;
    return m->major == 1 && (m->minor >= 1 || (model_has(m, "Connection", keep, 1) && !codings)) &&
           !model_has(m, "Connection", close, 1) && framing != KD_FRAMING_CLOSE && !(lengths && codings) &&
           m->status != 101;
}

static void claim_same_fields(const model *m, const kd_response_head *head, bool chunked)
{
    static const char *const close[] = {"close"};
    bool closes = model_has(m, "Connection", close, 1), length_seen = false;
    size_t n;
    uint32_t at = 0;
    for (size_t i = 0; i < m->n; i++) {
        const field *f = &m->fields[i];
        bool is_length = strcmp(f->name, "Content-Length") == 0;
        if (strcmp(f->name, "Transfer-Encoding") == 0 || (strcmp(f->name, "Connection") == 0 && closes) ||
            (is_length && (chunked || length_seen)))
            continue;
        length_seen |= is_length;
        CLAIM(at < head->headers.n);
        CLAIM(kd_str_eq(kd_header_name(&head->headers.v[at]), kd_str_from_c(f->name)));
        CLAIM(kd_str_eq(kd_header_value(&head->headers.v[at]), kd_str_from_c(f->value)));
        at++;
    }
    if (at < head->headers.n) {
        CLAIM(head->headers.v[at++].token == KD_HEADER_CACHE_CONTROL);
        CLAIM(strcmp(model_first(m, "Pragma", &n), "no-cache") == 0 && !model_first(m, "Cache-Control", &n));
    }
    CLAIM(at == head->headers.n);
}

static void check_model(const scan *s, const uint8_t *data, size_t n, kd_method method)
{
    static model m;
    kd_str in = {(const char *)data, n};
    size_t at = 0;
    m.n = 0;
    m.verdict = MODEL_MORE;
    kd_str line = take_line(in, &at);
    if (line.p && !model_status(&m, line))
        m.verdict = MODEL_REFUSES;
    else if (line.p)
        model_fields(&m, in, at);
    kd_framing framing = KD_FRAMING_NONE;
    uint64_t length = 0;
    if (m.verdict == MODEL_ACCEPTS && !model_framing(&m, method, &framing, &length))
        m.verdict = MODEL_REFUSES;
    if (s->result == KD_SCAN_DONE) {
        const kd_response_head *head = &s->response;
        CLAIM(m.verdict == MODEL_ACCEPTS && m.size == head->size && m.status == head->status);
        CLAIM(head->framing == framing && head->length == length);
        CLAIM(!head->keep_alive || model_may_keep(&m, framing));
        size_t codings;
        model_first(&m, "Transfer-Encoding", &codings);
        claim_same_fields(&m, head, codings && head->minor);
    } else if (s->result == KD_SCAN_ERROR) {
        CLAIM(m.verdict == MODEL_REFUSES);
    } else {
        CLAIM(m.verdict != MODEL_ACCEPTS);
    }
    model_fini(&m);
}

static void claim_same_scan(const scan *a, const scan *b)
{
    const kd_response_head *x = &a->response, *y = &b->response;
    CLAIM(a->result == b->result);
    if (a->result == KD_SCAN_ERROR)
        CLAIM(kd_str_eq(a->error, b->error));
    if (a->result != KD_SCAN_DONE)
        return;
    CLAIM(x->status == y->status && x->minor == y->minor && kd_str_eq(x->reason, y->reason));
    CLAIM(x->framing == y->framing && x->length == y->length && x->keep_alive == y->keep_alive && x->size == y->size);
    claim_same_headers(&x->headers, &y->headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2 || n > LIMIT)
        return 0;
    kd_method method = data[0] & 1 ? KD_METHOD_HEAD : KD_METHOD_GET;
    data++;
    n--;
    scan whole, pieces;
    scan_init(&whole);
    scan_call(&whole, data, n, 0, false, method);
    if (whole.result == KD_SCAN_DONE)
        claim_sound_headers(&whole.response.headers);
    for (unsigned seed = n > 300; seed < 4; seed++) {
        scan_in_pieces(&pieces, data, n, seed, false, method);
        claim_same_scan(&whole, &pieces);
        scan_fini(&pieces);
    }
    if (n < LIMIT)
        check_model(&whole, data, n, method);
    scan_fini(&whole);
    return 0;
}
