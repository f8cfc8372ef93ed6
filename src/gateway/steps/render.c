/* From a response to bytes: the renderers (spec/01 section 6). */
#include "gateway/steps/core.h"
#include "gateway/stream_body.h"
#include "text/xml.h"
#include "text/yaml_emit.h"

typedef enum renderer {
    RENDER_JSON,
    RENDER_COLLECTION,
    RENDER_STRING,
    RENDER_RAW,
    RENDER_XML,
    RENDER_YAML,
    RENDER_NEGOTIATE,
} renderer;

typedef struct render {
    renderer renderer;
} render;

static const struct {
    kd_str name;
    renderer renderer;
} renderers[] = {
    {KD_STR_INIT("json"), RENDER_JSON},
    {KD_STR_INIT("json-collection"), RENDER_COLLECTION},
    {KD_STR_INIT("string"), RENDER_STRING},
    {KD_STR_INIT("no-op"), RENDER_RAW},
    {KD_STR_INIT("xml"), RENDER_XML},
    {KD_STR_INIT("yaml"), RENDER_YAML},
    {KD_STR_INIT("negotiate"), RENDER_NEGOTIATE},
};

static bool named(kd_str name, renderer *out)
{
    for (size_t i = 0; i < KD_COUNT(renderers); i++)
        if (kd_str_eq(renderers[i].name, name)) {
            *out = renderers[i].renderer;
            return true;
        }
    return false;
}

/* An unknown output_encoding takes the renderer named like the only backend's encoding, else json. */
static bool compile_render(const kd_compile *compile, kd_compiled *out)
{
    render *r = KD_NEW(compile->arena, render);
    if (!r)
        return false;
    const kd_endpoint *e = compile->endpoint;
    if (!named(e->output_encoding, &r->renderer) && e->n_backends == 1)
        named(e->backends[0].encoding_source, &r->renderer);
    out->config = r;
    return true;
}

static void set_type(kd_exchange *x, kd_str type)
{
    if (!kd_headers_find(&x->reply.headers, KD_HEADER_CONTENT_TYPE))
        kd_headers_add_token(&x->reply.headers, KD_HEADER_CONTENT_TYPE, type);
}

static bool has_body(const kd_exchange *x)
{
    return kd_status_has_body(x->reply.status ? x->reply.status : 200);
}

/* What was rendered becomes the body; where that did not work, the gateway sheds. */
static void give_body(kd_exchange *x, bool rendered)
{
    if (KD_LIKELY(rendered)) {
        x->body = kd_buf_str(&x->worker->out);
        return;
    }
    x->failure = KD_FAIL_TOO_LARGE;
    x->reply.status = 503;
    x->body = KD_STR("");
}

static void render_json(kd_exchange *x, kd_value v)
{
    kd_buf *out = &x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    set_type(x, KD_STR("application/json; charset=utf-8"));
    if (has_body(x))
        give_body(x, kd_json_emit(out, v, x->worker->shapes));
}

static void render_yaml(kd_exchange *x, kd_value v)
{
    kd_buf *out = &x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    set_type(x, KD_STR("application/yaml; charset=utf-8"));
    if (has_body(x))
        give_body(x, kd_yaml_emit(out, v));
}

/* Its Content-Type replaces any other, but where there is no response at all. */
static void render_xml(kd_exchange *x, const kd_response *response)
{
    kd_buf *out = &x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    if (!response) {
        set_type(x, KD_STR("application/xml; charset=utf-8"));
        return;
    }
    kd_headers_remove_token(&x->reply.headers, KD_HEADER_CONTENT_TYPE);
    set_type(x, KD_STR("application/xml"));
    if (has_body(x))
        give_body(x, kd_xml_emit(out, response->data));
}

/* Does an accepted type match the offer, byte by byte up to a '*' or to its own end? */
static bool accepts(kd_str accepted, kd_str offer)
{
    size_t i = 0;
    for (; i < accepted.n && i < offer.n; i++) {
        if (accepted.p[i] == '*')
            return true;
        if (accepted.p[i] != offer.p[i])
            return false;
    }
    return i == accepted.n;
}

/* gin's NegotiateFormat: the client's order counts, its weights do not (spec/01 section 6.3). */
static renderer negotiate(const kd_exchange *x)
{
    static const struct {
        kd_str type;
        renderer renderer;
    } offers[] = {{KD_STR_INIT("application/json"), RENDER_JSON},
                  {KD_STR_INIT("text/plain"), RENDER_YAML},
                  {KD_STR_INIT("application/xml"), RENDER_XML},
                  {KD_STR_INIT("application/x-yaml"), RENDER_YAML}};
    const kd_header *accept = kd_headers_find(&x->front->head->headers, KD_HEADER_ACCEPT);
    kd_str rest = accept ? kd_header_value(accept) : KD_STR(""), item;
    while (kd_str_split(&rest, ',', &item)) {
        ptrdiff_t at = kd_str_find(item, ';');
        item = kd_str_trim(at > 0 ? kd_str_head(item, (size_t)at) : item);
        for (size_t i = 0; item.n && i < KD_COUNT(offers); i++)
            if (accepts(item, offers[i].type))
                return offers[i].renderer;
    }
    return RENDER_JSON;
}

static kd_value whole(const kd_response *response)
{
    static const kd_object empty;
    return response ? response->data : kd_value_object(&empty);
}

static kd_value collection(const kd_response *response)
{
    kd_value v = response ? kd_value_get(response->data, KD_STR("collection")) : KD_VALUE_ABSENT;
    return v.type == KD_ABSENT ? kd_value_list(NULL, 0) : v;
}

static void render_raw(kd_exchange *x, kd_response *response)
{
    if (!response) {
        x->reply.status = 500;
        return;
    }
    kd_headers *to = &x->reply.headers;
    for (uint32_t i = 0; i < response->headers.n; i++) {
        kd_header *copy = kd_headers_room(to);
        if (!copy)
            break;
        *copy = response->headers.v[i];
        to->n++;
    }
    if (response->status >= 100)
        x->reply.status = response->status;
    else if (response->raw)
        x->reply.status = 502; /* no status that a client could be given */
    kd_stream_body *body = response->body;
    if (!body)
        return;
    x->streaming = body;
    x->reply.length = body->length;
    body->drop = x->front->head->method == KD_METHOD_HEAD || !kd_status_has_body(x->reply.status);
    /* The length that a HEAD backend states belongs to a body that never comes. */
    if (body->call->method == KD_METHOD_HEAD && x->front->head->method != KD_METHOD_HEAD)
        x->reply.length = 0;
}

static kd_verdict leave_render(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const render *r = config;
    kd_exchange *x = branch->x;
    kd_response *response = branch->outcome.response;
    if (branch->outcome.fault && !response)
        return KD_NEXT; /* the handler has answered */
    switch (r->renderer == RENDER_NEGOTIATE ? negotiate(x) : r->renderer) {
    case RENDER_NEGOTIATE:
    case RENDER_JSON:
        render_json(x, whole(response));
        break;
    case RENDER_COLLECTION:
        render_json(x, collection(response));
        break;
    case RENDER_STRING: {
        kd_value v = response ? kd_value_get(response->data, KD_STR("content")) : KD_VALUE_ABSENT;
        set_type(x, KD_STR("text/plain; charset=utf-8"));
        x->body = v.type == KD_STRING ? kd_value_text(v) : KD_STR("");
        break;
    }
    case RENDER_RAW:
        render_raw(x, response);
        break;
    case RENDER_XML:
        render_xml(x, response);
        break;
    case RENDER_YAML:
        render_yaml(x, whole(response));
        break;
    }
    return KD_NEXT;
}

static void explain_render(const void *config, kd_buf *out)
{
    kd_buf_add(out, renderers[((const render *)config)->renderer].name);
}

const kd_step_type kd_core_render = {
    .module = "core", .name = "render", .compile = compile_render, .leave = leave_render, .explain = explain_render};
