#include "base/map.h"

#include "base/hash.h"

#include <stdlib.h>

#define MAX_ENTRIES (1u << 30)

void kd_map_init(kd_map *map, kd_arena *arena, uint32_t max)
{
    *map = (kd_map){.arena = arena, .max = max < MAX_ENTRIES ? max : MAX_ENTRIES};
}

void kd_map_fini(kd_map *map)
{
    if (!map->arena)
        free(map->entries); /* the index lies behind the entries */
    kd_map_init(map, map->arena, map->max);
}

static uint32_t index_mask(const kd_map *map)
{
    return map->cap * 2 - 1;
}

/* The place in the index that holds this key, or the free place where it would go. */
static uint32_t place_of(const kd_map *map, kd_str key, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & index_mask(map);
    for (uint32_t number; (number = map->index[at]) != 0; at = (at + 1) & index_mask(map)) {
        const kd_map_entry *entry = &map->entries[number - 1];
        if (entry->hash == hash && kd_str_eq(entry->key, key))
            break;
    }
    return at;
}

/* Moves the live entries to arrays of `cap` entries, which also closes the gaps of removed ones. */
static bool rebuild(kd_map *map, uint32_t cap)
{
    size_t size = cap * sizeof(kd_map_entry) + 2 * cap * sizeof(uint32_t);
    kd_map_entry *entries = map->arena ? kd_arena_alloc(map->arena, size) : malloc(size);
    if (!entries)
        return false;
    kd_map old = *map;
    map->entries = entries;
    map->index = memset(entries + cap, 0, 2 * cap * sizeof(uint32_t));
    map->cap = cap;
    map->used = 0;
    for (uint32_t i = 0; i < old.used; i++) {
        if (!old.entries[i].live)
            continue;
        map->entries[map->used] = old.entries[i];
        map->index[place_of(map, old.entries[i].key, old.entries[i].hash)] = ++map->used;
    }
    if (!map->arena)
        free(old.entries);
    return true;
}

/* Room for one more entry. A map in an arena whose entries come and go closes its gaps in place. */
static bool make_room(kd_map *map)
{
    if (map->used < map->cap)
        return true;
    if (map->count > map->cap / 2 || !map->cap)
        return rebuild(map, map->cap ? map->cap * 2 : 8);
    memset(map->index, 0, 2 * map->cap * sizeof(uint32_t));
    uint32_t used = map->used;
    map->used = 0;
    for (uint32_t i = 0; i < used; i++) {
        if (!map->entries[i].live)
            continue;
        kd_map_entry entry = map->entries[i];
        map->entries[map->used] = entry;
        map->index[place_of(map, entry.key, entry.hash)] = ++map->used;
    }
    return true;
}

static kd_map_entry *find(const kd_map *map, kd_str key, uint64_t hash)
{
    if (!map->count)
        return NULL;
    uint32_t number = map->index[place_of(map, key, hash)];
    return number ? &map->entries[number - 1] : NULL;
}

bool kd_map_put(kd_map *map, kd_str key, void *value)
{
    uint64_t hash = kd_hash(key);
    kd_map_entry *entry = find(map, key, hash);
    if (entry) {
        entry->value = value;
        return true;
    }
    if (map->count >= map->max || !make_room(map))
        return false;
    map->entries[map->used] = (kd_map_entry){.key = key, .value = value, .hash = hash, .live = true};
    map->index[place_of(map, key, hash)] = map->used + 1;
    map->used++;
    map->count++;
    return true;
}

kd_map_entry *kd_map_find(const kd_map *map, kd_str key)
{
    return map->count ? find(map, key, kd_hash(key)) : NULL;
}

void *kd_map_get(const kd_map *map, kd_str key)
{
    const kd_map_entry *entry = kd_map_find(map, key);
    return entry ? entry->value : NULL;
}

/* Frees a place of the index and moves later ones of its run up, so that every key is still found. */
static void vacate(kd_map *map, uint32_t at)
{
    uint32_t mask = index_mask(map);
    map->index[at] = 0;
    for (uint32_t next = (at + 1) & mask, number; (number = map->index[next]) != 0; next = (next + 1) & mask) {
        uint32_t home = (uint32_t)map->entries[number - 1].hash & mask;
        if (((next - home) & mask) < ((next - at) & mask))
            continue;
        map->index[at] = number;
        map->index[next] = 0;
        at = next;
    }
}

void *kd_map_remove(kd_map *map, kd_str key)
{
    if (!map->count)
        return NULL;
    uint32_t at = place_of(map, key, kd_hash(key));
    if (!map->index[at])
        return NULL;
    kd_map_entry *entry = &map->entries[map->index[at] - 1];
    vacate(map, at);
    entry->live = false;
    map->count--;
    return entry->value;
}

kd_map_entry *kd_map_next(const kd_map *map, uint32_t *at)
{
    while (*at < map->used) {
        kd_map_entry *entry = &map->entries[(*at)++];
        if (entry->live)
            return entry;
    }
    return NULL;
}
