/* Several backends one after the other; later ones may use values of earlier answers (spec/01 section 7.5). All share
 * 85 % of the endpoint's timeout. The first failure or incomplete answer ends the sequence; what came before it stays.
 */
#include "gateway/body.h"
#include "gateway/steps/part.h"
#include "gateway/steps/sum.h"
#include "text/go/format.h"

/* A value of an earlier answer that becomes a parameter. */
typedef struct reference {
    uint32_t from; /* index of the backend */
    kd_str param;  /* "Resp0_a.b" */
    kd_str *path;  /* parts; none: the whole body of a no-op answer */
    uint32_t n_path;
} reference;

typedef struct references {
    reference *v;
    uint32_t n;
} references;

typedef struct sequence {
    kd_ns timeout;
    uint32_t n;
    bool safe;
    references *of;    /* what is looked up before each backend */
    uint32_t n_params; /* how many parameters that can add */
} sequence;

/* ---- names ------------------------------------------------------------------------------------------------------ */

#define NAME_MIN 5u /* "resp0" */

static bool in_path(char c)
{
    uint8_t lower = kd_lower((uint8_t)c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/* Reads "resp0_a.b", "Resp0" … at the start of s; *used tells how long it is. A path need not follow. */
static bool scan_name(kd_str s, kd_str *number, kd_str *path, size_t *used)
{
    if (s.n < NAME_MIN || kd_lower((uint8_t)s.p[0]) != 'r' || memcmp(s.p + 1, "esp", 3) != 0)
        return false;
    size_t at = 4;
    while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
        at++;
    if (at == 4)
        return false;
    *number = kd_str_of(s.p + 4, at - 4);
    if (at < s.n && s.p[at] == '_')
        at++;
    size_t from = at;
    while (at < s.n && in_path(s.p[at]))
        at++;
    *path = kd_str_of(s.p + from, at - from);
    *used = at;
    return true;
}

/* A placeholder of a url_pattern: the whole text must be a name with a path behind an underscore. */
static bool is_placeholder(kd_str text, kd_str *number, kd_str *path)
{
    size_t used;
    return text.n && text.p[0] == 'R' && scan_name(text, number, path, &used) && used == text.n && path->n &&
           text.p[4 + number->n] == '_';
}

/* The next name in what is left of a propagated parameter, which may hold several; *text goes on behind it. */
static bool next_name(kd_str *text, kd_str *number, kd_str *path)
{
    size_t used;
    for (size_t i = 0; i + NAME_MIN <= text->n; i++)
        if (scan_name(kd_str_from(*text, i), number, path, &used)) {
            *text = kd_str_from(*text, i + used);
            return true;
        }
    return false;
}

static const kd_node *propagated(const kd_compile *compile)
{
    return kd_node_typed(kd_core_proxy(&compile->endpoint->extra), KD_STR("sequential_propagated_params"),
                         KD_NODE_LIST);
}

bool kd_core_is_sequence(const kd_compile *compile)
{
    const kd_node *flag = kd_node_typed(kd_core_proxy(&compile->endpoint->extra), KD_STR("sequential"), KD_NODE_BOOL);
    return compile->n_set >= 2 && flag && flag->boolean;
}

bool kd_core_sequence_wants_body(const kd_compile *compile)
{
    const kd_node *list = kd_core_is_sequence(compile) ? propagated(compile) : NULL;
    for (const kd_node *item = list ? list->first : NULL; item; item = item->next) {
        kd_str text = item->type == KD_NODE_STRING ? item->text : KD_STR(""), number, path;
        uint64_t k;
        while (next_name(&text, &number, &path))
            if (!path.n && kd_str_to_u64(number, UINT32_MAX, &k) && k == compile->index)
                return true;
    }
    return false;
}

/* ---- compiling -------------------------------------------------------------------------------------------------- */

static bool add_reference(const kd_compile *compile, references *refs, kd_str number, kd_str path)
{
    uint64_t from;
    if (!kd_str_to_u64(number, UINT32_MAX, &from) || from >= compile->n_set)
        return true;
    reference *r = &refs->v[refs->n];
    *r = (reference){
        .from = (uint32_t)from,
        .param = kd_arena_printf(compile->arena, "Resp%.*s%s%.*s", KD_FMT(number), path.n ? "_" : "", KD_FMT(path))};
    uint32_t parts = 0;
    kd_str rest = path, part;
    while (path.n && kd_str_split(&rest, '.', &part))
        parts++;
    r->path = KD_NEW_ARRAY(compile->arena, kd_str, parts + 1);
    if (!r->param.p || !r->path)
        return false;
    for (rest = path; r->n_path < parts && kd_str_split(&rest, '.', &part);)
        r->path[r->n_path++] = part;
    refs->n++;
    return true;
}

static bool compile_references(const kd_compile *compile, const kd_backend *backend, references *refs)
{
    const kd_node *list = propagated(compile);
    size_t most = backend->url_pattern.n + 1;
    for (const kd_node *item = list ? list->first : NULL; item; item = item->next)
        most += item->type == KD_NODE_STRING ? item->text.n / NAME_MIN : 0;
    refs->v = KD_NEW_ARRAY(compile->arena, reference, most);
    if (!refs->v)
        return false;
    kd_str number, path;
    for (uint32_t i = 0; i < backend->url_pattern.n; i++) {
        const kd_piece *piece = &backend->url_pattern.pieces[i];
        if (piece->kind == KD_PIECE_PARAM && is_placeholder(piece->text, &number, &path) &&
            !add_reference(compile, refs, number, path))
            return false;
    }
    for (const kd_node *item = list ? list->first : NULL; item; item = item->next) {
        kd_str text = item->type == KD_NODE_STRING ? item->text : KD_STR("");
        while (next_name(&text, &number, &path))
            if (!add_reference(compile, refs, number, path))
                return false;
    }
    return true;
}

static bool compile_sequence(const kd_compile *compile, kd_compiled *out)
{
    if (!kd_core_is_sequence(compile))
        return false;
    kd_core_check_merge(compile);
    sequence *s = KD_NEW(compile->arena, sequence);
    if (!s || !(s->of = KD_NEW_ARRAY(compile->arena, references, compile->n_set)))
        return false;
    s->timeout = 85 * compile->endpoint->timeout / 100;
    s->n = compile->n_set;
    s->safe = kd_core_is_safe(compile);
    for (uint32_t i = 1; i < s->n; i++) {
        if (!compile_references(compile, compile->set[i], &s->of[i]))
            return false;
        s->n_params += s->of[i].n;
    }
    out->config = s;
    out->at = compile->endpoint->at;
    out->request = out->response = KD_BODY_WHOLE;
    return true;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

typedef struct chain {
    kd_part *parts;
    kd_sum sum;
    kd_ns deadline;
    uint32_t at; /* the part that runs */
    bool began, driving;
} chain;

/* KD_ABSENT: there is none. A step of the path that leads nowhere is passed over: the search goes on where it got to.
 */
static kd_value look_up(const reference *r, kd_value data)
{
    for (uint32_t i = 0; i + 1 < r->n_path; i++) {
        kd_value inner = kd_value_get(data, r->path[i]);
        if (inner.type != KD_OBJECT)
            break;
        data = inner;
    }
    return kd_value_get(data, r->path[r->n_path - 1]);
}

/* False: no value, or no memory. */
static bool value_of(kd_branch *branch, const kd_branch *from, const reference *r, kd_str *value)
{
    if (!r->n_path) {
        const kd_received *received = from->received;
        *value = received && from->outcome.response->raw ? kd_str_of(received->body, received->n) : KD_STR("");
        return value->n > 0;
    }
    kd_value v = look_up(r, from->outcome.response->data);
    if (v.type == KD_ABSENT)
        return false;
    kd_buf *out = &branch->x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    kd_go_value_param(out, v);
    *value = out->failed ? (kd_str){NULL, 0} : kd_arena_copy(branch->x->front->arena, kd_buf_str(out));
    return value->p != NULL;
}

/* The place of that name, made at the end where it is new. */
static kd_param *param_of(kd_request *request, kd_str name)
{
    uint32_t i = 0;
    while (i < request->n_params && !kd_str_eq(request->params[i].name, name))
        i++;
    if (i == request->n_params)
        request->params[request->n_params++] = (kd_param){.name = name};
    return &request->params[i];
}

static void fill_params(kd_branch *branch, const sequence *config, const chain *c)
{
    const references *refs = &config->of[c->at];
    for (uint32_t i = 0; i < refs->n; i++) {
        const reference *r = &refs->v[i];
        kd_str value;
        if (r->from >= c->at || !value_of(branch, &c->parts[r->from].branch, r, &value))
            continue;
        kd_param *param = param_of(branch->request, r->param);
        if (!param->value.n)
            param->value = value;
    }
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

static void on_part_end(kd_branch *child)
{
    chain *c = child->owner;
    if (!c->driving)
        kd_branch_resume(child->parent);
}

static bool prepare(kd_branch *branch, const sequence *config, chain *c)
{
    kd_arena *arena = branch->x->front->arena;
    kd_request *request = branch->request;
    kd_param *params = kd_arena_alloc(arena, (request->n_params + config->n_params + 1) * sizeof *params);
    c->parts = KD_NEW_ARRAY(arena, kd_part, config->n);
    if (!params || !c->parts || !kd_sum_init(&c->sum, arena, config->n))
        return false;
    if (request->n_params)
        memcpy(params, request->params, request->n_params * sizeof *params);
    request->params = params;
    c->deadline = branch->x->front->worker->loop.now + config->timeout;
    c->began = true;
    return true;
}

static bool run_part(kd_branch *branch, const sequence *config, chain *c)
{
    kd_part *part = &c->parts[c->at];
    if (c->at)
        fill_params(branch, config, c);
    if (!kd_branch_init_child(&part->branch, branch, &part->request, c->at, 0))
        return false;
    part->branch.on_end = on_part_end;
    part->branch.owner = c;
    /* Without a call that may change something only the first one has the client's body. */
    if (config->safe && c->at)
        part->request.body = &kd_body_empty;
    kd_branch_limit(&part->branch, c->deadline);
    c->driving = true;
    kd_branch_run(&part->branch);
    c->driving = false;
    return true;
}

/* Takes the outcome of the part that has ended. True: the sequence goes on. */
static bool take_part(kd_branch *branch, const sequence *config, chain *c, bool *ok)
{
    kd_outcome outcome = c->parts[c->at].branch.outcome;
    *ok = true;
    if (c->at == 0 && (outcome.fault || !outcome.response)) {
        if (outcome.fault)
            branch->outcome = (kd_outcome){.fault = outcome.fault};
        else
            kd_branch_fail(branch, KD_FAIL_INTERNAL, KD_STR("invalid response"));
        return false;
    }
    *ok = kd_sum_add(&c->sum, &outcome);
    bool stops = !*ok || outcome.fault || !outcome.response || !outcome.response->complete || c->at + 1 == config->n;
    if (stops)
        *ok = *ok && kd_sum_result(&c->sum, &branch->outcome);
    return !stops;
}

static kd_verdict enter_sequence(kd_branch *branch, const void *config, void *state)
{
    chain *c = state;
    bool ok = true;
    if (!c->began) {
        kd_verdict verdict = kd_body_keep(branch);
        if (verdict != KD_NEXT)
            return verdict;
        ok = prepare(branch, config, c) && run_part(branch, config, c);
    }
    while (ok) {
        if (!c->parts[c->at].branch.ended)
            return kd_branch_wait_children(branch);
        if (!take_part(branch, config, c, &ok))
            break;
        c->at++;
        ok = run_part(branch, config, c);
    }
    if (!ok)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    return branch->outcome.fault ? KD_FAIL : KD_DONE;
}

static void explain_sequence(const void *config, kd_buf *out)
{
    const sequence *s = config;
    kd_buf_printf(out, "%u backends one after the other, at most %lld ms; the request's body is kept", s->n,
                  (long long)(s->timeout / KD_MS));
    for (uint32_t i = 1; i < s->n; i++)
        for (uint32_t k = 0; k < s->of[i].n; k++)
            kd_buf_printf(out, "; %.*s goes to backend %u", KD_FMT(s->of[i].v[k].param), i + 1);
}

static void log_sequence(const kd_plan *plan, const void *config)
{
    kd_core_log_merge(plan, ((const sequence *)config)->n, true);
}

const kd_step_type kd_core_sequence = {.module = "core",
                                       .name = "sequence",
                                       .compile = compile_sequence,
                                       .enter = enter_sequence,
                                       .state_size = sizeof(chain),
                                       .children = KD_CHILDREN_BACKENDS,
                                       .explain = explain_sequence,
                                       .log = log_sequence};
