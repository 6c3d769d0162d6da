/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation against the cloud as a pure sequence of requests and answers: which request comes next, and what the
 * answers mean. It knows no socket and no clock, so the same code runs against a real cloud, a look-alike and a
 * simulator. Tokens, endpoints, deadlines and retries belong to the session; what to do about an outcome belongs to the
 * engine.
 *
 * Use: cloud_call_begin(), then cloud_call_request() and cloud_call_answer() in turn while the latter says CLOUD_MORE,
 * then cloud_call_result(). Nothing here blocks; calls share nothing, so different calls may run on different threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/vocab.h"

enum {
	CLOUD_BODY_MAX_BYTES = 8 * 1024 * 1024, /* an answer longer than this is not read */
	CLOUD_PAGES_MAX = 256,                  /* pages of one list; a list that goes on is called garbage */
	CLOUD_ROWS_MAX = 20000,                 /* rows kept of one list, all pages together */
	CLOUD_SINGLES_MAX = 512,                /* single look-ups that one call makes beside its lists */
	CLOUD_SERVER_PAGE_ROWS = 100,
	CLOUD_MIGRATION_PAGE_ROWS = 500,
	CLOUD_PEOPLE_MAX = 512,  /* people of one project; beyond it the rest is counted, not asked */
	CLOUD_USER_ID_SIZE = 72, /* keystone: 64 hex digits for an LDAP user */
	CLOUD_PERSON_NAME_SIZE = 96,
	CLOUD_EMAIL_SIZE = 256,
};

/*
 * What can be asked. In brackets: the arguments it needs, then the arrays of the result that it fills. Every one needs
 * an account with nova's administrator rights, PEOPLE with keystone's right to read assignments and users.
 */
enum cloud_kind {
	CLOUD_SERVICES = 0,    /* [-; services] every nova-compute service of the cloud */
	CLOUD_HEALTH,          /* [-; services, scheduler, conductor] all services of all binaries */
	CLOUD_SERVICE_OF_HOST, /* [host; services: 1] refused/missing when the host has none */
	CLOUD_FORCE_DOWN,      /* [host; services: 1] forced_down := true */
	CLOUD_UNFORCE,         /* [host; services: 1] forced_down := false */
	CLOUD_DISABLE, /* [host, reason; services: 1] status := disabled. Force down first: else nova waits 60 s for a
			  dead host */
	CLOUD_ENABLE,  /* [host; services: 1] */
	CLOUD_SERVERS_OF_HOST, /* [host; instances, without their evacuations] */
	CLOUD_MIGRATIONS_FROM, /* [host; migrations, unfinished] evacuations away from the host */
	CLOUD_MIGRATIONS_ONTO, /* [host; migrations, unfinished] evacuations onto the host */
	CLOUD_INVENTORY, /* [host; instances, services: 1] servers on the host, and those whose evacuation from or onto
			    it is under way */
	CLOUD_ASK, /* [instance; instances: 1] one server and its evacuation; a server that nova does not know is done
		      with exists = false */
	CLOUD_EVACUATE,          /* [instance] scheduler chooses the target */
	CLOUD_STOP,              /* [instance] */
	CLOUD_START,             /* [instance] */
	CLOUD_RESET_STATE,       /* [instance] vm_state := error */
	CLOUD_PEOPLE_OF_PROJECT, /* [project; people, project_name] users with an effective role in exactly this project
				  */
	CLOUD_KIND_N
};

/* Arguments of a call: strings are copied by cloud_call_begin(). Unused ones may be NULL. */
struct cloud_args {
	enum cloud_kind kind;
	const char *host;     /* exact name of the nova-compute service */
	const char *instance; /* UUID */
	const char *project;  /* id */
	const char *reason;   /* disabled_reason, at most 255 bytes */
	/*
	 * ASK, MIGRATIONS_FROM and _ONTO: one request in place of two or three. Only what the answer shows counts; what
	 * it lacks proves nothing: ASK brings no records of evacuations, and the lists may come from fewer cells.
	 */
	bool is_brief;
};

/* The next request. Everything is borrowed from the call, valid until the next cloud_call_answer() or
 * cloud_call_free(). */
struct cloud_request {
	const char *service_type;     /* "compute": path below the endpoint's /v2.1; "identity": path below its /v3 */
	const char *method;           /* "GET", "PUT", "POST" */
	const char *path;             /* path and query, URL-encoded, begins with '/' */
	const char *microversion;     /* pinned, "2.90"; NULL for identity */
	const char *microversion_min; /* the lowest with the same meaning: a cloud that offers less than `microversion`
					 may be asked with what it has down to this; NULL for identity */
	const char *body;             /* JSON, or NULL */
	bool is_mutating;             /* repeated only after looking, never by the session */
	unsigned share_percent; /* of the time left: below 100 where another way remains if this answer never comes */
};

/* What came back. Borrowed for the call of cloud_call_answer(). */
struct cloud_answer {
	int transport_result;    /* 0: an HTTP answer came whole; else -OSHA_E_*: none did */
	bool may_have_been_sent; /* of no meaning when an answer came. When in doubt: true */
	int status;
	const char *body; /* @body_size bytes; may be NULL when empty */
	size_t body_size;
	unsigned retry_after_s; /* Retry-After, 0 = none */
	const char *detail;     /* text for people about transport_result, or NULL; never a secret */
};

enum cloud_next { CLOUD_END = 0, CLOUD_MORE };

struct cloud_service {
	char host[HOST_NAME_SIZE];
	char binary[64];
	struct service_view view;
};

struct cloud_person {
	char user_id[CLOUD_USER_ID_SIZE];
	char name[CLOUD_PERSON_NAME_SIZE]; /* hostile text */
	char email[CLOUD_EMAIL_SIZE];      /* "" when there is none or it is no address */
	bool is_enabled;
	enum fault_class fault; /* why the user's own record could not be read; the row then holds id and name only */
};

/*
 * How a call ended. A GET that failed in any way is OUTCOME_REFUSED: nothing was done and nothing is known.
 * OUTCOME_UNKNOWN is only for a PUT or POST that may have been done. Arrays are empty unless the outcome is done.
 */
struct cloud_result {
	enum outcome outcome;
	enum fault_class fault;
	int http_status;          /* of the deciding answer; 0 when there was none */
	unsigned retry_after_s;   /* the cloud's wish, 0 = none; at most 3600 */
	char reason[REASON_SIZE]; /* "" when done; else a short sentence for people, the cloud's own words where it gave
				     some */

	/*
	 * nova keeps updated_at in whole seconds, but the answer to a PUT carries the fraction: two readings of the
	 * same moment may differ by up to one second. Rows of a cell that cannot be reached have SIGN_UNKNOWN and an
	 * empty service_id.
	 */
	struct cloud_service *services;
	size_t n_services;
	enum sign scheduler; /* alive: at least one is up; dead: some are listed, none is up; unknown: none is listed */
	enum sign conductor;
	bool was_already; /* FORCE_DOWN, UNFORCE, DISABLE, ENABLE: nothing had to be changed and no PUT was sent */

	/*
	 * Each UUID once, sorted by it. state and task unknown: nova listed the server for this host but would not show
	 * it (Neutron away); the host is then the list's word, unchecked: CLOUD_ASK before acting on it.
	 * `evacuation` is the newest record (highest id); INVENTORY knows of those that name this host only.
	 */
	struct instance_view *instances;
	size_t n_instances;
	bool is_partial; /* at least one row of instances is unchecked as said above */

	struct migration_view *migrations; /* newest evacuation of each instance, sorted by instance */
	size_t n_migrations;
	/*
	 * Every record seen that is under way or `done`, also one that a newer record of the same instance hides (after
	 * a second evacuate call the newer one may have failed while the older one still places a guest).
	 */
	struct migration_view *unfinished;
	size_t n_unfinished;

	struct cloud_person *people; /* each id once */
	size_t n_people;
	size_t n_people_left_out; /* beyond CLOUD_PEOPLE_MAX */
	char project_name[96];    /* hostile text */
};

struct cloud_call;

/**
 * cloud_call_begin() - make ready to ask; the first request is there at once.
 * @args: borrowed, copied
 * @ret_call: the caller frees it (CLOUD_CALL_AUTO)
 *
 * Errors: -OSHA_E_USAGE (an argument is missing, too long or not an id), -OSHA_E_NOMEM.
 */
int cloud_call_begin(const struct cloud_args *args, struct cloud_call **ret_call, struct osha_err *reterr);

/** cloud_call_request() - the request to send now; false once the call has ended. */
bool cloud_call_request(const struct cloud_call *call, struct cloud_request *ret_request);

/**
 * cloud_call_answer() - judge the answer to the current request.
 * @answer: borrowed
 *
 * Returns CLOUD_MORE (take the next request) or CLOUD_END (take the result). Safe for any bytes. After the end it
 * changes nothing. Source: OpenStack Compute API 2.90 and Identity API v3; the rules of judging stand in cloud/judge.h.
 */
enum cloud_next cloud_call_answer(struct cloud_call *call, const struct cloud_answer *answer);

/**
 * cloud_call_abandon() - end the call now: deadline, cancellation, no token, no endpoint.
 * @transport_result: -OSHA_E_*; AUTH and CONFIG are told apart from the passing ones
 * @may_have_been_sent: could the current request have reached the cloud?
 * @detail: for people, or NULL; borrowed
 */
void cloud_call_abandon(struct cloud_call *call, int transport_result, bool may_have_been_sent, const char *detail);

/** cloud_call_result() - the result, borrowed until cloud_call_free(); NULL before the end. */
const struct cloud_result *cloud_call_result(const struct cloud_call *call);

/** cloud_call_free() - free and clear; NULL inside is fine. */
void cloud_call_free(struct cloud_call **call);
#define CLOUD_CALL_AUTO __attribute__((cleanup(cloud_call_free)))

/** cloud_kind_name() - "force-down", "inventory", ...; "?" out of range. Never renamed. */
const char *cloud_kind_name(enum cloud_kind kind);
/** cloud_kind_is_mutating() - does it end in a PUT or POST? */
bool cloud_kind_is_mutating(enum cloud_kind kind);
/** cloud_microversion_min() - the lowest nova microversion with which every call keeps its meaning ("2.69"). */
const char *cloud_microversion_min(void);
