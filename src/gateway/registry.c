#include "gateway/registry.h"

#include "base/buf.h"
#include "base/map.h"
#include "config/field.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct object {
    const kd_object_type *type;
    void *it;
    uint32_t holders;
    size_t key_n;
    char key[];
} object;

/* A generation's hold, in its arena. */
typedef struct kd_hold_on {
    struct kd_hold_on *next;
    object *object;
} kd_hold_on;

/* Process-wide: guarded by `lock`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static kd_map objects;
static bool ready;
static kd_workers *all_workers; /* set once, before the first generation is made */

kd_workers *kd_registry_workers(void)
{
    return all_workers;
}

void kd_registry_set_workers(kd_workers *workers)
{
    all_workers = workers;
}

uint32_t kd_registry_count(void)
{
    pthread_mutex_lock(&lock);
    uint32_t n = ready ? objects.count : 0;
    pthread_mutex_unlock(&lock);
    return n;
}

static object *make(const kd_object_type *type, kd_str key, const void *options)
{
    object *o = malloc(sizeof *o + key.n);
    if (!o)
        return NULL;
    *o = (object){.type = type, .key_n = key.n};
    memcpy(o->key, key.p, key.n);
    o->it = type->create(options);
    if (o->it && kd_map_put(&objects, kd_str_of(o->key, o->key_n), o))
        return o;
    if (o->it)
        type->destroy(o->it);
    free(o);
    return NULL;
}

void *kd_registry_adopt(kd_generation *generation, const kd_object_type *type, kd_str identity, const void *options)
{
    kd_hold_on *hold = KD_NEW(&generation->arena, kd_hold_on);
    kd_arena text;
    kd_arena_init(&text, NULL, 0);
    kd_str key = kd_arena_printf(&text, "%s\n%.*s", type->name, KD_FMT(identity));
    object *o = NULL;
    if (hold && key.p) {
        pthread_mutex_lock(&lock);
        if (!ready) {
            kd_map_init(&objects, NULL, KD_REGISTRY_MAX);
            ready = true;
        }
        o = kd_map_get(&objects, key);
        if (!o)
            o = make(type, key, options);
        if (o) {
            o->holders++;
            *hold = (kd_hold_on){generation->holds, o};
            generation->holds = hold;
        }
        pthread_mutex_unlock(&lock);
    }
    kd_arena_reset(&text);
    return o ? o->it : NULL;
}

void kd_registry_release(kd_generation *generation)
{
    for (kd_hold_on *hold = generation->holds; hold; hold = hold->next) {
        object *o = hold->object;
        pthread_mutex_lock(&lock);
        bool last = --o->holders == 0;
        if (last)
            kd_map_remove(&objects, kd_str_of(o->key, o->key_n));
        if (last && objects.count == 0) {
            kd_map_fini(&objects);
            ready = false;
        }
        pthread_mutex_unlock(&lock);
        if (last) {
            o->type->destroy(o->it);
            free(o);
        }
    }
    generation->holds = NULL;
}

/* ---- identities ------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    return kd_str_cmp((*(const kd_node *const *)a)->key, (*(const kd_node *const *)b)->key);
}

static void put_node(kd_buf *out, kd_arena *arena, const kd_node *node);

static void put_object(kd_buf *out, kd_arena *arena, const kd_node *node)
{
    const kd_node **members = KD_NEW_ARRAY(arena, const kd_node *, node->n + 1);
    uint32_t n = 0;
    if (!members) {
        out->failed = true;
        return;
    }
    for (const kd_node *m = node->first; m; m = m->next)
        if (!kd_key_is_comment(m->key))
            members[n++] = m;
    qsort(members, n, sizeof *members, by_key);
    kd_buf_byte(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        kd_buf_printf(out, "%zu:%.*s=", members[i]->key.n, KD_FMT(members[i]->key));
        put_node(out, arena, members[i]);
    }
    kd_buf_byte(out, '}');
}

static void put_node(kd_buf *out, kd_arena *arena, const kd_node *node)
{
    switch (node->type) {
    case KD_NODE_NULL:
        kd_buf_byte(out, 'n');
        break;
    case KD_NODE_BOOL:
        kd_buf_byte(out, node->boolean ? 't' : 'f');
        break;
    case KD_NODE_NUMBER:
    case KD_NODE_STRING:
        kd_buf_printf(out, "%c%zu:%.*s", node->type == KD_NODE_NUMBER ? '#' : '"', node->text.n, KD_FMT(node->text));
        break;
    case KD_NODE_LIST:
        kd_buf_byte(out, '[');
        for (const kd_node *m = node->first; m; m = m->next)
            put_node(out, arena, m);
        kd_buf_byte(out, ']');
        break;
    case KD_NODE_OBJECT:
        put_object(out, arena, node);
        break;
    }
}

kd_str kd_node_identity(kd_arena *arena, const kd_node *node)
{
    kd_buf out;
    kd_buf_init(&out, 64u * 1024 * 1024);
    if (node)
        put_node(&out, arena, node);
    kd_str text = out.failed ? (kd_str){NULL, 0} : kd_arena_copy(arena, kd_buf_str(&out));
    kd_buf_fini(&out);
    return text;
}
