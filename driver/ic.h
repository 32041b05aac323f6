/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Integration component (IC) framing: checks a packet of the host and builds the
 * frame of its answer.
 *
 * A packet is a pipe header, an IC header and a body, all little-endian. Every
 * function here is pure: it works on a packet that has been copied out of the
 * ring, allocates nothing, takes no lock and never sleeps. Each untrusted length
 * is checked in kvp_ic_parse() and nowhere else.
 *
 * A field that the stock driver of Linux does not look at is no reason to refuse
 * a packet, unless memory or the answer to another packet is at stake: hosts may
 * exist that rely on it. docs/protocol.md, section 9, lists each case.
 */
#ifndef KVP_IC_H
#define KVP_IC_H

#include <linux/types.h>

#include "hv_kvp_msg.h"

/**
 * struct kvp_ic_version - a framework or message version
 * @major: of major.minor
 * @minor: of major.minor
 */
struct kvp_ic_version {
	u16 major;
	u16 minor;
};

/**
 * struct kvp_ic_agreement - result of a negotiation
 * @valid: a version of each kind was found; no request is taken otherwise
 * @fw: framework version
 * @msg: KVP message version
 */
struct kvp_ic_agreement {
	bool valid;
	struct kvp_ic_version fw;
	struct kvp_ic_version msg;
};

/**
 * enum kvp_ic_verdict - how to handle a packet
 * @KVP_IC_DROP: do not answer: the packet does not identify a request
 * @KVP_IC_NEGOTIATE: kvp_ic_negotiate()
 * @KVP_IC_REQUEST: deliver it to the service
 * @KVP_IC_REFUSE: answer with the status in the view, without the service
 */
enum kvp_ic_verdict {
	KVP_IC_DROP,
	KVP_IC_NEGOTIATE,
	KVP_IC_REQUEST,
	KVP_IC_REFUSE,
};

/**
 * enum kvp_ic_oddity - what is accepted although it is not as it should be
 * @KVP_IC_ODD_PIPE_TYPE: pipe type other than HVKVP_PIPE_DATA
 * @KVP_IC_ODD_PIPE_LEN: pipe length that is not that of header and body
 * @KVP_IC_ODD_FLAGS: flags other than those of a request
 * @KVP_IC_ODD_BODY_LEN: body length that is not that of the body
 * @KVP_IC_ODD_SHORT_BODY: body that has what is used of it, but not all
 * @KVP_IC_ODD_UNAGREED: request before a negotiation
 * @KVP_IC_ODD_COUNT: number of entries
 */
enum kvp_ic_oddity {
	KVP_IC_ODD_PIPE_TYPE,
	KVP_IC_ODD_PIPE_LEN,
	KVP_IC_ODD_FLAGS,
	KVP_IC_ODD_BODY_LEN,
	KVP_IC_ODD_SHORT_BODY,
	KVP_IC_ODD_UNAGREED,
	KVP_IC_ODD_COUNT,
};

/**
 * struct kvp_ic_view - result of the checks of a packet
 * @verdict: how to handle it
 * @body_len: bytes of the body; of a request also of its answer
 * @sent_len: bytes of the body that the packet contains; kvp_ic_fill() adds the
 *	others
 * @operation: enum hvkvp_operation; valid in a request
 * @pool: enum hvkvp_pool; valid in a request
 * @status: for KVP_IC_REFUSE
 * @field: name of the invalid field, for the log; NULL if none
 * @value: value of @field
 * @oddities: mask of BIT(enum kvp_ic_oddity)
 */
struct kvp_ic_view {
	enum kvp_ic_verdict verdict;
	u32 body_len;
	u32 sent_len;
	u8 operation;
	u8 pool;
	u32 status;
	const char *field;
	u32 value;
	unsigned int oddities;
};

/**
 * kvp_ic_parse() - check a packet
 * @pkt: the packet, in memory that the host cannot change
 * @len: bytes of @pkt
 * @agreed: the agreement in force; decides the least size of an IP body
 * @view: filled in
 */
void kvp_ic_parse(const struct hvkvp_packet *pkt, u32 len,
		  const struct kvp_ic_agreement *agreed,
		  struct kvp_ic_view *view);

/**
 * kvp_ic_fill() - fill up the body of a request with zeroes
 * @pkt: the packet, in memory for @view->body_len bytes of body
 * @view: its view
 */
void kvp_ic_fill(struct hvkvp_packet *pkt, const struct kvp_ic_view *view);

/**
 * kvp_ic_oddity_name() - the name of an oddity, for the log
 * @oddity: which one
 *
 * Return: like "pipe type".
 */
const char *kvp_ic_oddity_name(enum kvp_ic_oddity oddity);

/**
 * kvp_ic_negotiate() - turn a negotiation into its answer
 * @pkt: the packet; must have got the verdict KVP_IC_NEGOTIATE
 * @max_fw: highest framework major to accept
 * @max_msg: highest KVP message major to accept
 * @agreed: filled in
 *
 * The highest version that both sides know wins, for the framework and for the
 * messages each. Without a common one the answer carries no version at all.
 *
 * Return: bytes of the answer, from @pkt on.
 */
u32 kvp_ic_negotiate(struct hvkvp_packet *pkt, unsigned int max_fw,
		     unsigned int max_msg, struct kvp_ic_agreement *agreed);

/**
 * kvp_ic_answer() - turn a packet into its answer
 * @pkt: the packet; its body, @body_len bytes, is the body of the answer
 * @body_len: bytes of the answer's body
 * @status: HRESULT
 *
 * Return: bytes of the answer, from @pkt on.
 */
u32 kvp_ic_answer(struct hvkvp_packet *pkt, u32 body_len, u32 status);

/**
 * kvp_ic_returns_data() - whether a successful answer carries data
 * @operation: enum hvkvp_operation
 */
bool kvp_ic_returns_data(u8 operation);

#endif /* KVP_IC_H */
