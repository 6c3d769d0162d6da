/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output and the person in front of it. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "io/file.h"

int print_out(const struct strbuf *sb, struct osha_err *reterr)
{
	if (sb->failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "print the answer");
	if (sb->len && fwrite(sb->text, 1, sb->len, stdout) != sb->len)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "standard output");
	return fflush(stdout) == 0 ? EXIT_WELL : osha_err_set_errno(reterr, OSHA_E_IO, errno, "standard output");
}

void print_complaint(const char *what, const char *text)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	text_line(&sb, text);
	fprintf(stderr, "%s: %s\n", what, sb.text ? sb.text : "");
}

int print_refusal(const struct ctl *c, const char *text, int status)
{
	cJSON *o;
	char *line;

	if (!c->is_json) {
		print_complaint("osha", text);
		return status;
	}
	o = cJSON_CreateObject();
	cJSON_AddBoolToObject(o, "ok", false);
	cJSON_AddStringToObject(o, "error", text);
	cJSON_AddNumberToObject(o, "status", status);
	line = cJSON_PrintUnformatted(o);
	printf("%s\n", line ? line : "{\"ok\":false}");
	free(line);
	cJSON_Delete(o);
	return status;
}

struct text_style print_style(void)
{
	struct text_style style = {0};
	struct winsize size = {0};
	const char *term = io_env("TERM");

	if (!isatty(STDOUT_FILENO))
		return style;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		style.width = size.ws_col;
	style.has_colour = !io_env("NO_COLOR") && term && !str_eq(term, "dumb");
	return style;
}

/* Whoever became root by sudo is named by his own name; the uid beside it is the kernel's word. */
const char *login_name(void)
{
	const char *sudo = io_uid() == 0 ? io_env("SUDO_USER") : NULL;
	const struct passwd *who = sudo ? NULL : getpwuid(io_uid());

	return sudo ? sudo : who ? who->pw_name : "?";
}
