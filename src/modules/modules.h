/* The rooms of this floor, for main.c to hand down. */
#ifndef KD_MODULES_MODULES_H
#define KD_MODULES_MODULES_H

#include "gateway/module.h"

/* All modules, NULL-ended. */
extern const kd_module *const kd_modules[];

#define KD_MODULE(symbol) extern const kd_module kd_module_##symbol;
#include "modules/modules.def"
#undef KD_MODULE

#endif
