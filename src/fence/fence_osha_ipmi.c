/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fence_osha_ipmi: power of one machine through its BMC, by IPMI 2.0 over LAN. This file is linked with libfreeipmi,
 * which is GPL-3.0-or-later, and so this file and the executable made from it are too; nothing else of the project is
 * linked with either. Leaves protocol, time limits and "read it back" to agent.c.
 */
#include "fence/agent.h"

#include <ctype.h>
#include <freeipmi/freeipmi.h>
#include <stdlib.h>
#include <string.h>

enum {
	IPMI_USERNAME_MAX_BYTES = 16, /* IPMI 2.0, 22.26 Set User Name */
	IPMI_PASSWORD_MAX_BYTES = 20, /* 22.30 Set User Password */
	IPMI_KG_MAX_BYTES = 20,       /* 13.31, Kg */
	RETRANSMIT_MS = 500,
	SESSION_MIN_MS = 1000,
};

static const struct agent_option ipmi_rows[] = {
    {.name = "ip",
	.obsolete = "ipaddr",
	.long_opt = "ip",
	.letter = 'a',
	.type = AGENT_STRING,
	.is_required = true,
	.max_bytes = 253,
	.text = "Address or host name of the BMC"},
    {.name = "ipport",
	.long_opt = "ipport",
	.letter = 'u',
	.type = AGENT_INTEGER,
	.fallback = "623",
	.min = 1,
	.max = 65535,
	.text = "UDP port of the BMC"},
    AGENT_ROWS_LOGIN,
    {.name = "cipher",
	.long_opt = "cipher",
	.letter = 'C',
	.type = AGENT_SELECT,
	.choices = "3|17",
	.text = "Cipher suite; without it 17 is tried first and 3 where the BMC refuses that"},
    {.name = "privlvl",
	.long_opt = "privlvl",
	.letter = 'L',
	.type = AGENT_SELECT,
	.choices = "user|operator|administrator",
	.fallback = "administrator",
	.text = "Privilege level of the session; changing the power needs operator"},
    {.name = "hexadecimal_kg",
	.long_opt = "hexadecimal-kg",
	.type = AGENT_STRING,
	.is_secret = true,
	.max_bytes = 2 + 2 * IPMI_KG_MAX_BYTES,
	.text = "BMC key (Kg) in hexadecimal"},
    {.name = "workaround",
	.long_opt = "workaround",
	.type = AGENT_STRING,
	.fallback = "open-session-privilege",
	.text = "Comma-separated deviations of the BMC to live with: none, open-session-privilege, authcap, intel20, "
		"supermicro20, sun20, integrity-check, no-checksum"},
    {.name = "lanplus",
	.long_opt = "lanplus",
	.letter = 'P',
	.type = AGENT_BOOLEAN,
	.fallback = "1",
	.text = "IPMI 2.0; the only protocol that this agent speaks"},
};

struct word_flag {
	const char *word;
	unsigned int flag;
};

static const struct word_flag workarounds[] = {
    {"none", 0},
    {"open-session-privilege", IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_OPEN_SESSION_PRIVILEGE},
    {"authcap", IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_AUTHENTICATION_CAPABILITIES},
    {"intel20", IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_INTEL_2_0_SESSION},
    {"supermicro20", IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_SUPERMICRO_2_0_SESSION},
    {"sun20", IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_SUN_2_0_SESSION},
    {"integrity-check", IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_NON_EMPTY_INTEGRITY_CHECK_VALUE},
    {"no-checksum", IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_NO_CHECKSUM_CHECK},
};

static int parse_workarounds(const char *text, unsigned int *ret_flags, struct osha_err *reterr)
{
	size_t n = sizeof(workarounds) / sizeof(workarounds[0]);

	*ret_flags = 0;
	while (*text) {
		size_t len = strcspn(text, ","), i = 0;

		while (i < n && (strlen(workarounds[i].word) != len || strncmp(workarounds[i].word, text, len)))
			i++;
		if (i == n)
			return osha_err_set(reterr, OSHA_E_USAGE, "workaround: unknown word; --help lists them");
		*ret_flags |= workarounds[i].flag;
		text += len;
		text += *text == ',';
	}
	return 0;
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns the number of bytes, or negative. */
static int parse_kg(const char *text, unsigned char kg[static IPMI_KG_MAX_BYTES], struct osha_err *reterr)
{
	int n = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (; *text; text += 2) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || n == IPMI_KG_MAX_BYTES)
			return osha_err_set(
			    reterr, OSHA_E_USAGE, "hexadecimal_kg: expected up to 20 bytes, two digits each");
		kg[n++] = (unsigned char)(high << 4 | low);
	}
	return n;
}

static int ipmi_agent_check(const struct agent *a, struct osha_err *reterr)
{
	unsigned char kg[IPMI_KG_MAX_BYTES];
	const char *username = agent_text(a, "username"), *password = agent_text(a, "password");
	const char *kg_text = agent_text(a, "hexadecimal_kg");
	unsigned int flags;
	int rc;

	if (!agent_is_set(a, "lanplus"))
		return osha_err_set(reterr, OSHA_E_USAGE, "lanplus: IPMI 1.5 is not spoken");
	if (username && strlen(username) > IPMI_USERNAME_MAX_BYTES)
		return osha_err_set(reterr, OSHA_E_USAGE, "username: longer than %d bytes", IPMI_USERNAME_MAX_BYTES);
	if (password && strlen(password) > IPMI_PASSWORD_MAX_BYTES)
		return osha_err_set(reterr, OSHA_E_USAGE, "password: longer than %d bytes", IPMI_PASSWORD_MAX_BYTES);
	rc = kg_text ? parse_kg(kg_text, kg, reterr) : 0;
	explicit_bzero(kg, sizeof(kg));
	return rc < 0 ? rc : parse_workarounds(agent_text(a, "workaround"), &flags, reterr);
}

static uint8_t privilege_of(const char *word)
{
	if (str_eq(word, "user"))
		return IPMI_PRIVILEGE_LEVEL_USER;
	return str_eq(word, "operator") ? IPMI_PRIVILEGE_LEVEL_OPERATOR : IPMI_PRIVILEGE_LEVEL_ADMIN;
}

/* libfreeipmi takes the port behind the name; an IPv6 address needs brackets then. */
static void print_target(const struct agent *a, char *target, size_t size)
{
	const char *ip = agent_text(a, "ip");
	bool is_bare_v6 = strchr(ip, ':') && *ip != '[';

	snprintf(target, size, is_bare_v6 ? "[%s]:%lld" : "%s:%lld", ip, (long long)agent_number(a, "ipport"));
}

/*
 * The library's own time-out is set to end shortly before login_timeout, because its error says more than the caller's
 * limit can. It looks at the clock only when it sends again.
 */
static unsigned int session_ms(const struct agent *a)
{
	int64_t ms = agent_ms(a, "login_timeout") - 2 * RETRANSMIT_MS - 100;

	return (unsigned int)(ms < SESSION_MIN_MS ? SESSION_MIN_MS : ms);
}

/*
 * Is this the BMC's word that it has not got the suite? Some say so in a form that the library does not know, which it
 * calls an IPMI or an internal error. A wrong password and silence are told apart from it and never lead to a second
 * try.
 */
static bool is_suite_refusal(int ipmi_errnum)
{
	switch (ipmi_errnum) {
	case IPMI_ERR_CIPHER_SUITE_ID_UNAVAILABLE:
	case IPMI_ERR_BAD_RMCPPLUS_STATUS_CODE:
	case IPMI_ERR_IPMI_ERROR:
	case IPMI_ERR_INTERNAL_ERROR:
		return true;
	default:
		return false;
	}
}

/* Returns 0, 1 when the BMC has not got the suite (@reterr filled), or negative. */
static int open_suite(
    const struct agent *a, uint8_t suite, const char *password, ipmi_ctx_t *ret_ctx, struct osha_err *reterr)
{
	unsigned char kg[IPMI_KG_MAX_BYTES];
	const char *kg_text = agent_text(a, "hexadecimal_kg");
	unsigned int flags = 0;
	char target[300];
	int kg_n, rc;

	print_target(a, target, sizeof(target));
	kg_n = kg_text ? parse_kg(kg_text, kg, reterr) : 0;
	rc = parse_workarounds(agent_text(a, "workaround"), &flags, reterr);
	if (kg_n < 0 || rc < 0)
		return -OSHA_E_USAGE;
	*ret_ctx = ipmi_ctx_create();
	if (!*ret_ctx)
		return osha_err_set(reterr, OSHA_E_NOMEM, "IPMI context");
	rc = ipmi_ctx_open_outofband_2_0(*ret_ctx, target, agent_text(a, "username"), password, kg_n ? kg : NULL,
	    (unsigned int)kg_n, privilege_of(agent_text(a, "privlvl")), suite, session_ms(a), RETRANSMIT_MS, flags,
	    IPMI_FLAGS_DEFAULT);
	explicit_bzero(kg, sizeof(kg));
	if (!rc)
		return 0;
	rc = ipmi_ctx_errnum(*ret_ctx);
	osha_err_set(
	    reterr, OSHA_E_AUTH, "login to %s, cipher suite %u: %s", target, suite, ipmi_ctx_errormsg(*ret_ctx));
	ipmi_ctx_destroy(*ret_ctx);
	*ret_ctx = NULL;
	return is_suite_refusal(rc) ? 1 : -OSHA_E_AUTH;
}

static int ipmi_agent_open(const struct agent *a, void **ret_device, struct osha_err *reterr)
{
	AGENT_SECRET_AUTO char *password = NULL;
	const char *cipher = agent_text(a, "cipher");
	ipmi_ctx_t ctx = NULL;
	int rc = agent_password_get(a, &password, reterr);

	if (rc)
		return rc;
	if (password && strlen(password) > IPMI_PASSWORD_MAX_BYTES)
		return osha_err_set(reterr, OSHA_E_USAGE, "password: longer than %d bytes", IPMI_PASSWORD_MAX_BYTES);
	if (cipher)
		rc = open_suite(a, str_eq(cipher, "3") ? 3 : 17, password, &ctx, reterr);
	else if ((rc = open_suite(a, 17, password, &ctx, reterr)) == 1)
		rc = open_suite(a, 3, password, &ctx, reterr);
	*ret_device = ctx;
	return rc > 0 ? -OSHA_E_AUTH : rc;
}

static void ipmi_agent_close(void *device)
{
	ipmi_ctx_close(device);
	ipmi_ctx_destroy(device);
}

static int ipmi_agent_power_get(void *device, enum agent_power *ret_power, struct osha_err *reterr)
{
	fiid_obj_t answer = fiid_obj_create(tmpl_cmd_get_chassis_status_rs);
	uint64_t is_on = 0;
	int rc = 0;

	if (!answer)
		return osha_err_set(reterr, OSHA_E_NOMEM, "Get Chassis Status");
	if (ipmi_cmd_get_chassis_status(device, answer) < 0)
		rc = osha_err_set(reterr, OSHA_E_NET, "Get Chassis Status: %s", ipmi_ctx_errormsg(device));
	else if (FIID_OBJ_GET(answer, "current_power_state.power_is_on", &is_on) != 1)
		rc = osha_err_set(reterr, OSHA_E_GARBAGE, "Get Chassis Status: answer without a power state");
	else
		*ret_power = is_on == IPMI_SYSTEM_POWER_IS_ON ? AGENT_POWER_ON : AGENT_POWER_OFF;
	fiid_obj_destroy(answer);
	return rc;
}

static int ipmi_agent_power_set(void *device, enum agent_power wanted, struct osha_err *reterr)
{
	uint8_t control = wanted == AGENT_POWER_ON ? IPMI_CHASSIS_CONTROL_POWER_UP : IPMI_CHASSIS_CONTROL_POWER_DOWN;
	fiid_obj_t answer = fiid_obj_create(tmpl_cmd_chassis_control_rs);
	uint64_t code = 0;
	int rc;

	if (!answer)
		return osha_err_set(reterr, OSHA_E_NOMEM, "Chassis Control");
	rc = ipmi_cmd_chassis_control(device, control, answer);
	if (rc >= 0) {
		fiid_obj_destroy(answer);
		return 0;
	}
	/* A completion code means that the BMC has answered no; without one nothing is known of what it did. */
	if (fiid_obj_get(answer, "comp_code", &code) != 1)
		code = 0;
	fiid_obj_destroy(answer);
	if (!code)
		return osha_err_set(reterr, OSHA_E_NET, "Chassis Control: %s", ipmi_ctx_errormsg(device));
	osha_err_set(reterr, OSHA_E_REFUSED, "Chassis Control: %s (completion code 0x%02x)", ipmi_ctx_errormsg(device),
	    (unsigned int)code);
	return code == IPMI_COMP_CODE_NODE_BUSY ? AGENT_SET_BUSY : AGENT_SET_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct agent_desc desc = {
	    .name = "fence_osha_ipmi",
	    .shortdesc = "Fence agent for IPMI 2.0 over LAN",
	    .longdesc =
		"Switches a machine's power through its BMC by IPMI 2.0 (RMCP+, cipher suites 3 and 17) and succeeds "
		"only after "
		"the power was read back in the wanted state. As with every fence agent the default action is reboot.",
	    .options = ipmi_rows,
	    .options_n = sizeof(ipmi_rows) / sizeof(ipmi_rows[0]),
	    .check = ipmi_agent_check,
	    .open = ipmi_agent_open,
	    .close = ipmi_agent_close,
	    .power_get = ipmi_agent_power_get,
	    .power_set = ipmi_agent_power_set,
	};

	return agent_main(&desc, argc, argv);
}
