/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Every packet that the kernel throws away passes the tracepoint skb:kfree_skb. This program sums
 * the events up by reason, function, interfaces and addresses, and hands out the headers of the
 * first of each key. A drop costs about as much as reading its headers: the sums are kept in a
 * small table of each CPU (recent), which spills into the common one (drops) only when another key
 * wants the place.
 *
 * A BPF program of a tracepoint is not entered again on the CPU on which it runs (the kernel
 * counts that as a miss), so what is per CPU needs no atomic operation.
 */
#include "kernel.h"

#define CONST const volatile

/* Set by the loader; frozen afterwards. */
CONST __u32 only_netns = 0;           /* inode of the namespace of the capture */
CONST __u64 noise[4] = {};            /* reasons that are never a loss, one bit each */
CONST __u32 reason_netfilter = ~0u;   /* NETFILTER_DROP */
CONST __u32 reason_unspecified = ~0u; /* NOT_SPECIFIED */
CONST __u32 reason_purge = ~0u;       /* QUEUE_PURGE */
CONST __u32 reason_old = ~0u;         /* TCP_OLD_SEQUENCE */
CONST __u32 samples_per_key = 64;
CONST __u32 samples_per_window = 8192; /* of each CPU */
CONST __u32 keys_per_window = 4096;    /* of each CPU */

#define window_shift 30 /* of nanoseconds: windows of 1.07 s */

#define ethertype_ip 0x0800
#define ethertype_arp 0x0806
#define ethertype_ip6 0x86dd
#define family_inet 2
#define family_inet6 10
#define proto_icmp 1
#define proto_tcp 6
#define proto_udp 17
#define proto_icmp6 58
#define tcp_offset 12     /* of the octet with the length of the TCP header */
/* Of a sample: the longest IPv4 header and that of TCP, or IPv6, TCP and its timestamps. */
#define header_octets 80

struct key {
	__u64 function;
	__u32 reason;
	__u32 ifindex;
	__u32 iif; /* 0: sent by this host */
	__u16 sport, dport;
	__u8 src[16], dst[16];
	__u16 ether;
	__u8 proto;
	__u8 unused[5];
};

struct sums {
	__u64 events, segments, octets, empty, first, last;
};

struct value {
	struct sums sums;
	__s32 stack;
	__u32 pid;
	__u8 comm[16];
};

struct slot {
	struct key key;
	struct sums sums;
	__u64 before; /* events of the key when it came into this slot */
	__u64 credit; /* how often others may pass before it loses the slot */
};

struct sample {
	struct key key;
	__u64 time;
	__u32 octets;
	__u16 segments;
	__u16 linear; /* octets from the IP header on that lie in the linear part */
	__u8 header[header_octets];
};

struct work {
	__u64 counted;   /* events that were taken into account */
	__u64 noise;     /* innocent ones */
	__u64 lost;      /* that no table had room for */
	__u64 unsampled; /* samples that the ring had no room for */
	__u64 made;      /* keys */
	__u64 tick, now; /* the clock, read once a tick */
	__u64 window, keys, sampled; /* of this window */
	struct sample sample;
	__u8 head[header_octets];
};

struct {
	__uint(type, map_hash);
	__uint(max_entries, 16384);
	__type(key, struct key);
	__type(value, struct value);
} drops SEC(".maps");

/* What came too fast, or found drops full: without addresses and ports. */
struct {
	__uint(type, map_hash);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct value);
} rest SEC(".maps");

#define first_credit 8
#define most_credit 64
#define recent_bits 10
#define recent_slots (1 << recent_bits)

struct {
	__uint(type, map_percpu_array);
	__uint(max_entries, recent_slots);
	__type(key, __u32);
	__type(value, struct slot);
} recent SEC(".maps");

struct {
	__uint(type, map_percpu_array);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

#define ring_octets (1 << 20)

struct {
	__uint(type, map_ringbuf);
	__uint(max_entries, ring_octets);
} samples SEC(".maps");

#define stack_depth 40

struct {
	__uint(type, map_stack_trace);
	__uint(max_entries, 2048);
	__uint(key_size, 4);
	__uint(value_size, stack_depth * 8);
} stacks SEC(".maps");

static inline_always __u16 swap16(__u16 v) { return __builtin_bswap16(v); }

static inline_always __u16 be16(const __u8 *b) { return b[0] << 8 | b[1]; }

/* The arguments of the tracepoint. */
struct drop {
	void *ctx;
	struct sk_buff *skb;
	struct sock *rx; /* the socket that refused it; or none */
	__u64 function;
	__u32 reason;
};

static inline_always __u32 netns_of_device(const int direct, struct net_device *dev)
{
	struct net *net = get(direct, dev, nd_net.net);

	return net ? get(direct, net, ns.inum) : 0;
}

static inline_always int socket_is_ours(const int direct, struct sock *sk)
{
	struct net *net = get(direct, sk, __sk_common.skc_net.net);

	return net && get(direct, net, ns.inum) == only_netns;
}

/*
 * Is it of our namespace? TCP reuses skb->dev as a link of its queues and UDP for its own sums, so
 * a device is believed only if it is ours, or nobody knows better.
 */
static inline_always int is_ours(const int direct, struct drop *d, __u32 *ifindex)
{
	struct net_device *dev = get(direct, d->skb, dev);
	struct dst_entry *dst;
	struct sock *sk;
	__u32 inum = 0;

	if (dev)
		inum = netns_of_device(direct, dev);
	if (inum == only_netns) {
		*ifindex = get(direct, dev, ifindex);
		return 1;
	}
	if (d->rx)
		return socket_is_ours(direct, d->rx);
	sk = get(direct, d->skb, sk);
	if (sk)
		return socket_is_ours(direct, sk);
	dst = (struct dst_entry *)(get(direct, d->skb, _skb_refdst) & ~7UL);
	if (inum || !dst)
		return 0;
	dev = get(0, dst, dev);
	if (!dev || netns_of_device(0, dev) != only_netns)
		return 0;
	*ifindex = get(0, dev, ifindex);
	return 1;
}

static inline_always void clear_addresses(struct key *k)
{
	__u64 *words = (__u64 *)k->src;

	words[0] = words[1] = words[2] = words[3] = 0;
	k->sport = k->dport = 0;
}

static inline_always void set_addresses4(struct key *k, const void *src, const void *dst)
{
	__u32 *s = (__u32 *)k->src, *d = (__u32 *)k->dst;

	s[2] = d[2] = 0xffff0000; /* ::ffff:0:0/96, RFC 4291 section 2.5.5.2; little-endian */
	s[3] = *(const __u32 *)src;
	d[3] = *(const __u32 *)dst;
}

/* No IP header was written yet (IP_OUTNOROUTES): the socket knows who speaks to whom. */
static inline_always int from_socket(const int direct, struct key *k, struct sock *sk)
{
	__u16 family;

	if (!sk)
		return 0;
	family = get(direct, sk, __sk_common.skc_family);
	if (family == family_inet) {
		__u32 src = get(direct, sk, __sk_common.skc_rcv_saddr);
		__u32 dst = get(direct, sk, __sk_common.skc_daddr);

		set_addresses4(k, &src, &dst);
		k->ether = ethertype_ip;
	} else if (family == family_inet6) {
		read_kernel(k->src, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		read_kernel(k->dst, 16, &sk->__sk_common.skc_v6_daddr);
		k->ether = ethertype_ip6;
	} else {
		return 0;
	}
	k->sport = get(direct, sk, __sk_common.skc_num);
	k->dport = swap16(get(direct, sk, __sk_common.skc_dport));
	k->proto = get(direct, sk, sk_protocol);
	return 1;
}

static inline_always __s32 not_negative(__s32 n) { return n > 0 ? n : 0; }

/* Ports or ICMP type and code, from the octets at offset; returns the octets of payload. */
static inline_always __s32 transport(struct key *k, const __u8 *head, __u32 offset, __s32 octets)
{
	switch (k->proto) {
	case proto_tcp:
		k->sport = be16(head + offset);
		k->dport = be16(head + offset + 2);
		return not_negative(octets - (head[offset + tcp_offset] >> 4) * 4);
	case proto_udp:
		k->sport = be16(head + offset);
		k->dport = be16(head + offset + 2);
		return not_negative(octets - 8);
	case proto_icmp:
	case proto_icmp6:
		k->sport = head[offset];
		k->dport = head[offset + 1];
		return not_negative(octets - 8);
	}
	return not_negative(octets);
}

/* Fills in what the headers say; returns the octets of payload, or -1 where there are no headers. */
static inline_always __s32 from_headers(struct key *k, struct sample *s, const __u8 *head)
{
	__u32 offset = (head[0] & 0xf) << 2;
	__u32 total = be16(head + 2);

	if (k->ether == ethertype_ip && head[0] >> 4 == 4) {
		k->proto = head[9];
		set_addresses4(k, head + 12, head + 16);
		if (total) /* 0: longer than 64 KiB (BIG TCP) */
			s->octets = total;
		if (be16(head + 6) & 0x1fff)
			return 1; /* a later fragment: no ports, and payload for certain */
		return transport(k, head, offset, s->octets - offset);
	}
	if (k->ether == ethertype_ip6 && head[0] >> 4 == 6) {
		k->proto = head[6];
		__builtin_memcpy(k->src, head + 8, 16);
		__builtin_memcpy(k->dst, head + 24, 16);
		if (be16(head + 4))
			s->octets = be16(head + 4) + 40;
		return transport(k, head, 40, s->octets - 40);
	}
	if (k->ether == ethertype_arp && total == ethertype_ip) {
		set_addresses4(k, head + 14, head + 24); /* RFC 826: sender, target */
		return 1;
	}
	return -1;
}

/*
 * Fills in the key and the head of the sample; returns the octets of payload, -1 if there were no
 * headers to read, or -2 if the packet is not of IP or ARP.
 */
static inline_always __s32 describe(const int direct, struct drop *d, struct work *w)
{
	struct sample *s = &w->sample;
	struct key *k = &s->key;
	__u16 network = get(direct, d->skb, network_header);
	__u16 mac = get(direct, d->skb, mac_header);
	unsigned char *head = get(direct, d->skb, head);
	__u32 tail = get(direct, d->skb, tail);
	struct sock *sk;
	__s32 payload;

	k->ether = swap16(get(direct, d->skb, protocol));
	if (k->ether && k->ether != ethertype_ip && k->ether != ethertype_ip6 && k->ether != ethertype_arp)
		return -2;
	s->octets = get(direct, d->skb, len);
	s->linear = 0;
	if (!network && mac != 0xffff)
		network = mac + 14; /* before ip_rcv */
	if (k->ether && !read_kernel(w->head, header_octets, head + network)) {
		payload = from_headers(k, s, w->head);
		if (payload >= 0) {
			if (tail > network)
				s->linear = tail - network < header_octets ? tail - network : header_octets;
			return payload;
		}
	}
	sk = get(direct, d->skb, sk);
	return from_socket(direct, k, sk) || k->ether ? -1 : -2;
}

static inline_always __u32 slot_of(const struct key *k)
{
	const __u64 *w = (const __u64 *)k;
	__u64 h = w[0] * 0x9e3779b97f4a7c15 + w[1] * 0xc2b2ae3d27d4eb4f + w[2] * 0x165667b19e3779f9 +
		  (w[3] ^ w[5]) * 0xd6e8feb86659fd93 + w[4] * 0xff51afd7ed558ccd + w[6] * 0xa0761d6478bd642f + w[7];

	return (h ^ h >> 32) * 0xe7037ed1a0b428db >> (64 - recent_bits);
}

static inline_always int same(const struct key *a, const struct key *b)
{
	const __u64 *v = (const __u64 *)a, *w = (const __u64 *)b;

	return v[0] == w[0] && v[1] == w[1] && v[2] == w[2] && v[3] == w[3] && v[4] == w[4] && v[5] == w[5] &&
	       v[6] == w[6] && v[7] == w[7];
}

static inline_always void add(struct sums *to, const struct sums *more)
{
	__sync_fetch_and_add(&to->events, more->events);
	__sync_fetch_and_add(&to->segments, more->segments);
	__sync_fetch_and_add(&to->octets, more->octets);
	__sync_fetch_and_add(&to->empty, more->empty);
	to->last = more->last;
}

/* Adds sums to a key of drops, or of rest where that is full. */
static inline_always int spill(const struct key *k, const struct sums *sums)
{
	struct value fresh = {.sums = *sums, .stack = -1};
	struct value *v = map_lookup(&drops, k);

	if (!v && !map_update(&drops, k, &fresh, update_noexist))
		return 1;
	if (!v)
		v = map_lookup(&drops, k); /* another CPU was faster */
	if (!v && !map_update(&rest, k, &fresh, update_noexist))
		return 1;
	if (!v)
		v = map_lookup(&rest, k);
	if (!v)
		return 0;
	add(&v->sums, sums);
	return 1;
}

/* A new key: who sends, and by which way through the kernel. Neither is worth it for every drop. */
static inline_always struct value *first_seen(struct drop *d, struct work *w, const struct key *k, __u64 now)
{
	struct value fresh = {.stack = -1};

	if (++w->keys > keys_per_window)
		return 0;
	fresh.sums.first = fresh.sums.last = now;
	if (!k->iif) {
		fresh.pid = current_pid_tgid() >> 32;
		current_comm(fresh.comm, sizeof(fresh.comm));
	}
	if (!k->iif || d->reason == reason_netfilter || d->reason == reason_unspecified)
		fresh.stack = get_stackid(d->ctx, &stacks, 0);
	if (!map_update(&drops, k, &fresh, update_noexist))
		w->made++;
	return map_lookup(&drops, k);
}

/* Gives the slot to the key of w, of which there were so many events before. */
static inline_always void take(struct work *w, struct slot *slot, __u64 before)
{
	if (slot->sums.events && !spill(&slot->key, &slot->sums))
		w->lost += slot->sums.events;
	__builtin_memset(&slot->sums, 0, sizeof(slot->sums));
	slot->key = w->sample.key;
	slot->before = before;
	slot->credit = first_credit;
}

/* Hands the headers out. Nobody is woken for less than half a ring: the reader comes by often. */
static inline_always void hand_out(struct work *w)
{
	__u64 flags = ring_no_wakeup;

	if (samples_per_window && ++w->sampled > samples_per_window) {
		w->unsampled++;
		return;
	}
	if (ringbuf_query(&samples, ring_avail_data) > ring_octets / 2)
		flags = ring_force_wakeup;
	w->sample.time = ktime_ns();
	__builtin_memcpy(w->sample.header, w->head, header_octets);
	if (ringbuf_output(&samples, &w->sample, sizeof(w->sample), flags))
		w->unsampled++;
}

/* To read the clock costs as much as all the sums: of what comes in one tick, only the first does. */
static inline_always __u64 clock(struct work *w)
{
	__u64 tick = jiffies64();

	if (w->tick != tick) {
		w->tick = tick;
		w->now = ktime_ns();
	}
	return w->now;
}

static inline_always void count(struct sums *sums, const struct sums *one, __u64 now)
{
	if (!sums->events++)
		sums->first = now;
	sums->segments += one->segments;
	sums->octets += one->octets;
	sums->empty += one->empty;
	if (now > sums->last) /* a sample has its own time, later than that of the tick */
		sums->last = now;
}

static inline_always struct slot *slot_at(const struct key *k)
{
	__u32 index = slot_of(k);

	return map_lookup(&recent, &index);
}

static inline_always int account(struct drop *d, struct work *w, __u16 segments, __s32 payload)
{
	struct sample *s = &w->sample;
	__u64 now = clock(w);
	struct sums one = {1, segments, s->octets, !payload, now, now};
	struct slot *slot = slot_at(&s->key);
	struct value *v = 0;
	__u64 before;

	w->counted++;
	if (now >> window_shift != w->window) {
		w->window = now >> window_shift;
		w->keys = w->sampled = 0;
	}
	if (!slot)
		return 0;
	if (same(&slot->key, &s->key)) {
		before = slot->before + slot->sums.events;
		if (slot->credit < most_credit)
			slot->credit++;
	} else {
		v = map_lookup(&drops, &s->key);
		if (!v)
			v = first_seen(d, w, &s->key, now);
		if (!v) { /* too many new ones, or no room: their addresses are forgotten */
			clear_addresses(&s->key);
			slot = slot_at(&s->key);
			if (!slot)
				return 0;
			if (!same(&slot->key, &s->key))
				take(w, slot, ~0u);
			count(&slot->sums, &one, now);
			return 0;
		}
		before = v->sums.events;
		/* To change hands costs more than to go without: who comes back keeps the slot. */
		if (!slot->credit--) {
			take(w, slot, before);
			v = 0;
		}
	}
	if (before < samples_per_key) {
		s->segments = segments;
		hand_out(w);
		now = one.last = s->time;
	}
	if (v) {
		add(&v->sums, &one);
		return 0;
	}
	count(&slot->sums, &one, now);
	return 0;
}

static inline_always __u16 wire_packets(const int direct, struct sk_buff *skb)
{
	struct skb_shared_info *shared = (void *)(get(direct, skb, head) + get(direct, skb, end));
	__u16 segments = get(0, shared, gso_segs);

	return segments ? segments : 1;
}

static inline_always int is_noise(__u32 reason)
{
	__u32 word = reason >> 6;

	hide(word); /* or clang shifts and masks in an order in which the verifier sees no bound */
	return word < 4 && noise[word] >> (reason & 63) & 1;
}

static inline_always int drop(const int direct, struct drop *d)
{
	__u32 zero = 0, ifindex = 0, reason = d->reason;
	struct work *w;
	__s32 payload;

	if (is_noise(reason))
		return 0;
	if (!is_ours(direct, d, &ifindex))
		return 0;
	w = map_lookup(&works, &zero);
	if (!w)
		return 0;
	__builtin_memset(&w->sample.key, 0, sizeof(w->sample.key));
	w->sample.key.function = d->function;
	w->sample.key.reason = reason;
	w->sample.key.ifindex = ifindex;
	w->sample.key.iif = get(direct, d->skb, skb_iif);
	payload = describe(direct, d, w);
	if (payload == -2)
		return 0;
	/* The FIN of every connection is purged with its queue; so is what raw sockets left unread. */
	if (reason == reason_purge && (payload <= 0 || !get(direct, d->skb, len))) {
		w->noise++;
		return 0;
	}
	/* Keep-alives and probes of a closed window have one octet or none. */
	if (reason == reason_old && (payload == 0 || payload == 1)) {
		w->noise++;
		return 0;
	}
	return account(d, w, wire_packets(direct, d->skb), payload);
}

/* Since 5.17 the third argument is the reason, since 6.11 the fourth is the receiving socket. */
static inline_always void arguments(struct drop *d, __u64 *ctx)
{
	struct trace_event_raw_kfree_skb *event = 0;

	d->ctx = ctx;
	d->skb = (struct sk_buff *)ctx[0];
	d->function = ctx[1];
	d->reason = exists(event->reason) ? ctx[2] : reason_unspecified;
	d->rx = exists(event->rx_sk) ? (struct sock *)ctx[3] : 0;
}

SEC("tp_btf/kfree_skb")
int drop_typed(__u64 *ctx)
{
	struct drop d;

	arguments(&d, ctx);
	return drop(1, &d);
}

SEC("raw_tp/kfree_skb")
int drop_raw(__u64 *ctx)
{
	struct drop d;

	arguments(&d, ctx);
	return drop(0, &d);
}

/* Names the type of what passes the ring, for the Go side. */
const struct sample *sample_type __attribute__((unused));

char _license[] SEC("license") = "Dual MIT/GPL";
