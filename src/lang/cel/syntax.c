#include "lang/cel/syntax.h"

#include "base/vec.h"

#define MAX_ATTEMPTS 30u  /* recoveries, as cel-go has it */
#define MAX_SKIPPED  256u /* tokens skipped in one recovery, as cel-go has it */

static const char *const names[KD_CEL_T_COUNT] = {
    "<EOF>",   "'=='",   "'!='",      "'in'",    "'<'",      "'<='",   "'>='",  "'>'",        "'&&'",
    "'||'",    "'['",    "']'",       "'{'",     "'}'",      "'('",    "')'",   "'.'",        "','",
    "'-'",     "'!'",    "'?'",       "':'",     "'+'",      "'*'",    "'/'",   "'%'",        "'true'",
    "'false'", "'null'", "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES", "IDENTIFIER", "ESC_IDENTIFIER",
};

static void give_up(kd_cel_syntax *s)
{
    s->dead = s->thrown = s->recovering = true;
    s->at = s->tokens.n - 1;
}

static void add(kd_cel_syntax *s, uint32_t offset, kd_str text)
{
    if (!text.p) {
        s->no_memory = true;
        give_up(s);
    } else if (s->findings->n == KD_CEL_MAX_FINDINGS) {
        kd_cel_findings_add(s->findings, offset, KD_STR("Syntax error: More than 100 syntax errors"));
        give_up(s);
    } else {
        kd_cel_findings_add(s->findings, offset, text);
    }
}

/* What may stand at a place of the grammar, callers included. */
static kd_cel_set expected(const kd_cel_syntax *s, kd_cel_set set)
{
    for (const kd_cel_frame *f = s->frame; f && set & KD_CEL_END; f = f->up)
        set = (set & ~KD_CEL_END) | f->follow;
    return set & KD_CEL_END ? (set & ~KD_CEL_END) | KD_CEL_BIT(EOF) : set;
}

static kd_cel_set recovery_set(const kd_cel_syntax *s)
{
    kd_cel_set set = 0;
    for (const kd_cel_frame *f = s->frame; f && f->up; f = f->up)
        set |= f->follow;
    return set & ~KD_CEL_END;
}

static kd_str set_text(kd_cel_syntax *s, kd_cel_set set)
{
    char *text = kd_arena_alloc(s->arena, KD_CEL_T_COUNT * 20);
    if (!text)
        return (kd_str){0};
    bool many = (set & (set - 1)) != 0;
    size_t n = 0;
    if (many)
        text[n++] = '{';
    for (unsigned kind = 0; kind < KD_CEL_T_COUNT; kind++) {
        if (!(set >> kind & 1))
            continue;
        if (n > 1) {
            memcpy(text + n, ", ", 2);
            n += 2;
        }
        memcpy(text + n, names[kind], strlen(names[kind]));
        n += strlen(names[kind]);
    }
    if (many)
        text[n++] = '}';
    return kd_str_of(text, n);
}

static kd_str token_text(kd_cel_syntax *s, const kd_cel_token *token)
{
    return token->kind == KD_CEL_T_EOF ? KD_STR("<EOF>") : kd_cel_show(s->arena, token->text);
}

static void report(kd_cel_syntax *s, const char *what, kd_cel_set set)
{
    if (s->recovering)
        return;
    s->recovering = true;
    const kd_cel_token *token = kd_cel_look(s, 0);
    kd_str shown = token_text(s, token), list = set_text(s, set);
    kd_str text = {0};
    if (shown.p && list.p && *what == 'm' && what[3] == 's')
        text = kd_arena_printf(s->arena, "Syntax error: missing %.*s at '%.*s'", KD_FMT(list), KD_FMT(shown));
    else if (shown.p && list.p)
        text = kd_arena_printf(s->arena, "Syntax error: %s input '%.*s' expecting %.*s", what, KD_FMT(shown),
                               KD_FMT(list));
    add(s, token->offset, text);
}

static void throw_mismatch(kd_cel_syntax *s, kd_cel_set set)
{
    report(s, "mismatched", expected(s, set));
    s->thrown = true;
}

static void matched(kd_cel_syntax *s)
{
    if (s->dead)
        return;
    s->recovering = false;
    s->last_index = -1;
    memset(s->last_states, 0, sizeof(s->last_states));
}

static void consume(kd_cel_syntax *s)
{
    if (s->at + 1 < s->tokens.n)
        s->at++;
}

static bool delete_token(kd_cel_syntax *s, kd_cel_set set)
{
    if (!(set >> kd_cel_look(s, 1)->kind & 1))
        return false;
    report(s, "extraneous", set);
    consume(s);
    matched(s);
    return !s->dead;
}

static bool attempt(kd_cel_syntax *s)
{
    if (s->attempts++ < MAX_ATTEMPTS)
        return true;
    if (!s->dead)
        add(s, kd_cel_look(s, 0)->offset, KD_STR("Syntax error: error recovery attempt limit exceeded: 30"));
    give_up(s);
    return false;
}

static void skip_until(kd_cel_syntax *s, kd_cel_set set, bool bounded)
{
    for (uint32_t skipped = 0; !kd_cel_is(s, KD_CEL_T_EOF) && !kd_cel_in(s, set); skipped++) {
        if (bounded && skipped == MAX_SKIPPED) {
            add(s, KD_CEL_NOWHERE, KD_STR("error recovery token lookahead limit exceeded: 256"));
            give_up(s);
            return;
        }
        consume(s);
    }
}

static void recover(kd_cel_syntax *s)
{
    if (!attempt(s))
        return;
    uint64_t bit = (uint64_t)1 << (s->state & 63);
    if (s->last_index == (int64_t)s->at && s->last_states[s->state >> 6] & bit)
        consume(s);
    s->last_index = s->at;
    s->last_states[s->state >> 6] |= bit;
    skip_until(s, recovery_set(s), true);
}

void kd_cel_enter(kd_cel_syntax *s, kd_cel_frame *frame, kd_cel_set follow)
{
    *frame = (kd_cel_frame){.up = s->frame, .follow = follow, .state = s->state};
    s->frame = frame;
}

bool kd_cel_leave(kd_cel_syntax *s, kd_cel_frame *frame)
{
    bool thrown = s->thrown;
    if (thrown && !s->dead)
        recover(s);
    s->thrown = s->dead;
    s->frame = frame->up;
    s->state = frame->state;
    return !thrown;
}

void kd_cel_nest(kd_cel_syntax *s)
{
    if (++s->depth > KD_CEL_MAX_DEPTH && !s->dead) {
        add(s, KD_CEL_NOWHERE, KD_STR("expression recursion limit exceeded: 250"));
        give_up(s);
    }
}

const kd_cel_token *kd_cel_match(kd_cel_syntax *s, uint16_t state, kd_cel_token_kind kind, kd_cel_set next)
{
    if (s->thrown)
        return NULL;
    s->state = state;
    kd_cel_set want = (kd_cel_set)1 << kind;
    const kd_cel_token *token = kd_cel_look(s, 0);
    if (token->kind != kind) {
        if (!attempt(s))
            return NULL;
        if (delete_token(s, want)) {
            token = kd_cel_look(s, 0);
            consume(s);
            return token;
        }
        if (expected(s, next) >> token->kind & 1)
            report(s, "missing", want);
        else
            throw_mismatch(s, want);
        return NULL;
    }
    matched(s);
    consume(s);
    return token;
}

void kd_cel_sync(kd_cel_syntax *s, uint16_t state, kd_cel_set set, bool again)
{
    if (s->thrown)
        return;
    s->state = state;
    if (s->recovering || set & KD_CEL_END || kd_cel_in(s, set))
        return;
    if (again) {
        report(s, "extraneous", expected(s, set));
        skip_until(s, expected(s, set) | recovery_set(s), false);
    } else if (!delete_token(s, expected(s, set))) {
        throw_mismatch(s, set);
    }
}

/* The source from one token to another, as it is written but for what was no token. */
static kd_str between(kd_cel_syntax *s, const kd_cel_token *from, const kd_cel_token *to)
{
    const char *p = from->text.p, *end = to->text.p + to->text.n;
    char *text = kd_arena_alloc(s->arena, (size_t)(end - p) + 1);
    if (!text)
        return (kd_str){0};
    size_t n = 0;
    for (uint32_t i = 0; p < end;) {
        while (i < s->tokens.n_refused && s->tokens.refused[i].p < p)
            i++;
        const char *stop = i < s->tokens.n_refused && s->tokens.refused[i].p < end ? s->tokens.refused[i].p : end;
        memcpy(text + n, p, (size_t)(stop - p));
        n += (size_t)(stop - p);
        p = stop < end ? stop + s->tokens.refused[i].n : end;
    }
    return kd_cel_show(s->arena, kd_str_of(text, n));
}

/* "no viable alternative" names a reserved word otherwise: ANTLR's message about ".true" is not shown. */
static kd_str no_way_text(kd_cel_syntax *s, kd_str input)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < KD_COUNT(words); i++) {
        if (input.n == strlen(words[i]) + 1 && kd_str_eq(kd_str_from(input, 1), kd_str_from_c(words[i])))
            return kd_arena_printf(s->arena, "Syntax error: mismatched input '%s' expecting IDENTIFIER", words[i]);
    }
    return kd_arena_printf(s->arena, "Syntax error: no viable alternative at input '%.*s'", KD_FMT(input));
}

void kd_cel_no_way(kd_cel_syntax *s, uint32_t ahead)
{
    if (!s->recovering) {
        s->recovering = true;
        const kd_cel_token *from = kd_cel_look(s, 0), *to = kd_cel_look(s, ahead);
        kd_str input = from->kind == KD_CEL_T_EOF ? KD_STR("<EOF>") : between(s, from, to);
        add(s, to->offset, input.p ? no_way_text(s, input) : input);
    }
    s->thrown = true;
}
