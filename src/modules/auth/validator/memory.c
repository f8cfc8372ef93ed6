#include "modules/auth/validator/memory.h"

#include "base/hash.h"
#include "base/ledger.h"

#include <stdlib.h>

#define PLACES 4096u /* a power of two */
#define TAIL   32u   /* bytes of a token that are hashed */

struct kd_token_memory {
    kd_remembered *newest, *oldest;
    uint32_t n;
    size_t bytes;
    kd_remembered *places[PLACES];
};

kd_token_memory *kd_token_memory_create(void)
{
    if (!kd_ledger_reserve(KD_ACCOUNT_CACHES, sizeof(kd_token_memory)))
        return NULL;
    kd_token_memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        kd_ledger_release(KD_ACCOUNT_CACHES, sizeof *memory);
    return memory;
}

/* The ledger knows of an entry's memory by its arena. */
static void release(kd_remembered *entry)
{
    kd_arena arena = entry->arena;
    kd_arena_reset(&arena);
}

void kd_token_memory_destroy(kd_token_memory *memory)
{
    if (!memory)
        return;
    while (memory->newest) {
        kd_remembered *entry = memory->newest;
        memory->newest = entry->older;
        release(entry);
    }
    kd_ledger_release(KD_ACCOUNT_CACHES, sizeof *memory);
    free(memory);
}

/* ---- the order of use ------------------------------------------------------------------------------------------- */

static void take_out(kd_token_memory *memory, kd_remembered *entry)
{
    *(entry->newer ? &entry->newer->older : &memory->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &memory->oldest) = entry->newer;
}

static void put_first(kd_token_memory *memory, kd_remembered *entry)
{
    entry->newer = NULL;
    entry->older = memory->newest;
    *(memory->newest ? &memory->newest->newer : &memory->oldest) = entry;
    memory->newest = entry;
}

void kd_token_memory_forget(kd_token_memory *memory, kd_remembered *entry)
{
    if (entry->forgotten)
        return;
    kd_remembered **place = &memory->places[entry->hash & (PLACES - 1)];
    while (*place != entry)
        place = &(*place)->next_in_place;
    *place = entry->next_in_place;
    take_out(memory, entry);
    memory->n--;
    memory->bytes -= entry->size;
    entry->forgotten = true;
    if (!entry->uses)
        release(entry);
}

/* ---- in and out ------------------------------------------------------------------------------------------------- */

/* The end of the signature tells tokens apart. The hash has a key that nobody outside knows, so how long this takes
 * tells nothing about other tokens. */
static uint64_t hash_of(kd_str token)
{
    return kd_hash(kd_str_from(token, token.n > TAIL ? token.n - TAIL : 0));
}

kd_remembered *kd_token_memory_find(kd_token_memory *memory, kd_str token)
{
    if (token.n > KD_MEMORY_TOKEN || !memory->n)
        return NULL;
    uint64_t hash = hash_of(token);
    kd_remembered *entry = memory->places[hash & (PLACES - 1)];
    while (entry && !(entry->hash == hash && kd_str_eq(entry->token, token)))
        entry = entry->next_in_place;
    if (!entry)
        return NULL;
    if (memory->newest != entry) {
        take_out(memory, entry);
        put_first(memory, entry);
    }
    entry->uses++;
    return entry;
}

kd_remembered *kd_token_memory_begin(kd_token_memory *memory, kd_str token)
{
    (void)memory;
    if (token.n > KD_MEMORY_TOKEN)
        return NULL;
    kd_arena arena;
    kd_arena_init(&arena, NULL, KD_MEMORY_TOKEN * 32);
    kd_remembered *entry = KD_NEW(&arena, kd_remembered);
    if (!entry)
        return NULL;
    entry->arena = arena;
    entry->hash = hash_of(token);
    entry->token = kd_arena_copy(&entry->arena, token);
    entry->uses = 1;
    entry->forgotten = true;
    if (entry->token.p)
        return entry;
    kd_token_memory_drop(entry);
    return NULL;
}

void kd_token_memory_drop(kd_remembered *entry)
{
    release(entry);
}

void kd_token_memory_keep(kd_token_memory *memory, kd_remembered *entry)
{
    size_t size = entry->arena.taken;
    while (memory->oldest && (memory->n >= KD_MEMORY_TOKENS || memory->bytes + size > KD_MEMORY_BYTES))
        kd_token_memory_forget(memory, memory->oldest);
    kd_remembered **place = &memory->places[entry->hash & (PLACES - 1)];
    entry->size = size;
    entry->forgotten = false;
    entry->next_in_place = *place;
    *place = entry;
    put_first(memory, entry);
    memory->n++;
    memory->bytes += size;
}

void kd_token_memory_unuse(kd_token_memory *memory, kd_remembered *entry)
{
    (void)memory;
    if (--entry->uses == 0 && entry->forgotten)
        release(entry);
}

uint32_t kd_token_memory_count(const kd_token_memory *memory)
{
    return memory->n;
}
