/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A conversation with the kernel's rtnetlink, by libmnl
 */
#ifndef HVKVP_NET_RTNL_H
#define HVKVP_NET_RTNL_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

/* Dumps come in pieces of this size, as the kernel likes to make them. */
#define RTNL_BUFFER_SIZE 32768

/**
 * struct rtnl - one socket
 * @nl: the socket, NULL before rtnl_open()
 * @seq: of the last message
 * @request: room for a message to be sent
 * @buffer: received messages
 */
struct rtnl {
	struct mnl_socket *nl;
	unsigned int seq;
	_Alignas(8) uint8_t request[4096];
	_Alignas(8) uint8_t buffer[RTNL_BUFFER_SIZE];
};

/**
 * rtnl_open() - open the socket
 * @rtnl: the object
 *
 * Return: 0 or -errno.
 */
int rtnl_open(struct rtnl *rtnl);

/** rtnl_close() - close the socket, if it is open. */
void rtnl_close(struct rtnl *rtnl);

/**
 * rtnl_begin() - begin a message in @rtnl->request
 * @rtnl: the object
 * @type: RTM_*
 * @flags: NLM_F_* besides NLM_F_REQUEST
 * @extra_size: bytes of the family's own header
 * @extra: gets that header, zeroed; its first byte is everywhere the family
 *
 * Return: the message, to which attributes may be added.
 */
struct nlmsghdr *rtnl_begin(struct rtnl *rtnl, uint16_t type, uint16_t flags,
			    size_t extra_size, void *extra);

/**
 * rtnl_dump() - send a request that ends with NLMSG_DONE, take what comes
 * @rtnl: the object
 * @nlh: the message, with NLM_F_DUMP
 * @note: gets each answer; MNL_CB_ERROR ends it, errno says why
 * @data: for @note
 * @restart: called with @data before the first attempt and, when the kernel's
 *	tables changed under the dump, before each further one; may be NULL
 *
 * A failure closes the socket.
 *
 * Return: 0 or -errno.
 */
int rtnl_dump(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t note, void *data,
	      void (*restart)(void *data));

/**
 * rtnl_change() - send a request and wait for the kernel's verdict
 * @rtnl: the object
 * @nlh: the message
 *
 * Return: 0 or -errno, the kernel's own.
 */
int rtnl_change(struct rtnl *rtnl, struct nlmsghdr *nlh);

/**
 * rtnl_resend() - send a message that the kernel sent, as a request
 * @rtnl: the object
 * @from: RTM_NEWADDR or RTM_NEWROUTE, as the kernel sent it
 * @type: RTM_NEW* or RTM_DEL* of the same kind
 * @flags: NLM_F_* besides NLM_F_REQUEST
 * @elapsed_s: seconds since @from was received; lifetimes are shortened by them
 *
 * What the kernel only reports, and refuses in a request, is left out. An IPv6
 * address is not checked for duplicates again. A lifetime that has passed is one
 * second.
 *
 * Return: 0 or -errno, the kernel's own.
 */
int rtnl_resend(struct rtnl *rtnl, const struct nlmsghdr *from, uint16_t type, uint16_t flags,
		uint32_t elapsed_s);

#endif /* HVKVP_NET_RTNL_H */
