// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets in words, see packet.h.
 */
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#include "hvkvp/packet.h"
#include "pool/store.h"
#include "wire/ip_codec.h"
#include "wire/ip_config.h"
#include "wire/protocol.h"
#include "wire/value.h"

static const char *const operation_names[HVKVP_OP_COUNT] = {
	[HVKVP_OP_GET] = "get",
	[HVKVP_OP_SET] = "set",
	[HVKVP_OP_DELETE] = "delete",
	[HVKVP_OP_ENUMERATE] = "enumerate",
	[HVKVP_OP_GET_IP] = "get-ip",
	[HVKVP_OP_SET_IP] = "set-ip",
};

static const struct {
	uint32_t status;
	const char *name;
} status_names[] = {
	{ HVKVP_S_OK,			"S_OK" },
	{ HVKVP_E_FAIL,			"E_FAIL" },
	{ HVKVP_E_INVALIDARG,		"E_INVALIDARG" },
	{ HVKVP_E_NOT_SUPPORTED,	"E_NOT_SUPPORTED" },
	{ HVKVP_E_GUID_NOTFOUND,	"E_GUID_NOTFOUND" },
	{ HVKVP_NO_MORE_ITEMS,		"NO_MORE_ITEMS" },
	{ PROTOCOL_E_KEY_NOT_FOUND,	"KEY_NOT_FOUND" },
	{ PROTOCOL_E_ACCESS_DENIED,	"ACCESS_DENIED" },
};

static const char cut[] = "it is shorter than it should be";

/**
 * struct message - what is being described
 * @body: what is behind the headers
 * @body_len: bytes of it that are really there
 * @answer: it is the guest's
 * @words: the description
 * @head: the packet's headers
 *
 * The functions below add to @words, and return what is wrong, or NULL.
 */
struct message {
	const uint8_t *body;
	size_t body_len;
	bool answer;
	json_t *words;
	struct hvkvp_packet head;
};

static void add(const struct message *m, const char *name, json_t *value)
{
	json_object_set_new(m->words, name, value);
}

static json_t *version_json(const uint8_t *p)
{
	return json_sprintf("%u.%u", p[0] | p[1] << 8, p[2] | p[3] << 8);
}

static uint32_t status_of(const struct message *m)
{
	return le32toh(m->head.status);
}

static unsigned int msg_major(const struct message *m)
{
	return le16toh(m->head.msg_major);
}

static json_t *status_json(uint32_t status)
{
	for (size_t i = 0; i < sizeof(status_names) / sizeof(status_names[0]); i++)
		if (status_names[i].status == status)
			return json_string(status_names[i].name);
	return json_sprintf("0x%08x", status);
}

static json_t *versions_json(const uint8_t *version, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, version_json(version + 4 * i));
	return list;
}

static const char *describe_negotiation(const struct message *m)
{
	const uint8_t *version = m->body + sizeof(struct hvkvp_negotiation);
	struct hvkvp_negotiation head;
	size_t fw_count, msg_count;

	if (m->body_len < sizeof(head))
		return cut;
	memcpy(&head, m->body, sizeof(head));
	fw_count = le16toh(head.fw_count);
	msg_count = le16toh(head.msg_count);
	if (m->body_len < sizeof(head) + 4 * (fw_count + msg_count))
		return cut;
	add(m, "framework", versions_json(version, fw_count));
	add(m, "kvp", versions_json(version + 4 * fw_count, msg_count));
	return NULL;
}

static const char *describe_key(const struct message *m, size_t key_at, size_t size_at)
{
	char key[TEXT_KEY_SIZE];

	if (wire_get_text(m->body + key_at, wire_get_le32(m->body + size_at), HVKVP_KEY_SIZE,
			  key, sizeof(key)) < 0)
		return "the key cannot be read";
	add(m, "key", json_string(key));
	return NULL;
}

static const char *describe_value(const struct message *m, size_t at)
{
	const uint8_t *data = m->body + at;
	char value[TEXT_VALUE_SIZE];

	if (wire_get_value(wire_get_le32(data + offsetof(struct hvkvp_exchange_value, type)),
			   data + offsetof(struct hvkvp_exchange_value, value),
			   wire_get_le32(data + offsetof(struct hvkvp_exchange_value, value_size)),
			   HVKVP_VALUE_SIZE, value, sizeof(value)) < 0)
		return "the value cannot be read";
	add(m, "value", json_string(value));
	return NULL;
}

/* The pair at @at of the body. */
static const char *describe_pair(const struct message *m, size_t at, bool has_value)
{
	const char *error = describe_key(m, at + offsetof(struct hvkvp_exchange_value, key),
					 at + offsetof(struct hvkvp_exchange_value, key_size));

	return error || !has_value ? error : describe_value(m, at);
}

static json_t *addresses_json(const struct ip_config *config)
{
	json_t *list = json_array();
	char text[IP_TEXT_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < config->by_family[family].count; i++)
			json_array_append_new(list, json_string(ip_text_prefix(family,
					      &config->by_family[family].address[i], text)));
	return list;
}

static json_t *hosts_json(const struct ip_config *config, enum ip_list_kind kind)
{
	json_t *list = json_array();
	char text[IP_TEXT_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &config->by_family[family];

		for (unsigned int i = 0; i < ip_cfg_count(cfg, kind); i++)
			json_array_append_new(list, json_string(ip_text(family,
					      ip_cfg_bytes(cfg, kind, i), text)));
	}
	return list;
}

static const char *describe_ip(const struct message *m, bool has_addresses)
{
	char adapter[IP_ADAPTER_SIZE];
	struct ip_config config;
	const char *error;

	if (m->body_len < ip_codec_size(msg_major(m)))
		return cut;
	error = ip_codec_adapter(m->body, msg_major(m), adapter);
	if (error)
		return error;
	add(m, "adapter", json_string(adapter));
	add(m, "family", json_integer(ip_codec_families(m->body, msg_major(m))));
	if (!has_addresses)
		return NULL;
	memset(&config, 0, sizeof(config));
	error = ip_codec_decode(m->body, msg_major(m), &config);
	if (error)
		return error;
	add(m, "dhcp", json_boolean(config.dhcp));
	add(m, "addresses", addresses_json(&config));
	add(m, "gateways", hosts_json(&config, IP_LIST_GATEWAYS));
	add(m, "dns", hosts_json(&config, IP_LIST_DNS));
	return NULL;
}

static const char *describe_enumerate(const struct message *m, bool has_pair)
{
	const size_t index = offsetof(struct hvkvp_msg_enumerate, index);

	add(m, "index", json_integer(wire_get_le32(m->body + index)));
	return has_pair ? describe_pair(m, offsetof(struct hvkvp_msg_enumerate, data), true) :
			  NULL;
}

static const char *describe_operation(const struct message *m, unsigned int operation)
{
	const size_t data = offsetof(struct hvkvp_msg_exchange, data);
	bool success = m->answer && !status_of(m);

	if (operation == HVKVP_OP_GET_IP)
		return describe_ip(m, success);
	if (operation == HVKVP_OP_SET_IP)
		return describe_ip(m, !m->answer);
	if (m->body_len < HVKVP_EXCHANGE_SIZE)
		return cut;
	if (operation == HVKVP_OP_GET)
		return describe_pair(m, data, success);
	if (operation == HVKVP_OP_SET)
		return describe_pair(m, data, !m->answer);
	if (operation == HVKVP_OP_ENUMERATE)
		return describe_enumerate(m, success);
	return describe_key(m, offsetof(struct hvkvp_msg_delete, key),
			    offsetof(struct hvkvp_msg_delete, key_size));
}

static const char *describe_kvp(const struct message *m)
{
	unsigned int operation, pool;

	if (m->body_len < HVKVP_MSG_HDR_SIZE)
		return cut;
	operation = m->body[0];
	pool = m->body[1];
	add(m, "pool", pool < HVKVP_POOL_COUNT ? json_string(store_pool_name(pool)) :
						 json_integer(pool));
	return operation < HVKVP_OP_COUNT ? describe_operation(m, operation) : NULL;
}

static json_t *kind_json(const struct message *m)
{
	unsigned int type = le16toh(m->head.type);

	if (type == HVKVP_IC_TYPE_NEGOTIATE)
		return json_string("negotiate");
	if (type != HVKVP_IC_TYPE_KVP || !m->body_len)
		return json_sprintf("type %u", type);
	if (m->body[0] < HVKVP_OP_COUNT)
		return json_string(operation_names[m->body[0]]);
	return json_sprintf("operation %u", m->body[0]);
}

static const char *describe_body(const struct message *m)
{
	switch (le16toh(m->head.type)) {
	case HVKVP_IC_TYPE_NEGOTIATE:
		return m->answer && status_of(m) ? NULL : describe_negotiation(m);
	case HVKVP_IC_TYPE_KVP:
		return describe_kvp(m);
	default:
		return NULL;
	}
}

static json_t *headers_json(const struct message *m, const uint8_t *bytes)
{
	return json_pack("{s:i, s:i, s:i, s:o, s:o, s:i, s:i, s:i}",
			 "pipe_type", le32toh(m->head.pipe_type),
			 "pipe_len", le32toh(m->head.pipe_len),
			 "type", le16toh(m->head.type),
			 "framework",
			 version_json(bytes + offsetof(struct hvkvp_packet, fw_major)),
			 "kvp", version_json(bytes + offsetof(struct hvkvp_packet, msg_major)),
			 "body_len", le16toh(m->head.body_len),
			 "transaction", m->head.transaction, "flags", m->head.flags);
}

json_t *packet_describe(const uint8_t *bytes, size_t len)
{
	struct message m = { .words = json_object() };
	const char *error = cut;

	if (len >= sizeof(m.head)) {
		memcpy(&m.head, bytes, sizeof(m.head));
		m.body = bytes + sizeof(m.head);
		m.body_len = len - sizeof(m.head);
		if (m.body_len > le16toh(m.head.body_len))
			m.body_len = le16toh(m.head.body_len);
		m.answer = m.head.flags & HVKVP_IC_FLAG_RESPONSE;
		add(&m, "message", kind_json(&m));
		if (m.answer)
			add(&m, "status", status_json(status_of(&m)));
		error = describe_body(&m);
		add(&m, "headers", headers_json(&m, bytes));
	}
	if (error)
		add(&m, "error", json_string(error));
	return m.words;
}
