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

enum { LAB_PATH_SIZE = 512 };

struct lab;

/* One host's machine and BMC. */
struct lab_host {
	struct lab *w;
	size_t index;
	size_t plug; /* the host whose power this BMC really switches: another one when it is cabled wrong */
	struct machine machine;
	bool is_hung; /* has power and answers nobody; until its power goes */
	struct bmc_ipmi *bmc;
	uv_poll_t bmc_poll;
	uv_timer_t bmc_timer; /* an accepted order that is carried out later */
	enum bmc_power_order order;
	int bmc_fd;
	char bmc_address[16];
};

struct lab_options {
	struct cloudsim_config cloud;
	uint16_t port, control_port, machine_port, bmc_port, mail_port; /* 0 = any free one */
	bool has_machines, has_bmcs;
	char dir[LAB_PATH_SIZE]; /* clouds.yaml, ready.json, mails/ */
	char ready_file[LAB_PATH_SIZE];
	int ready_fd; /* -1 = none */
	char tls_cert[LAB_PATH_SIZE], tls_key[LAB_PATH_SIZE];
	char mail_user[128], mail_password[128];
	char bmc_user[BMC_IPMI_NAME_SIZE], bmc_password[BMC_IPMI_SECRET_SIZE];
};

struct lab {
	struct lab_options options;
	uv_loop_t loop;
	uv_timer_t clock; /* fires when the model has something to do */
	uv_timer_t api_timer;
	uv_signal_t signals[2];
	bool api_must_close;
	int64_t api_closed_ms;
	struct cloudsim_model *model;
	struct httpd *api, *control;
	struct mailsink *mails;
	struct lab_host *hosts;
	size_t n_hosts;
	uint16_t machine_port, bmc_port;
	uint64_t power_serial;
	char *cert, *key;
};

/** lab_now_ms() - CLOCK_BOOTTIME in ms: the model's clock. */
int64_t lab_now_ms(void);
/** lab_start() - build everything and listen. On an error the caller still calls lab_stop(). */
int lab_start(struct lab *w, const struct lab_options *options, struct osha_err *reterr);
/** lab_sync() - after anything may have changed: machines follow the model's power, the clock its next event. */
void lab_sync(struct lab *w);
/** lab_api_close() - refuse connects to the cloud's port for @for_ms, 0 = until lab_api_open(). Takes effect after this callback. */
void lab_api_close(struct lab *w, int64_t for_ms);
void lab_api_open(struct lab *w);
/** lab_ready_text() - the line of JSON that tells a test where everything is. */
void lab_ready_text(const struct lab *w, struct strbuf *out);
void lab_stop(struct lab *w);

/** lab_order_answer() - /_sim/...: what tests do to the cloud and ask of it. See the table in lab_order.c. */
void lab_order_answer(void *user, const struct cloudsim_request *request, struct cloudsim_answer *ret_answer);
