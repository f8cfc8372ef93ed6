#include "config/builtin.h"
#include "config/fields.h"

/* Files and hosts in front of the router (spec/03). */

static const kd_field static_files[] = {
    {KD_KEY("directory_listing", BOOL, "Lists the files of a folder that has no index.html."), .dflt = "false"},
    {KD_KEY("path", STRING, "Folder whose files are served.")},
    {KD_KEY("prefix", STRING, "Path under which they are served.")},
    {KD_KEY("skip", STRINGS, "Paths that are served as if there were no files.")},
};
const kd_fields kd_static_files_fields =
    KD_TABLE("server/static-filesystem block", KD_SCOPE_SERVICE, static_files, .lint = "'required':['prefix','path']");

static const kd_field virtualhost_aliased_hosts[] = {
    {KD_KEY("[a-z0-9_]+", STRING, "Host that the name stands for.")},
};
static const kd_fields virtualhost_aliased_hosts_fields =
    KD_TABLE("aliased_hosts block", KD_SCOPE_SERVICE, virtualhost_aliased_hosts, .shape = KD_SHAPE_OPEN);

static const kd_field virtualhost[] = {
    {KD_KEY("aliased_hosts", OBJECT, "Names for hosts; endpoints begin with /__name."),
     .child = &virtualhost_aliased_hosts_fields},
    {KD_KEY("hosts", STRINGS, "Hosts that are served.")},
};
const kd_fields kd_virtualhost_fields =
    KD_TABLE("server/virtualhost block", KD_SCOPE_SERVICE, virtualhost,
             .lint = "'oneOf':[{'required':['hosts']},{'required':['aliased_hosts']}]");
