/* SPDX-License-Identifier: Apache-2.0 */
/* See lab.h. */
#include "cloudsim/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/strbuf.h"
#include "cloudsim/bmc_udp.h"

enum { PORT_TRIES = 20 };

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t lab_now_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

static void clock_up(uv_timer_t *timer)
{
	struct lab *w = timer->data;

	cloudsim_model_advance(w->model, lab_now_ms());
	lab_sync(w);
}

static void api_timer_up(uv_timer_t *timer)
{
	struct lab *w = timer->data;

	if (!w->api_must_close) {
		lab_api_open(w);
		return;
	}
	w->api_must_close = false;
	httpd_close_port(w->api);
	if (w->api_closed_ms > 0)
		uv_timer_start(&w->api_timer, api_timer_up, (uint64_t)w->api_closed_ms, 0);
}

void lab_api_close(struct lab *w, int64_t for_ms)
{
	w->api_must_close = true;
	w->api_closed_ms = for_ms;
	uv_timer_start(&w->api_timer, api_timer_up, 0, 0);
}

void lab_api_open(struct lab *w)
{
	struct osha_err err = {0};

	w->api_must_close = false;
	if (httpd_open_port(w->api, &err) < 0)
		uv_timer_start(&w->api_timer, api_timer_up, 100, 0);
}

void lab_sync(struct lab *w)
{
	int64_t next = cloudsim_model_next_ms(w->model), wait = next - lab_now_ms();
	uint64_t serial = cloudsim_model_power_serial(w->model);

	for (size_t i = 0; serial != w->power_serial && i < w->n_hosts; i++) {
		bool is_on = cloudsim_model_host_is_on(w->model, i);

		w->hosts[i].is_hung = w->hosts[i].is_hung && is_on;
		machine_switch(&w->hosts[i].machine, is_on && !w->hosts[i].is_hung, NULL);
	}
	w->power_serial = serial;
	if (next == INT64_MAX)
		uv_timer_stop(&w->clock);
	else
		uv_timer_start(&w->clock, clock_up, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void api_answer(void *user, const struct cloudsim_request *request, struct cloudsim_answer *ret_answer)
{
	struct lab *w = user;

	if (str_starts(request->target, "/_sim/")) {
		lab_order_answer(w, request, ret_answer);
		return;
	}
	cloudsim_http_handle(w->model, lab_now_ms(), request, ret_answer);
	lab_sync(w);
}

static bool bmc_is_on(void *user)
{
	struct lab_host *h = user;

	return cloudsim_model_host_is_on(h->w->model, h->plug);
}

static void order_carry_out(struct lab_host *h)
{
	struct lab *w = h->w;
	const char *host = cloudsim_model_host_name(w->model, h->plug);
	int64_t now = lab_now_ms();
	bool is_on = cloudsim_model_host_is_on(w->model, h->plug);

	if (h->order == BMC_POWER_ON) {
		cloudsim_model_power(w->model, now, host, true);
	} else if (h->order == BMC_POWER_OFF || h->order == BMC_POWER_SOFT_OFF) {
		cloudsim_model_power(w->model, now, host, false);
	} else if (is_on) { /* cycle, reset */
		cloudsim_model_power(w->model, now, host, false);
		cloudsim_model_power(w->model, now, host, true);
	}
	lab_sync(w);
}

static void order_due(uv_timer_t *timer)
{
	order_carry_out(timer->data);
}

static uint8_t bmc_power_ask(void *user, enum bmc_power_order order, int64_t delay_ms)
{
	struct lab_host *h = user;

	h->order = order;
	if (delay_ms > 0)
		uv_timer_start(&h->bmc_timer, order_due, (uint64_t)delay_ms, 0);
	else
		order_carry_out(h);
	return BMC_CC_OK;
}

static void bmc_up(uv_poll_t *poll, int status, int events)
{
	struct lab_host *h = poll->data;

	bmc_udp_serve(h->bmc_fd, h->bmc);
}

static int bmc_start(struct lab_host *h, uint16_t port, uint16_t *ret_port, struct osha_err *reterr)
{
	struct lab *w = h->w;
	struct bmc_ipmi_config config = {
	    .seed = w->options.cloud.seed + h->index, .is_on = bmc_is_on, .power_ask = bmc_power_ask, .user = h};
	int r;

	str_copy(config.username, sizeof(config.username), w->options.bmc_user);
	str_copy(config.password, sizeof(config.password), w->options.bmc_password);
	memcpy(config.guid, &h->index, sizeof(h->index));
	r = bmc_udp_open(h->bmc_address, port, &h->bmc_fd, ret_port, reterr);
	if (r < 0)
		return r;
	h->bmc = bmc_ipmi_new(&config);
	if (!h->bmc)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a BMC");
	uv_timer_init(&w->loop, &h->bmc_timer);
	h->bmc_timer.data = h;
	uv_poll_init(&w->loop, &h->bmc_poll, h->bmc_fd);
	h->bmc_poll.data = h;
	uv_poll_start(&h->bmc_poll, UV_READABLE, bmc_up);
	return 0;
}

static void bmc_stop(struct lab_host *h)
{
	if (h->bmc) {
		uv_close((uv_handle_t *)&h->bmc_poll, NULL);
		uv_close((uv_handle_t *)&h->bmc_timer, NULL);
	}
	bmc_ipmi_free(h->bmc);
	h->bmc = NULL;
	if (h->bmc_fd >= 0)
		close(h->bmc_fd);
	h->bmc_fd = -1;
}

/* All machines share one port number on addresses of their own; where somebody else sits on one of them, another number is tried. */
static int machines_start(struct lab *w, uint16_t port, struct osha_err *reterr)
{
	for (size_t i = 0; i < w->n_hosts; i++) {
		int r = machine_open(
		    &w->hosts[i].machine, &w->loop, cloudsim_model_host_address(w->model, i), port, reterr);

		for (size_t k = 0; r < 0 && k < i; k++)
			machine_close(&w->hosts[k].machine);
		if (r < 0)
			return r;
		port = w->hosts[i].machine.port;
	}
	w->machine_port = port;
	return 0;
}

static int bmcs_start(struct lab *w, uint16_t port, struct osha_err *reterr)
{
	for (size_t i = 0; i < w->n_hosts; i++) {
		int r = bmc_start(&w->hosts[i], port, &port, reterr);

		if (r < 0)
			return r;
	}
	w->bmc_port = port;
	return 0;
}

static void hosts_bmc_stop(struct lab *w)
{
	for (size_t i = 0; i < w->n_hosts; i++)
		bmc_stop(&w->hosts[i]);
}

static int hosts_init(struct lab *w, struct osha_err *reterr)
{
	w->n_hosts = cloudsim_model_host_count(w->model);
	w->hosts = calloc(w->n_hosts, sizeof(*w->hosts));
	if (!w->hosts)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for machines");
	for (size_t i = 0; i < w->n_hosts; i++) {
		struct lab_host *h = &w->hosts[i];

		*h =
		    (struct lab_host){.w = w, .index = i, .plug = i, .bmc_fd = -1, .machine = {.fd = -1, .filler = -1}};
		snprintf(h->bmc_address, sizeof(h->bmc_address), "127.11.%s",
		    cloudsim_model_host_address(w->model, i) + strlen("127.10."));
	}
	return 0;
}

/* The loop runs once after each try, so that the handles of a failed one are gone before their memory is used again. */
static int hosts_start(struct lab *w, struct osha_err *reterr)
{
	const struct lab_options *o = &w->options;
	int r = hosts_init(w, reterr);

	for (int i = 0; r == 0 && o->has_machines && i < PORT_TRIES; i++) {
		r = machines_start(w, o->machine_port, reterr);
		uv_run(&w->loop, UV_RUN_NOWAIT);
		if (r == 0 || o->machine_port || i + 1 == PORT_TRIES)
			break;
		r = 0;
	}
	for (int i = 0; r == 0 && o->has_bmcs && i < PORT_TRIES; i++) {
		r = bmcs_start(w, o->bmc_port, reterr);
		if (r == 0 || o->bmc_port || i + 1 == PORT_TRIES)
			break;
		hosts_bmc_stop(w);
		uv_run(&w->loop, UV_RUN_NOWAIT);
		r = 0;
	}
	return r;
}

static char *file_read(const char *path)
{
	STRBUF_AUTO struct strbuf text = STRBUF_INIT;
	char buf[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&text, buf, n);
	fclose(f);
	return strbuf_steal(&text);
}

static int tls_read(struct lab *w, struct osha_err *reterr)
{
	if (!w->options.tls_cert[0])
		return 0;
	w->cert = file_read(w->options.tls_cert);
	w->key = file_read(w->options.tls_key);
	if (!w->cert || !w->key)
		return osha_err_set(
		    reterr, OSHA_E_CONFIG, "cannot read %s or %s", w->options.tls_cert, w->options.tls_key);
	return 0;
}

static int ports_start(struct lab *w, struct osha_err *reterr)
{
	const struct lab_options *o = &w->options;
	char mails[LAB_PATH_SIZE + 8], url[128];
	struct mailsink_options mail = {.port = o->mail_port,
	    .dir = mails,
	    .user = o->mail_user[0] ? o->mail_user : NULL,
	    .password = o->mail_password};
	int r;

	snprintf(mails, sizeof(mails), "%s/mails", o->dir);
	if (mkdir(mails, 0700) < 0 && errno != EEXIST)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "mkdir %s", mails);
	r = mailsink_start(&w->loop, &mail, &w->mails, reterr);
	if (r < 0)
		return r;
	r = httpd_start(&w->loop, &(struct httpd_options){o->port, w->cert, w->key, api_answer, w}, &w->api, reterr);
	if (r < 0)
		return r;
	r = httpd_start(&w->loop,
	    &(struct httpd_options){.port = o->control_port, .answer = lab_order_answer, .user = w}, &w->control,
	    reterr);
	if (r < 0)
		return r;
	snprintf(url, sizeof(url), "%s://127.0.0.1:%u", w->cert ? "https" : "http", httpd_port(w->api));
	cloudsim_model_set_url(w->model, url);
	return 0;
}

static void signal_seen(uv_signal_t *signal, int number)
{
	uv_stop(signal->loop);
}

int lab_start(struct lab *w, const struct lab_options *options, struct osha_err *reterr)
{
	int64_t now = lab_now_ms();
	int r;

	*w = (struct lab){.options = *options};
	w->options.cloud.wall_offset_ms = clock_ms(CLOCK_REALTIME) - now;
	uv_loop_init(&w->loop);
	uv_timer_init(&w->loop, &w->clock);
	w->clock.data = w;
	uv_timer_init(&w->loop, &w->api_timer);
	w->api_timer.data = w;
	for (int i = 0; i < 2; i++) {
		uv_signal_init(&w->loop, &w->signals[i]);
		uv_signal_start(&w->signals[i], signal_seen, i ? SIGINT : SIGTERM);
	}
	r = cloudsim_model_new(&w->options.cloud, now, &w->model, reterr);
	if (r == 0)
		r = tls_read(w, reterr);
	if (r == 0)
		r = ports_start(w, reterr);
	if (r == 0)
		r = hosts_start(w, reterr);
	return r;
}

void lab_stop(struct lab *w)
{
	if (w->api)
		httpd_stop(w->api);
	if (w->control)
		httpd_stop(w->control);
	if (w->mails)
		mailsink_stop(w->mails);
	for (size_t i = 0; w->hosts && i < w->n_hosts; i++)
		machine_close(&w->hosts[i].machine);
	if (w->hosts)
		hosts_bmc_stop(w);
	uv_close((uv_handle_t *)&w->clock, NULL);
	uv_close((uv_handle_t *)&w->api_timer, NULL);
	for (int i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&w->signals[i], NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	uv_loop_close(&w->loop);
	free(w->hosts);
	free(w->cert);
	free(w->key);
	cloudsim_model_free(w->model);
}
