/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence_cloudsim: a fence agent for the machines of osha-cloudsim, over its control port. For large simulated fleets, where an IPMI session per
 * reading would measure the agent and not the daemon. Keys on stdin: action, ip (127.x.y.z only), ipport, plug. Exit: 0 done or on, 2 off, 1 else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/strbuf.h"

enum { WAIT_S = 10, ANSWER_MAX_BYTES = 16 << 20 };

struct wish {
	char action[16], ip[64], port[8], plug[256];
};

static const char metadata[] =
    "<?xml version=\"1.0\" ?>\n"
    "<resource-agent name=\"fence_cloudsim\" shortdesc=\"Fence agent for the machines of osha-cloudsim\">\n"
    "<longdesc>Switches a simulated machine through the control port of osha-cloudsim. For tests and demonstrations "
    "only.</longdesc>\n"
    "<vendor-url></vendor-url>\n"
    "<parameters>\n"
    "<parameter name=\"action\" unique=\"0\" required=\"1\"><getopt mixed=\"-o\" /><content type=\"string\" "
    "default=\"reboot\" />"
    "<shortdesc lang=\"en\">Fencing action</shortdesc></parameter>\n"
    "<parameter name=\"ip\" unique=\"0\" required=\"0\"><getopt mixed=\"--ip\" /><content type=\"string\" "
    "default=\"127.0.0.1\" />"
    "<shortdesc lang=\"en\">Loopback address of the control port</shortdesc></parameter>\n"
    "<parameter name=\"ipport\" unique=\"0\" required=\"1\"><getopt mixed=\"--ipport\" /><content type=\"integer\" />"
    "<shortdesc lang=\"en\">Control port</shortdesc></parameter>\n"
    "<parameter name=\"plug\" unique=\"0\" required=\"1\"><getopt mixed=\"--plug\" /><content type=\"string\" />"
    "<shortdesc lang=\"en\">Name of the host</shortdesc></parameter>\n"
    "</parameters>\n"
    "<actions>\n<action name=\"on\" automatic=\"0\"/>\n<action name=\"off\" />\n<action name=\"reboot\" />\n<action "
    "name=\"status\" />\n"
    "<action name=\"monitor\" />\n<action name=\"metadata\" />\n</actions>\n</resource-agent>\n";

static void key_take(struct wish *w, const char *key, const char *value)
{
	if (strcmp(key, "action") == 0 || strcmp(key, "option") == 0)
		str_copy(w->action, sizeof(w->action), value);
	else if (strcmp(key, "ip") == 0 || strcmp(key, "ipaddr") == 0)
		str_copy(w->ip, sizeof(w->ip), value);
	else if (strcmp(key, "ipport") == 0)
		str_copy(w->port, sizeof(w->port), value);
	else if (strcmp(key, "plug") == 0 || strcmp(key, "port") == 0)
		str_copy(w->plug, sizeof(w->plug), value);
}

static void wish_read(struct wish *w)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		char *eq = strchr(line, '=');

		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '#' || !eq)
			continue;
		*eq = '\0';
		key_take(w, line, eq + 1);
	}
}

static int control_connect(const struct wish *w)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(w->port, NULL, 10))};
	struct timeval wait = {WAIT_S, 0};
	int fd;

	if (inet_pton(AF_INET, w->ip, &sa.sin_addr) != 1 || ntohl(sa.sin_addr.s_addr) >> 24 != 127)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One request with Connection: close; the body of a 200 in @ret. */
static int control_ask(const struct wish *w, const char *method, const char *path, const char *body, struct strbuf *ret)
{
	STRBUF_AUTO struct strbuf out = STRBUF_INIT, in = STRBUF_INIT;
	int fd = control_connect(w);
	const char *head;
	char buf[8192];
	ssize_t n;

	if (fd < 0)
		return -1;
	in.max_bytes = ANSWER_MAX_BYTES;
	strbuf_printf(&out, "%s %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", method, path, strlen(body), body);
	for (size_t at = 0; at < out.len; at += (size_t)n) {
		n = send(fd, out.text + at, out.len - at, MSG_NOSIGNAL);
		if (n <= 0)
			break;
	}
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		strbuf_add(&in, buf, (size_t)n);
	close(fd);
	head = n == 0 && !in.failed && in.text ? strstr(in.text, "\r\n\r\n") : NULL;
	if (!head || !strstr(in.text, " 200 ") || strstr(in.text, " 200 ") > strchr(in.text, '\r'))
		return -1;
	strbuf_puts(ret, head + 4);
	return 0;
}

static int power_set(const struct wish *w, const char *state)
{
	STRBUF_AUTO struct strbuf answer = STRBUF_INIT;
	cJSON *in = cJSON_CreateObject();
	char *text;
	int r;

	cJSON_AddStringToObject(in, "host", w->plug);
	cJSON_AddStringToObject(in, "state", state);
	text = cJSON_PrintUnformatted(in);
	r = text ? control_ask(w, "POST", "/_sim/power", text, &answer) : -1;
	free(text);
	cJSON_Delete(in);
	return r;
}

/* 0 on, 2 off, 1 unknown: a fence agent's exit status. */
static int power_read(const struct wish *w)
{
	STRBUF_AUTO struct strbuf answer = STRBUF_INIT;
	JSON_AUTO cJSON *state = NULL;
	const cJSON *host;

	if (control_ask(w, "GET", "/_sim/state?instances=0", "", &answer) < 0 ||
	    json_parse(answer.text, answer.len, &state, NULL) < 0)
		return 1;
	cJSON_ArrayForEach(host, json_array(state, "hosts"))
	{
		const char *power = json_str(host, "power", "");

		if (!str_eq(json_str(host, "name", NULL), w->plug))
			continue;
		printf("Status: %s\n", str_eq(power, "on") ? "ON" : "OFF");
		return str_eq(power, "on") ? 0 : str_eq(power, "off") ? 2 : 1;
	}
	return 1;
}

static int act(const struct wish *w)
{
	if (strcmp(w->action, "status") == 0)
		return power_read(w);
	if (strcmp(w->action, "monitor") == 0)
		return power_read(w) == 1;
	if (strcmp(w->action, "on") == 0 || strcmp(w->action, "off") == 0)
		return power_set(w, w->action) < 0;
	if (strcmp(w->action, "reboot") == 0)
		return power_set(w, "off") < 0 || power_set(w, "on") < 0;
	fprintf(stderr, "fence_cloudsim: unknown action\n");
	return 1;
}

int main(int argc, char **argv)
{
	struct wish w = {.action = "reboot", .ip = "127.0.0.1"};
	int r;

	if (argc == 3 && strcmp(argv[1], "-o") == 0)
		str_copy(w.action, sizeof(w.action), argv[2]);
	else
		wish_read(&w);
	if (strcmp(w.action, "metadata") == 0) {
		fputs(metadata, stdout);
		return 0;
	}
	r = act(&w);
	if (r == 1)
		fprintf(stderr, "fence_cloudsim: %s of %s failed\n", w.action, w.plug);
	return r;
}
