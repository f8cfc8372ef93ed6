#include "gateway/steps/sum.h"

#include "base/hash.h"

bool kd_sum_init(kd_sum *sum, kd_arena *arena, uint32_t n_parts)
{
    *sum = (kd_sum){.arena = arena, .n_parts = n_parts, .pending = n_parts, .complete = true};
    sum->faults_tail = &sum->faults;
    sum->objects = kd_arena_alloc(arena, n_parts * sizeof *sum->objects);
    return sum->objects != NULL;
}

/* A copy without status and type: a part's own status means nothing for the whole. */
static bool add_fault(kd_sum *sum, const kd_fault *fault)
{
    kd_fault *copy = KD_NEW(sum->arena, kd_fault);
    if (!copy)
        return false;
    *copy = (kd_fault){.failure = fault->failure, .text = fault->text, .several = true};
    *sum->faults_tail = copy;
    sum->faults_tail = &copy->next;
    return true;
}

bool kd_sum_add(kd_sum *sum, const kd_outcome *outcome)
{
    static const kd_fault nothing = {.failure = KD_FAIL_INTERNAL, .text = KD_STR_INIT("invalid response")};
    sum->pending--;
    kd_response *response = outcome->response;
    if (outcome->fault || !response)
        return add_fault(sum, outcome->fault ? outcome->fault : &nothing);
    bool has_data = response->data.type == KD_OBJECT;
    if (has_data)
        sum->objects[sum->n_objects++] = response->data;
    if (!sum->has_response) {
        sum->has_response = true;
        sum->has_data = has_data;
        sum->complete = response->complete;
        sum->only = response;
        return true;
    }
    sum->only = NULL;
    sum->complete = sum->complete && response->complete && sum->has_data && has_data;
    sum->has_data = true; /* two nil parts make an empty object */
    return true;
}

/* ---- the union of objects --------------------------------------------------------------------------------------- */

/* Below this many members comparing them all is faster than hashing. */
#define FEW 16

typedef struct slot_table {
    uint32_t *v; /* index of the member + 1; 0: free */
    uint32_t mask;
} slot_table;

/* There is room in `all` for every member of every object. */
static void put_hashed(kd_object *all, slot_table *slots, kd_str key, kd_value value)
{
    uint32_t at = (uint32_t)kd_hash(key) & slots->mask;
    for (; slots->v[at]; at = (at + 1) & slots->mask) {
        kd_member *member = &all->members[slots->v[at] - 1];
        if (kd_str_eq(member->key, key)) {
            member->value = value;
            return;
        }
    }
    slots->v[at] = all->n + 1;
    all->members[all->n++] = (kd_member){key, value};
}

kd_value kd_sum_union(kd_arena *arena, const kd_value *objects, uint32_t n)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += objects[i].n;
    kd_object *all = total <= UINT32_MAX / 4 ? kd_object_create(arena, (uint32_t)total) : NULL;
    slot_table slots = {0};
    if (all && total > FEW) {
        uint32_t size = 32;
        while (size < total * 2)
            size *= 2;
        slots.v = KD_NEW_ARRAY(arena, uint32_t, size);
        slots.mask = size - 1;
    }
    if (!all || (total > FEW && !slots.v))
        return KD_VALUE_ABSENT;
    for (uint32_t i = 0; i < n; i++) {
        kd_value_iter members = kd_value_each(objects[i]);
        kd_str key;
        kd_value value;
        while (kd_value_next(&members, &key, &value)) {
            if (slots.v)
                put_hashed(all, &slots, key, value);
            else if (!kd_object_set(all, arena, key, value))
                return KD_VALUE_ABSENT;
        }
    }
    return kd_value_object(all);
}

/* ---- the result ------------------------------------------------------------------------------------------------- */

bool kd_sum_result(kd_sum *sum, kd_outcome *out)
{
    *out = (kd_outcome){.fault = sum->faults};
    if (!sum->has_response)
        return true;
    if (sum->only) {
        out->response = sum->only;
    } else {
        kd_response *response = KD_NEW(sum->arena, kd_response);
        if (!response)
            return false;
        kd_headers_init(&response->headers, sum->arena);
        response->data = sum->n_objects == 1 ? sum->objects[0] : kd_sum_union(sum->arena, sum->objects, sum->n_objects);
        if (response->data.type == KD_ABSENT)
            return false;
        out->response = response;
    }
    out->response->complete = sum->complete && !sum->faults && sum->pending == 0;
    return true;
}
