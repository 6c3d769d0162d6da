/* SPDX-License-Identifier: Apache-2.0 */
/* One simulated cloud and one client of it, in-process, for unit tests. Each call asserts what it needs; strings live until the next one. */
#pragma once

#include "base/json.h"
#include "cloudsim/cloudface.h"

/* One cloud and one client of it. Time begins at a round number far from zero. */
struct fixture {
	struct cloudsim_config config;
	struct cloudsim_model *m;
	int64_t now;
	char token[200];
	cJSON *json; /* of the newest answer */
	int status;
};

void ask(struct fixture *f, const char *method, const char *target, const char *body);
void log_in(struct fixture *f, const char *user, const char *password, const char *project);
void fixture_build(struct fixture *f);
int set_up(void **state);
int tear_down(void **state);
void pass(struct fixture *f, int64_t ms);
const char *vm(struct fixture *f, size_t i);
const cJSON *server(struct fixture *f, size_t i);
const char *server_text(struct fixture *f, size_t i, const char *member);
/* the newest evacuation of an instance */
const char *migration_text(struct fixture *f, size_t i, const char *member);
void act(struct fixture *f, size_t i, const char *body);
void evacuate(struct fixture *f, size_t i);
const char *service_text(struct fixture *f, const char *host, const char *member);
void service_put(struct fixture *f, const char *host, const char *body);
void host_die(struct fixture *f, const char *host);
const char *message(struct fixture *f);
size_t host_of_name(struct fixture *f, const char *name);
