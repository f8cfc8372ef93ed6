#include "modules/validation/cel/variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Go's 2006-01-02T15:04:05.999Z07:00, local time. */
static kd_str print_now(kd_arena *arena, kd_ns wall)
{
    time_t seconds = (time_t)(wall / KD_SECOND);
    unsigned millis = (unsigned)(wall % KD_SECOND / KD_MS);
    struct tm tm;
    if (!localtime_r(&seconds, &tm))
        return (kd_str){NULL, 0};
    char fraction[8] = "", zone[16] = "Z";
    if (millis) {
        size_t n = (size_t)snprintf(fraction, sizeof fraction, ".%03u", millis);
        while (fraction[n - 1] == '0')
            fraction[--n] = 0;
    }
    long offset = tm.tm_gmtoff / 60;
    if (offset)
        snprintf(zone, sizeof zone, "%c%02ld:%02ld", offset < 0 ? '-' : '+', labs(offset) / 60 % 100,
                 labs(offset) % 60);
    return kd_arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d%s%s", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                           tm.tm_hour, tm.tm_min, tm.tm_sec, fraction, zone);
}

static kd_value texts(const kd_str s)
{
    return kd_value_string(s, KD_ORIGIN_BYTES);
}

static kd_value params(kd_arena *arena, const kd_request *request)
{
    kd_object *object = kd_object_create(arena, request->n_params);
    for (uint32_t i = 0; object && i < request->n_params; i++)
        if (!kd_object_set(object, arena, request->params[i].name, texts(request->params[i].value)))
            return KD_VALUE_ABSENT;
    return object ? kd_value_object(object) : KD_VALUE_ABSENT;
}

/* One value of a name that may come several times: names in the order of their first, values in theirs. */
typedef struct pair {
    kd_str name, value;
} pair;

static kd_value group(kd_arena *arena, const pair *pairs, uint32_t n)
{
    kd_object *object = kd_object_create(arena, n);
    bool *seen = KD_NEW_ARRAY(arena, bool, n + 1);
    kd_value *values = KD_NEW_ARRAY(arena, kd_value, n + 1);
    if (!object || !seen || !values)
        return KD_VALUE_ABSENT;
    for (uint32_t i = 0; i < n; i++) {
        if (seen[i])
            continue;
        uint32_t several = 0;
        for (uint32_t k = i; k < n; k++) {
            if (seen[k] || !kd_str_eq(pairs[k].name, pairs[i].name))
                continue;
            seen[k] = true;
            values[several++] = texts(pairs[k].value);
        }
        if (!kd_object_set(object, arena, pairs[i].name, kd_value_list(values, several)))
            return KD_VALUE_ABSENT;
        values += several;
    }
    return kd_value_object(object);
}

static kd_value fields(kd_arena *arena, const kd_headers *headers)
{
    pair *pairs = KD_NEW_ARRAY(arena, pair, headers->n + 1);
    for (uint32_t i = 0; pairs && i < headers->n; i++)
        pairs[i] = (pair){kd_header_name(&headers->v[i]), kd_header_value(&headers->v[i])};
    return pairs ? group(arena, pairs, headers->n) : KD_VALUE_ABSENT;
}

static kd_value query(kd_arena *arena, kd_request *request)
{
    if (!kd_request_parse_query(request, arena))
        return KD_VALUE_ABSENT;
    pair *pairs = KD_NEW_ARRAY(arena, pair, request->query.n + 1);
    for (uint32_t i = 0; pairs && i < request->query.n; i++)
        pairs[i] = (pair){request->query.v[i].key, request->query.v[i].value};
    return pairs ? group(arena, pairs, request->query.n) : KD_VALUE_ABSENT;
}

static kd_value of_request(kd_cel_scene *s, kd_cel_name name)
{
    switch (name) {
    case KD_CEL_REQ_METHOD:
        return texts(s->request->method);
    case KD_CEL_REQ_PATH:
        return texts(s->request->path);
    case KD_CEL_REQ_PARAMS:
        return params(s->arena, s->request);
    case KD_CEL_REQ_HEADERS:
        return fields(s->arena, &s->request->headers);
    default:
        return query(s->arena, s->request);
    }
}

static kd_cel_value of_response(kd_cel_scene *s, kd_cel_name name)
{
    const kd_response *r = s->response;
    switch (name) {
    case KD_CEL_RESP_COMPLETED:
        return kd_cel_bool(r->complete);
    case KD_CEL_RESP_METADATA_STATUS:
        /* lura tells it of answers that pass as they are, and of failures that are shown */
        return kd_cel_int(r->raw || !r->complete ? r->status : 0);
    case KD_CEL_RESP_METADATA_HEADERS:
        return kd_cel_value_of(s->arena, fields(s->arena, &r->headers));
    default:
        if (r->data.type == KD_OBJECT)
            return kd_cel_value_of(s->arena, r->data);
        kd_object *none = kd_object_create(s->arena, 0);
        return kd_cel_value_of(s->arena, none ? kd_value_object(none) : KD_VALUE_ABSENT);
    }
}

static bool is_there(const kd_cel_scene *s, kd_cel_name name)
{
    if (name == KD_CEL_NOW)
        return true;
    if (name == KD_CEL_JWT)
        return s->claims;
    return name < KD_CEL_RESP_COMPLETED ? s->request != NULL : s->response != NULL;
}

bool kd_cel_scene_resolve(void *scene, uint32_t variable, kd_cel_value *value)
{
    kd_cel_scene *s = scene;
    kd_cel_name name = (kd_cel_name)variable;
    if (!is_there(s, name))
        return false;
    if (s->made[name].type == KD_CEL_ERROR) {
        if (name == KD_CEL_NOW)
            s->made[name] = kd_cel_value_of(s->arena, texts(print_now(s->arena, s->now)));
        else if (name == KD_CEL_JWT)
            s->made[name] = kd_cel_value_of(s->arena, *s->claims);
        else if (name < KD_CEL_RESP_COMPLETED)
            s->made[name] = kd_cel_value_of(s->arena, of_request(s, name));
        else
            s->made[name] = of_response(s, name);
    }
    *value = s->made[name];
    return true;
}
