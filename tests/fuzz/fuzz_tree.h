/* What every located tree promises, whatever it was read from. */
#ifndef KD_FUZZ_TREE_H
#define KD_FUZZ_TREE_H

#include "config/json_tree.h"
#include "text/json.h"
#include "text/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define FUZZ_TREE_INPUT_MAX 16384
#define FUZZ_TREE_JSON_MAX  (64u << 20)

/* A place inside the text: its line exists, its column is at most one behind the line's end (a bad byte may count for
 * the three of U+FFFD). */
static inline void fuzz_check_place(const kd_location *at, kd_str text, uint32_t lines)
{
    assert(at && at->line >= 1 && at->line <= lines && at->column >= 1 && at->column <= text.n * 3 + 1);
    if (at->from)
        fuzz_check_place(at->from, text, lines);
}

/* Checks a node and all below it. False where a number has no JSON, or is an integer that JSON's float64 rounds. */
static inline bool fuzz_check_node(const kd_node *node, kd_str text, uint32_t lines)
{
    bool finite =
        node->type != KD_NODE_NUMBER || (isfinite(node->number) && (!node->integer || fabs(node->number) < 9e15));
    uint32_t n = 0;
    fuzz_check_place(node->at, text, lines);
    if (node->key_at)
        fuzz_check_place(node->key_at, text, lines);
    if (node->type == KD_NODE_STRING || node->type == KD_NODE_NUMBER)
        assert(node->text.p);
    assert(!node->integer || node->type == KD_NODE_NUMBER);
    for (const kd_node *child = node->first; child; child = child->next, n++) {
        assert(node->type == KD_NODE_OBJECT ? child->key.p != NULL && child->key_at : node->type == KD_NODE_LIST);
        if (n < 50)
            for (const kd_node *other = child->next; node->type == KD_NODE_OBJECT && other; other = other->next)
                assert(!kd_str_eq(other->key, child->key));
        finite &= fuzz_check_node(child, text, lines);
    }
    assert(n == node->n);
    return finite;
}

/* The tree as JSON, read again, is the same tree. */
static inline void fuzz_check_json(kd_arena *arena, const kd_node *root)
{
    kd_buf json, again;
    kd_errors errors;
    kd_str compat;
    kd_errors_init(&errors, arena, 10);
    kd_buf_init(&json, FUZZ_TREE_JSON_MAX);
    kd_buf_init(&again, FUZZ_TREE_JSON_MAX);
    assert(kd_json_emit(&json, kd_node_value(arena, root), NULL));
    kd_node *back = kd_json_tree_read(arena, KD_STR("json"), kd_buf_str(&json), &errors, &compat);
    assert(back && back->n == root->n && errors.count == 0);
    assert(kd_json_emit(&again, kd_node_value(arena, back), NULL));
    assert(kd_str_eq(kd_buf_str(&json), kd_buf_str(&again)));
    kd_buf_fini(&json);
    kd_buf_fini(&again);
}

typedef kd_node *(*fuzz_tree_reader)(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat);

static inline int fuzz_tree(fuzz_tree_reader read, const uint8_t *data, size_t size)
{
    kd_arena arena;
    kd_errors errors;
    kd_str compat = KD_STR("");
    if (size > FUZZ_TREE_INPUT_MAX)
        return 0;
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(&errors, &arena, 10);
    kd_str text = kd_arena_copy(&arena, kd_str_of((const char *)data, size));
    if (!text.p)
        return 0;
    uint32_t lines = 2; /* a value that is missing at the end stands behind the last one */
    for (size_t i = 0; i < text.n; i++)
        /* every byte that can belong to a line end: there are no more lines than that */
        lines += text.p[i] == '\n' || text.p[i] == '\r' || (uint8_t)text.p[i] >= 0x80;
    const kd_node *root = read(&arena, KD_STR("f"), text, &errors, &compat);
    if (root) {
        assert(root->type == KD_NODE_OBJECT && errors.count == 0);
        if (fuzz_check_node(root, text, lines))
            fuzz_check_json(&arena, root);
    } else {
        assert(errors.errors > 0 && compat.n > 0 && errors.first->message.n > 0);
        fuzz_check_place(errors.first->at, text, lines);
    }
    kd_arena_reset(&arena);
    return 0;
}

#endif
