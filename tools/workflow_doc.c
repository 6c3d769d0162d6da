/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes doc/generated/workflow.md from the two workflow tables: a Mermaid diagram and a table of each. `--check FILE` compares instead
 * and says how to make it fresh. The sentences are the tables' own.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/workflow.h"

/* One row of either table, as far as a diagram wants to know it. */
struct doc_row {
	const char *name, *op, *why, *moment;
	const int *next; /* by outcome; 0 = none */
	int64_t budget_ms;
	uint32_t attempts;
	enum resume resume;
	unsigned flags;
};

struct doc_flow {
	const char *title, *intro;
	int row_n;
	struct doc_row (*row)(int row, int ret_next[OUTCOME_N]);
	const struct side_edge *(*sides)(size_t *ret_n);
};

static struct doc_row host_row(int row, int next[OUTCOME_N])
{
	const struct engine_options o = engine_options_default();
	const struct host_step *s = host_step_of((enum host_row)row);

	for (int k = 0; k < OUTCOME_N; k++)
		next[k] = (int)s->next[k];
	return (struct doc_row){.name = host_row_name((enum host_row)row),
	    .op = op_kind_name(s->op),
	    .why = s->why,
	    .moment = s->moment < 0 ? "" : moment_name((enum moment)s->moment),
	    .next = next,
	    .budget_ms = s->budget_ms ? s->budget_ms(&o) : 0,
	    .attempts = s->attempts ? s->attempts(&o) : 1,
	    .resume = s->resume,
	    .flags = s->flags};
}

static struct doc_row instance_row(int row, int next[OUTCOME_N])
{
	const struct engine_options o = engine_options_default();
	const struct instance_step *s = instance_step_of((enum instance_row)row);

	for (int k = 0; k < OUTCOME_N; k++)
		next[k] = (int)s->next[k];
	return (struct doc_row){.name = instance_row_name((enum instance_row)row),
	    .op = op_kind_name(s->op),
	    .why = s->why,
	    .moment = "",
	    .next = next,
	    .budget_ms = s->budget_ms ? s->budget_ms(&o) : 0,
	    .attempts = row == INSTANCE_ROW_CALLING ? o.evacuate_attempts : 1,
	    .resume = s->resume,
	    .flags = s->flags};
}

static const struct doc_flow flows[] = {
    {"The host's workflow",
	"From the first silence to the host's return. Thick borders mark the rows that need a valid proof of death; "
	"they are entered "
	"through proving's `done` alone, or through an operator's recorded word (`osha confirm-dead`). A held recovery "
	"goes back to the "
	"row that it was held in, under the same proof, or to confirming.",
	HOST_ROW_N, host_row, host_side_edges},
    {"The instance's workflow",
	"One of these runs for each instance of the dead host. No call is repeated before Nova was asked what is under "
	"way.",
	INSTANCE_ROW_N, instance_row, instance_side_edges},
};

/* Mermaid takes no hyphen in the id of a state. */
static const char *state_id(const char *name, char *ret, size_t size)
{
	str_copy(ret, size, name);
	for (char *c = ret; *c; c++)
		*c = *c == '-' ? '_' : *c;
	return ret;
}

static void print_edge(struct strbuf *sb, const char *from, const char *to, const char *label)
{
	char a[40], b[40];

	strbuf_printf(sb, "    %s --> %s", state_id(from, a, sizeof(a)), state_id(to, b, sizeof(b)));
	strbuf_printf(sb, label ? ": %s\n" : "\n", label);
}

/* Outcomes that lead to the same row share an arrow. */
static void print_outcomes(struct strbuf *sb, const struct doc_flow *f, const struct doc_row *r)
{
	static const enum outcome order[] = {OUTCOME_DONE, OUTCOME_REFUSED, OUTCOME_UNKNOWN};
	bool is_wait = strcmp(r->op, op_kind_name(OP_WAIT)) == 0 || strcmp(r->op, op_kind_name(OP_NONE)) == 0;

	for (size_t k = 0; k < 3; k++) {
		int to = r->next[order[k]], next[OUTCOME_N];
		char label[64] = "";

		for (size_t j = 0; to && j < 3; j++) {
			size_t n = strlen(label);

			if (r->next[order[j]] != to)
				continue;
			if (j < k)
				to = 0; /* drawn with the earlier outcome */
			else
				snprintf(label + n, sizeof(label) - n, "%s%s", n ? ", " : "", outcome_name(order[j]));
		}
		if (to)
			print_edge(sb, r->name, f->row(to, next).name, is_wait ? NULL : label);
	}
}

static void print_sides(struct strbuf *sb, const struct doc_flow *f)
{
	size_t n;
	const struct side_edge *sides = f->sides(&n);

	for (size_t k = 0; k < n; k++) {
		int from[OUTCOME_N], to[OUTCOME_N];

		if (sides[k].from != SIDE_UNDER_PROOF)
			print_edge(sb, f->row(sides[k].from, from).name, f->row(sides[k].to, to).name, sides[k].why);
	}
}

static void print_diagram(struct strbuf *sb, const struct doc_flow *f)
{
	char id[40];

	strbuf_puts(sb, "```mermaid\nstateDiagram-v2\n");
	for (int k = 1; k < f->row_n; k++) {
		int next[OUTCOME_N];
		const char *name = f->row(k, next).name;

		if (strchr(name, '-'))
			strbuf_printf(sb, "    state \"%s\" as %s\n", name, state_id(name, id, sizeof(id)));
	}
	for (int k = 1; k < f->row_n; k++) {
		int next[OUTCOME_N];
		struct doc_row r = f->row(k, next);

		if (r.flags & STEP_INITIAL)
			strbuf_printf(sb, "    [*] --> %s\n", state_id(r.name, id, sizeof(id)));
		print_outcomes(sb, f, &r);
		if (r.flags & STEP_FINAL)
			strbuf_printf(sb, "    %s --> [*]\n", state_id(r.name, id, sizeof(id)));
	}
	print_sides(sb, f);
	strbuf_puts(sb, "    classDef proof stroke-width:3px\n");
	for (int k = 1; k < f->row_n; k++) {
		int next[OUTCOME_N];
		struct doc_row r = f->row(k, next);

		if (r.flags & STEP_PROOF)
			strbuf_printf(sb, "    class %s proof\n", state_id(r.name, id, sizeof(id)));
	}
	strbuf_puts(sb, "```\n\n");
}

static const char *resume_text(const struct doc_row *r)
{
	if (r->flags & STEP_FINAL)
		return "is at its end";
	switch (r->resume) {
	case RESUME_AGAIN:
		return "done again";
	case RESUME_ASK:
		return "looked at first";
	default:
		return "waits on";
	}
}

static void print_duration(struct strbuf *sb, int64_t ms)
{
	if (!ms)
		strbuf_puts(sb, "-");
	else if (ms % 1000)
		strbuf_printf(sb, "%lld ms", (long long)ms);
	else
		strbuf_printf(sb, "%lld s", (long long)(ms / 1000));
}

static void print_table(struct strbuf *sb, const struct doc_flow *f)
{
	strbuf_puts(sb, "| row | operation | limit of one | attempts | after a restart | told | why |\n"
			"| --- | --- | --- | --- | --- | --- | --- |\n");
	for (int k = 1; k < f->row_n; k++) {
		int next[OUTCOME_N];
		struct doc_row r = f->row(k, next);
		bool acts = strcmp(r.op, op_kind_name(OP_NONE)) != 0;

		strbuf_printf(sb, "| %s | %s | ", r.name, acts ? r.op : "-");
		print_duration(sb, r.budget_ms);
		strbuf_printf(sb, " | ");
		if (acts)
			strbuf_printf(sb, "%u", r.attempts);
		else
			strbuf_puts(sb, "-");
		strbuf_printf(sb, " | %s | %s | %s |\n", resume_text(&r), r.moment[0] ? r.moment : "-", r.why);
	}
	strbuf_puts(sb, "\n");
}

static void print_under_proof(struct strbuf *sb)
{
	size_t n;
	const struct side_edge *sides = host_side_edges(&n);

	strbuf_puts(sb, "From every row that needs a proof:\n\n");
	for (size_t k = 0; k < n; k++) {
		if (sides[k].from == SIDE_UNDER_PROOF)
			strbuf_printf(sb, "- to %s: %s\n", host_row_name((enum host_row)sides[k].to), sides[k].why);
	}
	strbuf_puts(sb, "\n");
}

static void print_all(struct strbuf *sb)
{
	strbuf_puts(sb, "# The workflows\n\nMade from the engine's tables; do not edit (`build/osha-workflow-doc > "
			"doc/generated/workflow.md`).\n"
			"Limits and attempts are the defaults; the number of power-offs and their limit are each fence "
			"level's own.\n\n");
	for (size_t k = 0; k < sizeof(flows) / sizeof(flows[0]); k++) {
		strbuf_printf(sb, "## %s\n\n%s\n\n", flows[k].title, flows[k].intro);
		print_diagram(sb, &flows[k]);
		if (k == 0)
			print_under_proof(sb);
		print_table(sb, &flows[k]);
	}
	sb->len -= sb->len > 0 && !sb->failed; /* one blank line at the end is one too many */
}

static int is_fresh(const char *path, const struct strbuf *sb)
{
	static char have[256 * 1024];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f) {
		fprintf(stderr, "osha-workflow-doc: cannot open %s\n", path);
		return 1;
	}
	n = fread(have, 1, sizeof(have), f);
	fclose(f);
	if (n == sb->len && memcmp(have, sb->text, n) == 0)
		return 0;
	fprintf(stderr, "%s is not what the tables say: build/osha-workflow-doc > doc/generated/workflow.md\n", path);
	return 1;
}

int main(int argc, char **argv)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--check") != 0)) {
		fprintf(stderr, "usage: osha-workflow-doc [--check FILE]\n");
		return 2;
	}
	print_all(&sb);
	if (sb.failed)
		return 1;
	if (argc == 3)
		return is_fresh(argv[2], &sb);
	return fwrite(sb.text, 1, sb.len, stdout) == sb.len && fflush(stdout) == 0 ? 0 : 1;
}
