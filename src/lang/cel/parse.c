/* The grammar: a rule of cel-go's grammar is a function here, and the numbers are places in it (they tell recoveries
 * apart). What a rule calls is given what may follow it there. */
#include "lang/cel/build.h"
#include "lang/cel/literal.h"

#define B(kind)  ((kd_cel_set)1 << KD_CEL_T_##kind)
#define END      KD_CEL_END
#define LITERALS (B(TRUE) | B(FALSE) | B(NULL) | B(FLOAT) | B(INT) | B(UINT) | B(STRING) | B(BYTES))
#define PRIMARY  (B(LBRACKET) | B(LBRACE) | B(LPAREN) | B(DOT) | B(MINUS) | LITERALS | B(IDENTIFIER))
#define EXPR     (PRIMARY | B(EXCLAM))
#define OPTIONAL (EXPR | B(QUESTION))
#define FIELD    (B(QUESTION) | B(IDENTIFIER) | B(ESCAPED))
#define RELATION (B(EQUALS) | B(NOT_EQUALS) | B(IN) | B(LESS) | B(LESS_EQUALS) | B(GREATER_EQUALS) | B(GREATER))
#define FACTOR   (B(STAR) | B(SLASH) | B(PERCENT))
#define TERM     (B(PLUS) | B(MINUS))

typedef kd_cel_builder parser;

static kd_cel_expr *expr(parser *p, uint16_t state, kd_cel_set follow);

static uint32_t here(const parser *p)
{
    return kd_cel_look(&p->syntax, 0)->offset;
}

static const kd_cel_token *match(parser *p, uint16_t state, kd_cel_token_kind kind, kd_cel_set next)
{
    return kd_cel_match(&p->syntax, state, kind, next);
}

static bool begin(parser *p, kd_cel_frame *frame, uint16_t state, kd_cel_set follow)
{
    if (p->syntax.thrown)
        return false;
    p->syntax.state = state;
    kd_cel_enter(&p->syntax, frame, follow);
    return true;
}

/* Takes the operator that stands here. */
static const kd_cel_token *take(parser *p, uint16_t state)
{
    kd_cel_token_kind kind = (kd_cel_token_kind)kd_cel_look(&p->syntax, 0)->kind;
    return match(p, state, kind, EXPR);
}

/* What stands for a name that is reserved; NULL when it is not. */
static kd_cel_expr *reserved(parser *p, kd_str name, uint32_t offset)
{
    static const kd_str words[] = {
        KD_STR_INIT("as"),        KD_STR_INIT("break"),  KD_STR_INIT("const"),    KD_STR_INIT("continue"),
        KD_STR_INIT("else"),      KD_STR_INIT("for"),    KD_STR_INIT("function"), KD_STR_INIT("if"),
        KD_STR_INIT("import"),    KD_STR_INIT("let"),    KD_STR_INIT("loop"),     KD_STR_INIT("package"),
        KD_STR_INIT("namespace"), KD_STR_INIT("return"), KD_STR_INIT("var"),      KD_STR_INIT("void"),
        KD_STR_INIT("while"),
    };
    for (size_t i = 0; i < KD_COUNT(words); i++) {
        if (kd_str_eq(words[i], name))
            return kd_cel_refused(p, offset,
                                  kd_arena_printf(p->syntax.arena, "reserved identifier: %.*s", KD_FMT(name)));
    }
    return NULL;
}

static kd_str with_dot(parser *p, bool dot, kd_str name)
{
    if (!dot)
        return name;
    kd_str dotted = kd_arena_printf(p->syntax.arena, ".%.*s", KD_FMT(name));
    if (!dotted.p)
        kd_cel_give_up(p);
    return dotted.p ? dotted : name;
}

static kd_cel_expr *literal(parser *p)
{
    kd_cel_frame frame;
    kd_cel_expr *e = &p->hole;
    if (!begin(p, &frame, 183, END))
        return e;
    kd_cel_syntax *s = &p->syntax;
    uint32_t offset = here(p);
    kd_cel_sync(s, 256, LITERALS | B(MINUS), false);
    bool negative = !s->thrown && kd_cel_is(s, KD_CEL_T_MINUS);
    uint8_t next = kd_cel_look(s, negative)->kind;
    if (s->thrown)
        ;
    else if (negative && next != KD_CEL_T_INT && next != KD_CEL_T_FLOAT)
        kd_cel_no_way(s, 1);
    else if (!(LITERALS >> next & 1))
        kd_cel_no_way(s, 0);
    else {
        offset = here(p);
        if (negative)
            match(p, 242, KD_CEL_T_MINUS, B(INT) | B(FLOAT));
        const kd_cel_token *token = match(p, 245, (kd_cel_token_kind)next, END);
        kd_str error = {0};
        kd_cel_value value = {0};
        if (token && kd_cel_literal(s->arena, token, negative, &value, &error)) {
            e = kd_cel_node(p, KD_CEL_CONST, offset);
            e->constant = value;
        } else if (token) {
            e = kd_cel_refused(p, offset, error);
        }
    }
    kd_cel_leave(s, &frame);
    return e;
}

static kd_cel_exprs expr_list(parser *p, uint16_t state)
{
    kd_cel_frame frame;
    kd_cel_exprs list = {0};
    if (!begin(p, &frame, state, B(RPAREN)))
        return list;
    kd_cel_syntax *s = &p->syntax;
    kd_cel_push(p, &list, expr(p, 186, B(COMMA) | END));
    while (!s->thrown && kd_cel_is(s, KD_CEL_T_COMMA)) {
        match(p, 187, KD_CEL_T_COMMA, EXPR);
        kd_cel_push(p, &list, expr(p, 188, B(COMMA) | END));
    }
    kd_cel_leave(s, &frame);
    return list;
}

static kd_cel_exprs arguments(parser *p, uint16_t state)
{
    kd_cel_exprs args = {0};
    kd_cel_sync(&p->syntax, (uint16_t)(state + 1), EXPR | B(RPAREN), false);
    if (!p->syntax.thrown && kd_cel_in(&p->syntax, EXPR))
        args = expr_list(p, state);
    match(p, (uint16_t)(state + 3), KD_CEL_T_RPAREN, state == 114 ? B(DOT) | B(LBRACKET) | END : END);
    return args;
}

/* An identifier or a call of a function. */
static kd_cel_expr *name(parser *p, bool call)
{
    kd_cel_syntax *s = &p->syntax;
    uint32_t offset = here(p);
    bool dot = kd_cel_is(s, KD_CEL_T_DOT) && match(p, 131, KD_CEL_T_DOT, B(IDENTIFIER));
    const kd_cel_token *id = match(p, 134, KD_CEL_T_IDENTIFIER, call ? B(LPAREN) : END);
    if (!id)
        return &p->hole;
    if (!call) {
        kd_cel_expr *e = reserved(p, id->text, offset);
        if (e)
            return e;
        e = kd_cel_node(p, KD_CEL_IDENT, id->offset);
        e->name = with_dot(p, dot, id->text);
        return e;
    }
    uint32_t open = here(p);
    match(p, 139, KD_CEL_T_LPAREN, EXPR | B(RPAREN));
    kd_cel_exprs args = arguments(p, 140);
    kd_cel_expr *refused = reserved(p, id->text, offset);
    return refused ? refused : kd_cel_call(p, with_dot(p, dot, id->text), open, NULL, &args);
}

/* An expression of a list or a map, with the '?' that is not supported. NULL: it had one. */
static kd_cel_expr *optional_expr(parser *p, uint16_t state, kd_cel_set follow)
{
    kd_cel_frame frame;
    if (!begin(p, &frame, state, follow))
        return &p->hole;
    kd_cel_sync(&p->syntax, 238, OPTIONAL, false);
    if (!p->syntax.thrown && kd_cel_is(&p->syntax, KD_CEL_T_QUESTION)) {
        kd_cel_note(p, here(p), KD_STR("unsupported syntax '?'"));
        match(p, 237, KD_CEL_T_QUESTION, EXPR);
    }
    kd_cel_expr *e = expr(p, 240, END);
    kd_cel_leave(&p->syntax, &frame);
    return e;
}

/* Whether a comma stands here and one more element follows it. */
static bool more(parser *p, kd_cel_set first)
{
    kd_cel_syntax *s = &p->syntax;
    return !s->thrown && kd_cel_is(s, KD_CEL_T_COMMA) && (first >> kd_cel_look(s, 1)->kind & 1);
}

static void last_comma(parser *p, uint16_t state, kd_cel_token_kind close)
{
    kd_cel_sync(&p->syntax, (uint16_t)(state + 1), B(COMMA) | (kd_cel_set)1 << close, false);
    if (!p->syntax.thrown && kd_cel_is(&p->syntax, KD_CEL_T_COMMA))
        match(p, state, KD_CEL_T_COMMA, (kd_cel_set)1 << close);
    match(p, (uint16_t)(state + 3), close, END);
}

static kd_cel_expr *list(parser *p)
{
    kd_cel_syntax *s = &p->syntax;
    kd_cel_exprs items = {0};
    uint32_t offset = here(p);
    match(p, 148, KD_CEL_T_LBRACKET, OPTIONAL | B(COMMA) | B(RBRACKET));
    kd_cel_sync(s, 150, OPTIONAL | B(COMMA) | B(RBRACKET), false);
    kd_cel_frame frame;
    if (!s->thrown && kd_cel_in(s, OPTIONAL) && begin(p, &frame, 149, B(COMMA) | B(RBRACKET))) {
        kd_cel_push(p, &items, optional_expr(p, 194, B(COMMA) | END));
        while (more(p, OPTIONAL)) {
            match(p, 195, KD_CEL_T_COMMA, OPTIONAL);
            kd_cel_push(p, &items, optional_expr(p, 196, B(COMMA) | END));
        }
        kd_cel_leave(s, &frame);
    }
    last_comma(p, 152, KD_CEL_T_RBRACKET);
    kd_cel_expr *e = kd_cel_node(p, KD_CEL_LIST_OF, offset);
    e->items = items.p;
    e->n = items.n;
    return e;
}

typedef struct entries {
    kd_cel_exprs items; /* of a map: key, value, ...; of a message: values */
    KD_VEC(uint32_t) offsets;
    KD_VEC(kd_str) fields;
} entries;

/* ": value" of an entry. Without a value nothing is said about its key: `notes` were there before it. */
static void entry_value(parser *p, uint16_t state, uint32_t notes, entries *to)
{
    uint32_t colon = here(p);
    match(p, state, KD_CEL_T_COLON, EXPR);
    if (p->syntax.thrown)
        p->notes->n = notes;
    if (!KD_VEC_PUSH(p->syntax.arena, &to->offsets, colon))
        kd_cel_give_up(p);
    kd_cel_push(p, &to->items, expr(p, (uint16_t)(state + 1), B(COMMA) | END));
}

static kd_cel_expr *map(parser *p)
{
    kd_cel_syntax *s = &p->syntax;
    entries all = {0};
    uint32_t offset = here(p);
    match(p, 156, KD_CEL_T_LBRACE, OPTIONAL | B(COMMA) | B(RBRACE));
    kd_cel_sync(s, 158, OPTIONAL | B(COMMA) | B(RBRACE), false);
    kd_cel_frame frame;
    if (!s->thrown && kd_cel_in(s, OPTIONAL) && begin(p, &frame, 157, B(COMMA) | B(RBRACE))) {
        uint32_t notes = p->notes->n;
        kd_cel_push(p, &all.items, optional_expr(p, 220, B(COLON)));
        entry_value(p, 221, notes, &all);
        while (more(p, OPTIONAL)) {
            notes = p->notes->n;
            match(p, 223, KD_CEL_T_COMMA, OPTIONAL);
            kd_cel_push(p, &all.items, optional_expr(p, 224, B(COLON)));
            entry_value(p, 225, notes, &all);
        }
        kd_cel_leave(s, &frame);
    }
    last_comma(p, 160, KD_CEL_T_RBRACE);
    kd_cel_expr *e = kd_cel_node(p, KD_CEL_MAP_OF, offset);
    e->items = all.items.p;
    e->n = all.items.n;
    e->offsets = all.offsets.p;
    return e;
}

/* The name of a field; in backquotes it is not supported. */
static const kd_cel_token *field_name(parser *p, uint16_t state, kd_cel_set follow, uint32_t note_at)
{
    kd_cel_frame frame;
    if (!begin(p, &frame, state, follow))
        return NULL;
    kd_cel_syntax *s = &p->syntax;
    uint32_t offset = here(p);
    kd_cel_sync(s, 235, B(IDENTIFIER) | B(ESCAPED), false);
    const kd_cel_token *id = NULL;
    if (!s->thrown && kd_cel_is(s, KD_CEL_T_IDENTIFIER)) {
        id = match(p, 233, KD_CEL_T_IDENTIFIER, END);
    } else if (!s->thrown && kd_cel_is(s, KD_CEL_T_ESCAPED)) {
        id = match(p, 234, KD_CEL_T_ESCAPED, END);
        kd_cel_note(p, note_at == KD_CEL_NOWHERE ? offset : note_at, KD_STR("unsupported syntax: '`'"));
    } else if (!s->thrown) {
        kd_cel_no_way(s, 0);
    }
    kd_cel_leave(s, &frame);
    return id;
}

static void field(parser *p, uint16_t state, uint32_t list_at, entries *to)
{
    kd_cel_frame frame;
    kd_str text = KD_STR("");
    uint32_t notes = p->notes->n;
    if (begin(p, &frame, state, B(COLON))) {
        kd_cel_sync(&p->syntax, 216, FIELD, false);
        if (!p->syntax.thrown && kd_cel_is(&p->syntax, KD_CEL_T_QUESTION)) {
            kd_cel_note(p, here(p), KD_STR("unsupported syntax '?'"));
            match(p, 215, KD_CEL_T_QUESTION, B(IDENTIFIER) | B(ESCAPED));
        }
        const kd_cel_token *id = field_name(p, 218, END, list_at);
        text = id ? id->text : text;
        kd_cel_leave(&p->syntax, &frame);
    }
    if (!KD_VEC_PUSH(p->syntax.arena, &to->fields, text))
        kd_cel_give_up(p);
    entry_value(p, (uint16_t)(state + 1), notes, to);
}

/* The name of a message: identifiers with dots, without blanks. */
static kd_str message_name(parser *p)
{
    kd_cel_syntax *s = &p->syntax;
    kd_str whole = KD_STR("");
    bool dot = kd_cel_is(s, KD_CEL_T_DOT) && match(p, 164, KD_CEL_T_DOT, B(IDENTIFIER));
    const kd_cel_token *id = match(p, 167, KD_CEL_T_IDENTIFIER, B(DOT) | B(LBRACE));
    whole = with_dot(p, dot, id ? id->text : whole);
    while (!s->thrown && kd_cel_is(s, KD_CEL_T_DOT)) {
        match(p, 168, KD_CEL_T_DOT, B(IDENTIFIER));
        id = match(p, 169, KD_CEL_T_IDENTIFIER, B(DOT) | B(LBRACE));
        kd_str longer = id ? kd_arena_printf(s->arena, "%.*s.%.*s", KD_FMT(whole), KD_FMT(id->text)) : whole;
        if (!longer.p)
            kd_cel_give_up(p);
        else
            whole = longer;
    }
    return whole;
}

static kd_cel_expr *message(parser *p)
{
    kd_cel_syntax *s = &p->syntax;
    entries all = {0};
    kd_str type = message_name(p);
    uint32_t offset = here(p);
    match(p, 175, KD_CEL_T_LBRACE, FIELD | B(COMMA) | B(RBRACE));
    kd_cel_sync(s, 177, FIELD | B(COMMA) | B(RBRACE), false);
    uint32_t list_at = here(p);
    kd_cel_frame frame;
    if (!s->thrown && kd_cel_in(s, FIELD) && begin(p, &frame, 176, B(COMMA) | B(RBRACE))) {
        field(p, 202, list_at, &all);
        while (more(p, FIELD)) {
            match(p, 205, KD_CEL_T_COMMA, FIELD);
            field(p, 206, list_at, &all);
        }
        kd_cel_leave(s, &frame);
    }
    last_comma(p, 179, KD_CEL_T_RBRACE);
    kd_cel_expr *e = kd_cel_node(p, KD_CEL_MESSAGE, offset);
    e->name = type;
    e->items = all.items.p;
    e->n = all.items.n;
    e->fields = all.fields.p;
    e->offsets = all.offsets.p;
    return e;
}

/* Whether names with dots and a brace behind them stand here. */
static bool message_ahead(const parser *p)
{
    const kd_cel_syntax *s = &p->syntax;
    uint32_t i = kd_cel_look(s, 0)->kind == KD_CEL_T_DOT;
    while (kd_cel_look(s, i)->kind == KD_CEL_T_IDENTIFIER) {
        if (kd_cel_look(s, i + 1)->kind != KD_CEL_T_DOT)
            return kd_cel_look(s, i + 1)->kind == KD_CEL_T_LBRACE;
        i += 2;
    }
    return false;
}

static kd_cel_expr *name_or_message(parser *p)
{
    const kd_cel_syntax *s = &p->syntax;
    bool dot = kd_cel_is(s, KD_CEL_T_DOT);
    if (dot && kd_cel_look(s, 1)->kind != KD_CEL_T_IDENTIFIER) {
        kd_cel_no_way(&p->syntax, 1);
        return &p->hole;
    }
    if (message_ahead(p))
        return message(p);
    return name(p, kd_cel_look(s, dot ? 2 : 1)->kind == KD_CEL_T_LPAREN);
}

static kd_cel_expr *primary(parser *p)
{
    kd_cel_frame frame;
    kd_cel_expr *e = &p->hole;
    if (!begin(p, &frame, 102, B(DOT) | B(LBRACKET) | END))
        return e;
    kd_cel_syntax *s = &p->syntax;
    kd_cel_sync(s, 184, PRIMARY, false);
    if (!s->thrown) {
        switch (kd_cel_look(s, 0)->kind) {
        case KD_CEL_T_DOT:
        case KD_CEL_T_IDENTIFIER:
            e = name_or_message(p);
            break;
        case KD_CEL_T_LPAREN:
            match(p, 144, KD_CEL_T_LPAREN, EXPR);
            e = expr(p, 145, B(RPAREN));
            match(p, 146, KD_CEL_T_RPAREN, END);
            break;
        case KD_CEL_T_LBRACKET:
            e = list(p);
            break;
        case KD_CEL_T_LBRACE:
            e = map(p);
            break;
        default:
            if (kd_cel_in(s, PRIMARY))
                e = literal(p);
            else
                kd_cel_no_way(s, 0);
        }
    }
    kd_cel_leave(s, &frame);
    return e;
}

static kd_cel_expr *select_field(parser *p, kd_cel_expr *operand)
{
    kd_cel_syntax *s = &p->syntax;
    uint32_t offset = here(p);
    match(p, 105, KD_CEL_T_DOT, FIELD);
    kd_cel_sync(s, 107, FIELD, false);
    if (!s->thrown && kd_cel_is(s, KD_CEL_T_QUESTION)) {
        match(p, 106, KD_CEL_T_QUESTION, B(IDENTIFIER) | B(ESCAPED));
        kd_cel_note(p, offset, KD_STR("unsupported syntax '.?'"));
    }
    uint32_t field_at = here(p);
    const kd_cel_token *id = field_name(p, 109, B(DOT) | B(LBRACKET) | END, KD_CEL_NOWHERE);
    if (!id)
        kd_cel_note(p, field_at, KD_STR("unsupported ident kind"));
    kd_cel_expr *e = kd_cel_node(p, KD_CEL_SELECT, offset);
    e->operand = operand;
    e->name = id ? id->text : KD_STR("");
    return e;
}

static kd_cel_expr *call_method(parser *p, kd_cel_expr *receiver)
{
    match(p, 111, KD_CEL_T_DOT, B(IDENTIFIER));
    const kd_cel_token *id = match(p, 112, KD_CEL_T_IDENTIFIER, B(LPAREN));
    uint32_t open = here(p);
    match(p, 113, KD_CEL_T_LPAREN, EXPR | B(RPAREN));
    kd_cel_exprs args = arguments(p, 114);
    return id ? kd_cel_call(p, id->text, open, receiver, &args) : &p->hole;
}

static kd_cel_expr *index_of(parser *p, kd_cel_expr *operand)
{
    kd_cel_syntax *s = &p->syntax;
    uint32_t offset = here(p);
    match(p, 119, KD_CEL_T_LBRACKET, OPTIONAL);
    kd_cel_sync(s, 121, OPTIONAL, false);
    if (!s->thrown && kd_cel_is(s, KD_CEL_T_QUESTION)) {
        match(p, 120, KD_CEL_T_QUESTION, EXPR);
        kd_cel_note(p, offset, KD_STR("unsupported syntax '[?'"));
    }
    kd_cel_expr *at = expr(p, 123, B(RBRACKET));
    match(p, 124, KD_CEL_T_RBRACKET, B(DOT) | B(LBRACKET) | END);
    return kd_cel_operation(p, KD_CEL_FN_INDEX, offset, operand, at, NULL);
}

static kd_cel_expr *member(parser *p, uint16_t state)
{
    kd_cel_frame frame;
    if (!begin(p, &frame, state, END))
        return &p->hole;
    kd_cel_syntax *s = &p->syntax;
    kd_cel_expr *e = primary(p);
    while (!s->thrown && kd_cel_in(s, B(DOT) | B(LBRACKET))) {
        uint8_t next = kd_cel_look(s, 1)->kind;
        bool dot = kd_cel_is(s, KD_CEL_T_DOT);
        s->state = 126;
        if (dot && !(FIELD >> next & 1)) {
            kd_cel_no_way(s, 1);
            break;
        }
        if (!dot)
            e = index_of(p, e);
        else if (next == KD_CEL_T_IDENTIFIER && kd_cel_look(s, 2)->kind == KD_CEL_T_LPAREN)
            e = call_method(p, e);
        else
            e = select_field(p, e);
    }
    kd_cel_leave(s, &frame);
    return e;
}

/* '!' or '-', once or more; two of them are none. */
static kd_cel_expr *prefixed(parser *p, kd_cel_token_kind sign, kd_cel_function function, uint16_t state)
{
    kd_cel_syntax *s = &p->syntax;
    uint32_t offset = here(p), n = 0;
    kd_cel_set next = PRIMARY | (kd_cel_set)1 << sign;
    do {
        uint8_t after = kd_cel_look(s, 1)->kind;
        s->state = state;
        if (n && sign == KD_CEL_T_MINUS && !(PRIMARY >> after & 1)) {
            kd_cel_no_way(s, 1);
            return &p->hole;
        }
        match(p, state, sign, next);
        n++;
        kd_cel_sync(s, (uint16_t)(state + 3), next, true);
    } while (!s->thrown && kd_cel_is(s, sign));
    kd_cel_expr *e = member(p, (uint16_t)(state + 5));
    return n % 2 ? kd_cel_operation(p, function, offset, e, NULL, NULL) : e;
}

static kd_cel_expr *unary(parser *p, uint16_t state, kd_cel_set follow)
{
    kd_cel_frame frame;
    kd_cel_expr *e = &p->hole;
    if (!begin(p, &frame, state, follow))
        return e;
    kd_cel_syntax *s = &p->syntax;
    kd_cel_sync(s, 99, EXPR, false);
    if (!s->thrown) {
        uint8_t next = kd_cel_look(s, 1)->kind;
        bool minus = kd_cel_is(s, KD_CEL_T_MINUS);
        if (kd_cel_is(s, KD_CEL_T_EXCLAM))
            e = prefixed(p, KD_CEL_T_EXCLAM, KD_CEL_FN_NOT, 87);
        else if (minus && !(PRIMARY >> next & 1))
            kd_cel_no_way(s, 1);
        else if (minus && next != KD_CEL_T_INT && next != KD_CEL_T_FLOAT)
            e = prefixed(p, KD_CEL_T_MINUS, KD_CEL_FN_NEGATE, 93);
        else if (kd_cel_in(s, PRIMARY))
            e = member(p, 86);
        else
            kd_cel_no_way(s, 0);
    }
    kd_cel_leave(s, &frame);
    return e;
}

static kd_cel_function operator_of(uint8_t kind)
{
    switch (kind) {
    case KD_CEL_T_EQUALS:
        return KD_CEL_FN_EQUAL;
    case KD_CEL_T_NOT_EQUALS:
        return KD_CEL_FN_NOT_EQUAL;
    case KD_CEL_T_IN:
        return KD_CEL_FN_IN;
    case KD_CEL_T_LESS:
        return KD_CEL_FN_LESS;
    case KD_CEL_T_LESS_EQUALS:
        return KD_CEL_FN_LESS_EQUAL;
    case KD_CEL_T_GREATER_EQUALS:
        return KD_CEL_FN_GREATER_EQUAL;
    case KD_CEL_T_GREATER:
        return KD_CEL_FN_GREATER;
    case KD_CEL_T_STAR:
        return KD_CEL_FN_MULTIPLY;
    case KD_CEL_T_SLASH:
        return KD_CEL_FN_DIVIDE;
    case KD_CEL_T_PERCENT:
        return KD_CEL_FN_MODULO;
    case KD_CEL_T_PLUS:
        return KD_CEL_FN_ADD;
    default:
        return KD_CEL_FN_SUBTRACT;
    }
}

/* Binds operators of at least `precedence`: 1 for + and -, 2 for *, / and %. */
static kd_cel_expr *calc(parser *p, uint16_t state, unsigned precedence, kd_cel_set follow)
{
    kd_cel_frame frame;
    if (!begin(p, &frame, state, follow))
        return &p->hole;
    kd_cel_syntax *s = &p->syntax;
    kd_cel_expr *e = unary(p, 73, FACTOR | TERM | END);
    kd_cel_set mine = (precedence <= 2 ? FACTOR : 0) | (precedence <= 1 ? TERM : 0);
    while (!s->thrown && kd_cel_in(s, mine)) {
        bool factor = kd_cel_in(s, FACTOR);
        const kd_cel_token *op = take(p, factor ? 76 : 79);
        if (!op)
            break;
        kd_cel_expr *right = calc(p, factor ? 77 : 80, factor ? 3 : 2, FACTOR | TERM | END);
        e = kd_cel_operation(p, operator_of(op->kind), op->offset, e, right, NULL);
    }
    kd_cel_leave(s, &frame);
    return e;
}

static kd_cel_expr *relation(parser *p, uint16_t state, bool right_side, kd_cel_set follow)
{
    kd_cel_frame frame;
    if (!begin(p, &frame, state, follow))
        return &p->hole;
    kd_cel_syntax *s = &p->syntax;
    kd_cel_expr *e = calc(p, 62, 0, RELATION | END);
    while (!s->thrown && !right_side && kd_cel_in(s, RELATION)) {
        const kd_cel_token *op = take(p, 65);
        if (!op)
            break;
        kd_cel_expr *right = relation(p, 66, true, RELATION | END);
        e = kd_cel_operation(p, operator_of(op->kind), op->offset, e, right, NULL);
    }
    kd_cel_leave(s, &frame);
    return e;
}

/* Terms joined by && or ||. */
static kd_cel_expr *chain(parser *p, uint16_t state, bool alternatives, kd_cel_set follow)
{
    kd_cel_frame frame;
    if (!begin(p, &frame, state, follow))
        return &p->hole;
    kd_cel_syntax *s = &p->syntax;
    kd_cel_token_kind sign = alternatives ? KD_CEL_T_OR : KD_CEL_T_AND;
    kd_cel_set after = (kd_cel_set)1 << sign | END;
    uint16_t first = alternatives ? 45 : 53;
    kd_cel_exprs terms = {0};
    KD_VEC(uint32_t) offsets = {0};
    for (uint16_t at = first;; at = (uint16_t)(first + 2)) {
        kd_cel_expr *term = alternatives ? chain(p, at, false, after) : relation(p, at, false, after);
        if (!kd_cel_push(p, &terms, term) || s->thrown || !kd_cel_is(s, sign))
            break;
        const kd_cel_token *op = take(p, (uint16_t)(first + 1));
        if (!op || !KD_VEC_PUSH(s->arena, &offsets, op->offset)) {
            kd_cel_give_up(p);
            break;
        }
    }
    kd_cel_leave(s, &frame);
    if (s->dead)
        return &p->hole;
    return kd_cel_chain(p, alternatives ? KD_CEL_FN_OR : KD_CEL_FN_AND, &terms, offsets.p);
}

static kd_cel_expr *expr(parser *p, uint16_t state, kd_cel_set follow)
{
    kd_cel_frame frame;
    if (!begin(p, &frame, state, follow))
        return &p->hole;
    kd_cel_syntax *s = &p->syntax;
    kd_cel_nest(s);
    kd_cel_expr *e = chain(p, 37, true, B(QUESTION) | END);
    if (!s->thrown && kd_cel_is(s, KD_CEL_T_QUESTION)) {
        uint32_t offset = here(p);
        match(p, 38, KD_CEL_T_QUESTION, EXPR);
        kd_cel_expr *yes = chain(p, 39, true, B(COLON));
        match(p, 40, KD_CEL_T_COLON, EXPR);
        kd_cel_expr *no = expr(p, 41, END);
        e = kd_cel_operation(p, KD_CEL_FN_CONDITIONAL, offset, e, yes, no);
    }
    s->depth--;
    kd_cel_leave(s, &frame);
    return e;
}

static kd_cel_expr *start(parser *p)
{
    kd_cel_frame frame;
    kd_cel_enter(&p->syntax, &frame, END);
    kd_cel_expr *e = expr(p, 34, B(EOF));
    match(p, 35, KD_CEL_T_EOF, END);
    kd_cel_leave(&p->syntax, &frame);
    return e;
}

static void append(kd_cel_findings *to, const kd_cel_findings *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        kd_cel_findings_add(to, from->items[i].offset, from->items[i].text);
    to->more += from->more;
}

kd_cel_expr *kd_cel_parse(kd_arena *arena, kd_cel_source *source, kd_cel_findings *findings)
{
    uint32_t points;
    parser *p = KD_NEW(arena, parser); /* not on the stack: what could not be read is an expression in it */
    if (!p)
        return NULL;
    p->syntax = (kd_cel_syntax){.arena = arena, .findings = findings, .last_index = -1};
    p->notes = KD_NEW(arena, kd_cel_findings);
    if (!p->notes || !kd_cel_source_prepare(arena, source, &points))
        return NULL;
    if (points > KD_CEL_MAX_SOURCE) {
        kd_str text = kd_arena_printf(arena, "expression code point size exceeds limit: size: %u, limit %u", points,
                                      KD_CEL_MAX_SOURCE);
        if (text.p)
            kd_cel_findings_add(findings, KD_CEL_NOWHERE, text);
        return NULL;
    }
    if (!kd_cel_scan(arena, source, findings, &p->syntax.tokens))
        return NULL;
    kd_cel_expr *e = start(p);
    if (p->syntax.no_memory) {
        *findings = (kd_cel_findings){0};
        return NULL;
    }
    if (!p->syntax.dead) {
        append(findings, p->notes);
        if (!kd_cel_shallow(e, 0))
            kd_cel_findings_add(findings, KD_CEL_NOWHERE, KD_STR("max recursion depth exceeded"));
    }
    return findings->n ? NULL : e;
}
