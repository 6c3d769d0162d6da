/* SPDX-License-Identifier: Apache-2.0 */
/* See cloud_script.h. Golden answers are found by the environment variable OSHA_GOLDEN, set by the build. */
#include "test/unit/cloud_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the four headers above */
#include <cmocka.h>

char *script_golden(const char *name, size_t *ret_size)
{
	const char *folder = getenv("OSHA_GOLDEN");
	char path[1024];
	char *bytes = calloc(1, 1 << 20);
	FILE *f;

	assert_non_null(folder);
	assert_non_null(bytes);
	snprintf(path, sizeof(path), "%s/nova/%s", folder, name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("no golden answer %s", path);
	*ret_size = fread(bytes, 1, (1 << 20) - 1, f);
	fclose(f);
	return bytes;
}

static enum cloud_next line_answer(struct cloud_call *call, const struct script_line *line)
{
	struct cloud_answer answer = {
	    .transport_result = line->status ? 0 : -(line->transport ? line->transport : OSHA_E_NET),
	    .may_have_been_sent = line->was_sent,
	    .status = line->status,
	};
	enum cloud_next next;
	char *exact;

	if (!line->answer)
		return cloud_call_answer(call, &answer);
	if (line->answer[0] == '@') {
		exact = script_golden(line->answer + 1, &answer.body_size);
	} else {
		exact = strdup(line->answer);
		assert_non_null(exact);
		answer.body_size = strlen(exact);
	}
	/* Cut to size, so that the sanitizer sees a read beyond the last byte. */
	exact = realloc(exact, answer.body_size ? answer.body_size : 1);
	answer.body = exact;
	next = cloud_call_answer(call, &answer);
	free(exact);
	return next;
}

struct cloud_call *script_play(const struct cloud_args *args, const struct script_line *lines, size_t n)
{
	struct cloud_call *call = NULL;
	struct cloud_request request;
	struct osha_err err = {0};

	if (cloud_call_begin(args, &call, &err) < 0)
		fail_msg("begin %s: %s", cloud_kind_name(args->kind), err.msg);
	for (size_t i = 0; i < n; i++) {
		if (!cloud_call_request(call, &request))
			fail_msg("line %zu: the call has ended: %s", i, cloud_call_result(call)->reason);
		assert_string_equal(request.method, lines[i].method);
		if (lines[i].path)
			assert_string_equal(request.path, lines[i].path);
		if (lines[i].body)
			assert_string_equal(request.body, lines[i].body);
		else
			assert_null(request.body);
		assert_int_equal(request.is_mutating, strcmp(request.method, "GET") != 0);
		line_answer(call, &lines[i]);
	}
	if (cloud_call_request(call, &request))
		fail_msg("after %zu lines the call still asks %s %s", n, request.method, request.path);
	return call;
}

const struct cloud_result *script_result(const struct cloud_call *call, enum outcome outcome, enum fault_class fault)
{
	const struct cloud_result *r = cloud_call_result(call);

	assert_non_null(r);
	if (r->outcome != outcome || r->fault != fault)
		fail_msg("%s/%s (%d) \"%s\", expected %s/%s", outcome_name(r->outcome), fault_class_name(r->fault),
		    r->http_status, r->reason, outcome_name(outcome), fault_class_name(fault));
	return r;
}
