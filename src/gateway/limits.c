#include "gateway/limits.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"

#include <stdatomic.h>

/* Below this there is no room for the program itself. */
#define LEAST_MEMORY ((uint64_t)16 * 1024 * 1024)
/* A socket's buffers are bounded when they could take more than this part of the memory. */
#define SOCKET_PART    1024
#define LEAST_BUFFER   ((size_t)64 * 1024) /* less than two segments of a loopback device stall each other */
#define USUAL_COST     ((size_t)16 * 1024)
#define WORST_COST     ((size_t)128 * 1024)
#define AUTOMATIC_FROM ((size_t)256 * 1024) /* from here on the system may size them */

bool kd_limits_parse_size(kd_str text, uint64_t *out)
{
    static const char units[] = "KMGT";
    size_t n = 0;
    while (n < text.n && (uint8_t)(text.p[n] - '0') < 10)
        n++;
    kd_str unit = kd_str_trim(kd_str_from(text, n));
    uint64_t factor = 1;
    const char *known = unit.n ? strchr(units, kd_upper((uint8_t)unit.p[0])) : NULL;
    if (known) {
        factor = (uint64_t)1 << (10 * (known - units + 1));
        unit = kd_str_from(unit, 1);
        if (unit.n && kd_lower((uint8_t)unit.p[0]) == 'i')
            unit = kd_str_from(unit, 1);
    }
    if (unit.n && !kd_str_eq_ci(unit, KD_STR("B")))
        return false;
    return kd_str_to_u64(kd_str_head(text, n), (uint64_t)INT64_MAX / factor, out) && (*out *= factor) > 0;
}

typedef struct block {
    const kd_node *node;
    kd_errors *errors;
    bool ok;
} block;

static void refuse(block *b, const kd_node *value, kd_str key, const char *wanted)
{
    b->ok = false;
    kd_errors_add(b->errors, KD_SEVERITY_ERROR, value->at, key, "expected %s, found %s%s%.*s", wanted,
                  kd_node_type_name(value->type), value->text.n ? " " : "", KD_FMT(value->text));
}

/* A number of bytes, or a text with a unit. 0 when the key is absent. */
static uint64_t read_size(block *b, const char *name, uint64_t least)
{
    kd_str key = kd_str_from_c(name);
    const kd_node *value = kd_node_get(b->node, key);
    uint64_t size = 0;
    if (!value || value->type == KD_NODE_NULL)
        return 0;
    bool good = value->type == KD_NODE_STRING   ? kd_limits_parse_size(value->text, &size)
                : value->type == KD_NODE_NUMBER ? value->number >= 1 && value->number < 9e18
                                                : false;
    if (good && value->type == KD_NODE_NUMBER)
        size = (uint64_t)value->number;
    if (!good || size < least)
        refuse(b, value, key, least > 1 ? "a size such as \"64MB\", 16 MB at least" : "a size such as \"64MB\"");
    return size;
}

static uint32_t read_count(block *b, const char *name)
{
    kd_str key = kd_str_from_c(name);
    const kd_node *value = kd_node_get(b->node, key);
    if (!value || value->type == KD_NODE_NULL)
        return 0;
    if (value->type == KD_NODE_NUMBER && value->number >= 0 && value->number <= INT32_MAX &&
        value->number == (double)(uint32_t)value->number)
        return (uint32_t)value->number;
    refuse(b, value, key, "a whole number (0: no limit)");
    return 0;
}

bool kd_limits_load(const kd_service *service, kd_limits *out, kd_errors *errors)
{
    *out = (kd_limits){.max_memory = kd_cpu_default_ceiling()};
    if (out->max_memory < LEAST_MEMORY)
        out->max_memory = LEAST_MEMORY;
    block b = {.node = kd_extra_find(&service->extra, KD_STR("gateway/limits")), .errors = errors, .ok = true};
    if (b.node && b.node->type != KD_NODE_OBJECT)
        refuse(&b, b.node, KD_STR("gateway/limits"), "an object");
    if (b.node && b.ok) {
        uint64_t memory = read_size(&b, "max_memory", LEAST_MEMORY);
        if (memory)
            out->max_memory = memory;
        out->memory_given = memory > 0;
        out->max_connections = read_count(&b, "max_connections");
        out->max_requests = read_count(&b, "max_requests");
        out->max_header_bytes = read_size(&b, "max_header_bytes", 1);
        out->max_body_size = read_size(&b, "max_body_size", 1);
    }
    size_t part = out->max_memory / SOCKET_PART;
    out->socket_buffer = part >= AUTOMATIC_FROM ? 0 : part < LEAST_BUFFER ? LEAST_BUFFER : part;
    /* A bound that was asked for is kept in the worst case. Else a quarter of the machine is left for what is rare. */
    out->exchange_cost = !out->memory_given ? USUAL_COST : out->socket_buffer ? 2 * out->socket_buffer : WORST_COST;
    return b.ok;
}

void kd_limits_refused(kd_limit limit, const kd_limits *limits)
{
    static _Atomic int64_t last = -KD_SECOND; /* on the monotonic clock */
    static _Atomic uint64_t since;
    atomic_fetch_add_explicit(&since, 1, memory_order_relaxed);
    int64_t now = kd_clock_monotonic(), before = atomic_load_explicit(&last, memory_order_relaxed);
    if (now - before < KD_SECOND || !atomic_compare_exchange_strong(&last, &before, now))
        return;
    unsigned long long n = atomic_exchange_explicit(&since, 0, memory_order_relaxed);
    static const char *const names[] = {"max_memory", "max_connections", "max_requests"};
    unsigned long long most = limit == KD_LIMIT_MEMORY        ? limits->max_memory
                              : limit == KD_LIMIT_CONNECTIONS ? limits->max_connections
                                                              : limits->max_requests;
    kd_log(KD_LOG_WARNING, "[SERVICE: gateway/limits] %s (%llu) is reached: %llu refused with 503", names[limit], most,
           n);
}
