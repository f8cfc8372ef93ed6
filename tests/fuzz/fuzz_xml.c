/* XML: whatever the document, the reader stays inside its memory; what it accepts has the depth and characters that it
 * promises; and what the printers write of it is whole. */
#include "text/json.h"
#include "text/utf8.h"
#include "text/xml.h"
#include "text/xml_token.h"
#include "text/yaml_emit.h"

#include <assert.h>
#include <stdlib.h>

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All tokens, leniently or not, changed in place or not. They stand for ever once the end is reached. */
static void scan(const uint8_t *data, size_t size, unsigned how)
{
    char *text = malloc(size ? size : 1);
    memcpy(text, data, size);
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_xml_scan s;
    kd_xml_scan_init(&s, &arena, text, size);
    s.lenient = how & 1;
    s.raw = how & 2;
    s.namespaces = how & 4;
    size_t depth = 0;
    while (kd_xml_next(&s) < KD_XML_EOF) {
        depth += s.kind == KD_XML_START;
        assert(s.kind != KD_XML_END || depth > 0);
        depth -= s.kind == KD_XML_END;
        assert(depth <= KD_XML_MAX_DEPTH && s.depth == depth);
        if (s.kind == KD_XML_TEXT && !s.raw)
            assert(kd_utf8_valid(s.text));
    }
    kd_xml_kind last = s.kind;
    assert(last != KD_XML_NO_MEMORY && kd_xml_next(&s) == last);
    assert(last == KD_XML_EOF ? depth == 0 : s.error.n > 0);
    kd_arena_reset(&arena);
    free(text);
}

/* Elements in the printed text: as many as are closed. */
static void check_tags(kd_str xml)
{
    ptrdiff_t open = 0;
    for (size_t i = 0; i + 1 < xml.n; i++) {
        if (xml.p[i] == '<')
            open += xml.p[i + 1] == '/' ? -1 : 1;
        if (xml.p[i] == '/' && xml.p[i + 1] == '>')
            open--;
        assert(open >= 0);
    }
    assert(open == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kd_buf first, second;
    if (!first.max) {
        kd_buf_init(&first, 1 << 26);
        kd_buf_init(&second, 1 << 26);
    }
    if (size > INPUT_MAX)
        return 0;
    for (unsigned how = 0; how < 8; how++)
        scan(data, size, how);
    char *text = malloc(size ? size : 1);
    memcpy(text, data, size);
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_value v;
    kd_str error;
    kd_xml_result result = kd_xml_read(&arena, text, size, &v, &error);
    assert(result == KD_XML_READ || (result == KD_XML_BAD && error.n));
    if (result == KD_XML_READ) {
        kd_buf_reset(&first, 1 << 16);
        assert(v.type == KD_OBJECT && kd_json_emit(&first, v, NULL) && kd_utf8_valid(kd_buf_str(&first)));
        kd_buf_reset(&first, 1 << 16);
        assert(kd_xml_emit(&first, v) && kd_utf8_valid(kd_buf_str(&first)));
        check_tags(kd_buf_str(&first));
        kd_buf_reset(&second, 1 << 16);
        kd_value copy = kd_value_copy(&arena, v);
        assert(kd_xml_emit(&second, copy) && kd_str_eq(kd_buf_str(&first), kd_buf_str(&second)));
        kd_buf_reset(&first, 1 << 16);
        kd_yaml_emit(&first, v); /* a deep document may want more than the buffer has */
    }
    kd_arena_reset(&arena);
    free(text);
    return 0;
}
