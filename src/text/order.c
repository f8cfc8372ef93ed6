#include "text/order.h"

#include "base/ledger.h"

#include <stdlib.h>
#include <yyjson.h>

static void sort_few(kd_entry *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (kd_entry_before(&v[i - 1], &v[i]))
            continue;
        kd_entry entry = v[i];
        size_t at = i;
        do {
            v[at] = v[at - 1];
            at--;
        } while (at && kd_entry_before(&entry, &v[at - 1]));
        v[at] = entry;
    }
}

static void sift(kd_entry *v, size_t at, size_t n)
{
    kd_entry entry = v[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && kd_entry_before(&v[child], &v[child + 1]))
            child++;
        if (!kd_entry_before(&entry, &v[child]))
            break;
        v[at] = v[child];
    }
    v[at] = entry;
}

static void sort_heap(kd_entry *v, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(v, i, n);
    for (size_t i = n; i-- > 1;) {
        kd_entry entry = v[0];
        v[0] = v[i];
        v[i] = entry;
        sift(v, 0, i);
    }
}

/* Quicksort; a heap sort takes over where the pivots are bad, so that a hostile order costs no more than n log n. */
static void sort_many(kd_entry *v, size_t n, int budget)
{
    while (n > 24) {
        if (budget-- == 0) {
            sort_heap(v, n);
            return;
        }
        kd_entry pivot[3] = {v[0], v[n / 2], v[n - 1]};
        sort_few(pivot, 3);
        size_t low = 0, high = n - 1;
        for (;;) {
            while (kd_entry_before(&v[low], &pivot[1]))
                low++;
            while (kd_entry_before(&pivot[1], &v[high]))
                high--;
            if (low >= high)
                break;
            kd_entry entry = v[low];
            v[low++] = v[high];
            v[high--] = entry;
        }
        size_t left = high + 1;
        if (left < n - left) {
            sort_many(v, left, budget);
            v += left;
            n -= left;
        } else {
            sort_many(v + left, n - left, budget);
            n = left;
        }
    }
    sort_few(v, n);
}

void kd_entries_sort(kd_entry *entries, size_t n)
{
    int budget = 4;
    for (size_t left = n; left; left >>= 1)
        budget += 2;
    sort_many(entries, n, budget);
}

static bool same_key(const kd_entry *a, const kd_entry *b)
{
    return a->prefix == b->prefix && a->n == b->n && memcmp(a->key, b->key, a->n) == 0;
}

size_t kd_entries_unique(kd_entry *entries, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || !same_key(&entries[i], &entries[i + 1]))
            entries[kept++] = entries[i];
    return kept;
}

static bool fill_json(kd_entry *entries, yyjson_val *object)
{
    bool sorted = true;
    yyjson_obj_iter iter = yyjson_obj_iter_with(object);
    yyjson_val *key;
    for (size_t i = 0; (key = yyjson_obj_iter_next(&iter)) != NULL; i++) {
        const char *text = unsafe_yyjson_get_str(key);
        size_t n = unsafe_yyjson_get_len(key);
        entries[i] = (kd_entry){kd_entry_prefix(text, n), text, key + 1, (uint32_t)n};
        sorted = sorted &&
                 (i == 0 || (kd_entry_before(&entries[i - 1], &entries[i]) && !same_key(&entries[i - 1], &entries[i])));
    }
    return sorted;
}

static bool fill_node(kd_entry *entries, const kd_object *object)
{
    bool sorted = true;
    for (uint32_t i = 0; i < object->n; i++) {
        const kd_member *m = &object->members[i];
        entries[i] = (kd_entry){kd_entry_prefix(m->key.p, m->key.n), m->key.p, m, (uint32_t)m->key.n};
        sorted = sorted && (i == 0 || kd_entry_before(&entries[i - 1], &entries[i]));
    }
    return sorted || object->typed;
}

uint32_t kd_entries_fill(kd_entry *entries, kd_value object)
{
    bool sorted = object.node ? fill_node(entries, object.object) : fill_json(entries, (yyjson_val *)object.json);
    uint32_t n = object.node ? object.object->n : object.n;
    if (sorted)
        return n;
    kd_entries_sort(entries, n);
    return object.node ? n : (uint32_t)kd_entries_unique(entries, n);
}

void kd_order_init(kd_order *order)
{
    *order = (kd_order){0};
}

static size_t held_bytes(const kd_order *order)
{
    return order->frames_cap * sizeof(kd_order_frame) + order->entries_cap * sizeof(kd_entry);
}

void kd_order_fini(kd_order *order)
{
    if (order->frames_cap || order->entries_cap)
        kd_ledger_release(KD_ACCOUNT_JSON, held_bytes(order));
    free(order->frames);
    free(order->entries);
    kd_order_init(order);
}

/* Makes room for `more` elements behind the n that an array holds. */
static bool room(void **array, size_t size, uint32_t n, uint32_t more, uint32_t *cap)
{
    if (*cap - n >= more)
        return true;
    uint64_t want = (uint64_t)n + more > 2 * (uint64_t)*cap ? (uint64_t)n + more : 2 * (uint64_t)*cap;
    want = want < 16 ? 16 : want;
    if (want > UINT32_MAX || !kd_ledger_reserve(KD_ACCOUNT_JSON, (want - *cap) * size))
        return false;
    void *p = realloc(*array, want * size);
    if (!p) {
        kd_ledger_release(KD_ACCOUNT_JSON, (want - *cap) * size);
        return false;
    }
    *array = p;
    *cap = (uint32_t)want;
    return true;
}

bool kd_order_push(kd_order *order, kd_value container)
{
    if (!room((void **)&order->frames, sizeof(kd_order_frame), order->depth, 1, &order->frames_cap))
        return false;
    kd_order_frame frame = {.object = container.type == KD_OBJECT, .node = container.node, .base = order->entries_n};
    if (!frame.object) {
        frame.list = kd_value_each(container);
    } else {
        uint32_t n = container.node ? container.object->n : container.n;
        if (!room((void **)&order->entries, sizeof(kd_entry), order->entries_n, n, &order->entries_cap))
            return false;
        frame.at = frame.base;
        if (n)
            order->entries_n += kd_entries_fill(order->entries + frame.base, container);
        frame.end = order->entries_n;
    }
    order->frames[order->depth++] = frame;
    return true;
}

bool kd_order_next(kd_order *order, kd_str *key, kd_value *value)
{
    kd_order_frame *frame = &order->frames[order->depth - 1];
    if (!frame->object) {
        bool more = kd_value_next(&frame->list, key, value);
        *key = (kd_str){NULL, 0};
        return more;
    }
    if (frame->at == frame->end)
        return false;
    const kd_entry *entry = &order->entries[frame->at++];
    *key = (kd_str){entry->key ? entry->key : "", entry->n};
    *value = frame->node ? ((const kd_member *)entry->value)->value : kd_value_of_json(entry->value);
    return true;
}

void kd_order_pop(kd_order *order)
{
    order->entries_n = order->frames[--order->depth].base;
}
