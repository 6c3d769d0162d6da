/* SPDX-License-Identifier: Apache-2.0 */
/* The words by which a BMC's faults are switched, in files, on command lines and over the simulator's own interface. */
#include "base/strbuf.h"
#include "cloudsim/bmc_ipmi.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { FAULT_DELAY_MAX_MS = 3600 * 1000, FAULT_LOST_MAX = 1000000 };

struct fault_switch {
	const char *word;
	size_t offset; /* of the bool in struct bmc_ipmi_faults */
};

static const struct fault_switch switches[] = {
    {"dead", offsetof(struct bmc_ipmi_faults, is_dead)},
    {"stays-on", offsetof(struct bmc_ipmi_faults, is_deaf_to_orders)},
    {"refuse-repeat", offsetof(struct bmc_ipmi_faults, is_refusing_repeat)},
    {"wrong-password", offsetof(struct bmc_ipmi_faults, is_refusing_login)},
    {"busy", offsetof(struct bmc_ipmi_faults, is_busy)},
    {"no-suite-3", offsetof(struct bmc_ipmi_faults, is_refusing_suite_3)},
    {"no-suite-17", offsetof(struct bmc_ipmi_faults, is_refusing_suite_17)},
    {"garble", offsetof(struct bmc_ipmi_faults, is_garbling)},
};

static bool parse_number(const char *s, long max, char stop, long *ret, const char **ret_end)
{
	char *end;

	*ret = strtol(s, &end, 10);
	*ret_end = end;
	return end != s && *end == stop && *ret >= 0 && *ret <= max && *s >= '0' && *s <= '9';
}

static bool set_lost(struct bmc_ipmi_faults *f, const char *value)
{
	const char *end;
	long n, of;

	if (!parse_number(value, FAULT_LOST_MAX, '/', &n, &end) ||
	    !parse_number(end + 1, FAULT_LOST_MAX, '\0', &of, &end) || n > of)
		return false;
	f->lost_n = (uint32_t)n;
	f->lost_of = (uint32_t)of;
	return true;
}

static bool set_delay(struct bmc_ipmi_faults *f, const char *value)
{
	const char *end;
	long ms;

	if (!parse_number(value, FAULT_DELAY_MAX_MS, '\0', &ms, &end))
		return false;
	f->power_delay_ms = ms;
	return true;
}

static bool set_privilege(struct bmc_ipmi_faults *f, const char *value)
{
	if (str_eq(value, "user"))
		f->privilege_limit = BMC_PRIVILEGE_USER;
	else if (str_eq(value, "operator"))
		f->privilege_limit = BMC_PRIVILEGE_OPERATOR;
	else
		return false;
	return true;
}

bool bmc_ipmi_fault_set(struct bmc_ipmi_faults *faults, const char *word, const char *value)
{
	if (str_eq(word, "none")) {
		*faults = (struct bmc_ipmi_faults){0};
		return true;
	}
	if (str_eq(word, "lost"))
		return set_lost(faults, value);
	if (str_eq(word, "delay"))
		return set_delay(faults, value);
	if (str_eq(word, "privilege"))
		return set_privilege(faults, value);
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (!str_eq(switches[i].word, word) || *value)
			continue;
		*(bool *)((char *)faults + switches[i].offset) = true;
		return true;
	}
	return false;
}

bool bmc_ipmi_faults_parse(struct bmc_ipmi_faults *ret, const char *text)
{
	static const char blanks[] = " \t\r\n,";
	struct bmc_ipmi_faults f = {0};

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		size_t len = strcspn(text, blanks);
		char word[64], *equals;

		if (len >= sizeof(word))
			return false;
		memcpy(word, text, len);
		word[len] = '\0';
		equals = strchr(word, '=');
		if (equals)
			*equals = '\0';
		if (!bmc_ipmi_fault_set(&f, word, equals ? equals + 1 : ""))
			return false;
		text += len;
	}
	*ret = f;
	return true;
}
