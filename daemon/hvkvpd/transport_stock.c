// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transport of the stock kernel, /dev/vmbus/hv_kvp.
 *
 * Messages are 7432 bytes each way. The kernel has already turned the strings
 * into UTF-8; here they become the host's body again, so that there is one
 * reading of a request in the daemon. What the kernel loses on the way is
 * noticed where it can be, and refused instead of stored:
 *
 * - values of type EXPAND_SZ and QWORD (11) arrive without a value: the size is
 *   0, where even an empty string has 1;
 * - characters that do not fit into a field are left out: a string that nearly
 *   fills its field may have lost some, if the host's could have been longer.
 *
 * In the other direction it takes the value of a GET from where an ENUMERATE
 * has it, and has room for 254 and 1022 units.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hvkvpd/transport.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/utf.h"
#include "wire/value.h"

#define STOCK_SIZE	7432
#define STOCK_REGISTER	4
#define STOCK_REGISTER1	100

/* Where a message has what; operation and pool are its first two bytes. */
#define REGISTER_VERSION 4
#define DELETE_KEY	8
#define PAIR_VALUE_SIZE	12
#define PAIR_KEY	16
#define PAIR_VALUE	528
#define ENUM_INDEX	4
#define ENUM_KEY_SIZE	12
#define ENUM_VALUE_SIZE	16
#define ENUM_KEY	20
#define ENUM_VALUE	532
#define IP_SHIFT	2	/* IP fields are this much behind the host's place */

#define STOCK_KEY_UNITS		254
#define STOCK_VALUE_UNITS	1022

/* The kernel answers for us after this time. */
#define STOCK_TIMEOUT_NS 30000000000ULL

static const struct ip_field {
	size_t offset;		/* in the host's body */
	size_t units;
} ip_fields[] = {
	{ offsetof(struct hvkvp_msg_ip_text, adapter_id), HVKVP_ADAPTER_ID_UNITS },
	{ offsetof(struct hvkvp_msg_ip_text, addresses), HVKVP_IP_TEXT_UNITS },
	{ offsetof(struct hvkvp_msg_ip_text, subnets), HVKVP_IP_TEXT_UNITS },
	{ offsetof(struct hvkvp_msg_ip_text, gateways), HVKVP_GATEWAY_TEXT_UNITS },
	{ offsetof(struct hvkvp_msg_ip_text, dns), HVKVP_IP_TEXT_UNITS },
};

#define IP_FIELDS (sizeof(ip_fields) / sizeof(ip_fields[0]))

static int write_message(int fd, const uint8_t *message)
{
	ssize_t n;

	do
		n = write(fd, message, STOCK_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EBADF || errno == EPIPE || errno == ECONNRESET ? -ENODEV : -errno;
	return n == STOCK_SIZE ? 0 : -EIO;
}

static int say_hello(struct transport *transport)
{
	uint8_t message[STOCK_SIZE] = { STOCK_REGISTER1 };

	return write_message(transport->fd, message);
}

/*
 * May the kernel have left a character out, since the field had no room for it?
 * It would have taken 3 bytes for one unit, or 4 for two; and the host's string,
 * with it, would still have been within the host's limit.
 */
static bool maybe_cut(size_t len, size_t field_size, size_t units, size_t most_units)
{
	size_t most = field_size - 1;	/* one byte is the NUL's */

	return (len + 3 > most && units + 1 <= most_units) ||
	       (len + 4 > most && units + 2 <= most_units);
}

/* The size of a string that cannot be passed on: no message has room for it. */
#define UNUSABLE UINT32_MAX

/*
 * Text of a field, as the host's string. Return: its size, or UNUSABLE if it is not
 * whole.
 */
static uint32_t host_text(const uint8_t *field, size_t field_size, uint8_t *out, size_t room,
			  const char *what)
{
	size_t len = strnlen((const char *)field, field_size);
	ssize_t size;

	if (len == field_size)
		return UNUSABLE;
	size = wire_put_text((const char *)field, out, room);
	if (size < 0)
		return UNUSABLE;
	if (maybe_cut(len, field_size, size / 2 - 1, room / 2 - 1)) {
		log_warn("the stock driver may have cut a %s at %zu bytes: refused", what, len);
		return UNUSABLE;
	}
	return size;
}

static void make_body(struct transport *transport, uint8_t operation, uint32_t *body_len)
{
	const uint8_t *in = transport->in;
	uint8_t *out = transport->body;

	memset(out, 0, sizeof(transport->body));
	out[0] = operation;
	out[1] = in[1];
	*body_len = HVKVP_EXCHANGE_SIZE;

	switch (operation) {
	case HVKVP_OP_SET:
		if (wire_get_le32(in + PAIR_VALUE_SIZE)) {
			wire_put_le32(out + offsetof(struct hvkvp_msg_exchange, data.type),
				      HVKVP_REG_SZ);
			wire_put_le32(out + offsetof(struct hvkvp_msg_exchange, data.value_size),
				      host_text(in + PAIR_VALUE, TEXT_VALUE_SIZE,
						out + offsetof(struct hvkvp_msg_exchange,
							       data.value),
						HVKVP_VALUE_SIZE, "value"));
		} else {
			log_warn("the stock driver dropped a value of a type that it does not know: refused");
		}
		/* fall through */
	case HVKVP_OP_GET:
		wire_put_le32(out + offsetof(struct hvkvp_msg_exchange, data.key_size),
			      host_text(in + PAIR_KEY, TEXT_KEY_SIZE,
					out + offsetof(struct hvkvp_msg_exchange, data.key),
					HVKVP_KEY_SIZE, "key"));
		break;
	case HVKVP_OP_DELETE:
		wire_put_le32(out + offsetof(struct hvkvp_msg_delete, key_size),
			      host_text(in + DELETE_KEY, TEXT_KEY_SIZE,
					out + offsetof(struct hvkvp_msg_delete, key),
					HVKVP_KEY_SIZE, "key"));
		break;
	case HVKVP_OP_ENUMERATE:
		memcpy(out + offsetof(struct hvkvp_msg_enumerate, index), in + ENUM_INDEX, 4);
		break;
	case HVKVP_OP_GET_IP:
	case HVKVP_OP_SET_IP:
		*body_len = HVKVP_IP_SIZE;
		for (size_t i = 0; i < IP_FIELDS; i++)
			host_text(in + ip_fields[i].offset + IP_SHIFT, 2 * ip_fields[i].units,
				  out + ip_fields[i].offset, 2 * ip_fields[i].units,
				  "list of addresses");
		memcpy(out + offsetof(struct hvkvp_msg_ip_text, family),
		       in + offsetof(struct hvkvp_msg_ip_text, family) + IP_SHIFT, 2);
		break;
	}
}

static int take_register(struct transport *transport)
{
	const char *version = (const char *)transport->in + REGISTER_VERSION;
	size_t len = strnlen(version, sizeof(transport->driver_version) - 1);

	memcpy(transport->driver_version, version, len);
	transport->driver_version[len] = 0;
	transport->ready = true;
	log_info("stock driver: version %s", transport->driver_version);
	return TRANSPORT_READY;
}

static int receive(struct transport *transport, struct dispatch_request *request)
{
	static const struct dispatch_request blank = { .fw_major = 3, .msg_major = 4 };
	ssize_t len = read(transport->fd, transport->in, sizeof(transport->in));
	uint8_t operation;

	if (len < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return TRANSPORT_NOTHING;
		return errno == EBADF || errno == ECONNRESET ? -ENODEV : -errno;
	}
	if (!len)
		return -ENODEV;
	if (len != STOCK_SIZE) {
		log_err("stock driver: a message of %zd bytes instead of %d: ignored",
			len, STOCK_SIZE);
		return TRANSPORT_NOTHING;
	}
	operation = transport->in[0];
	if (!transport->ready) {
		if (operation == STOCK_REGISTER1)
			return take_register(transport);
		log_err("stock driver: operation %u before its registration: ignored", operation);
		return TRANSPORT_NOTHING;
	}

	*request = blank;
	request->deadline_ns = clock_ns() + STOCK_TIMEOUT_NS;
	make_body(transport, operation, &request->body_len);
	request->body = transport->body;
	return TRANSPORT_REQUEST;
}

/* A string of the answer as UTF-8. Return: bytes with the NUL. */
static uint32_t stock_text(const uint8_t *data, uint32_t size, size_t room,
			   uint8_t *out, size_t out_size, size_t most_units)
{
	ssize_t len = wire_get_text(data, size, room, (char *)out, out_size);

	if (len < 0)
		return 0;
	if (size / 2 - 1 > most_units)
		log_warn("the stock driver cuts a string of %u units after %zu",
			 size / 2 - 1, most_units);
	return len + 1;
}

static void put_pair(uint8_t *out, const uint8_t *data)
{
	uint32_t key_size, value_size;

	key_size = wire_get_le32(data + offsetof(struct hvkvp_exchange_value, key_size));
	value_size = wire_get_le32(data + offsetof(struct hvkvp_exchange_value, value_size));
	wire_put_le32(out + ENUM_KEY_SIZE,
		      stock_text(data + offsetof(struct hvkvp_exchange_value, key), key_size,
				 HVKVP_KEY_SIZE, out + ENUM_KEY, TEXT_KEY_SIZE,
				 STOCK_KEY_UNITS));
	wire_put_le32(out + ENUM_VALUE_SIZE,
		      stock_text(data + offsetof(struct hvkvp_exchange_value, value), value_size,
				 HVKVP_VALUE_SIZE, out + ENUM_VALUE, TEXT_VALUE_SIZE,
				 STOCK_VALUE_UNITS));
}

static void put_ip(uint8_t *out, const uint8_t *body)
{
	for (size_t i = 0; i < IP_FIELDS; i++) {
		const uint8_t *field = body + ip_fields[i].offset;
		size_t units = 0;

		while (units + 1 < ip_fields[i].units && (field[2 * units] || field[2 * units + 1]))
			units++;
		stock_text(field, 2 * (units + 1), 2 * ip_fields[i].units,
			   out + ip_fields[i].offset + IP_SHIFT, 2 * ip_fields[i].units,
			   ip_fields[i].units - 1);
	}
	memcpy(out + offsetof(struct hvkvp_msg_ip_text, family) + IP_SHIFT,
	       body + offsetof(struct hvkvp_msg_ip_text, family), 2);
}

static int send_reply(struct transport *transport, const struct dispatch_request *request,
		      const struct dispatch_reply *reply)
{
	uint8_t out[STOCK_SIZE] = { 0 };
	int err;

	if (!reply->status && reply->body_len) {
		switch (request->body[0]) {
		case HVKVP_OP_GET:
			put_pair(out, reply->body + offsetof(struct hvkvp_msg_exchange, data));
			break;
		case HVKVP_OP_ENUMERATE:
			put_pair(out, reply->body + offsetof(struct hvkvp_msg_enumerate, data));
			memcpy(out + ENUM_INDEX,
			       request->body + offsetof(struct hvkvp_msg_enumerate, index), 4);
			break;
		case HVKVP_OP_GET_IP:
			put_ip(out, reply->body);
			break;
		}
	}
	/* The status takes the place of operation and pool. */
	wire_put_le32(out, reply->status);
	err = write_message(transport->fd, out);
	if (err == -EINVAL) {
		log_warn("the stock driver does not want this answer (any more)");
		return -ETIMEDOUT;
	}
	return err;
}

const struct transport_ops transport_stock = {
	.name = "stock hv_kvp",
	.hello = say_hello,
	.receive = receive,
	.reply = send_reply,
};
