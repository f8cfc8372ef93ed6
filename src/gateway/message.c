#include "gateway/message.h"

#include "gateway/body.h"

static bool copy_list(kd_arena *arena, void *out, const void *from, size_t bytes)
{
    void *copy = kd_arena_alloc(arena, bytes + 8); /* lists may be empty, what points to them must not be NULL then */
    if (!copy)
        return false;
    if (bytes)
        memcpy(copy, from, bytes);
    memcpy(out, &copy, sizeof copy);
    return true;
}

bool kd_request_copy(kd_request *to, const kd_request *from, kd_arena *arena)
{
    *to = *from;
    to->query.cap = from->query.n;
    to->headers.cap = from->headers.n;
    to->headers.arena = arena;
    return (!from->query.n || copy_list(arena, &to->query.v, from->query.v, from->query.n * sizeof *from->query.v)) &&
           (!from->headers.n ||
            copy_list(arena, &to->headers.v, from->headers.v, from->headers.n * sizeof *from->headers.v)) &&
           (!from->n_params || copy_list(arena, &to->params, from->params, from->n_params * sizeof *from->params));
}

static bool own(kd_arena *arena, kd_str *s)
{
    if (!s->p)
        return true;
    *s = kd_arena_copy(arena, *s);
    return s->p != NULL;
}

static bool own_headers(kd_arena *arena, kd_headers *headers)
{
    for (uint32_t i = 0; i < headers->n; i++) {
        kd_header *h = &headers->v[i];
        kd_str name = kd_header_name(h), value = kd_header_value(h);
        if (!own(arena, &name) || !own(arena, &value))
            return false;
        h->name = name.p;
        h->value = value.p;
    }
    return true;
}

bool kd_request_clone(kd_request *to, const kd_request *from, kd_arena *arena)
{
    if (!kd_request_copy(to, from, arena))
        return false;
    bool ok = own(arena, &to->method) && own(arena, &to->path) && own(arena, &to->url) && own(arena, &to->raw_query) &&
              own(arena, &to->request_target) && own(arena, &to->basic_user) && own_headers(arena, &to->headers);
    for (uint32_t i = 0; i < to->query.n && ok; i++)
        ok = own(arena, &to->query.v[i].key) && own(arena, &to->query.v[i].value);
    for (uint32_t i = 0; i < to->n_params && ok; i++)
        ok = own(arena, &to->params[i].name) && own(arena, &to->params[i].value);
    to->body = ok ? kd_body_clone(from->body ? from->body : &kd_body_empty, arena) : NULL;
    return ok && to->body;
}
