/* SPDX-License-Identifier: Apache-2.0 */
/* Those who look at what the daemon really does, as it arrives, and compare it with the truth and with what is durable. */
#pragma once

#include <stdint.h>

#include "engine/record.h"
#include "io/smtp.h"
#include "test/sim/clockwork.h"

struct witness {
	uint64_t dual_writers, dual_writers_by_operator, wrongful_fences, fenced_alive, double_calls;
	uint64_t host_deaths, power_offs, evacuate_calls, mails;
	bool operator_lied; /* confirmed a living host dead: what follows is counted apart */
	size_t duals_seen;
};

extern struct witness witness;

void witness_begin(void);
/** witness_request() - a request reaches the cloud. */
void witness_request(struct sim_node *from, const char *method, const char *target, const char *body);
/** witness_power_off() - a power-off reaches the device of @host. */
void witness_power_off(struct sim_node *from, uint32_t host);
/** witness_mail() - a mail reaches its server. */
void witness_mail(const struct io_mail *mail);
/** witness_death() - a living host dies. */
void witness_death(uint32_t host);
/** witness_world() - after anything happened in the cloud. */
void witness_world(void);
/** witness_record() - a record becomes durable. */
void witness_record(struct sim_node *node, const struct record *before, const struct record *now);
