/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: each packet in and out, and each transition of the transaction.
 *
 * In /sys/kernel/tracing/events/hv_kvp. All events of one packet have its id.
 * The latency of hv_kvp_answer is the guest's share of a round trip; the time
 * between hv_kvp_request and hv_kvp_reply is the service's.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hv_kvp

#if !defined(KVP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVP_TRACE_H

#include <linux/tracepoint.h>

#include "fsm.h"
#include "ic.h"

/* So that user space, which reads the formats below, knows the values. */
TRACE_DEFINE_ENUM(KVP_IC_DROP);
TRACE_DEFINE_ENUM(KVP_IC_NEGOTIATE);
TRACE_DEFINE_ENUM(KVP_IC_REQUEST);
TRACE_DEFINE_ENUM(KVP_IC_REFUSE);
TRACE_DEFINE_ENUM(KVP_ST_CLOSED);
TRACE_DEFINE_ENUM(KVP_ST_IDLE);
TRACE_DEFINE_ENUM(KVP_ST_HELD);
TRACE_DEFINE_ENUM(KVP_ST_QUEUED);
TRACE_DEFINE_ENUM(KVP_ST_TAKEN);
TRACE_DEFINE_ENUM(KVP_ST_SENDING);
TRACE_DEFINE_ENUM(KVP_EV_OPEN);
TRACE_DEFINE_ENUM(KVP_EV_CLOSE);
TRACE_DEFINE_ENUM(KVP_EV_NEGOTIATE);
TRACE_DEFINE_ENUM(KVP_EV_REQUEST);
TRACE_DEFINE_ENUM(KVP_EV_REFUSE);
TRACE_DEFINE_ENUM(KVP_EV_CANCEL);
TRACE_DEFINE_ENUM(KVP_EV_ATTACH);
TRACE_DEFINE_ENUM(KVP_EV_DETACH);
TRACE_DEFINE_ENUM(KVP_EV_TAKE);
TRACE_DEFINE_ENUM(KVP_EV_REPLY);
TRACE_DEFINE_ENUM(KVP_EV_TIMEOUT);
TRACE_DEFINE_ENUM(KVP_EV_SENT);
TRACE_DEFINE_ENUM(KVP_ACT_REJECT);
TRACE_DEFINE_ENUM(KVP_ACT_NOTHING);
TRACE_DEFINE_ENUM(KVP_ACT_DEFER);
TRACE_DEFINE_ENUM(KVP_ACT_HOLD);
TRACE_DEFINE_ENUM(KVP_ACT_AGREE);
TRACE_DEFINE_ENUM(KVP_ACT_DELIVER);
TRACE_DEFINE_ENUM(KVP_ACT_REDELIVER);
TRACE_DEFINE_ENUM(KVP_ACT_REFUSE);
TRACE_DEFINE_ENUM(KVP_ACT_ANSWER);
TRACE_DEFINE_ENUM(KVP_ACT_FAIL);
TRACE_DEFINE_ENUM(KVP_ACT_RESEND);
TRACE_DEFINE_ENUM(KVP_ACT_WITHDRAW);
TRACE_DEFINE_ENUM(KVP_ACT_ABANDON);
TRACE_DEFINE_ENUM(KVP_ACT_FINISH);

#define kvp_show_verdict(v) __print_symbolic(v,	\
	{ KVP_IC_DROP,		"drop" },	\
	{ KVP_IC_NEGOTIATE,	"negotiate" },	\
	{ KVP_IC_REQUEST,	"request" },	\
	{ KVP_IC_REFUSE,	"refuse" })

#define kvp_show_state(s) __print_symbolic(s,	\
	{ KVP_ST_CLOSED,		"closed" },	\
	{ KVP_ST_IDLE,			"idle" },	\
	{ KVP_ST_HELD,			"held" },	\
	{ KVP_ST_QUEUED,		"queued" },	\
	{ KVP_ST_TAKEN,			"taken" },	\
	{ KVP_ST_SENDING,		"sending" })

#define kvp_show_event(e) __print_symbolic(e,	\
	{ KVP_EV_OPEN,			"open" },	\
	{ KVP_EV_CLOSE,			"close" },	\
	{ KVP_EV_NEGOTIATE,		"negotiate" },	\
	{ KVP_EV_REQUEST,		"request" },	\
	{ KVP_EV_REFUSE,		"refuse" },	\
	{ KVP_EV_CANCEL,		"cancel" },	\
	{ KVP_EV_ATTACH,		"attach" },	\
	{ KVP_EV_DETACH,		"detach" },	\
	{ KVP_EV_TAKE,			"take" },	\
	{ KVP_EV_REPLY,			"reply" },	\
	{ KVP_EV_TIMEOUT,		"timeout" },	\
	{ KVP_EV_SENT,			"sent" })

#define kvp_show_action(a) __print_symbolic(a,	\
	{ KVP_ACT_REJECT,		"reject" },	\
	{ KVP_ACT_NOTHING,		"nothing" },	\
	{ KVP_ACT_DEFER,		"defer" },	\
	{ KVP_ACT_HOLD,			"hold" },	\
	{ KVP_ACT_AGREE,		"agree" },	\
	{ KVP_ACT_DELIVER,		"deliver" },	\
	{ KVP_ACT_REDELIVER,		"redeliver" },	\
	{ KVP_ACT_REFUSE,		"refuse" },	\
	{ KVP_ACT_ANSWER,		"answer" },	\
	{ KVP_ACT_FAIL,			"fail" },	\
	{ KVP_ACT_RESEND,		"resend" },	\
	{ KVP_ACT_WITHDRAW,		"withdraw" },	\
	{ KVP_ACT_ABANDON,		"abandon" },	\
	{ KVP_ACT_FINISH,		"finish" })

/* The driver starts to process a packet of the host. */
TRACE_EVENT(hv_kvp_packet,
	TP_PROTO(u64 id, const struct hvkvp_packet *pkt, u32 len,
		 const struct kvp_ic_view *view),
	TP_ARGS(id, pkt, len, view),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, len)
		__field(u16, type)
		__field(u8, verdict)
		__field(u8, operation)
		__field(u8, pool)
		__field(u32, status)
		__field(u32, oddities)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->len = len;
		__entry->type = len < HVKVP_PACKET_OVERHEAD ? 0xffff :
						le16_to_cpu(pkt->type);
		__entry->verdict = view->verdict;
		__entry->operation = view->operation;
		__entry->pool = view->pool;
		__entry->status = view->status;
		__entry->oddities = view->oddities;
	),
	TP_printk("id=%llu len=%u type=%u %s operation=%u pool=%u status=%#x oddities=%#x",
		  __entry->id, __entry->len, __entry->type,
		  kvp_show_verdict(__entry->verdict), __entry->operation,
		  __entry->pool, __entry->status, __entry->oddities)
);

/* An answer was written to the ring, or failed with err. */
TRACE_EVENT(hv_kvp_answer,
	TP_PROTO(u64 id, const struct hvkvp_packet *pkt, u32 len,
		 u64 latency_ns, int err),
	TP_ARGS(id, pkt, len, latency_ns, err),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, latency_ns)
		__field(u32, len)
		__field(u16, type)
		__field(u32, status)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->latency_ns = latency_ns;
		__entry->len = len;
		__entry->type = le16_to_cpu(pkt->type);
		__entry->status = le32_to_cpu(pkt->status);
		__entry->err = err;
	),
	TP_printk("id=%llu len=%u type=%u status=%#x latency=%lluns err=%d",
		  __entry->id, __entry->len, __entry->type, __entry->status,
		  __entry->latency_ns, __entry->err)
);

/* A request is ready for the service. */
TRACE_EVENT(hv_kvp_request,
	TP_PROTO(u64 id, u8 operation, u8 pool, u32 body_len),
	TP_ARGS(id, operation, pool, body_len),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u8, operation)
		__field(u8, pool)
		__field(u32, body_len)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->operation = operation;
		__entry->pool = pool;
		__entry->body_len = body_len;
	),
	TP_printk("id=%llu operation=%u pool=%u body_len=%u", __entry->id,
		  __entry->operation, __entry->pool, __entry->body_len)
);

/* The service replied; err is what its write() returned. */
TRACE_EVENT(hv_kvp_reply,
	TP_PROTO(u64 id, u32 status, u32 body_len, int err),
	TP_ARGS(id, status, body_len, err),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, status)
		__field(u32, body_len)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->status = status;
		__entry->body_len = body_len;
		__entry->err = err;
	),
	TP_printk("id=%llu status=%#x body_len=%u err=%d", __entry->id,
		  __entry->status, __entry->body_len, __entry->err)
);

/* A transition of the state machine, see fsm.h. */
TRACE_EVENT(hv_kvp_event,
	TP_PROTO(u64 id, enum kvp_state state, enum kvp_event event,
		 enum kvp_state next, enum kvp_action action),
	TP_ARGS(id, state, event, next, action),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u8, state)
		__field(u8, event)
		__field(u8, next)
		__field(u8, action)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->state = state;
		__entry->event = event;
		__entry->next = next;
		__entry->action = action;
	),
	TP_printk("id=%llu %s: %s -> %s (%s)", __entry->id,
		  kvp_show_event(__entry->event), kvp_show_state(__entry->state),
		  kvp_show_state(__entry->next),
		  kvp_show_action(__entry->action))
);

#endif /* KVP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
