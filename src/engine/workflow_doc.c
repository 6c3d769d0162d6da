/* SPDX-License-Identifier: Apache-2.0 */
/* osha-workflow-doc: prints the two workflow tables as pictures and as tables for people. tools/workflow-pages keeps the page fresh. */
#include <stdio.h>
#include <string.h>

#include "engine/workflow.h"

enum { LABEL_WIDTH = 38 };

/* Edges that an interpreter takes beside the table's own. */
struct side_step {
	int from, to;
	const char *when;
};

static const struct side_step host_sides[] = {
    {HOST_ROW_CONFIRMING, HOST_ROW_ABANDONED, "not Osha's to fence"},
    {HOST_ROW_FENCING, HOST_ROW_CONFIRMING, "a monitor is no longer sure"},
    {HOST_ROW_FENCING, HOST_ROW_CLEARED, "a monitor sees it alive before its power is cut"},
    {HOST_ROW_FENCING, HOST_ROW_HELD, "too much is silent at once, or no fence level is left"},
    {HOST_ROW_FORCING_DOWN, HOST_ROW_LISTING, "an operator disabled it before"},
    {HOST_ROW_VERIFYING, HOST_ROW_EVACUATING, "instances are still listed on it"},
    {HOST_ROW_CLEARING_DOWN, HOST_ROW_REENABLED, "this recovery did not disable it"},
    {HOST_ROW_EVACUATING, HOST_ROW_FENCING, "seen on before its evacuations ended (from each step under proof)"},
    {HOST_ROW_HELD, HOST_ROW_NONE, "on a schedule, or released: the step that it was held at"},
};

/* What follows from what Nova says of an instance: instance_decide.c. */
static const struct side_step instance_sides[] = {
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_REBUILDING, "an evacuation of it is under way"},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_RESETTING, "its state has to be reset, and may be"},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_RESTORING, "it arrived started, and was stopped before"},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_DONE, "it arrived"},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_REFUSED, "it cannot be moved"},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_GONE, "it was deleted"},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_HELD, "it may run elsewhere, and nobody can tell"},
    {INSTANCE_ROW_CALLING, INSTANCE_ROW_REFUSED, "Nova refuses for good"},
};

static const char *name_of_host(int row)
{
	return host_row_name((enum host_row)row);
}

static const char *name_of_instance(int row)
{
	return instance_row_name((enum instance_row)row);
}

/* A name as Mermaid takes it. */
static void put_id(const char *name)
{
	for (; *name; name++)
		putchar(*name == '-' ? '_' : *name);
}

/* A sentence in lines of a box's width. */
static void put_wrapped(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + n > LABEL_WIDTH) {
			fputs("<br/>", stdout);
			column = 0;
		} else if (column) {
			putchar(' ');
		}
		for (size_t k = 0; k < n; k++)
			putchar(text[k] == '"' ? '\'' : text[k]); /* a quotation mark would end the label */
		column += n + 1;
		text += n + (text[n] == ' ');
	}
}

static void put_box(const char *name, const char *why, unsigned flags)
{
	fputs("    ", stdout);
	put_id(name);
	printf("%s<b>%s</b><br/>", flags & STEP_FINAL ? "([\"" : "[\"", name);
	put_wrapped(why);
	puts(flags & STEP_FINAL ? "\"])" : "\"]");
}

static void put_edge(const char *from, const char *to, const char *when)
{
	fputs("    ", stdout);
	put_id(from);
	if (when)
		printf(" -. \"%s\" .-> ", when);
	else
		fputs(" --> ", stdout);
	put_id(to);
	putchar('\n');
}

/* Holding and trying the same again are said in words: a line for each would hide all others. */
static void put_host_edges(enum host_row row, const struct host_step *s)
{
	enum host_row done = s->next[OUTCOME_DONE], refused = s->next[OUTCOME_REFUSED];

	if (row == HOST_ROW_HELD)
		return;
	if (done != HOST_ROW_NONE && done != row)
		put_edge(host_row_name(row), host_row_name(done), row == HOST_ROW_RECOVERED ? "seen on again" : NULL);
	if (refused != HOST_ROW_NONE && refused != done && refused != HOST_ROW_HELD && refused != row)
		put_edge(host_row_name(row), host_row_name(refused),
		    refused == HOST_ROW_CLEARED   ? "alive"
		    : refused == HOST_ROW_FENCING ? "still on: next level"
						  : "refused");
}

static void host_picture(void)
{
	puts("```mermaid\nflowchart TD");
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++)
		put_box(name_of_host(r), host_step_of((enum host_row)r)->why, host_step_of((enum host_row)r)->flags);
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++)
		put_host_edges((enum host_row)r, host_step_of((enum host_row)r));
	put_edge(name_of_host(HOST_ROW_CONFIRMING), name_of_host(HOST_ROW_ABANDONED), "not ours to fence");
	put_edge(name_of_host(HOST_ROW_EVACUATING), name_of_host(HOST_ROW_FENCING), "seen on");
	puts("    any[\"any step\"]");
	put_edge("any", name_of_host(HOST_ROW_HELD), "cannot go on");
	puts("    classDef proof fill:#dff0e4,stroke:#147d64,color:#123\n    classDef hold "
	     "fill:#fbe3e4,stroke:#ab091e,color:#123");
	fputs("    class ", stdout);
	for (int r = HOST_ROW_NONE + 1, n = 0; r < HOST_ROW_N; r++) {
		if (!(host_step_of((enum host_row)r)->flags & STEP_PROOF))
			continue;
		fputs(n++ ? "," : "", stdout);
		put_id(name_of_host(r));
	}
	puts(" proof\n    class held hold\n```\n");
}

static const char *resume_text(enum resume r)
{
	return r == RESUME_AGAIN ? "does it again" : r == RESUME_ASK ? "looks first" : "stays";
}

static const char *target(const char *name, int row)
{
	return row ? name : "-";
}

static void host_table(void)
{
	puts("| step | does | done | refused | unknown | held as | a restart | told | why |\n"
	     "| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		const struct host_step *s = host_step_of((enum host_row)r);
		bool is_held = r == HOST_ROW_HELD;

		printf("| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", name_of_host(r),
		    s->op == OP_NONE ? "-" : op_kind_name(s->op),
		    is_held ? "back" : target(name_of_host((int)s->next[OUTCOME_DONE]), (int)s->next[OUTCOME_DONE]),
		    is_held ? "back"
			    : target(name_of_host((int)s->next[OUTCOME_REFUSED]), (int)s->next[OUTCOME_REFUSED]),
		    is_held ? "back"
			    : target(name_of_host((int)s->next[OUTCOME_UNKNOWN]), (int)s->next[OUTCOME_UNKNOWN]),
		    target(hold_cause_name(s->hold), (int)s->hold), resume_text(s->resume),
		    s->moment < 0 ? "-" : moment_name((enum moment)s->moment), s->why);
	}
}

static void instance_picture(void)
{
	puts("```mermaid\nflowchart TD");
	for (int r = INSTANCE_ROW_NONE + 1; r < INSTANCE_ROW_N; r++)
		put_box(name_of_instance(r), instance_step_of((enum instance_row)r)->why,
		    instance_step_of((enum instance_row)r)->flags);
	for (int r = INSTANCE_ROW_NONE + 1; r < INSTANCE_ROW_N; r++) {
		const struct instance_step *s = instance_step_of((enum instance_row)r);

		if (s->next[OUTCOME_DONE] != INSTANCE_ROW_NONE && !(s->flags & STEP_FINAL))
			put_edge(name_of_instance(r), name_of_instance((int)s->next[OUTCOME_DONE]), NULL);
	}
	put_edge(name_of_instance(INSTANCE_ROW_CALLING), name_of_instance(INSTANCE_ROW_ASKING), "answer lost");
	for (size_t k = 0; k < sizeof(instance_sides) / sizeof(instance_sides[0]); k++)
		put_edge(name_of_instance(instance_sides[k].from), name_of_instance(instance_sides[k].to),
		    instance_sides[k].when);
	puts("```\n");
}

static void instance_table(void)
{
	puts("| step | does | done | refused | unknown | a restart | why |\n| --- | --- | --- | --- | --- | --- | --- "
	     "|");
	for (int r = INSTANCE_ROW_NONE + 1; r < INSTANCE_ROW_N; r++) {
		const struct instance_step *s = instance_step_of((enum instance_row)r);

		printf("| %s | %s | %s | %s | %s | %s | %s |\n", name_of_instance(r),
		    s->op == OP_NONE ? "-" : op_kind_name(s->op),
		    target(name_of_instance((int)s->next[OUTCOME_DONE]), (int)s->next[OUTCOME_DONE]),
		    target(name_of_instance((int)s->next[OUTCOME_REFUSED]), (int)s->next[OUTCOME_REFUSED]),
		    target(name_of_instance((int)s->next[OUTCOME_UNKNOWN]), (int)s->next[OUTCOME_UNKNOWN]),
		    resume_text(s->resume), s->why);
	}
}

static void sides(const struct side_step *all, size_t n, const char *(*name)(int row))
{
	for (size_t k = 0; k < n; k++)
		printf(
		    "- %s to %s: %s\n", name(all[k].from), all[k].to ? name(all[k].to) : "where it was", all[k].when);
}

int main(void)
{
	puts("# The two workflows\n\nMade from `src/engine/workflow_host.c` and `workflow_instance.c` by "
	     "`tools/workflow-pages`: change the tables, not this page.\n\n"
	     "## A host's recovery\nUnder the green steps stands a valid proof that the host is off; its power is read "
	     "again and again while they last.\n");
	host_picture();
	host_table();
	puts("\nBeside the table, decided from what is seen:");
	sides(host_sides, sizeof(host_sides) / sizeof(host_sides[0]), name_of_host);
	puts("\n## One instance\nA restart asks Nova what is under way before anything is repeated: a second call "
	     "destroys the instance.\n");
	instance_picture();
	instance_table();
	puts("\nBeside the table, decided from what Nova says:");
	sides(instance_sides, sizeof(instance_sides) / sizeof(instance_sides[0]), name_of_instance);
	return fflush(stdout) == 0 ? 0 : 1;
}
