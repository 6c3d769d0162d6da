/* SPDX-License-Identifier: Apache-2.0 */
/* Building the operations on records, on the owner's thread. */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "journal/queue.h"

const char *journal_item_keep(char **end, const char *bytes, size_t n)
{
	char *at = *end;

	memcpy(at, bytes, n);
	at[n] = '\0';
	*end += n + 1;
	return at;
}

int journal_item_new(struct journal *j, enum journal_op op, uint64_t seq, size_t room, struct journal_item **ret_item,
    struct osha_err *reterr)
{
	struct journal_item *item;
	int e = journal_queue_has_room(j, sizeof(*item) + room, reterr);

	if (e < 0)
		return e;
	item = calloc(1, sizeof(*item) + room);
	if (!item)
		return osha_err_set(reterr, OSHA_E_NOMEM, "journal: queue an operation");
	*item = (struct journal_item){.op = op, .seq = seq, .size_bytes = sizeof(*item) + room};
	item->key = item->recovery = item->host = item->text = "";
	*ret_item = item;
	return 0;
}

/* Length of a note cut to its bound, never inside a UTF-8 sequence. */
static size_t note_length(const char *note)
{
	size_t n = strnlen(note, JOURNAL_NOTE_SIZE);

	if (n < JOURNAL_NOTE_SIZE)
		return n;
	n = JOURNAL_NOTE_SIZE - 1;
	while (n > 0 && ((unsigned char)note[n] & 0xc0) == 0x80)
		n--;
	return n;
}

int journal_submit(
    struct journal *j, uint64_t seq, const struct record *r, int64_t wall_ms, const char *note, struct osha_err *reterr)
{
	uint8_t bytes[JOURNAL_RECORD_SIZE_MAX];
	char key[JOURNAL_KEY_SIZE];
	const char *recovery = journal_record_recovery(r), *host = journal_record_host(r);
	size_t size, note_n = note_length(note ? note : "");
	struct journal_item *item;
	char *end;
	int e;

	e = journal_record_encode(r, bytes, sizeof(bytes), &size, reterr);
	if (e < 0)
		return e;
	journal_record_key(r, key, sizeof(key));
	e = journal_item_new(j, JOURNAL_OP_RECORD, seq,
	    strlen(key) + strlen(recovery) + strlen(host) + note_n + size + 5, &item, reterr);
	if (e < 0)
		return e;
	end = (char *)(item + 1);
	item->key = journal_item_keep(&end, key, strlen(key));
	item->recovery = journal_item_keep(&end, recovery, strlen(recovery));
	item->host = journal_item_keep(&end, host, strlen(host));
	item->text = journal_item_keep(&end, note ? note : "", note_n);
	item->blob = (const uint8_t *)journal_item_keep(&end, (const char *)bytes, size);
	item->blob_size = size;
	item->wall_ms = wall_ms;
	item->type = r->type;
	item->row = journal_record_row(r);
	journal_queue_push(j, item);
	return 0;
}

int journal_read(struct journal *j, uint64_t seq, const char *key, struct osha_err *reterr)
{
	struct journal_item *item;
	size_t n = strnlen(key, JOURNAL_KEY_SIZE);
	char *end;
	int e;

	if (n >= JOURNAL_KEY_SIZE)
		return osha_err_set(reterr, OSHA_E_INTERNAL, "journal: key too long");
	e = journal_item_new(j, JOURNAL_OP_READ, seq, n + 1, &item, reterr);
	if (e < 0)
		return e;
	end = (char *)(item + 1);
	item->key = journal_item_keep(&end, key, n);
	journal_queue_push(j, item);
	return 0;
}

int journal_prune(
    struct journal *j, uint64_t seq, const char *recovery, int64_t before_wall_ms, struct osha_err *reterr)
{
	struct journal_item *item;
	size_t n = recovery ? strnlen(recovery, RECOVERY_ID_SIZE) : 0;
	char *end;
	int e;

	if (n >= RECOVERY_ID_SIZE)
		return osha_err_set(reterr, OSHA_E_INTERNAL, "journal: recovery id too long");
	e = journal_item_new(j, JOURNAL_OP_PRUNE, seq, n + 1, &item, reterr);
	if (e < 0)
		return e;
	end = (char *)(item + 1);
	item->recovery = journal_item_keep(&end, recovery ? recovery : "", n);
	item->wall_ms = before_wall_ms;
	journal_queue_push(j, item);
	return 0;
}
