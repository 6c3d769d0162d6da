/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence_osha_libvirt: power of one virtual machine through libvirt, for compute nodes that are virtual themselves
 * (nested labs, CI). Keepalive is always on where the connection has it, and its event loop runs in a thread of its
 * own: without both, a call to a stopped libvirtd waits for ever. Leaves protocol, time limits and "read it back" to
 * agent.c.
 */
#include "fence/agent.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEEPALIVE_COUNT = 3, KEEPALIVE_INTERVAL_S = 1 };

static const struct agent_option libvirt_rows[] = {
    {.name = "uri",
	.long_opt = "uri",
	.type = AGENT_STRING,
	.fallback = "qemu:///system",
	.text = "Connection URI of the hypervisor; written out, it may hold no password"},
    {.name = "plug",
	.obsolete = "port",
	.long_opt = "plug",
	.letter = 'n',
	.type = AGENT_STRING,
	.max_bytes = 255,
	.text = "Name or UUID of the virtual machine; needed by off, on, reboot and status"},
    AGENT_ROWS_LOGIN,
};

struct libvirt_device {
	virConnectPtr conn;
	virDomainPtr domain; /* NULL where no plug was given */
	char *username;      /* owned; for the library's questions during open */
	char *password;
};

static const char *last_error(void)
{
	const char *text = virGetLastErrorMessage();

	return text ? text : "no reason given";
}

/* The library would print each error itself, to stderr, at once. */
static void discard_error(void *opaque, virErrorPtr error)
{
}

static void *run_events(void *ignored)
{
	while (virEventRunDefaultImpl() == 0)
		;
	return NULL;
}

static int libvirt_agent_check(const struct agent *a, struct osha_err *reterr)
{
	const char *action = agent_text(a, "action"), *plug = agent_text(a, "plug");
	bool needs_plug = !str_eq(action, "list") && !str_eq(action, "monitor") && !str_eq(action, "validate-all");

	if (needs_plug && (!plug || !*plug))
		return osha_err_set(reterr, OSHA_E_USAGE, "plug: missing");
	return 0;
}

/* Answers the library's questions (SASL, ESX): user name and password, nothing else. */
static int answer_credentials(virConnectCredentialPtr cred, unsigned int n, void *opaque)
{
	const struct libvirt_device *d = opaque;

	for (unsigned int i = 0; i < n; i++) {
		bool is_name = cred[i].type == VIR_CRED_AUTHNAME || cred[i].type == VIR_CRED_USERNAME;
		const char *answer = is_name ? d->username : d->password;

		cred[i].result = answer ? strdup(answer) : NULL;
		if (!cred[i].result)
			return -1;
		cred[i].resultlen = (unsigned int)strlen(cred[i].result);
	}
	return 0;
}

static int start_events(struct osha_err *reterr)
{
	pthread_t thread;

	virSetErrorFunc(NULL, discard_error);
	if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
		return osha_err_set(reterr, OSHA_E_INTERNAL, "libvirt: %s", last_error());
	if (pthread_create(&thread, NULL, run_events, NULL))
		return osha_err_set(reterr, OSHA_E_NOMEM, "event thread");
	pthread_detach(thread);
	return 0;
}

static int connect_uri(const struct agent *a, struct libvirt_device *d, struct osha_err *reterr)
{
	int types[] = {VIR_CRED_AUTHNAME, VIR_CRED_USERNAME, VIR_CRED_PASSPHRASE, VIR_CRED_NOECHOPROMPT};
	virConnectAuth auth = {types, sizeof(types) / sizeof(types[0]), answer_credentials, d};

	d->conn = virConnectOpenAuth(agent_text(a, "uri"), &auth, 0);
	if (!d->conn)
		return osha_err_set(reterr, OSHA_E_NET, "connect: %s", last_error());
	/* 1: the other side has none; an in-process driver has none either and needs none. agent.c's limits hold in any
	 * case. */
	if (virConnectSetKeepAlive(d->conn, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT) < 0 &&
	    virGetLastErrorCode() != VIR_ERR_NO_SUPPORT)
		return osha_err_set(reterr, OSHA_E_NET, "keepalive: %s", last_error());
	return 0;
}

/* By UUID where the plug reads as one, else by exact name. */
static int find_domain(const struct agent *a, struct libvirt_device *d, struct osha_err *reterr)
{
	const char *plug = agent_text(a, "plug");

	if (!plug || !*plug)
		return 0;
	d->domain = virDomainLookupByUUIDString(d->conn, plug);
	if (!d->domain)
		d->domain = virDomainLookupByName(d->conn, plug);
	return d->domain ? 0 : osha_err_set(reterr, OSHA_E_NOTFOUND, "plug: %s", last_error());
}

static void libvirt_agent_close(void *device)
{
	struct libvirt_device *d = device;

	if (d->domain)
		virDomainFree(d->domain);
	if (d->conn)
		virConnectClose(d->conn);
	agent_secret_free(&d->username);
	agent_secret_free(&d->password);
	free(d);
}

static int libvirt_agent_open(const struct agent *a, void **ret_device, struct osha_err *reterr)
{
	struct libvirt_device *d = calloc(1, sizeof(*d));
	const char *username = agent_text(a, "username");
	int rc;

	if (!d)
		return osha_err_set(reterr, OSHA_E_NOMEM, "connection");
	d->username = username ? strdup(username) : NULL;
	rc = agent_password_get(a, &d->password, reterr);
	if (!rc)
		rc = start_events(reterr);
	if (!rc)
		rc = connect_uri(a, d, reterr);
	if (!rc)
		rc = find_domain(a, d, reterr);
	agent_secret_free(&d->password);
	if (rc)
		libvirt_agent_close(d);
	else
		*ret_device = d;
	return rc;
}

/*
 * Off is said of a machine without a running process only. Paused, blocked, suspended by power management or crashed
 * with its process kept: it can still hold disks, and can be continued.
 */
static int libvirt_agent_power_get(void *device, enum agent_power *ret_power, struct osha_err *reterr)
{
	const struct libvirt_device *d = device;
	int state, reason;

	if (virDomainGetState(d->domain, &state, &reason, 0) < 0)
		return osha_err_set(reterr, OSHA_E_NET, "domain state: %s", last_error());
	if (state == VIR_DOMAIN_NOSTATE) {
		*ret_power = AGENT_POWER_UNKNOWN;
		return 0;
	}
	*ret_power = state == VIR_DOMAIN_SHUTOFF ? AGENT_POWER_OFF : AGENT_POWER_ON;
	return 0;
}

static int libvirt_agent_power_set(void *device, enum agent_power wanted, struct osha_err *reterr)
{
	const struct libvirt_device *d = device;
	bool is_on = wanted == AGENT_POWER_ON;
	int rc = is_on ? virDomainCreate(d->domain) : virDomainDestroy(d->domain);

	if (!rc)
		return 0;
	rc = virGetLastErrorCode();
	osha_err_set(reterr, OSHA_E_REFUSED, "%s: %s", is_on ? "start" : "destroy", last_error());
	/* Drivers differ in what they answer about a machine that is in that state already: the reading after it
	 * decides. */
	return rc == VIR_ERR_RESOURCE_BUSY ? AGENT_SET_BUSY : AGENT_SET_REFUSED;
}

static int libvirt_agent_list(void *device, struct strbuf *out, struct osha_err *reterr)
{
	const struct libvirt_device *d = device;
	virDomainPtr *domains = NULL;
	int n = virConnectListAllDomains(d->conn, &domains, 0);

	if (n < 0)
		return osha_err_set(reterr, OSHA_E_NET, "list: %s", last_error());
	for (int i = 0; i < n; i++) {
		char uuid[VIR_UUID_STRING_BUFLEN] = "";

		virDomainGetUUIDString(domains[i], uuid);
		strbuf_printf(out, "%s,%s\n", virDomainGetName(domains[i]), uuid);
		virDomainFree(domains[i]);
	}
	free(domains);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct agent_desc desc = {
	    .name = "fence_osha_libvirt",
	    .shortdesc = "Fence agent for virtual machines under libvirt",
	    .longdesc = "Destroys or starts a virtual machine through libvirt and succeeds only after its state was "
			"read back as wanted. "
			"As with every fence agent the default action is reboot.",
	    .options = libvirt_rows,
	    .options_n = sizeof(libvirt_rows) / sizeof(libvirt_rows[0]),
	    .check = libvirt_agent_check,
	    .open = libvirt_agent_open,
	    .close = libvirt_agent_close,
	    .power_get = libvirt_agent_power_get,
	    .power_set = libvirt_agent_power_set,
	    .list = libvirt_agent_list,
	};

	return agent_main(&desc, argc, argv);
}
