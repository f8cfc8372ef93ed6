/* XML tokens as Go's encoding/xml gives them: its rules, leniency and error texts (spec/01 section 9.2), where they
 * differ from XML 1.0 as well. No document type is read, nothing but the five entities and character references is
 * expanded. */
#ifndef KD_TEXT_XML_TOKEN_H
#define KD_TEXT_XML_TOKEN_H

#include "base/arena.h"

/* Elements inside each other; one more is refused. */
#define KD_XML_MAX_DEPTH 10000
/* Namespace declarations in force at one place; one more is refused. */
#define KD_XML_MAX_SPACES 1000
/* Declarations that change the character set; one more is refused: each may make the rest of the text three times as
 * long. */
#define KD_XML_MAX_CHARSETS 2

typedef enum kd_xml_kind {
    KD_XML_START,
    KD_XML_END,
    KD_XML_TEXT,  /* also the content of a CDATA section */
    KD_XML_OTHER, /* a comment, processing instruction or directive */
    KD_XML_EOF,
    KD_XML_REFUSED,   /* see `error`; every further token is refused too */
    KD_XML_NO_MEMORY, /* as is the case for good */
} kd_xml_kind;

/* A name as it stands: "a:b" has the prefix "a", everything else none. `space` is what the prefix stands for; the
 * prefix itself where it was not declared. Only filled when namespaces are asked for. */
typedef struct kd_xml_name {
    kd_str prefix, local, space;
} kd_xml_name;

typedef struct kd_xml_attr {
    kd_xml_name name;
    kd_str value;
} kd_xml_attr;

typedef struct kd_xml_open kd_xml_open;
typedef struct kd_xml_binding kd_xml_binding;

typedef struct kd_xml_scan {
    kd_arena *arena;
    char *p, *end;      /* what is still to be read */
    bool lenient;       /* Go's Strict = false */
    bool namespaces;    /* fill `space` */
    bool raw;           /* texts and values are checked, but left as they were written */
    kd_xml_kind kind;   /* of the token */
    kd_xml_name name;   /* of a start or end */
    kd_str text;        /* of a text */
    kd_xml_attr *attrs; /* of a start; until the next token */
    uint32_t n_attrs, cap_attrs;
    kd_str error; /* Go's words, line number included */
    uint32_t depth, cap_open, n_bindings, cap_bindings, n_charsets;
    kd_xml_open *open;
    kd_xml_binding *bindings;
    char *counted; /* line breaks before it are in `lines` */
    size_t lines;
    size_t before;   /* bytes consumed before the present text began (a change of charset begins a new one) */
    char *begin;     /* of the present text */
    bool close_next; /* the next token is an end, of to_close */
    kd_xml_name to_close;
    bool stuck; /* leniently closed, with declarations of its own: Go takes no further end then */
} kd_xml_scan;

/* Begins at text[0..n), which is changed in place and must outlive what the tokens refer to. Memory comes from the
 * arena: the names of open elements, attributes, and a document in another character set once more as UTF-8. */
void kd_xml_scan_init(kd_xml_scan *scan, kd_arena *arena, char *text, size_t n);
/* The next token; its kind. The end of an element that is closed at once ("<a/>") is a token too. */
kd_xml_kind kd_xml_next(kd_xml_scan *scan);
/* How many bytes have been consumed, as Go's Decoder.InputOffset says. */
size_t kd_xml_offset(const kd_xml_scan *scan);

/* Is it a name as encoding/xml understands it? */
bool kd_xml_is_name(kd_str s);

typedef enum kd_charset_result { KD_CHARSET_OK, KD_CHARSET_UNKNOWN, KD_CHARSET_NO_MEMORY } kd_charset_result;

/* The text in UTF-8, in the arena; what cannot be read becomes U+FFFD. `label` is a label of the WHATWG's encoding
 * standard; unknown are those that it lacks, or that this system cannot convert. */
kd_charset_result kd_charset_to_utf8(kd_arena *arena, kd_str label, kd_str text, kd_str *out);

#endif
