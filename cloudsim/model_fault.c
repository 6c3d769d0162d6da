/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of what goes wrong between the caller and the cloud: kept, matched and counted here, carried out by the faces. */
#include <fnmatch.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloudsim/model_parts.h"

static const char *const effect_names[CLOUDSIM_FAULT_N] = {
    "none", "status", "lost", "drop", "delay", "late", "drip", "endless", "garbage", "cut", "redirect", "hang"};

enum cloudsim_effect cloudsim_effect_named(const char *name)
{
	int i = 0;

	while (i < CLOUDSIM_FAULT_N && !str_eq(effect_names[i], name))
		i++;
	return (enum cloudsim_effect)i;
}

const char *cloudsim_effect_name(enum cloudsim_effect effect)
{
	return (unsigned)effect < CLOUDSIM_FAULT_N ? effect_names[effect] : "?";
}

int cloudsim_model_fault_add(struct cloudsim_model *m, const struct cloudsim_fault *fault)
{
	if (m->n_faults == CLOUDSIM_FAULTS_MAX)
		return -OSHA_E_FULL;
	m->faults[m->n_faults] = *fault;
	m->faults[m->n_faults++].hits = 0;
	return 0;
}

void cloudsim_model_fault_clear(struct cloudsim_model *m)
{
	m->n_faults = 0;
}

size_t cloudsim_model_faults(const struct cloudsim_model *m, const struct cloudsim_fault **ret)
{
	*ret = m->faults;
	return m->n_faults;
}

static bool fault_is_for(
    struct cloudsim_fault *f, const char *method, const char *target, const char *body, size_t body_len)
{
	if (f->method[0] && !str_eq(f->method, method))
		return false;
	if (f->path[0] && fnmatch(f->path, target, 0) != 0)
		return false;
	return !f->body[0] || (body && memmem(body, body_len, f->body, strlen(f->body)));
}

struct cloudsim_fault *sim_fault_match(
    struct cloudsim_model *m, const char *method, const char *target, const char *body, size_t body_len)
{
	for (size_t i = 0; i < m->n_faults; i++) {
		struct cloudsim_fault *f = &m->faults[i];

		if ((f->until_ms && m->now_ms > f->until_ms) || !fault_is_for(f, method, target, body, body_len))
			continue;
		f->hits++;
		if (f->hits <= f->skip || (f->count && f->hits > f->skip + f->count))
			continue;
		if (f->per_mille && !rng_chance(&m->rng, f->per_mille))
			continue;
		return f;
	}
	return NULL;
}
