/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The few kernel structures that drop.bpf.c reads, the helpers that it calls and the kinds of its
 * maps. CO-RE finds the members by name in the BTF of the running kernel and puts their offsets in
 * at load time, so neither vmlinux.h nor libbpf is needed, and the order here means nothing.
 */
#ifndef WHYDROP_KERNEL_H
#define WHYDROP_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;

#define SEC(name) __attribute__((section(name), used))
#define inline_always inline __attribute__((always_inline))
#define inline_never __attribute__((noinline))
#define hide(v) asm volatile("" : "+r"(v)) /* from the optimiser what is known of v */
#define core __attribute__((preserve_access_index))

/* BTF-defined maps, as the loaders read them. */
#define __uint(name, n) int (*name)[n]
#define __type(name, t) t *name

enum { /* enum bpf_map_type, include/uapi/linux/bpf.h */
	map_hash = 1,
	map_percpu_array = 6,
	map_stack_trace = 7,
	map_ringbuf = 27,
};

/* Helpers, by their numbers in include/uapi/linux/bpf.h. */
static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static __u64 (*ktime_ns)(void) = (void *)5;
static __u64 (*current_pid_tgid)(void) = (void *)14;
static long (*current_comm)(void *to, __u32 size) = (void *)16;
static long (*get_stackid)(void *ctx, void *map, __u64 flags) = (void *)27;
static long (*read_kernel)(void *to, __u32 size, const void *from) = (void *)113;
static __u64 (*jiffies64)(void) = (void *)118;
static long (*ringbuf_output)(void *ring, void *data, __u64 size, __u64 flags) = (void *)130;
static __u64 (*ringbuf_query)(void *ring, __u64 what) = (void *)134;

#define update_any 0
#define update_noexist 1
#define ring_no_wakeup 1
#define ring_force_wakeup 2
#define ring_avail_data 0

/* Does the running kernel have this member? BPF_FIELD_EXISTS of the CO-RE relocations. */
#define exists(member) __builtin_preserve_field_info(member, 2)

/* Believe that a struct of this type lies at p, and read it directly: since 6.2. */
extern void *bpf_rdonly_cast(const void *p, __u32 type) __attribute__((section(".ksyms")));
#define rdonly_cast(p, type) bpf_rdonly_cast(p, type)
#define type_id(type) __builtin_btf_type_id(*(type *)0, 1) /* in the running kernel */

/* The ways to read the kernel's memory, the fastest last. */
#define by_helper 0
#define by_type 1 /* where the verifier knows the type of the pointer: tp_btf */
#define by_cast 2 /* by type, and headers by rdonly_cast */

/* Read a member: directly where the verifier knows the pointer's type, else by a helper. */
#define get(way, p, member)                                             \
	({                                                              \
		typeof((p)->member) v_ = 0;                             \
		if (way)                                             \
			v_ = (p)->member;                               \
		else                                                    \
			read_kernel(&v_, sizeof(v_), &(p)->member);     \
		v_;                                                     \
	})

struct ns_common {
	unsigned int inum;
} core;

struct net {
	struct ns_common ns;
} core;

typedef struct {
	struct net *net;
} core possible_net_t;

struct net_device {
	possible_net_t nd_net;
	int ifindex;
} core;

struct in6_addr {
	__u8 octets[16];
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} core;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
} core;

struct dst_entry {
	struct net_device *dev;
} core;

struct skb_shared_info {
	unsigned short gso_segs;
} core;

struct sk_buff {
	unsigned int end;
	unsigned int tail;
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	unsigned char *head;
	__u16 network_header;
	__u16 mac_header;
	__u16 protocol;
	unsigned int len;
	int skb_iif;
} core;

/* Of the headers only the size and the name are needed: their layout is that of the wire. */
struct iphdr {
	__u8 protocol;
} core;

struct ipv6hdr {
	__u8 nexthdr;
} core;

struct tcphdr {
	__u16 source;
} core;

/* Not read: asked only whether the tracepoint has a reason (5.17) and a socket (6.11). */
enum skb_drop_reason { SKB_NOT_DROPPED_YET };

struct trace_event_raw_kfree_skb {
	void *rx_sk;
	enum skb_drop_reason reason;
} core;

#endif
