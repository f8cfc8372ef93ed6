/* Any bytes as YAML: refused with a place and a reason, or a tree that keeps its promises. */
#include "config/yaml_tree.h"
#include "fuzz_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_tree(kd_yaml_tree_read, data, size);
}
