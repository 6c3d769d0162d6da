/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets by reference and the parameters of fence agents. A value that may be a secret never gets into a message:
 * messages name the option and the kind of what was found.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "config/value.h"
#include "config/value_reader.h"

#define SECRET_FORM "{file: /path} or {env: NAME}"

static bool line_read(FILE *f, char *value, size_t size, char *why)
{
	size_t n = fread(value, 1, size - 1, f);
	bool is_long = n == size - 1 && fgetc(f) != EOF;
	bool failed = ferror(f);
	while (n > 0 && (value[n - 1] == '\n' || value[n - 1] == '\r'))
		n--;
	value[n] = '\0';
	const char *what = NULL;
	if (failed)
		what = "reading it failed";
	else if (is_long)
		what = "it is too long for a secret";
	else if (n == 0)
		what = "it is empty";
	else if (strlen(value) != n || !value_is_line(value))
		what = "it holds more than one line, or control characters";
	if (what)
		(void)snprintf(why, VALUE_HINT_SIZE, "%s", what);
	return what == NULL;
}

bool secret_file_read(const char *path, char *value, size_t size, char *why, bool *ret_is_open_to_all)
{
	struct stat st = {0};
	value[0] = '\0';
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)snprintf(why, VALUE_HINT_SIZE, "%s", st.st_mode ? "it is no regular file" : strerror(errno));
		return false;
	}
	FILE *f = fopen(path, "re");
	if (!f) {
		(void)snprintf(why, VALUE_HINT_SIZE, "%s", strerror(errno));
		return false;
	}
	(void)setvbuf(f, NULL, _IONBF, 0); /* no copy of the secret stays in a stream's buffer */
	*ret_is_open_to_all = (st.st_mode & S_IRWXO) != 0;
	bool ok = line_read(f, value, size, why);
	(void)fclose(f);
	return ok;
}

static void secret_from_file(
    struct config_reader *r, const struct tree_node *node, const char *path, struct config_secret *ret)
{
	char hint[VALUE_HINT_SIZE] = "", value[CONFIG_VALUE_SIZE];
	bool is_open = false;
	if (path[0] != '/' || !value_is_line(path) || !value_pattern_check(path, hint)) {
		reader_error(r, node, "expected the absolute path of a file, found \"%.80s\"; %s", path,
		    hint[0] ? hint : "begin it with /");
		return;
	}
	if (strchr(path, '{'))
		return; /* one file per host: read when the host is known */
	if (!secret_file_read(path, value, sizeof(value), hint, &is_open))
		reader_error(r, node,
		    "expected a file that holds the secret, found %.150s: %s; write the secret into it, readable "
		    "for the daemon alone",
		    path, hint);
	else if (is_open)
		reader_warning(r, node, "%.150s is open to every user of this machine; chmod o= it", path);
	ret->value = config_memory_text(r->mem, value, strlen(value));
	explicit_bzero(value, sizeof(value));
}

static void secret_from_env(
    struct config_reader *r, const struct tree_node *node, const char *name, struct config_secret *ret)
{
	const char *value = name[0] ? getenv(name) : NULL;
	if (!value || value[0] == '\0')
		reader_error(r, node,
		    "expected the name of a variable of the environment, found \"%.80s\", which is not set; set it "
		    "where the daemon is started",
		    name);
	else if (!value_is_line(value) || strlen(value) >= CONFIG_VALUE_SIZE)
		reader_error(r, node, "expected one line of less than %d bytes in the variable %.80s, found more",
		    CONFIG_VALUE_SIZE, name);
	else
		ret->value = config_memory_text(r->mem, value, strlen(value));
}

static void secret_inline(struct config_reader *r, const struct tree_node *node, struct config_secret *ret)
{
	reader_warning(
	    r, node, "a secret stands in the configuration; better keep it elsewhere and write " SECRET_FORM);
	if (node->text[0] == '\0' || !value_is_line(node->text) || strlen(node->text) >= CONFIG_VALUE_SIZE)
		reader_error(r, node, "expected one line of less than %d bytes", CONFIG_VALUE_SIZE);
	else
		ret->value = config_memory_text(r->mem, node->text, strlen(node->text));
}

/* The text "file:/path"; nothing secret is in it. */
static const char *source_text(struct config_reader *r, const char *kind, const char *of)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	strbuf_printf(&sb, "%s:%s", kind, of);
	return sb.failed ? "" : config_memory_text(r->mem, sb.text, sb.len);
}

static bool word_is_in(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (str_eq(*words, word))
			return true;
	return false;
}

void reader_secret(struct config_reader *r, const struct tree_node *node, struct config_secret *ret)
{
	*ret = (struct config_secret){"", ""};
	if (node->kind != TREE_MAPPING || node->n != 1) {
		reader_error(r, node, "expected a secret by reference, found %s; write " SECRET_FORM,
		    node->kind == TREE_SCALAR    ? "a value in place"
		    : node->kind == TREE_MAPPING ? "a mapping of another form"
						 : "a list");
		return;
	}
	/* the word may be the secret itself, in braces by mistake: it is shown only once it is known to be none */
	static const char *const kinds[] = {"file", "env", "inline", NULL};
	const char *kind = node->items[0]->text;
	const struct tree_node *of = node->items[1];
	if (!word_is_in(kinds, kind) || of->kind != TREE_SCALAR) {
		reader_error(
		    r, node, "expected a secret by reference, found a mapping of another form; write " SECRET_FORM);
		return;
	}
	size_t up = reader_push(r, kind);
	if (str_eq(kind, "file"))
		secret_from_file(r, of, of->text, ret);
	else if (str_eq(kind, "env"))
		secret_from_env(r, of, of->text, ret);
	else
		secret_inline(r, of, ret);
	reader_pop(r, up);
	ret->source = str_eq(kind, "inline") ? "inline" : source_text(r, kind, of->text);
}

/* Names under which fence agents take secrets. Their *_script parameters name a program, and *_file a file: no secrets.
 */
static bool is_secret_name(const char *name)
{
	static const char *const parts[] = {"passw", "secret", "token", "apikey", "api_key"};
	size_t n = strlen(name);
	if ((n > 7 && str_eq(name + n - 7, "_script")) || (n > 5 && str_eq(name + n - 5, "_file")))
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcasestr(name, parts[i]))
			return true;
	return false;
}

static bool parameter_name_check(struct config_reader *r, const struct tree_node *key)
{
	size_t n = strlen(key->text);
	bool ok =
	    n > 0 && n < CONFIG_PARAMETER_NAME_SIZE &&
	    key->text[strspn(key->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
	if (!ok)
		reader_error(r, key,
		    "expected the name of an agent's parameter: letters, digits, _ and -; found \"%.60s\"", key->text);
	else if (str_eq(key->text, "action"))
		reader_error(r, key, "expected no action here, Osha sends it with each call; remove the line");
	return ok;
}

static void parameter_text(struct config_reader *r, const struct tree_node *node, struct config_parameter *p)
{
	char hint[VALUE_HINT_SIZE] = "";
	if (node->kind == TREE_SEQUENCE)
		reader_error(r, node, "expected a text, found a list; write one value, without brackets or dash");
	else if (is_secret_name(p->name))
		reader_error(r, node, "expected a secret by reference, found a value in place; write " SECRET_FORM);
	else if (tree_is_null(node))
		reader_error(
		    r, node, "expected a text, found nothing; write \"\" for an empty one, or remove the line");
	else if (strlen(node->text) >= CONFIG_VALUE_SIZE || !value_is_line(node->text))
		reader_error(r, node, "expected one line of less than %d bytes, found more", CONFIG_VALUE_SIZE);
	else if (!value_pattern_check(node->text, hint))
		reader_error(
		    r, node, "expected a text with {host} or {short} in it, found \"%.80s\"; %s", node->text, hint);
	else
		p->text = config_memory_text(r->mem, node->text, strlen(node->text));
}

static void read_parameter(
    struct config_reader *r, const struct tree_node *key, const struct tree_node *value, struct config_parameter *p)
{
	size_t up = reader_push(r, key->text);
	p->name = config_memory_text(r->mem, key->text, strlen(key->text));
	p->text = "";
	p->secret = (struct config_secret){"", ""};
	p->line = key->line;
	bool is_named = parameter_name_check(r, key);
	if (is_named && value->kind == TREE_MAPPING && value->n == 1 && tree_is_null(value->items[1])) {
		reader_error(r, value,
		    "expected a text or a secret, found a mapping without value; quote a text that begins with {");
	} else if (is_named && value->kind == TREE_MAPPING) {
		p->is_secret = true;
		reader_secret(r, value, &p->secret);
	} else if (is_named) {
		parameter_text(r, value, p);
	}
	reader_pop(r, up);
}

static bool is_map(struct config_reader *r, const struct tree_node *node, const char *what)
{
	char found[160];
	if (node->kind == TREE_MAPPING)
		return true;
	if (!tree_is_null(node))
		reader_error(r, node, "expected %s, found %s; write name: value, indented below", what,
		    node->kind == TREE_SCALAR ? "a text" : tree_found(node, found, sizeof(found)));
	return false;
}

void reader_parameters(struct config_reader *r, const struct tree_node *node, struct config_parameters *ret)
{
	if (!is_map(r, node, "a mapping of parameter names to values"))
		return;
	if (node->n > CONFIG_PARAMETER_MAX) {
		reader_error(r, node, "expected at most %d parameters, found %zu", CONFIG_PARAMETER_MAX, node->n);
		return;
	}
	ret->items = config_memory_take(r->mem, (node->n + 1) * sizeof(*ret->items));
	for (size_t i = 0; ret->items && i < node->n; i++)
		read_parameter(r, node->items[2 * i], node->items[2 * i + 1], &ret->items[ret->n++]);
}

void reader_overrides(struct config_reader *r, const struct tree_node *node, struct config_level_overrides *ret)
{
	if (!is_map(r, node, "a mapping of fence level names to mappings of parameters"))
		return;
	if (node->n > FENCE_LEVEL_MAX) {
		reader_error(r, node, "expected at most %d fence levels, found %zu", FENCE_LEVEL_MAX, node->n);
		return;
	}
	ret->items = config_memory_take(r->mem, (node->n + 1) * sizeof(*ret->items));
	for (size_t i = 0; ret->items && i < node->n; i++) {
		struct config_level_override *o = &ret->items[ret->n++];
		const char *name = node->items[2 * i]->text;
		size_t up = reader_push(r, name);
		o->level = config_memory_text(r->mem, name, strlen(name));
		reader_parameters(r, node->items[2 * i + 1], &o->parameters);
		reader_pop(r, up);
	}
}
