/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osha-cloudsim: a cloud on loopback for the demo, load and faults: Keystone and Nova, machines to probe, IPMI BMCs, a mail sink. Prints one
 * line of JSON when everything listens, and runs until SIGTERM, SIGINT or /_sim/quit.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "cloudsim/lab.h"
#include "cloudsim/mailtext.h"

enum option_kind { OPT_SIZE, OPT_U64, OPT_MS, OPT_SPAN, OPT_UINT, OPT_PORT, OPT_TEXT, OPT_OFF, OPT_FD };

struct option_row {
	const char *name, *arg, *help;
	enum option_kind kind;
	size_t at;   /* offset into struct lab_options */
	size_t size; /* of a text */
};

#define AT(member)   offsetof(struct lab_options, member)
#define TEXT(member) offsetof(struct lab_options, member), sizeof(((struct lab_options *)0)->member)

static const struct option_row option_rows[] = {
    {"hosts", "N", "compute hosts", OPT_SIZE, AT(cloud.hosts), 0},
    {"instances", "N", "instances, spread evenly", OPT_SIZE, AT(cloud.instances), 0},
    {"projects", "N", "projects besides admin's", OPT_SIZE, AT(cloud.projects), 0},
    {"seed", "N", "seed of everything random", OPT_U64, AT(cloud.seed), 0},
    {"host-prefix", "TEXT", "host names are TEXT1, TEXT2, ...", OPT_TEXT, TEXT(cloud.host_prefix)},
    {"port", "P", "of Keystone and Nova; 0 = any", OPT_PORT, AT(port), 0},
    {"control-port", "P", "of /_sim/; 0 = any", OPT_PORT, AT(control_port), 0},
    {"machine-port", "P", "TCP port of every machine on its own 127.10.x.y", OPT_PORT, AT(machine_port), 0},
    {"bmc-port", "P", "UDP port of every BMC on its own 127.11.x.y", OPT_PORT, AT(bmc_port), 0},
    {"mail-port", "P", "of the SMTP server", OPT_PORT, AT(mail_port), 0},
    {"mail-user", "NAME", "demand this login from SMTP clients", OPT_TEXT, TEXT(mail_user)},
    {"mail-password", "TEXT", "its password", OPT_TEXT, TEXT(mail_password)},
    {"bmc-user", "NAME", "user of every BMC", OPT_TEXT, TEXT(bmc_user)},
    {"bmc-password", "TEXT", "its password", OPT_TEXT, TEXT(bmc_password)},
    {"report-interval-ms", "MS", "nova's report_interval", OPT_MS, AT(cloud.report_interval_ms), 0},
    {"service-down-ms", "MS", "nova's service_down_time", OPT_MS, AT(cloud.service_down_ms), 0},
    {"boot-ms", "MS", "power on to start of nova-compute", OPT_MS, AT(cloud.boot_ms), 0},
    {"compute-start-ms", "MS", "start of nova-compute to its first report", OPT_MS, AT(cloud.compute_start_ms), 0},
    {"schedule-ms", "A[..B]", "evacuate call to its arrival at the target", OPT_SPAN, AT(cloud.schedule_ms), 0},
    {"rebuild-ms", "A[..B]", "rebuild on the target", OPT_SPAN, AT(cloud.rebuild_ms), 0},
    {"gap-ms", "A[..B]", "ACTIVE to migration done", OPT_SPAN, AT(cloud.gap_ms), 0},
    {"disable-wait-ms", "MS", "answer to disabling a dead host that counts as up", OPT_MS, AT(cloud.disable_wait_ms),
	0},
    {"token-ttl-ms", "MS", "life of a token", OPT_MS, AT(cloud.token_ttl_ms), 0},
    {"builds-per-host", "N", "rebuilds at a time on one target; 0 = any", OPT_UINT, AT(cloud.builds_per_host), 0},
    {"host-capacity", "N", "instances on one host; 0 = any", OPT_UINT, AT(cloud.host_capacity), 0},
    {"max-limit", "N", "longest page of a listing", OPT_UINT, AT(cloud.max_limit), 0},
    {"dir", "DIR", "clouds.yaml and mails/ go here (default: a new one below /tmp)", OPT_TEXT, TEXT(dir)},
    {"ready-file", "FILE", "write the ready line there as well", OPT_TEXT, TEXT(ready_file)},
    {"ready-fd", "FD", "and there", OPT_FD, AT(ready_fd), 0},
    {"tls-cert", "FILE", "serve Keystone and Nova with TLS", OPT_TEXT, TEXT(tls_cert)},
    {"tls-key", "FILE", "key of it", OPT_TEXT, TEXT(tls_key)},
    {"no-machines", NULL, "no machine addresses", OPT_OFF, AT(has_machines), 0},
    {"no-bmcs", NULL, "no BMCs", OPT_OFF, AT(has_bmcs), 0},
};

enum { OPTIONS_N = sizeof(option_rows) / sizeof(option_rows[0]) };

static void usage(FILE *to)
{
	fprintf(to, "usage: osha-cloudsim [OPTION...]\n");
	for (size_t i = 0; i < OPTIONS_N; i++) {
		char left[64];

		snprintf(
		    left, sizeof(left), "--%s %s", option_rows[i].name, option_rows[i].arg ? option_rows[i].arg : "");
		fprintf(to, "  %-28s %s\n", left, option_rows[i].help);
	}
}

/* A whole number, from @text up to @ret_end; false when there is none or it is out of range. */
static bool number_read(const char *text, int64_t max, int64_t *ret, const char **ret_end)
{
	char *end = NULL;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	*ret = v;
	*ret_end = end;
	return end != text && errno == 0 && v >= 0 && v <= max;
}

static bool span_read(const char *text, struct cloudsim_span *ret)
{
	const char *end;

	if (!number_read(text, INT32_MAX, &ret->low, &end))
		return false;
	ret->high = ret->low;
	if (str_starts(end, "..") && !number_read(end + 2, INT32_MAX, &ret->high, &end))
		return false;
	return *end == '\0' && ret->high >= ret->low;
}

static bool option_set(struct lab_options *o, const struct option_row *row, const char *value)
{
	void *at = (char *)o + row->at;
	int64_t max = row->kind == OPT_PORT                         ? 65535
		      : row->kind == OPT_MS || row->kind == OPT_U64 ? INT64_MAX
								    : INT32_MAX,
		v = 0;
	const char *end = "";

	if (row->kind == OPT_SPAN)
		return span_read(value, at);
	if (row->kind == OPT_TEXT)
		return str_copy(at, row->size, value);
	if (row->kind != OPT_OFF && (!number_read(value, max, &v, &end) || *end))
		return false;
	switch (row->kind) {
	case OPT_SIZE:
		*(size_t *)at = (size_t)v;
		break;
	case OPT_U64:
		*(uint64_t *)at = (uint64_t)v;
		break;
	case OPT_MS:
		*(int64_t *)at = v;
		break;
	case OPT_PORT:
		*(uint16_t *)at = (uint16_t)v;
		break;
	case OPT_OFF:
		*(bool *)at = false;
		break;
	default:
		*(unsigned *)at = (unsigned)v;
		break;
	}
	return true;
}

/* 0 = go on, 1 = help was asked for, -1 = wrong */
static int options_read(int argc, char **argv, struct lab_options *ret)
{
	struct option longs[OPTIONS_N + 2] = {{"help", no_argument, NULL, 'h'}};
	int c, which = 0;

	for (size_t i = 0; i < OPTIONS_N; i++)
		longs[i + 1] = (struct option){
		    option_rows[i].name, option_rows[i].arg ? required_argument : no_argument, NULL, 'o'};
	while ((c = getopt_long(argc, argv, "h", longs, &which)) != -1) {
		if (c == 'h')
			return 1;
		if (c != 'o')
			return -1;
		if (!option_set(ret, &option_rows[which - 1], optarg)) {
			fprintf(stderr, "osha-cloudsim: --%s: %s is not what it takes\n", option_rows[which - 1].name,
			    optarg);
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

static void yaml_cloud(
    FILE *f, const struct lab *w, const char *name, const char *user, const char *password, const char *project)
{
	fprintf(f,
	    "  %s:\n    auth:\n      auth_url: %s/identity/v3\n      username: %s\n      password: %s\n      "
	    "project_name: %s\n",
	    name, cloudsim_model_config(w->model)->url, user, password, project);
	fprintf(f, "      user_domain_id: default\n      project_domain_id: default\n    region_name: RegionOne\n    "
		   "interface: public\n");
	if (w->options.tls_cert[0])
		fprintf(f, "    cacert: %s\n", w->options.tls_cert);
}

static int yaml_write(const struct lab *w, struct osha_err *reterr)
{
	const struct cloudsim_config *c = cloudsim_model_config(w->model);
	char path[LAB_PATH_SIZE + 16];
	const char *id, *secret;
	FILE *f;

	snprintf(path, sizeof(path), "%s/clouds.yaml", w->options.dir);
	f = fopen(path, "we");
	if (!f)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "write %s", path);
	fchmod(fileno(f), 0600);
	cloudsim_model_app_cred(w->model, &id, &secret);
	fprintf(f, "clouds:\n");
	yaml_cloud(f, w, "cloudsim", "admin", c->admin_password, "admin");
	yaml_cloud(f, w, "cloudsim-wrong-password", "admin", "not-the-password", "admin");
	yaml_cloud(f, w, "cloudsim-tenant", "owner-1", c->user_password, "project-1");
	fprintf(f,
	    "  cloudsim-credential:\n    auth_type: v3applicationcredential\n    auth:\n      auth_url: "
	    "%s/identity/v3\n"
	    "      application_credential_id: %s\n      application_credential_secret: %s\n    region_name: "
	    "RegionOne\n    interface: public\n",
	    c->url, id, secret);
	if (w->options.tls_cert[0])
		fprintf(f, "    cacert: %s\n", w->options.tls_cert);
	return fclose(f) == 0 ? 0 : osha_err_set_errno(reterr, OSHA_E_IO, errno, "write %s", path);
}

static void ready_people(const struct lab *w, struct strbuf *out)
{
	strbuf_puts(out, ",\"users\":[");
	for (size_t i = 0; i < cloudsim_model_user_count(w->model); i++) {
		struct cloudsim_user u;
		bool comma = false;

		cloudsim_model_user(w->model, i, &u);
		strbuf_printf(out, "%s{\"name\":\"%s\",\"id\":\"%s\",\"email\":\"%s\",\"enabled\":%s,\"projects\":[",
		    i ? "," : "", u.name, u.id, u.email, u.is_enabled ? "true" : "false");
		for (size_t p = 0; p < cloudsim_model_project_count(w->model); p++) {
			if (!cloudsim_model_user_in_project(w->model, i, p))
				continue;
			strbuf_printf(out, "%s\"%s\"", comma ? "," : "", cloudsim_model_project_name(w->model, p));
			comma = true;
		}
		strbuf_puts(out, "]}");
	}
	strbuf_puts(out, "],\"projects\":[");
	for (size_t p = 0; p < cloudsim_model_project_count(w->model); p++)
		strbuf_printf(out, "%s{\"name\":\"%s\",\"id\":\"%s\"}", p ? "," : "",
		    cloudsim_model_project_name(w->model, p), cloudsim_model_project_id(w->model, p));
	strbuf_puts(out, "]");
}

void lab_ready_text(const struct lab *w, struct strbuf *out)
{
	const char *url = cloudsim_model_config(w->model)->url;

	strbuf_printf(out,
	    "{\"pid\":%d,\"url\":\"%s\",\"auth_url\":\"%s/identity/v3\",\"control\":\"http://127.0.0.1:%u/"
	    "_sim\",\"clouds_yaml\":",
	    (int)getpid(), url, url, httpd_port(w->control));
	mailtext_json(out, w->options.dir);
	out->len--; /* the name goes inside the quotes */
	strbuf_puts(out, "/clouds.yaml\",\"cloud\":\"cloudsim\",\"mail\":{\"host\":\"127.0.0.1\",");
	strbuf_printf(out, "\"port\":%u,\"dir\":", mailsink_port(w->mails));
	mailtext_json(out, w->options.dir);
	out->len--;
	strbuf_printf(out,
	    "/mails\"},\"machine_port\":%u,\"bmc_port\":%u,\"bmc_user\":\"%s\",\"bmc_password\":\"%s\",\"hosts\":[",
	    w->machine_port, w->bmc_port, w->options.bmc_user, w->options.bmc_password);
	for (size_t i = 0; i < w->n_hosts; i++)
		strbuf_printf(out, "%s{\"name\":\"%s\",\"address\":\"%s\",\"bmc\":\"%s\"}", i ? "," : "",
		    cloudsim_model_host_name(w->model, i), cloudsim_model_host_address(w->model, i),
		    w->hosts[i].bmc_address);
	strbuf_puts(out, "]");
	ready_people(w, out);
	strbuf_puts(out, "}");
}

static int ready_tell(const struct lab *w, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf line = STRBUF_INIT;
	char part[LAB_PATH_SIZE + 8];
	FILE *f;

	lab_ready_text(w, &line);
	strbuf_puts(&line, "\n");
	if (line.failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the ready line");
	if (w->options.ready_file[0]) { /* under another name first: who sees the file sees all of it */
		snprintf(part, sizeof(part), "%s.part", w->options.ready_file);
		f = fopen(part, "we");
		if (!f || fwrite(line.text, 1, line.len, f) != line.len || fclose(f) != 0 ||
		    rename(part, w->options.ready_file) != 0)
			return osha_err_set_errno(reterr, OSHA_E_IO, errno, "write %s", w->options.ready_file);
	}
	if (w->options.ready_fd >= 0 && write(w->options.ready_fd, line.text, line.len) != (ssize_t)line.len)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "write to descriptor %d", w->options.ready_fd);
	if (fwrite(line.text, 1, line.len, stdout) != line.len || fflush(stdout) != 0)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "write to standard output");
	return 0;
}

static int dir_make(struct lab_options *o)
{
	if (o->dir[0])
		return mkdir(o->dir, 0700) < 0 && errno != EEXIST ? -1 : 0;
	str_copy(o->dir, sizeof(o->dir), "/tmp/osha-cloudsim.XXXXXX");
	return mkdtemp(o->dir) ? 0 : -1;
}

static int run(const struct lab_options *options, struct osha_err *err)
{
	static struct lab w;
	int r = lab_start(&w, options, err);

	if (r == 0)
		r = yaml_write(&w, err);
	if (r == 0)
		r = ready_tell(&w, err);
	if (r == 0)
		uv_run(&w.loop, UV_RUN_DEFAULT);
	lab_stop(&w);
	return r;
}

int main(int argc, char **argv)
{
	struct lab_options o = {.has_machines = true,
	    .has_bmcs = true,
	    .ready_fd = -1,
	    .bmc_user = "admin",
	    .bmc_password = "sim-bmc-password"};
	struct rlimit files = {65536, 65536};
	struct osha_err err = {0};
	int r;

	cloudsim_config_default(&o.cloud);
	r = options_read(argc, argv, &o);
	if (r != 0) {
		usage(r > 0 ? stdout : stderr);
		return r > 0 ? 0 : 2;
	}
	if (setrlimit(RLIMIT_NOFILE, &files) < 0) {
		getrlimit(RLIMIT_NOFILE, &files);
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (dir_make(&o) < 0) {
		fprintf(stderr, "osha-cloudsim: %s: %s\n", o.dir, strerror(errno));
		return 1;
	}
	if (run(&o, &err) == 0)
		return 0;
	fprintf(stderr, "osha-cloudsim: %s\n", err.msg);
	return osha_err_exit_status(err.code);
}
