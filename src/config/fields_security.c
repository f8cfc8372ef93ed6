#include "config/builtin.h"
#include "config/fields.h"

/* Policies (spec/02). */

static const kd_field policies_jwt[] = {
    {KD_KEY("policies", STRINGS, "Expressions that must all be true."), .lint = "'minItems':1"},
};
static const kd_fields policies_jwt_fields =
    KD_TABLE("jwt block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, policies_jwt,
             .lint = "'required':['policies']");

static const kd_field policies_req_error[] = {
    {KD_KEY("body", STRING, "Body of the answer.")},
    {KD_KEY("content_type", STRING, "Value of Content-Type."), .dflt = "text/plain"},
    {KD_KEY("status", INT, "Status of the answer."), .dflt = "500"},
};
static const kd_fields policies_req_error_fields =
    KD_TABLE("error block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, policies_req_error,
             .shape = KD_SHAPE_OPEN);

static const kd_field policies_req[] = {
    {KD_KEY("error", OBJECT, "The answer when a policy fails."), .child = &policies_req_error_fields},
    {KD_KEY("policies", STRINGS, "Expressions that must all be true."), .lint = "'minItems':1"},
};
static const kd_fields policies_req_fields =
    KD_TABLE("req block", KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, policies_req,
             .lint = "'required':['policies']");

static const kd_field policies[] = {
    {KD_KEY("auto_join_policies", BOOL, "Joins all policies to one expression."), .dflt = "false"},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("disable_macros", BOOL, "Policies use no macros."), .dflt = "false"},
    {KD_KEY("jwt", OBJECT, "Policies about the token."), .child = &policies_jwt_fields},
    {KD_KEY("req", OBJECT, "Policies about the request."), .child = &policies_req_fields},
    {KD_KEY("resp", OBJECT, "Policies about the answer."), .child = &policies_req_fields},
};
const kd_fields kd_policies_fields =
    KD_TABLE("security/policies block", KD_SCOPE_ENDPOINT | KD_SCOPE_WORKFLOW, policies,
             .lint = "'anyOf':[{'required':['req']},{'required':['resp']},{'required':['jwt']}]");

static const kd_field policies_backend[] = {
    {KD_KEY("auto_join_policies", BOOL, "Joins all policies to one expression."), .dflt = "false"},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("disable_macros", BOOL, "Policies use no macros."), .dflt = "false"},
    {KD_KEY("req", OBJECT, "Policies about the request."), .child = &policies_req_fields},
    {KD_KEY("resp", OBJECT, "Policies about the answer."), .child = &policies_req_fields},
};
const kd_fields kd_policies_backend_fields =
    KD_TABLE("backend's security/policies block", KD_SCOPE_BACKEND, policies_backend,
             .lint = "'anyOf':[{'required':['req']},{'required':['resp']}]");
