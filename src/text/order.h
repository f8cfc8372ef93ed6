/* Walking values in the order in which Go prints them: the keys of an object sorted by bytes and unique, the last
 * duplicate of a document's object counting. Used by what prints values, whatever the format. */
#ifndef KD_TEXT_ORDER_H
#define KD_TEXT_ORDER_H

#include "text/value.h"

/* The value of a document's node (a yyjson_val), borrowed. */
kd_value kd_value_of_json(const void *json);

/* A member to be sorted. `value` is the yyjson_val or, of an arena object, the kd_member. Among equal keys the one with
 * the higher address comes later in the document. */
typedef struct kd_entry {
    uint64_t prefix; /* the key's first 8 bytes as a big-endian number */
    const char *key;
    const void *value;
    uint32_t n; /* bytes of the key */
} kd_entry;

/* Fills entries, which have room for every member, with the object's members and returns how many there are after
 * sorting and dropping duplicates. The members of a typed object keep their order. */
uint32_t kd_entries_fill(kd_entry *entries, kd_value object);
/* Sorts entries by key, then by address; in place, n log n at worst. */
void kd_entries_sort(kd_entry *entries, size_t n);
/* Drops all but the last of equal keys from sorted entries; returns how many remain. */
size_t kd_entries_unique(kd_entry *entries, size_t n);

/* The first 8 bytes of a key, as a number that sorts as they do. Reads no byte behind the key. */
static inline uint64_t kd_entry_prefix(const char *key, size_t n)
{
    uint64_t x = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (n >= 8) {
        memcpy(&x, key, 8);
    } else if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, key, 4);
        memcpy(&high, key + n - 4, 4);
        x = low | (uint64_t)high << (8 * (n - 4));
    } else if (n) {
        x = (uint8_t)key[0] | (uint64_t)(uint8_t)key[n / 2] << (8 * (n / 2)) |
            (uint64_t)(uint8_t)key[n - 1] << (8 * (n - 1));
    }
    x = __builtin_bswap64(x);
#else
    memcpy(&x, key, n < 8 ? n : 8);
#endif
    return x;
}

static inline bool kd_entry_before(const kd_entry *a, const kd_entry *b)
{
    if (KD_LIKELY(a->prefix != b->prefix))
        return a->prefix < b->prefix;
    int order = kd_str_cmp((kd_str){a->key, a->n}, (kd_str){b->key, b->n});
    return order ? order < 0 : (uintptr_t)a->value < (uintptr_t)b->value;
}

/* A walk without recursion. Memory comes from malloc, reserved in the ledger's JSON account; it is bounded by the depth
 * and the members of what is walked. */
typedef struct kd_order_frame {
    kd_value_iter list; /* of a list */
    uint32_t at, base, end;
    bool object, node;
} kd_order_frame;

typedef struct kd_order {
    kd_order_frame *frames;
    kd_entry *entries;
    uint32_t depth, frames_cap, entries_n, entries_cap;
} kd_order;

void kd_order_init(kd_order *order);
void kd_order_fini(kd_order *order);
/* Goes into a list or an object. False without memory. */
bool kd_order_push(kd_order *order, kd_value container);
/* The next member of the innermost container; key.p is NULL in a list. False at its end. */
bool kd_order_next(kd_order *order, kd_str *key, kd_value *value);
/* Leaves the innermost container. */
void kd_order_pop(kd_order *order);

#endif
