// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVP operations.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "facts/facts.h"
#include "hvkvpd/dispatch.h"
#include "ip/budget.h"
#include "ip/request.h"
#include "pool/store.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/escape.h"
#include "util/journald.h"
#include "util/log.h"
#include "util/stringify.h"
#include "wire/ip_codec.h"
#include "wire/ip_config.h"
#include "wire/protocol.h"
#include "wire/value.h"

/* A fact's text, at most what a message holds. */
#define FACT_SIZE (WIRE_VALUE_UNITS + 1)

/**
 * struct call - a request on its way through its handler
 * @dispatch: what to work on
 * @body: the request's body, at least as large as the operation needs
 * @out: the answer's body; who answers fills in all of it but the header
 * @out_len: bytes of it
 * @pool_number: checked
 * @pool: the pool
 * @key: for the log, of a pair or an adapter; "" until it is decoded; TEXT_KEY_SIZE bytes
 * @msg_major: agreed KVP version
 * @again: a service before this one may have carried it out
 * @value: of a SET, in @text; NULL until it is decoded
 * @text: room for it, TEXT_VALUE_SIZE bytes
 * @left_ms: how long the host still waits, milliseconds
 * @oddity: what was unusual about a string, a number or an address family, or NULL
 * @why: reason of a refusal, NULL if @pool or the status says it
 * @error: room for it, where the reason is no constant; may be invalid without @why
 * @quiet: the log has it already
 */
struct call {
	const struct dispatch *dispatch;
	const uint8_t *body;
	uint8_t *out;
	uint32_t out_len;
	unsigned int pool_number;
	struct pool *pool;
	char *key;
	const char *value;
	char *text;
	unsigned int msg_major;
	bool again;
	unsigned int left_ms;
	const char *oddity;
	const char *why;
	struct error *error;
	bool quiet;
};

_Static_assert(TEXT_KEY_SIZE >= IP_ADAPTER_SIZE, "an adapter's id fits where a key does");

static uint32_t status_of(int err)
{
	switch (-err) {
	case 0:
		return HVKVP_S_OK;
	case ENOENT:
		return PROTOCOL_E_KEY_NOT_FOUND;
	case EINVAL:
	case EILSEQ:
	case EMSGSIZE:
		return HVKVP_E_INVALIDARG;
	default:
		return HVKVP_E_FAIL;
	}
}

static uint32_t refuse(struct call *call, uint32_t status, const char *why)
{
	call->why = why;
	return status;
}

static uint32_t refuse_text(struct call *call, ssize_t err, bool is_key)
{
	const char *why;

	if (err == -EILSEQ)
		why = is_key ? "the key is not valid UTF-16" : "the value is not valid UTF-16";
	else if (err == -ENOSPC)
		why = is_key ? "the key is longer than " STRINGIFY(TEXT_KEY_MAX) " bytes of UTF-8" :
			       "the value is longer than " STRINGIFY(TEXT_VALUE_MAX) " bytes of UTF-8";
	else
		why = is_key ? "the size of the key is larger than its field" :
			       "the type of the value is unknown, or its size larger than its field";
	return refuse(call, HVKVP_E_INVALIDARG, why);
}

/* The pools of the system have what is asked for or not: any answer could be wrong. */
static uint32_t refuse_early(struct call *call)
{
	return refuse(call, HVKVP_E_FAIL,
		      "the system is starting and its pools are not there yet; ask again later");
}

/* Decode the key at offset @at of the body. Return: status. */
static uint32_t take_key(struct call *call, size_t at, uint32_t size)
{
	ssize_t len = wire_get_text(call->body + at, size, HVKVP_KEY_SIZE,
				    call->key, TEXT_KEY_SIZE);

	if (len < 0) {
		call->key[0] = 0;
		return refuse_text(call, len, true);
	}
	call->oddity = wire_text_oddity(call->body + at, size);
	return len ? HVKVP_S_OK : refuse(call, HVKVP_E_INVALIDARG, "the key is empty");
}

/*
 * Fill in the answer, of which all but the header and an index is a pair. All of our values are
 * strings. What another program has stored may be longer than a message holds: the host gets its
 * beginning.
 */
static uint32_t put_pair(struct call *call, size_t offset, const char *key, const char *value)
{
	uint8_t *data = call->out + offset, *end = data + sizeof(struct hvkvp_exchange_value);
	size_t key_size, value_size;

	memset(call->out + HVKVP_MSG_HDR_SIZE, 0, offset - HVKVP_MSG_HDR_SIZE);
	key_size = wire_put_prefix(key, data + offsetof(struct hvkvp_exchange_value, key),
				   HVKVP_KEY_SIZE);
	value_size = wire_put_prefix(value, data + offsetof(struct hvkvp_exchange_value, value),
				     HVKVP_VALUE_SIZE);
	wire_put_le32(data + offsetof(struct hvkvp_exchange_value, type), HVKVP_REG_SZ);
	wire_put_le32(data + offsetof(struct hvkvp_exchange_value, key_size), key_size);
	wire_put_le32(data + offsetof(struct hvkvp_exchange_value, value_size), value_size);
	memset(end, 0, call->out + call->out_len - end);
	return HVKVP_S_OK;
}

static uint32_t handle_get(struct call *call)
{
	const size_t data = offsetof(struct hvkvp_msg_exchange, data);
	uint32_t status, key_size;
	char fact[FACT_SIZE];
	const char *value;
	int err;

	key_size = wire_get_le32(call->body + data +
				 offsetof(struct hvkvp_exchange_value, key_size));
	status = take_key(call, data + offsetof(struct hvkvp_exchange_value, key), key_size);
	if (status)
		return status;

	if (call->pool_number == HVKVP_POOL_AUTO) {
		value = facts_get(call->dispatch->facts, call->key, fact, sizeof(fact));
		if (!value)
			return PROTOCOL_E_KEY_NOT_FOUND;
		return put_pair(call, data, call->key, value);
	}
	err = pool_show(call->pool, call->key, &value);
	if (err == -ENOENT && call->dispatch->early)
		return refuse_early(call);
	if (err)
		return status_of(err);
	return put_pair(call, data, call->key, value);
}

static uint32_t handle_set(struct call *call)
{
	const uint8_t *data = call->body + offsetof(struct hvkvp_msg_exchange, data);
	uint32_t status, type, size;
	ssize_t len;
	int err;

	status = take_key(call, offsetof(struct hvkvp_msg_exchange, data.key),
			  wire_get_le32(data + offsetof(struct hvkvp_exchange_value, key_size)));
	if (status)
		return status;
	type = wire_get_le32(data + offsetof(struct hvkvp_exchange_value, type));
	size = wire_get_le32(data + offsetof(struct hvkvp_exchange_value, value_size));
	data += offsetof(struct hvkvp_exchange_value, value);
	len = wire_get_value(type, data, size, HVKVP_VALUE_SIZE, call->text, TEXT_VALUE_SIZE);
	if (len < 0)
		return refuse_text(call, len, false);
	call->value = call->text;
	if (!call->oddity)
		call->oddity = wire_value_oddity(type, data, size);
	if (call->pool_number == HVKVP_POOL_AUTO)
		return refuse(call, PROTOCOL_E_ACCESS_DENIED, "the guest makes this pool up itself");
	err = pool_set(call->pool, call->key, call->value);
	return status_of(err < 0 ? err : 0);
}

static uint32_t handle_delete(struct call *call)
{
	uint32_t status;

	status = take_key(call, offsetof(struct hvkvp_msg_delete, key),
			  wire_get_le32(call->body +
					offsetof(struct hvkvp_msg_delete, key_size)));
	if (status)
		return status;
	if (call->pool_number == HVKVP_POOL_AUTO)
		return refuse(call, PROTOCOL_E_ACCESS_DENIED, "the guest makes this pool up itself");
	/* Even of a key that is here: the system may have an older value of it, which would come back. */
	if (call->dispatch->early)
		return refuse_early(call);
	/* That there is no such pair may be the work of the service before. */
	return status_of(call->again ? pool_delete_again(call->pool, call->key) :
				       pool_delete(call->pool, call->key));
}

static uint32_t handle_enumerate(struct call *call)
{
	const size_t data = offsetof(struct hvkvp_msg_enumerate, data);
	uint32_t index = wire_get_le32(call->body + offsetof(struct hvkvp_msg_enumerate, index));
	const char *key, *value;
	char fact[FACT_SIZE];
	uint32_t status;
	int err;

	if (call->pool_number == HVKVP_POOL_AUTO) {
		value = facts_at(call->dispatch->facts, index, &key, fact, sizeof(fact));
		if (!value)
			return HVKVP_NO_MORE_ITEMS;
	} else if (call->dispatch->early) {
		return refuse_early(call);
	} else {
		err = pool_at(call->pool, index, &key, &value);
		if (err == -ENOENT)
			return HVKVP_NO_MORE_ITEMS;
		if (err)
			return status_of(err);
	}
	status = put_pair(call, data, key, value);
	if (!status)
		wire_put_le32(call->out + offsetof(struct hvkvp_msg_enumerate, index), index);
	return status;
}

static uint32_t serve_ip(struct call *call, uint32_t (*serve)(struct ip_call *ip))
{
	struct ip_call ip = {
		.system = call->dispatch->ip,
		.policy = call->dispatch->config ? &call->dispatch->config->ip : NULL,
		.msg_major = call->msg_major, .body = call->body,
		.out = call->out, .left_ms = call->left_ms, .adapter = call->key,
	};
	uint32_t status;

	if (!ip.system)
		return refuse(call, HVKVP_E_NOT_SUPPORTED, "addresses are not served");
	memset(call->out + HVKVP_MSG_HDR_SIZE, 0, call->out_len - HVKVP_MSG_HDR_SIZE);
	status = serve(&ip);
	call->oddity = ip.oddity;
	*call->error = ip.error;
	call->why = call->error->text;
	return status;
}

static uint32_t handle_get_ip(struct call *call)
{
	return serve_ip(call, ip_request_get);
}

static uint32_t handle_set_ip(struct call *call)
{
	uint32_t status = serve_ip(call, ip_request_set);
	struct change change = { .kind = CHANGE_ADDRESSES, .key = call->key };

	if (!status) {
		changes_append(&call->dispatch->store->changes, &change, 1);
		/* No pool is held whose checkpoint would do it. */
		changes_release(&call->dispatch->store->changes);
	}
	return status;
}

/**
 * struct operation - one KVP operation
 * @size: the least length of its body; 0: ip_codec_size()
 * @answers: success returns data
 * @handle: carries it out; returns the status
 */
static const struct operation {
	uint32_t size;
	bool answers;
	uint32_t (*handle)(struct call *call);
} operations[HVKVP_OP_COUNT] = {
	[HVKVP_OP_GET]	     = { HVKVP_EXCHANGE_SIZE, true,  handle_get },
	[HVKVP_OP_SET]	     = { HVKVP_EXCHANGE_SIZE, false, handle_set },
	[HVKVP_OP_DELETE]    = { HVKVP_EXCHANGE_SIZE, false, handle_delete },
	[HVKVP_OP_ENUMERATE] = { HVKVP_EXCHANGE_SIZE, true,  handle_enumerate },
	[HVKVP_OP_GET_IP]    = { 0,		   true,  handle_get_ip },
	[HVKVP_OP_SET_IP]    = { 0,		   false, handle_set_ip },
};

static bool is_change(unsigned int operation)
{
	return operation == HVKVP_OP_SET || operation == HVKVP_OP_DELETE ||
	       operation == HVKVP_OP_SET_IP;
}

/* What the administrator allows. Return: status. */
static uint32_t check_access(struct call *call, unsigned int operation)
{
	const struct config *config = call->dispatch->config;
	struct change_rate *rate = call->dispatch->rate;
	bool changes = is_change(operation);

	if (!config)
		return HVKVP_S_OK;
	switch (operation) {
	case HVKVP_OP_GET_IP:
		if (!config->ip.get)
			return refuse(call, PROTOCOL_E_ACCESS_DENIED,
				      "GET_IP is off in the configuration");
		break;
	case HVKVP_OP_SET_IP:
		if (config->ip.set == IP_POLICY_SET_OFF)
			return refuse(call, PROTOCOL_E_ACCESS_DENIED,
				      "SET_IP is off in the configuration");
		break;
	default:
		/* The handlers refuse changes of pool auto with a reason of their own. */
		if (changes && call->pool_number == HVKVP_POOL_AUTO)
			return HVKVP_S_OK;
		if (!(config->pools[call->pool_number] & 1U << operation))
			return refuse(call, PROTOCOL_E_ACCESS_DENIED,
				      "the configuration does not allow this to the host");
	}
	if (!changes)
		return HVKVP_S_OK;
	call->quiet = rate->exceeded;
	if (!change_rate_take(rate, config->host_changes, clock_ms()))
		return refuse(call, PROTOCOL_E_ACCESS_DENIED,
			      "the host exceeds HostChangesPerMinute; this is logged once until it does not");
	call->quiet = false;
	return HVKVP_S_OK;
}

/* For the log: what a change is about that is not carried out. What cannot be decoded is left out. */
static void note_target(struct call *call, unsigned int operation)
{
	const char *why = call->why;

	switch (operation) {
	case HVKVP_OP_SET:
		take_key(call, offsetof(struct hvkvp_msg_exchange, data.key),
			 wire_get_le32(call->body +
				       offsetof(struct hvkvp_msg_exchange, data.key_size)));
		break;
	case HVKVP_OP_DELETE:
		take_key(call, offsetof(struct hvkvp_msg_delete, key),
			 wire_get_le32(call->body + offsetof(struct hvkvp_msg_delete, key_size)));
		break;
	case HVKVP_OP_SET_IP:
		if (ip_codec_adapter(call->body, call->msg_major, call->key))
			call->key[0] = 0;
	}
	call->why = why;
}

/* Milliseconds until @deadline_ns, 0 if it has passed. */
static uint64_t time_left(uint64_t deadline_ns)
{
	uint64_t now = clock_ns();

	return now < deadline_ns ? (deadline_ns - now) / 1000000 : 0;
}

static const char *reason(const struct call *call, uint32_t status)
{
	if (!call->why && (status == HVKVP_E_FAIL || status == HVKVP_E_INVALIDARG))
		return pool_why(call->pool);
	return call->why ? call->why : "";
}

/**
 * struct line - a line for the log
 * @text: with a NUL
 * @len: bytes without it
 */
struct line {
	char text[4096];
	size_t len;
};

/* Append a text, as far as there is room. With printf(3) a line cost half as much as its change. */
static void add(struct line *line, const char *text)
{
	size_t len = strlen(text), room = sizeof(line->text) - 1 - line->len;

	if (len > room)
		len = room;
	memcpy(line->text + line->len, text, len);
	line->len += len;
	line->text[line->len] = 0;
}

/* "0x" and eight digits. */
static void put_status(char *out, uint32_t status)
{
	*out++ = '0';
	*out++ = 'x';
	for (int shift = 28; shift >= 0; shift -= 4)
		*out++ = "0123456789abcdef"[status >> shift & 15];
	*out = 0;
}

/* The decimal digits of a number below 10,000. */
static void put_size(char *out, size_t size)
{
	for (size_t unit = 1000; unit; unit /= 10)
		if (size >= unit || unit == 1)
			*out++ = '0' + size / unit % 10;
	*out = 0;
}

_Static_assert(TEXT_VALUE_SIZE < 10000, "put_size() has room");

/* What the host changes, or tries to, is one line in a form that programs can read. */
static void report_change(const struct call *call, uint32_t status)
{
	const struct config *config = call->dispatch->config;
	const char *operation = protocol_operation_name(call->body[0]), *why = reason(call, status);
	bool of_pool = call->body[0] != HVKVP_OP_SET_IP;
	bool shows_value = config && config->log_values && call->value;
	const char *pool = of_pool ? store_pool_name(call->pool_number) : NULL;
	char code[16], key[4 * TEXT_KEY_SIZE], value[1024], size[8];
	int level = LOG_NOTICE;
	struct line line;
	const struct journald_field fields[] = {
		{ "HVKVP_OPERATION", operation },
		{ "HVKVP_POOL", pool },
		{ of_pool ? "HVKVP_KEY" : "HVKVP_ADAPTER", call->key[0] ? call->key : NULL },
		{ "HVKVP_SIZE", call->value ? size : NULL },
		{ "HVKVP_VALUE", shows_value ? call->value : NULL },
		{ "HVKVP_STATUS", code },
		{ "HVKVP_REASON", why[0] ? why : NULL },
	};

	if (call->quiet)
		level = LOG_DEBUG;
	else if (status && status != PROTOCOL_E_KEY_NOT_FOUND && status != HVKVP_E_NOT_SUPPORTED)
		level = LOG_WARNING;
	if (!log_writes(level))
		return;
	put_status(code, status);
	line.len = 0;
	add(&line, operation);
	if (pool) {
		add(&line, " pool=");
		add(&line, pool);
	}
	add(&line, of_pool ? " key=\"" : " adapter=\"");
	add(&line, escape_quoted(call->key, key, sizeof(key)));
	add(&line, "\"");
	if (call->value) {
		put_size(size, strlen(call->value));
		add(&line, " size=");
		add(&line, size);
	}
	if (shows_value) {
		add(&line, " value=\"");
		add(&line, escape_quoted(call->value, value, sizeof(value)));
		add(&line, "\"");
	}
	add(&line, " status=");
	add(&line, code);
	if (why[0]) {
		add(&line, ": ");
		add(&line, why);
	}
	log_fields(level, fields, sizeof(fields) / sizeof(fields[0]), line.text);
}

static void report(const struct call *call, uint32_t status)
{
	char key[160], quoted[170];
	const char *why = reason(call, status);
	int level = LOG_WARNING;

	if (!status || status == HVKVP_NO_MORE_ITEMS || status == PROTOCOL_E_KEY_NOT_FOUND ||
	    status == HVKVP_E_NOT_SUPPORTED)
		level = LOG_DEBUG;
	if (!log_writes(level))
		return;
	quoted[0] = 0;
	if (call->key[0])
		snprintf(quoted, sizeof(quoted), " \"%s\"", escape(call->key, key, sizeof(key)));
	log_line(level, "%s %s%s: status 0x%08x%s%s", protocol_operation_name(call->body[0]),
		 store_pool_name(call->pool_number), quoted, status, why[0] ? ": " : "", why);
}

/* The first of each kind is logged: a host that has an oddity has it in each request. */
static void tolerate(const struct call *call, uint32_t status)
{
	struct tolerated *tolerated = call->dispatch->tolerated;
	unsigned int kind = 0;

	if (status || !call->oddity || !tolerated)
		return;
	tolerated->count++;
	while (kind < TOLERATED_KINDS && tolerated->logged[kind])
		if (!strcmp(tolerated->logged[kind++], call->oddity))
			return;
	if (kind < TOLERATED_KINDS)
		tolerated->logged[kind] = call->oddity;
	log_info("%s accepted in spite of this: %s (logged once)",
		 protocol_operation_name(call->body[0]), call->oddity);
}

bool dispatch_is_left(const struct dispatch *dispatch, const struct dispatch_request *request)
{
	if (!dispatch->leaves || request->body_len < HVKVP_MSG_HDR_SIZE)
		return false;
	switch (request->body[0]) {
	case HVKVP_OP_SET:
		if (request->body[1] == HVKVP_POOL_PARAMETER)
			return false;
		/* fall through */
	case HVKVP_OP_GET:
	case HVKVP_OP_DELETE:
	case HVKVP_OP_ENUMERATE:
		return request->body[1] != HVKVP_POOL_AUTO;
	case HVKVP_OP_SET_IP:
		return true;
	default:
		return false;
	}
}

void dispatch_handle(const struct dispatch *dispatch, const struct dispatch_request *request,
		     struct dispatch_reply *reply)
{
	const uint8_t *body = request->body;
	const struct operation *operation;
	char key[TEXT_KEY_SIZE], text[TEXT_VALUE_SIZE];
	struct error error;
	/* Beside it what is large: clearing it would take longer than most requests. */
	struct call call = {
		.dispatch = dispatch, .body = body, .out = reply->body,
		.key = key, .text = text, .error = &error,
	};
	uint64_t wait_ms = dispatch->lock_wait_ms, left = IP_ANSWER_MS;
	uint32_t least;

	reply->body_len = 0;
	if (request->body_len < HVKVP_MSG_HDR_SIZE || request->body_len > PROTOCOL_BODY_MAX) {
		log_err("invalid body length %u", request->body_len);
		reply->status = HVKVP_E_INVALIDARG;
		return;
	}
	if (body[0] >= HVKVP_OP_COUNT) {
		log_debug("unknown operation %u", body[0]);
		reply->status = HVKVP_E_NOT_SUPPORTED;
		return;
	}
	operation = &operations[body[0]];
	least = operation->size ? operation->size : ip_codec_size(request->msg_major);
	if (body[1] >= HVKVP_POOL_WIRE_COUNT || request->body_len < least) {
		log_warn("%s in pool %u with %u bytes: no such pool, or fewer bytes than %u",
			 protocol_operation_name(body[0]), body[1], request->body_len, least);
		reply->status = HVKVP_E_INVALIDARG;
		return;
	}
	if (request->deadline_ns) {
		left = time_left(request->deadline_ns);
		/* The host has its error: what it takes for failed must not happen. */
		if (!left) {
			log_warn("%s arrived after its deadline: not carried out",
				 protocol_operation_name(body[0]));
			reply->status = HVKVP_E_FAIL;
			return;
		}
		wait_ms = left < wait_ms ? left : wait_ms;
	}

	key[0] = 0;
	call.out_len = request->body_len;
	call.msg_major = request->msg_major;
	call.again = request->again;
	call.left_ms = left < IP_ANSWER_MS ? left : IP_ANSWER_MS;
	call.pool_number = body[1];
	call.pool = &dispatch->store->pools[body[1]];
	call.pool->file.wait_ms = wait_ms;
	memset(reply->body, 0, HVKVP_MSG_HDR_SIZE);
	reply->body[0] = body[0];
	reply->body[1] = body[1];

	/* What is not about a pool file may take long: do not keep the pools locked meanwhile. */
	if (!operation->size || body[1] == HVKVP_POOL_AUTO)
		store_checkpoint(dispatch->store);
	reply->status = check_access(&call, body[0]);
	if (reply->status) {
		note_target(&call, body[0]);
	} else {
		call.pool->until_ns = request->deadline_ns;
		call.pool->confirm = request->confirm;
		call.pool->confirm_data = request->confirm_data;
		reply->status = operation->handle(&call);
		call.pool->confirm = NULL;
		call.pool->until_ns = 0;
	}
	if (!reply->status && operation->answers)
		reply->body_len = request->body_len;
	tolerate(&call, reply->status);
	if (is_change(body[0]))
		report_change(&call, reply->status);
	else
		report(&call, reply->status);
}

bool dispatch_is_slow(const struct dispatch *dispatch, const struct dispatch_request *request)
{
	return dispatch->ip && request->body_len && request->body[0] == HVKVP_OP_SET_IP;
}
