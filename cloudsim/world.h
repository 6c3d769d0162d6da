/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model with everything around it that the outside can touch: HTTP ports, the machines' addresses, BMCs, the mail sink, in one libuv loop
 * on one thread. Only loopback is ever listened on.
 */
#pragma once

#include <uv.h>

#include "cloudsim/bmc_ipmi.h"
#include "cloudsim/cloudface.h"
#include "cloudsim/httpd.h"
#include "cloudsim/machine.h"
#include "cloudsim/mailsink.h"

enum { WORLD_PATH_SIZE = 512 };

struct world;

/* One host's machine and BMC. */
struct world_host {
	struct world *w;
	size_t index;
	size_t plug; /* the host whose power this BMC really switches: another one when it is cabled wrong */
	struct machine machine;
	struct bmc_ipmi *bmc;
	uv_poll_t bmc_poll;
	uv_timer_t bmc_timer; /* an accepted order that is carried out later */
	enum bmc_power_order order;
	int bmc_fd;
	char bmc_address[16];
};

struct world_options {
	struct cloudsim_config cloud;
	uint16_t port, control_port, machine_port, bmc_port, mail_port; /* 0 = any free one */
	bool has_machines, has_bmcs;
	char dir[WORLD_PATH_SIZE]; /* clouds.yaml, ready.json, mails/ */
	char ready_file[WORLD_PATH_SIZE];
	int ready_fd; /* -1 = none */
	char tls_cert[WORLD_PATH_SIZE], tls_key[WORLD_PATH_SIZE];
	char mail_user[128], mail_password[128];
	char bmc_user[BMC_IPMI_NAME_SIZE], bmc_password[BMC_IPMI_SECRET_SIZE];
};

struct world {
	struct world_options options;
	uv_loop_t loop;
	uv_timer_t clock; /* fires when the model has something to do */
	uv_timer_t api_timer;
	uv_signal_t signals[2];
	bool api_must_close;
	int64_t api_closed_ms;
	struct cloudsim_model *model;
	struct httpd *api, *control;
	struct mailsink *mails;
	struct world_host *hosts;
	size_t n_hosts;
	uint16_t machine_port, bmc_port;
	uint64_t power_serial;
	char *cert, *key;
};

/** world_now_ms() - CLOCK_BOOTTIME in ms: the model's clock. */
int64_t world_now_ms(void);
/** world_start() - build everything and listen. On an error the caller still calls world_stop(). */
int world_start(struct world *w, const struct world_options *options, struct osha_err *reterr);
/** world_sync() - after anything may have changed: machines follow the model's power, the clock its next event. */
void world_sync(struct world *w);
/** world_api_close() - refuse connects to the cloud's port for @for_ms, 0 = until world_api_open(). Takes effect after this callback. */
void world_api_close(struct world *w, int64_t for_ms);
void world_api_open(struct world *w);
/** world_ready_text() - the line of JSON that tells a test where everything is. */
void world_ready_text(const struct world *w, struct strbuf *out);
void world_stop(struct world *w);

/** control_answer() - /_sim/...: what tests do to the world and ask of it. See control.c's table. */
void control_answer(void *user, const struct cloudsim_request *request, struct cloudsim_answer *ret_answer);
