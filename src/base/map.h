/* A hash map from bytes to pointers: open addressing over a dense array of entries, so that walking it gives the order
 * of insertion. Keys are borrowed: the caller keeps their bytes alive. Memory comes from an arena (old arrays stay
 * there after a growth: at most as much again) or, without one, from malloc. Not thread-safe. */
#ifndef KD_BASE_MAP_H
#define KD_BASE_MAP_H

#include "base/arena.h"

typedef struct kd_map_entry {
    kd_str key;
    void *value;
    uint64_t hash;
    bool live; /* false: removed, skipped by the walk */
} kd_map_entry;

typedef struct kd_map {
    kd_map_entry *entries; /* in the order of insertion */
    uint32_t *index;       /* twice as many places as entries; 0 = free, else number of the entry + 1 */
    uint32_t used, cap;    /* of entries, removed ones included; cap is a power of two */
    uint32_t count, max;   /* live entries and their bound */
    kd_arena *arena;
} kd_map;

/* An empty map that holds `max` entries at most (cut to 2^30). Takes no memory yet; a NULL arena means malloc. */
void kd_map_init(kd_map *map, kd_arena *arena, uint32_t max);
/* Frees what malloc gave; the map is empty again. Values are the caller's. */
void kd_map_fini(kd_map *map);
/* Sets the key's value. False when the map is full or memory is out; nothing has changed then. */
bool kd_map_put(kd_map *map, kd_str key, void *value);
/* The key's value, or NULL. */
void *kd_map_get(const kd_map *map, kd_str key);
/* The key's entry, which tells a NULL value from a missing key; its value may be changed. Valid until the next put. */
kd_map_entry *kd_map_find(const kd_map *map, kd_str key);
/* Takes the key out and returns its value, or NULL. */
void *kd_map_remove(kd_map *map, kd_str key);
/* Walks in the order of insertion: *at starts at 0. NULL at the end. Removing the entry just returned is allowed. */
kd_map_entry *kd_map_next(const kd_map *map, uint32_t *at);

#endif
