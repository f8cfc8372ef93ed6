/* From the decoded structs to the model: defaults, inheritance, checks (spec/01 sections 2.3 to 2.11). */
#ifndef KD_CONFIG_MODEL_INIT_H
#define KD_CONFIG_MODEL_INIT_H

#include "config/builtin.h"

/* Resolves draft->service. Every mistake is a located finding with KrakenD's text in `compat`, in KrakenD's order. What
 * could not be decoded (at is NULL) is left out of the checks. False without memory. */
bool kd_model_init(kd_walk *walk, kd_service_draft *draft, const kd_node *root);
/* Endpoints of the same method and route, and one on the path of the health check: each is a finding of `severity` with
 * the router's panic in `compat`. Returns how many there are, or -1 without memory. */
int kd_model_conflicts(kd_walk *walk, const kd_service *service, kd_severity severity);

/* Warns of values in tls and client_tls that have no effect, or another one than people expect. */
void kd_model_check_tls(kd_walk *walk, const kd_service *service);

#endif
