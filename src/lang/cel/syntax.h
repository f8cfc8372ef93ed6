/* The parser's half that knows about errors. cel-go's parser is made by ANTLR, and users see ANTLR's messages; so
 * errors are found, reported and recovered from by ANTLR's rules: a token too many is left out, a missing one is taken
 * for given, and otherwise the grammar's rule ends and tokens are skipped up to one that may follow. Each call of a
 * rule has a frame that says what may follow it. Not for use outside this folder. */
#ifndef KD_LANG_CEL_SYNTAX_H
#define KD_LANG_CEL_SYNTAX_H

#include "lang/cel/scan.h"

/* Token kinds as bits, and END when the rule may end there. */
typedef uint64_t kd_cel_set;
#define KD_CEL_BIT(kind) ((kd_cel_set)1 << KD_CEL_T_##kind)
#define KD_CEL_END       ((kd_cel_set)1 << 63)

typedef struct kd_cel_frame {
    struct kd_cel_frame *up;
    kd_cel_set follow; /* what may follow the rule in its caller */
    uint16_t state;    /* the caller's place, kept while the rule runs */
} kd_cel_frame;

typedef struct kd_cel_syntax {
    kd_arena *arena;
    kd_cel_findings *findings;
    kd_cel_tokens tokens;
    uint32_t at; /* the current token */
    kd_cel_frame *frame;
    uint16_t state;  /* the place in the grammar, below 320 */
    bool recovering; /* after an error, until a token matches: silent */
    bool thrown;     /* the current rule has to end */
    bool dead;       /* given up: all tokens are skipped, nothing more is reported */
    bool no_memory;
    uint32_t attempts;       /* recoveries so far */
    int64_t last_index;      /* the token at which the last recovery began, -1 */
    uint64_t last_states[5]; /* the places at which it did */
    uint32_t depth;          /* expressions within one another */
} kd_cel_syntax;

static inline const kd_cel_token *kd_cel_look(const kd_cel_syntax *s, uint32_t ahead)
{
    uint32_t i = s->at + ahead;
    return &s->tokens.items[i < s->tokens.n ? i : s->tokens.n - 1];
}
static inline bool kd_cel_is(const kd_cel_syntax *s, kd_cel_token_kind kind)
{
    return kd_cel_look(s, 0)->kind == kind;
}
static inline bool kd_cel_in(const kd_cel_syntax *s, kd_cel_set set)
{
    return (set >> kd_cel_look(s, 0)->kind & 1) != 0;
}

/* Begins a rule; `follow` is what may follow it in the calling rule. */
void kd_cel_enter(kd_cel_syntax *s, kd_cel_frame *frame, kd_cel_set follow);
/* Ends it; when it has thrown, skips to what may follow. True when it had not. */
bool kd_cel_leave(kd_cel_syntax *s, kd_cel_frame *frame);
/* One more expression within another; beyond KD_CEL_MAX_DEPTH all ends with a finding. */
void kd_cel_nest(kd_cel_syntax *s);
/* Takes a token of the kind; `next` is what may follow it. NULL when it was missing (and taken for given) or the rule
 * has thrown. */
const kd_cel_token *kd_cel_match(kd_cel_syntax *s, uint16_t state, kd_cel_token_kind kind, kd_cel_set next);
/* At a choice: `set` is what may stand here. A token that may not is left out or the rule throws; `again` at the end of
 * a loop that needs no further turn, where tokens are skipped instead. */
void kd_cel_sync(kd_cel_syntax *s, uint16_t state, kd_cel_set set, bool again);
/* Throws "no viable alternative": `ahead` tokens were read before the one that fits nowhere. */
void kd_cel_no_way(kd_cel_syntax *s, uint32_t ahead);

#endif
