/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an agent process: input, action, verification, exit code. Time limits are an interval timer whose handler
 * ends the process: the libraries below block, and some cannot be told to stop. Leaves option rows to agent_option.c.
 */
#include "fence/agent.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { POLL_FIRST_MS = 2, POLL_LAST_MS = 100, CLOSE_LIMIT_MS = 1000 };

#ifndef OSHA_VERSION
#define OSHA_VERSION "unknown"
#endif

/* What the handler prints and exits with; written only while the timer is stopped. */
static char limit_text[OSHA_ERR_MSG_SIZE + 64];
static int limit_status;

static void on_limit(int sig)
{
	ssize_t ignored = write(STDERR_FILENO, limit_text, strlen(limit_text));

	(void)ignored;
	agent_script_kill();
	_exit(limit_status);
}

/* The caller's own deadline. Nothing is known of the power then, and 1 says so. */
static void on_term(int sig)
{
	agent_script_kill();
	_exit(AGENT_EXIT_FAILED);
}

static void limit_stop(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

/* Ends the process with @status, and "NAME: @what" on stderr unless @what is empty, if no limit_stop() or other limit
 * comes within @ms. */
static void limit_start_status(const struct agent *a, int64_t ms, const char *what, int status)
{
	struct itimerval t = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};

	limit_stop();
	limit_text[0] = '\0';
	if (*what)
		snprintf(limit_text, sizeof(limit_text), "%s: %s\n", a->desc->name, what);
	limit_status = status;
	signal(SIGALRM, on_limit);
	setitimer(ITIMER_REAL, &t, NULL);
}

static void limit_start(const struct agent *a, int64_t ms, const char *what)
{
	limit_start_status(a, ms, what, AGENT_EXIT_FAILED);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(int64_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static const char *power_name(enum agent_power power)
{
	return power == AGENT_POWER_ON ? "ON" : power == AGENT_POWER_OFF ? "OFF" : "UNKNOWN";
}

static int read_power(const struct agent *a, void *device, enum agent_power *ret, struct osha_err *reterr)
{
	limit_start(a, agent_ms(a, "shell_timeout"), "read power: no answer within shell_timeout");
	*ret = AGENT_POWER_UNKNOWN;
	if (a->desc->power_get(device, ret, reterr) < 0)
		return osha_err_wrap(reterr, "read power");
	limit_stop();
	return 0;
}

/* Asks for @wanted, again while the device says busy. Returns 0, AGENT_SET_REFUSED with @reterr filled, or negative. */
static int ask_power(
    const struct agent *a, void *device, enum agent_power wanted, int64_t deadline_ms, struct osha_err *reterr)
{
	int64_t step_ms = POLL_FIRST_MS;
	int rc;

	for (;;) {
		limit_start(a, agent_ms(a, "shell_timeout") + agent_ms(a, "power_timeout"),
		    "set power: no answer within power_timeout and shell_timeout");
		rc = a->desc->power_set(device, wanted, reterr);
		limit_stop();
		if (rc < 0)
			return osha_err_wrap(reterr, "set power %s", power_name(wanted));
		if (rc != AGENT_SET_BUSY)
			return rc;
		if (now_ms() >= deadline_ms)
			return osha_err_wrap(reterr, "set power %s: busy until power_timeout", power_name(wanted));
		sleep_ms(step_ms);
		step_ms = step_ms * 2 < POLL_LAST_MS ? step_ms * 2 : POLL_LAST_MS;
	}
}

/*
 * Brings the power to @wanted and reads it there; the device's "accepted" counts for nothing. The order is sent even if
 * the power already reads as wanted: a machine on its way up reads off for a moment on some devices. A refusal is
 * success only if the power reads as wanted.
 */
static int change_power(
    const struct agent *a, void *device, enum agent_power wanted, const char **ret_word, struct osha_err *reterr)
{
	int64_t timeout_ms = agent_ms(a, "power_timeout"), deadline_ms = now_ms() + timeout_ms, step_ms = POLL_FIRST_MS;
	struct osha_err refusal = {0};
	int asked = ask_power(a, device, wanted, deadline_ms, &refusal);

	if (asked < 0) {
		*reterr = refusal;
		return asked;
	}
	*ret_word = asked == AGENT_SET_REFUSED ? "Already" : "Powered";
	sleep_ms(agent_ms(a, "power_wait"));
	for (;;) {
		enum agent_power power;
		int rc = read_power(a, device, &power, reterr);

		if (rc || power == wanted)
			return rc;
		if (asked == AGENT_SET_REFUSED) {
			*reterr = refusal;
			return osha_err_wrap(
			    reterr, "set power %s: power reads %s", power_name(wanted), power_name(power));
		}
		if (now_ms() >= deadline_ms)
			return osha_err_set(reterr, OSHA_E_TIMEOUT,
			    "power still reads %s %lld ms after %s was accepted", power_name(power),
			    (long long)timeout_ms, power_name(wanted));
		sleep_ms(step_ms);
		step_ms = step_ms * 2 < POLL_LAST_MS ? step_ms * 2 : POLL_LAST_MS;
	}
}

static int do_change(const struct agent *a, void *device, enum agent_power wanted, struct osha_err *reterr)
{
	const char *word;
	int rc = change_power(a, device, wanted, &word, reterr);

	if (!rc)
		printf("Success: %s %s\n", word, power_name(wanted));
	return rc;
}

/* As in the field, fencing has succeeded once the power was off; a machine that does not come back is only warned
 * about. */
static int do_reboot(const struct agent *a, void *device, struct osha_err *reterr)
{
	const char *word;
	struct osha_err on_err = {0};
	int rc = change_power(a, device, AGENT_POWER_OFF, &word, reterr);

	if (rc)
		return rc;
	if (change_power(a, device, AGENT_POWER_ON, &word, &on_err))
		fprintf(stderr, "%s: warning: powered off, but not on again: %s\n", a->desc->name, on_err.msg);
	printf("Success: Rebooted\n");
	return 0;
}

static int do_status(const struct agent *a, void *device, struct osha_err *reterr)
{
	enum agent_power power;
	int rc = read_power(a, device, &power, reterr);

	if (rc)
		return rc;
	if (power == AGENT_POWER_UNKNOWN)
		return osha_err_set(reterr, OSHA_E_GARBAGE, "the power is neither on nor off");
	printf("Status: %s\n", power_name(power));
	return power == AGENT_POWER_OFF ? AGENT_EXIT_OFF : 0;
}

static int do_list(const struct agent *a, void *device, bool is_quiet, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;
	int rc;

	limit_start(a, agent_ms(a, "shell_timeout"), "list: no answer within shell_timeout");
	rc = a->desc->list(device, &out, reterr);
	limit_stop();
	if (rc)
		return rc;
	if (out.failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "list");
	if (out.text && !is_quiet)
		fputs(out.text, stdout);
	return 0;
}

static int do_monitor(const struct agent *a, void *device, struct osha_err *reterr)
{
	enum agent_power power;

	return a->desc->list ? do_list(a, device, true, reterr) : read_power(a, device, &power, reterr);
}

static int run_action(const struct agent *a, const char *action, void *device, struct osha_err *reterr)
{
	if (str_eq(action, "off"))
		return do_change(a, device, AGENT_POWER_OFF, reterr);
	if (str_eq(action, "on"))
		return do_change(a, device, AGENT_POWER_ON, reterr);
	if (str_eq(action, "reboot"))
		return do_reboot(a, device, reterr);
	if (str_eq(action, "status"))
		return do_status(a, device, reterr);
	if (str_eq(action, "list"))
		return do_list(a, device, false, reterr);
	return do_monitor(a, device, reterr);
}

/*
 * Returns an exit code (0 or AGENT_EXIT_OFF), or negative. The session is closed in order, for devices have few slots,
 * but a device that does not answer to that changes neither the result nor its text.
 */
static int act_on_device(const struct agent *a, const char *action, struct osha_err *reterr)
{
	void *device = NULL;
	int rc;

	if (str_eq(action, "off") || str_eq(action, "reboot"))
		sleep_ms(agent_ms(a, "delay"));
	limit_start(a, agent_ms(a, "login_timeout"), "login: not done within login_timeout");
	rc = a->desc->open(a, &device, reterr);
	limit_stop();
	if (rc)
		return rc;
	rc = run_action(a, action, device, reterr);
	limit_stop();
	if (fflush(stdout) && rc >= 0)
		rc = osha_err_set(reterr, OSHA_E_IO, "standard output cannot be written");
	limit_start_status(a, CLOSE_LIMIT_MS, rc < 0 ? reterr->msg : "", rc < 0 ? AGENT_EXIT_FAILED : rc);
	a->desc->close(device);
	limit_stop();
	return rc;
}

static int validate_all(const struct agent *a, struct osha_err *reterr)
{
	if (a->unknown_n)
		return osha_err_set(
		    reterr, OSHA_E_USAGE, "%zu unknown option(s), the first is \"%s\"", a->unknown_n, a->unknown[0]);
	return agent_options_check(a, reterr);
}

static void warn_unknown(const struct agent *a)
{
	for (size_t i = 0; i < a->unknown_n && i < AGENT_UNKNOWN_MAX; i++)
		fprintf(stderr, "%s: warning: unknown option \"%s\" ignored\n", a->desc->name, a->unknown[i]);
	if (a->unknown_n > AGENT_UNKNOWN_MAX)
		fprintf(stderr, "%s: warning: %zu more unknown options ignored\n", a->desc->name,
		    a->unknown_n - AGENT_UNKNOWN_MAX);
}

static int perform(const struct agent *a, struct osha_err *reterr)
{
	const char *action = agent_text(a, "action");
	int rc;

	if (agent_is_set(a, "version")) {
		printf("%s %s\n", a->desc->name, OSHA_VERSION);
		return 0;
	}
	if (agent_is_set(a, "help")) {
		agent_usage_print(a, stdout);
		return 0;
	}
	if (str_eq(action, "metadata")) {
		agent_metadata_print(a, stdout);
		return 0;
	}
	if (str_eq(action, "validate-all"))
		return validate_all(a, reterr);
	warn_unknown(a);
	if (str_eq(action, "list") && !a->desc->list)
		return osha_err_set(reterr, OSHA_E_USAGE, "action: list is not offered by this agent");
	rc = agent_options_check(a, reterr);
	return rc ? rc : act_on_device(a, action, reterr);
}

static int read_stdin(struct agent *a, struct osha_err *reterr)
{
	static char buf[AGENT_INPUT_MAX_BYTES + 1];
	size_t n = fread(buf, 1, sizeof(buf), stdin);
	int rc;

	if (ferror(stdin))
		return osha_err_set(reterr, OSHA_E_IO, "standard input cannot be read");
	if (n > AGENT_INPUT_MAX_BYTES)
		return osha_err_set(
		    reterr, OSHA_E_USAGE, "standard input is longer than %d bytes", AGENT_INPUT_MAX_BYTES);
	rc = agent_options_read_text(a, buf, n, reterr);
	explicit_bzero(buf, sizeof(buf));
	return rc;
}

int agent_main(const struct agent_desc *desc, int argc, char **argv)
{
	struct osha_err err = {0};
	struct agent a;
	int rc;

	signal(SIGTERM, on_term);
	agent_init(&a, desc);
	rc = argc > 1 ? agent_options_read_argv(&a, argc, argv, &err) : read_stdin(&a, &err);
	if (!rc)
		rc = perform(&a, &err);
	if (!rc && (fflush(stdout) || ferror(stdout)))
		rc = osha_err_set(&err, OSHA_E_IO, "standard output cannot be written");
	agent_release(&a);
	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", desc->name, err.msg);
		return AGENT_EXIT_FAILED;
	}
	return rc;
}
