#include "config/builtin.h"
#include "config/fields.h"

/* Validation of answers (spec/05 section 4.5). */

static const kd_field response_schema_error[] = {
    {KD_KEY("body", STRING, "Body of the answer instead of the error.")},
    {KD_KEY("content_type", STRING, "Value of Content-Type."), .dflt = "text/plain"},
    {KD_KEY("status", INT, "Status of the answer."), .dflt = "500"},
};
static const kd_fields response_schema_error_fields =
    KD_TABLE("error block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, response_schema_error);

static const kd_field response_schema[] = {
    {KD_KEY("error", OBJECT, "The answer when the data is not valid."), .child = &response_schema_error_fields},
    {KD_KEY("schema", OBJECT, "JSON schema of the answer's data.")},
};
const kd_fields kd_response_schema_fields =
    KD_TABLE("validation/response-json-schema block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, response_schema,
             .lint = "'required':['schema']");
