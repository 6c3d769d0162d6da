/* SPDX-License-Identifier: Apache-2.0 */
/* What a fence agent's end means, and which keys its metadata names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "drivers/fencer/agent/fence_agent.h"
#include "drivers/fencer/agent/fence_judge.h"

static const struct config_fence LEVEL = {
    .name = "bmc", .parameters = {{"password", "s3cret-word", true}, {"ip", "192.0.2.1", false}}, .parameter_n = 2};

static struct io_child_result ended(int code, const char *out, const char *err)
{
	return (struct io_child_result){.end = IO_CHILD_EXITED,
	    .code = code,
	    .out = out,
	    .out_size = strlen(out),
	    .err = err,
	    .err_size = strlen(err)};
}

static void test_status(void **state)
{
	static const struct {
		int code;
		const char *out, *err;
		enum power power;
	} rows[] = {
	    {0, "Status: ON\n", "", POWER_ON},
	    {0, "", "", POWER_ON},
	    {0, "Status: OFF\n", "", POWER_UNKNOWN},
	    {0, "Usage:\n\tfence_x [options]\n", "", POWER_UNKNOWN},
	    {2, "Status: OFF\n", "", POWER_OFF},
	    {2, "status: off\n", "", POWER_OFF},
	    {2, "Chassis Power is off\n", "", POWER_OFF},
	    {2, "", "", POWER_UNKNOWN},
	    {2, "Status: ON\n", "", POWER_UNKNOWN},
	    {2, "offline\n", "", POWER_UNKNOWN},
	    {2, "the cutoff\n", "", POWER_UNKNOWN},
	    {2, "off", "Traceback (most recent call last):\n", POWER_UNKNOWN},
	    {2, "", "/usr/bin/python3: can't open file '/usr/sbin/fence_off': [Errno 2] No such file or directory\n",
		POWER_UNKNOWN},
	    {2, "", "fence_x: unrecognized option '--off'\n", POWER_UNKNOWN},
	    {1, "Status: OFF\n", "", POWER_UNKNOWN},
	    {127, "off", "", POWER_UNKNOWN},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct io_child_result r = ended(rows[k].code, rows[k].out, rows[k].err);
		struct fence_answer a;

		fence_judge(&LEVEL, FENCE_STATUS, &r, &a);
		if (a.power != rows[k].power)
			print_error("row %zu\n", k);
		assert_int_equal(a.power, rows[k].power);
		assert_int_equal(a.outcome, rows[k].power == POWER_UNKNOWN ? OUTCOME_UNKNOWN : OUTCOME_DONE);
	}
}

static void test_off(void **state)
{
	static const struct {
		enum io_child_end end;
		int code;
		const char *err;
		enum outcome outcome;
		enum fault_class fault; /* 0: FAULT_TRANSIENT, where it is not done */
	} rows[] = {
	    {IO_CHILD_EXITED, 0, "", OUTCOME_DONE, 0},
	    {IO_CHILD_EXITED, 1, "Failed: Unable to connect\n", OUTCOME_REFUSED, 0},
	    {IO_CHILD_EXITED, 1, "Traceback (most recent call last):\n", OUTCOME_UNKNOWN, 0},
	    {IO_CHILD_EXITED, 2, "Usage: fence_x\n", OUTCOME_UNKNOWN, 0},
	    {IO_CHILD_EXITED, 0, "Usage: fence_x\n", OUTCOME_UNKNOWN, 0},
	    {IO_CHILD_EXITED, 3, "", OUTCOME_UNKNOWN, 0},
	    {IO_CHILD_SIGNALLED, 9, "", OUTCOME_UNKNOWN, 0},
	    {IO_CHILD_DEADLINE, 0, "", OUTCOME_UNKNOWN, 0},
	    {IO_CHILD_UNKNOWN, 0, "", OUTCOME_UNKNOWN, 0},
	    {IO_CHILD_NOT_STARTED, ENOENT, "", OUTCOME_REFUSED, 0},
	    {IO_CHILD_NOT_STARTED, ETIMEDOUT, "", OUTCOME_REFUSED, 0},
	    {IO_CHILD_NOT_STARTED, ETIME, "", OUTCOME_REFUSED, FAULT_LATE},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct io_child_result r = ended(rows[k].code, "", rows[k].err);
		struct fence_answer a;

		r.end = rows[k].end;
		fence_judge(&LEVEL, FENCE_OFF, &r, &a);
		if (a.outcome != rows[k].outcome)
			print_error("row %zu\n", k);
		assert_int_equal(a.outcome, rows[k].outcome);
		if (a.outcome != OUTCOME_DONE)
			assert_int_equal(a.fault, rows[k].fault ? rows[k].fault : FAULT_TRANSIENT);
		assert_int_equal(a.power, POWER_UNKNOWN);
		assert_true(a.outcome == OUTCOME_DONE || a.reason[0]);
	}
}

/* The reason is the last line, on one line, without the secret. */
static void test_reason(void **state)
{
	struct io_child_result r =
	    ended(1, "", "first\nFailed: cannot\tlog in with s3cret-word and s3cret-word\x1b[1m\n\n");
	struct fence_answer a;

	(void)state;
	fence_judge(&LEVEL, FENCE_OFF, &r, &a);
	assert_null(strstr(a.reason, "s3cret"));
	assert_null(strstr(a.reason, "first"));
	assert_null(strpbrk(a.reason, "\n\t\x1b"));
	assert_non_null(strstr(a.reason, "bmc: exit 1: Failed: cannot log in with ***********"));
}

static void test_keys(void **state)
{
	static struct fence_keys keys;

	(void)state;
	assert_true(fence_keys_parse("<?xml version=\"1.0\" ?>\n<resource-agent name=\"x\"><parameters>\n"
				     "<parameter name=\"ip\" unique=\"0\" obsoletes=\"ipaddr\">\n"
				     "<parameter unique='0' name='plug'><parameter name=\"\"><parameter name=\"open>\n",
	    &keys));
	assert_int_equal(keys.n, 3);
	assert_true(fence_keys_has(&keys, "ip") && fence_keys_has(&keys, "ipaddr") && fence_keys_has(&keys, "plug"));
	assert_false(fence_keys_has(&keys, "open"));
	assert_false(fence_keys_has(&keys, "action"));
	assert_false(fence_keys_parse("", &keys));
	assert_false(fence_keys_parse("<resource-agent>", &keys));
	assert_false(fence_keys_parse("<parameter name=\"ip\">", &keys));
	assert_false(fence_keys_parse("<resource-agent><parameter ", &keys));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_reason),
	    cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
