#include "config/builtin.h"
#include "config/fields.h"

/* Changes to requests and answers (spec/05). */

static const kd_field body_generator[] = {
    {KD_KEY("content_type", STRING, "Value of Content-Type."), .dflt = "application/json"},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("path", STRING, "File with the template of the body.")},
    {KD_KEY("template", STRING, "Template of the body, in base64.")},
    {KD_KEY("variables", OBJECT, "Values that the template can use.")},
};
const kd_fields kd_body_generator_fields =
    KD_TABLE("body generator block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, body_generator,
             .lint = "'oneOf':[{'required':['path']},{'required':['template']}]");

static const kd_field jmespath[] = {
    {KD_KEY("expr", STRING, "The JMESPath expression.")},
};
const kd_fields kd_jmespath_fields =
    KD_TABLE("modifier/jmespath block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, jmespath,
             .lint = "'required':['expr']");

static const kd_field lua[] = {
    {KD_KEY("allow_open_libs", BOOL, "Scripts may use Lua's standard libraries."), .dflt = "false"},
    {KD_KEY("live", BOOL, "Reads the source files again for each request."), .dflt = "false"},
    {KD_KEY("md5", OBJECT, "Checksums of the source files; a file that differs is refused.")},
    {KD_KEY("post", STRING, "Code that runs after the inner part, with the answer.")},
    {KD_KEY("pre", STRING, "Code that runs before the inner part, with the request.")},
    {KD_KEY("skip_next", BOOL, "Does not call the backend."), .dflt = "false"},
    {KD_KEY("sources", STRINGS, "Source files that are loaded before the code runs.")},
};
const kd_fields kd_lua_fields =
    KD_TABLE("Lua block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, lua);

static const kd_field body_extractor_operations[] = {
    {KD_KEY("type", STRING, "What the value becomes."), .one_of = "header|query_string"},
    {KD_KEY("strategy", STRING, "Language of the expression."), .one_of = "dotnotation|jmespath"},
    {KD_KEY("expression", STRING, "What is taken from the body.")},
    {KD_KEY("target", STRING, "Name of the header or parameter.")},
    {KD_KEY("on_conflict", STRING, "What happens when it is there already."), .one_of = "skip|replace|append"},
};
static const kd_fields body_extractor_operations_fields =
    KD_TABLE("operation entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             body_extractor_operations, .lint = "'required':['type','strategy','expression','target','on_conflict']");

static const kd_field body_extractor[] = {
    {KD_KEY("operations", OBJECTS, "What is taken from the body, and where it goes."),
     .child = &body_extractor_operations_fields},
};
const kd_fields kd_body_extractor_fields =
    KD_TABLE("modifier/request-body-extractor block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, body_extractor,
             .lint = "'required':['operations']");

static const kd_field response_body_modifiers_literal[] = {
    {KD_KEY("field", STRING, "Field of the answer, with dots.")},
    {KD_KEY("find", STRING, "What is looked for.")},
    {KD_KEY("replace", STRING, "What stands there instead.")},
};
static const kd_fields response_body_modifiers_literal_fields =
    KD_TABLE("literal block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             response_body_modifiers_literal, .lint = "'required':['field','find','replace']");

static const kd_field response_body_modifiers_lower[] = {
    {KD_KEY("field", STRING, "Field of the answer, with dots.")},
};
static const kd_fields response_body_modifiers_lower_fields =
    KD_TABLE("lower block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             response_body_modifiers_lower, .lint = "'required':['field']");

static const kd_field response_body_modifiers_trim[] = {
    {KD_KEY("field", STRING, "Field of the answer, with dots.")},
    {KD_KEY("find", STRING, "What is looked for.")},
};
static const kd_fields response_body_modifiers_trim_fields =
    KD_TABLE("trim block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             response_body_modifiers_trim, .lint = "'required':['field','find']");

static const kd_field response_body_modifiers[] = {
    {KD_KEY("literal", OBJECT, "Replaces a text."), .child = &response_body_modifiers_literal_fields},
    {KD_KEY("lower", OBJECT, "Makes letters small."), .child = &response_body_modifiers_lower_fields},
    {KD_KEY("regexp", OBJECT, "Replaces what an expression matches."),
     .child = &response_body_modifiers_literal_fields},
    {KD_KEY("trim", OBJECT, "Cuts characters off both ends."), .child = &response_body_modifiers_trim_fields},
    {KD_KEY("upper", OBJECT, "Makes letters large."), .child = &response_body_modifiers_lower_fields},
};
static const kd_fields response_body_modifiers_fields =
    KD_TABLE("modifier entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW,
             response_body_modifiers, .lint = "'maxProperties':1");

static const kd_field response_body[] = {
    {KD_KEY("modifiers", OBJECTS, "What is done, one after the other."), .child = &response_body_modifiers_fields},
};
const kd_fields kd_response_body_fields =
    KD_TABLE("modifier/response-body block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, response_body);

static const kd_field response_headers[] = {
    {KD_KEY("add", OBJECT, "Headers that are added."),
     .lint = "'minProperties':1,'patternProperties':{'(.+)':{'type':'array','items':{'type':'string'}}}"},
    {KD_KEY("delete", STRINGS, "Headers that are removed."), .lint = "'minItems':1"},
    {KD_KEY("rename", OBJECT, "New names of headers."),
     .lint = "'minProperties':1,'patternProperties':{'(.+)':{'type':'string'}}"},
    {KD_KEY("replace", OBJECT, "Headers whose values are replaced."),
     .lint = "'minProperties':1,'patternProperties':{'(.+)':{'type':'array','items':{'type':'string'}}}"},
};
const kd_fields kd_response_headers_fields =
    KD_TABLE("modifier/response-headers block", KD_SCOPE_SERVICE, response_headers, .lint = "'minProperties':1");
