/* The schemas of schemas, as their drafts define them (json-schema.org), written with ' for ". What has no effect on
 * validating (titles, defaults) is left out. */
#include "lang/jsonschema/own.h"

/* clang-format off */
#define STRING "{'type':'string'}"
#define NUMBER "{'type':'number'}"
#define FLAG "{'type':'boolean'}"
#define POSITIVE "{'type':'number','exclusiveMinimum':0}"
#define FORMAT(f) "{'type':'string','format':'" f "'}"
#define TYPES "{'enum':['array','boolean','integer','null','number','object','string']}"
#define MAP_OF(x) "{'type':'object','additionalProperties':" x "}"
#define EITHER(a, b) "{'anyOf':[" a "," b "]}"
#define LIST(x) "'type':'array','minItems':1,'items':" x

/* Keywords of every draft; D is where definitions stand, C what a count is called there. */
#define DEF(D, name) "{'$ref':'#/" D "/" name "'}"
#define TYPE_OF(D) EITHER(DEF(D, "simpleTypes"), "{" LIST(DEF(D, "simpleTypes")) ",'uniqueItems':true}")
#define COUNTS(D, C) "'maxLength':" DEF(D, C) ",'minLength':" DEF(D, C "Default0") ",'maxItems':" DEF(D, C) \
    ",'minItems':" DEF(D, C "Default0") ",'uniqueItems':" FLAG ",'maxProperties':" DEF(D, C) ",'minProperties':" \
    DEF(D, C "Default0") ",'required':" DEF(D, "stringArray") ",'pattern':" FORMAT("regex") ",'type':" TYPE_OF(D)
#define BOUNDS "'multipleOf':" POSITIVE ",'maximum':" NUMBER ",'exclusiveMaximum':" NUMBER ",'minimum':" NUMBER \
    ",'exclusiveMinimum':" NUMBER
#define LISTS(D) "'allOf':" DEF(D, "schemaArray") ",'anyOf':" DEF(D, "schemaArray") ",'oneOf':" \
    DEF(D, "schemaArray")
/* Members that are schemas, SELF being how the draft refers to a schema. */
#define SCHEMAS_4(SELF) "'properties':" MAP_OF(SELF) ",'not':" SELF
#define SCHEMAS_6(SELF) SCHEMAS_4(SELF) ",'contains':" SELF ",'propertyNames':" SELF ",'additionalProperties':" SELF
#define SCHEMAS_7(SELF) SCHEMAS_6(SELF) ",'if':" SELF ",'then':" SELF ",'else':" SELF \
    ",'patternProperties':{'type':'object','additionalProperties':" SELF ",'propertyNames':{'format':'regex'}}"
#define NOTES "'title':" STRING ",'description':" STRING
#define NOTES_7 NOTES ",'readOnly':" FLAG ",'writeOnly':" FLAG ",'examples':{'type':'array','items':true}"

/* ---- drafts 4, 6 and 7: one document each */

#define SELF "{'$ref':'#'}"
#define D "definitions"
#define DEPENDENCIES "'dependencies':" MAP_OF(EITHER(SELF, DEF(D, "stringArray")))
#define DEFINITIONS(count, strings) "'definitions':{'schemaArray':{" LIST(SELF) "},'" count \
    "':{'type':'integer','minimum':0},'" count "Default0':{'allOf':[" DEF(D, count) ",{}]},'simpleTypes':" TYPES \
    ",'stringArray':{'type':'array','items':" STRING strings ",'uniqueItems':true}}"

static const char draft_4[] =
    "{'$schema':'http://json-schema.org/draft-04/schema#'," DEFINITIONS("positiveInteger", ",'minItems':1")
    ",'type':'object','properties':{'id':" FORMAT("uriref") ",'$schema':" FORMAT("uri") "," NOTES
    ",'default':{},'multipleOf':{'type':'number','minimum':0,'exclusiveMinimum':true},'maximum':" NUMBER
    ",'exclusiveMaximum':" FLAG ",'minimum':" NUMBER ",'exclusiveMinimum':" FLAG "," COUNTS(D, "positiveInteger")
    ",'additionalItems':" EITHER(FLAG, SELF) ",'items':" EITHER(SELF, DEF(D, "schemaArray"))
    ",'additionalProperties':" EITHER(FLAG, SELF) ",'definitions':" MAP_OF(SELF) ",'patternProperties':" MAP_OF(SELF)
    "," DEPENDENCIES ",'enum':{'type':'array','minItems':1,'uniqueItems':true}," LISTS(D) "," SCHEMAS_4(SELF)
    ",'format':" STRING ",'$ref':" STRING
    "},'dependencies':{'exclusiveMaximum':['maximum'],'exclusiveMinimum':['minimum']}}";

#define DRAFT_6_7 DEFINITIONS("nonNegativeInteger", "") ",'type':['object','boolean'],'properties':{'$id':" \
    FORMAT("uri-reference") ",'$schema':" FORMAT("uri") ",'$ref':" FORMAT("uri-reference") ",'format':" STRING "," \
    BOUNDS "," COUNTS(D, "nonNegativeInteger") ",'additionalItems':" SELF ",'items':" \
    EITHER(SELF, DEF(D, "schemaArray")) ",'definitions':" MAP_OF(SELF) "," DEPENDENCIES "," LISTS(D) ","

static const char draft_6[] =
    "{'$schema':'http://json-schema.org/draft-06/schema#','$id':'http://json-schema.org/draft-06/schema#'," DRAFT_6_7
    NOTES ",'patternProperties':" MAP_OF(SELF) "," SCHEMAS_6(SELF)
    ",'enum':{'type':'array','minItems':1,'uniqueItems':true}}}";

static const char draft_7[] =
    "{'$schema':'http://json-schema.org/draft-07/schema#','$id':'http://json-schema.org/draft-07/schema#'," DRAFT_6_7
    NOTES_7 ",'$comment':" STRING "," SCHEMAS_7(SELF) ",'contentMediaType':" STRING ",'contentEncoding':" STRING
    ",'enum':{'type':'array','items':true,'minItems':1,'uniqueItems':true}}}";

#undef SELF
#undef D

/* ---- 2019-09 and 2020-12: one document for each vocabulary */

#define BASE_2019 "https://json-schema.org/draft/2019-09/"
#define BASE_2020 "https://json-schema.org/draft/2020-12/"
#define SELF_2019 "{'$recursiveRef':'#'}"
#define SELF_2020 "{'$dynamicRef':'#meta'}"
#define VOCABULARY(b, n) "'" b "vocab/" n "':true"
#define HEAD(b, id, vocabularies, anchor) "{'$schema':'" b "schema','$id':'" b id "','$vocabulary':{" vocabularies \
    "}," anchor ",'type':['object','boolean'],"
#define ANCHOR_2019 "'$recursiveAnchor':true"
#define ANCHOR_2020 "'$dynamicAnchor':'meta'"
#define META_2019(n) HEAD(BASE_2019, "meta/" n, VOCABULARY(BASE_2019, n), ANCHOR_2019) "'properties':{"
#define META_2020(n) HEAD(BASE_2020, "meta/" n, VOCABULARY(BASE_2020, n), ANCHOR_2020) "'properties':{"
#define REF(part) "{'$ref':'meta/" part "'}"
#define STRING_LISTS "{'$ref':'meta/validation#/$defs/stringArray'}"
#define VALIDATION BOUNDS "," COUNTS("$defs", "nonNegativeInteger") ",'maxContains':" \
    DEF("$defs", "nonNegativeInteger") ",'minContains':" DEF("$defs", "nonNegativeInteger") ",'dependentRequired':" \
    MAP_OF(DEF("$defs", "stringArray")) \
    ",'const':true,'enum':{'type':'array','items':true}},'$defs':{'nonNegativeInteger':{'type':'integer'," \
    "'minimum':0},'nonNegativeIntegerDefault0':" DEF("$defs", "nonNegativeInteger") ",'simpleTypes':" TYPES \
    ",'stringArray':{'type':'array','items':" STRING ",'uniqueItems':true}}}"
#define META_DATA NOTES_7 ",'deprecated':" FLAG "}}"
#define ONE_FORMAT "'format':" STRING "}}"
#define CONTENT(SELF) "'contentMediaType':" STRING ",'contentEncoding':" STRING ",'contentSchema':" SELF "}}"
#define APPLICATOR(SELF) SCHEMAS_7(SELF) ",'dependentSchemas':" MAP_OF(SELF) "," LISTS("$defs")
#define SCHEMA_LIST(SELF) "},'$defs':{'schemaArray':{" LIST(SELF) "}}}"

static const struct {
    kd_str url;
    const char *text;
} documents[] = {
    {KD_STR_INIT("http://json-schema.org/draft-04/schema"), draft_4},
    {KD_STR_INIT("http://json-schema.org/draft-06/schema"), draft_6},
    {KD_STR_INIT("http://json-schema.org/draft-07/schema"), draft_7},
    {KD_STR_INIT(BASE_2019 "schema"),
     HEAD(BASE_2019, "schema", VOCABULARY(BASE_2019, "core") "," VOCABULARY(BASE_2019, "applicator") ","
     VOCABULARY(BASE_2019, "validation") "," VOCABULARY(BASE_2019, "meta-data") "," VOCABULARY(BASE_2019, "content"),
     ANCHOR_2019)
     "'allOf':[" REF("core") "," REF("applicator") "," REF("validation") "," REF("meta-data") "," REF("format") ","
     REF("content") "],'properties':{'definitions':" MAP_OF(SELF_2019) ",'dependencies':"
     MAP_OF(EITHER(SELF_2019, STRING_LISTS)) "}}"},
    {KD_STR_INIT(BASE_2019 "meta/core"),
     META_2019("core") "'$id':{'type':'string','format':'uri-reference','pattern':'^[^#]*#?$'},'$schema':"
     FORMAT("uri") ",'$anchor':{'type':'string','pattern':'^[A-Za-z][-A-Za-z0-9.:_]*$'},'$ref':"
     FORMAT("uri-reference") ",'$recursiveRef':" FORMAT("uri-reference") ",'$recursiveAnchor':" FLAG
     ",'$vocabulary':{'type':'object','propertyNames':" FORMAT("uri") ",'additionalProperties':" FLAG "},'$comment':"
     STRING ",'$defs':" MAP_OF(SELF_2019) "}}"},
    {KD_STR_INIT(BASE_2019 "meta/applicator"),
     META_2019("applicator") APPLICATOR(SELF_2019) ",'additionalItems':" SELF_2019 ",'unevaluatedItems':" SELF_2019
     ",'unevaluatedProperties':" SELF_2019 ",'items':" EITHER(SELF_2019, DEF("$defs", "schemaArray"))
     SCHEMA_LIST(SELF_2019)},
    {KD_STR_INIT(BASE_2019 "meta/validation"), META_2019("validation") VALIDATION},
    {KD_STR_INIT(BASE_2019 "meta/meta-data"), META_2019("meta-data") META_DATA},
    {KD_STR_INIT(BASE_2019 "meta/format"), META_2019("format") ONE_FORMAT},
    {KD_STR_INIT(BASE_2019 "meta/content"), META_2019("content") CONTENT(SELF_2019)},
    {KD_STR_INIT(BASE_2020 "schema"),
     HEAD(BASE_2020, "schema", VOCABULARY(BASE_2020, "core") "," VOCABULARY(BASE_2020, "applicator") ","
     VOCABULARY(BASE_2020, "unevaluated") "," VOCABULARY(BASE_2020, "validation") "," VOCABULARY(BASE_2020, "meta-data")
     "," VOCABULARY(BASE_2020, "format-annotation") "," VOCABULARY(BASE_2020, "content"), ANCHOR_2020)
     "'allOf':[" REF("core") "," REF("applicator") "," REF("unevaluated") "," REF("validation") "," REF("meta-data")
     "," REF("format-annotation") "," REF("content") "],'properties':{'definitions':" MAP_OF(SELF_2020)
     ",'dependencies':" MAP_OF(EITHER(SELF_2020, STRING_LISTS))
     ",'$recursiveAnchor':{'$ref':'meta/core#/$defs/anchorString'},"
     "'$recursiveRef':{'$ref':'meta/core#/$defs/uriReferenceString'}}}"},
    {KD_STR_INIT(BASE_2020 "meta/core"),
     META_2020("core") "'$id':{'$ref':'#/$defs/uriReferenceString','pattern':'^[^#]*#?$'},'$schema':"
     DEF("$defs", "uriString") ",'$ref':" DEF("$defs", "uriReferenceString") ",'$anchor':"
     DEF("$defs", "anchorString") ",'$dynamicRef':" DEF("$defs", "uriReferenceString") ",'$dynamicAnchor':"
     DEF("$defs", "anchorString") ",'$vocabulary':{'type':'object','propertyNames':" DEF("$defs", "uriString")
     ",'additionalProperties':" FLAG "},'$comment':" STRING ",'$defs':" MAP_OF(SELF_2020)
     "},'$defs':{'anchorString':{'type':'string','pattern':'^[A-Za-z_][-A-Za-z0-9._]*$'},'uriString':" FORMAT("uri")
     ",'uriReferenceString':" FORMAT("uri-reference") "}}"},
    {KD_STR_INIT(BASE_2020 "meta/applicator"),
     META_2020("applicator") APPLICATOR(SELF_2020) ",'items':" SELF_2020 ",'prefixItems':"
     DEF("$defs", "schemaArray") SCHEMA_LIST(SELF_2020)},
    {KD_STR_INIT(BASE_2020 "meta/unevaluated"),
     META_2020("unevaluated") "'unevaluatedItems':" SELF_2020 ",'unevaluatedProperties':" SELF_2020 "}}"},
    {KD_STR_INIT(BASE_2020 "meta/validation"), META_2020("validation") VALIDATION},
    {KD_STR_INIT(BASE_2020 "meta/meta-data"), META_2020("meta-data") META_DATA},
    {KD_STR_INIT(BASE_2020 "meta/format-annotation"), META_2020("format-annotation") ONE_FORMAT},
    {KD_STR_INIT(BASE_2020 "meta/format-assertion"), META_2020("format-assertion") ONE_FORMAT},
    {KD_STR_INIT(BASE_2020 "meta/content"), META_2020("content") CONTENT(SELF_2020)},
};
/* clang-format on */

/* Host and path; http and https are the same here. p is NULL for another scheme. */
static kd_str without_scheme(kd_str url)
{
    if (kd_str_starts(url, KD_STR("https://")))
        return kd_str_from(url, 8);
    return kd_str_starts(url, KD_STR("http://")) ? kd_str_from(url, 7) : (kd_str){NULL, 0};
}

kd_str kd_metaschema_text(kd_str url)
{
    kd_str wanted = without_scheme(url);
    if (wanted.p && kd_str_eq(wanted, KD_STR("json-schema.org/schema")))
        wanted = without_scheme(KD_STR(BASE_2020 "schema"));
    for (size_t i = 0; wanted.p && i < KD_COUNT(documents); i++)
        if (kd_str_eq(without_scheme(documents[i].url), wanted))
            return kd_str_from_c(documents[i].text);
    return (kd_str){NULL, 0};
}

static const struct {
    kd_jsonschema_draft draft;
    kd_str url;
} drafts[] = {
    {KD_DRAFT_4, KD_STR_INIT("http://json-schema.org/draft-04/schema")},
    {KD_DRAFT_6, KD_STR_INIT("http://json-schema.org/draft-06/schema")},
    {KD_DRAFT_7, KD_STR_INIT("http://json-schema.org/draft-07/schema")},
    {KD_DRAFT_2019, KD_STR_INIT(BASE_2019 "schema")},
    {KD_DRAFT_2020, KD_STR_INIT(BASE_2020 "schema")},
    {KD_DRAFT_2020, KD_STR_INIT("http://json-schema.org/schema")},
};

kd_jsonschema_draft kd_metaschema_draft(kd_str url)
{
    ptrdiff_t hash = kd_str_find(url, '#');
    if (hash >= 0 && (size_t)hash + 1 != url.n)
        return 0;
    kd_str plain = hash >= 0 ? kd_str_head(url, (size_t)hash) : url, tail = without_scheme(plain);
    for (size_t i = 0; i < KD_COUNT(drafts); i++)
        if (kd_str_eq(tail.p ? tail : plain, without_scheme(drafts[i].url)))
            return drafts[i].draft;
    return 0;
}

kd_str kd_metaschema_url(kd_jsonschema_draft draft)
{
    for (size_t i = 0; i < KD_COUNT(drafts); i++)
        if (drafts[i].draft == draft)
            return drafts[i].url;
    return drafts[4].url;
}

static const struct {
    kd_str name;
    uint16_t bit;
    bool in_2019, in_2020;
} vocabularies[] = {
    {KD_STR_INIT("core"), KD_VOCAB_CORE, true, true},
    {KD_STR_INIT("applicator"), KD_VOCAB_APPLICATOR, true, true},
    {KD_STR_INIT("unevaluated"), KD_VOCAB_UNEVALUATED, false, true},
    {KD_STR_INIT("validation"), KD_VOCAB_VALIDATION, true, true},
    {KD_STR_INIT("meta-data"), KD_VOCAB_META, true, true},
    {KD_STR_INIT("format"), KD_VOCAB_FORMAT, true, false},
    {KD_STR_INIT("format-annotation"), KD_VOCAB_ANNOTATION, false, true},
    {KD_STR_INIT("format-assertion"), KD_VOCAB_ASSERTION, false, true},
    {KD_STR_INIT("content"), KD_VOCAB_CONTENT, true, true},
};

unsigned kd_metaschema_vocabulary(kd_jsonschema_draft draft, kd_str url)
{
    kd_str prefix = draft == KD_DRAFT_2019 ? KD_STR(BASE_2019 "vocab/") : KD_STR(BASE_2020 "vocab/");
    if (!kd_str_starts(url, prefix))
        return 0;
    for (size_t i = 0; i < KD_COUNT(vocabularies); i++)
        if ((draft == KD_DRAFT_2019 ? vocabularies[i].in_2019 : vocabularies[i].in_2020) &&
            kd_str_eq(vocabularies[i].name, kd_str_from(url, prefix.n)))
            return vocabularies[i].bit;
    return 0;
}

kd_str kd_metaschema_part(unsigned i, unsigned *bit)
{
    if (i >= KD_COUNT(vocabularies))
        return (kd_str){NULL, 0};
    *bit = vocabularies[i].bit;
    return vocabularies[i].name;
}
