#include "config/builtin.h"
#include "config/fields.h"

/* Workflows: endpoints within backends (spec/03). */

static const kd_field workflow[] = {
    {KD_KEY("backend", OBJECTS, "Where the data comes from."), .child = &kd_backend_fields, .lint = "'minItems':1"},
    {KD_KEY("concurrent_calls", INT, "Equal requests sent at once; the first answer counts."), .dflt = "1",
     .lint = "'maximum':5,'minimum':1"},
    {KD_KEY("endpoint", STRING, "Name of the workflow in the logs.")},
    {KD_KEY("extra_config", EXTRA, "Optional behaviour of the workflow.")},
    {KD_KEY("ignore_errors", ANY, "A failed workflow counts as an empty answer."), .dflt = "false"},
    {KD_KEY("output_encoding", STRING, "Format of the answer."), .dflt = "json",
     .one_of = "json|json-collection|yaml|fast-json|xml|negotiate|string|no-op"},
    {KD_KEY("timeout", DURATION, "Longest time for the whole workflow.")},
};
const kd_fields kd_workflow_fields =
    KD_TABLE("workflow", KD_SCOPE_WORKFLOW, workflow, .lint = "'required':['endpoint','backend']");
