/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Every packet that the kernel throws away passes the tracepoint skb:kfree_skb. This program sums
 * the events up by reason, function, interfaces and addresses, and hands out the headers of the
 * first of each key. What a drop costs is mostly the memory it touches: the sums are kept in a small
 * table of each CPU (recent), which spills into the common one (drops) only when another key wants
 * the place. In a storm of more flows than that table holds, only so many drops a second are looked
 * up in the common one; the others are counted without their addresses.
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
CONST __u32 finds_per_window = 262144; /* of each CPU */
CONST __u32 seed[14] = {};             /* of the hash */

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
	__u64 events, octets, extra, empty, first, last; /* extra: wire packets beyond one of each event */
};

struct value {
	struct sums sums;
	struct key key;
	__s32 stack;
	__u32 pid;
	__u8 comm[16];
};

struct slot {
	struct key key;
	struct sums sums;
	__u64 before; /* events of the key when it came into this slot */
};

struct sample {
	struct key key;
	__u64 time;
	__u32 octets;
	__u16 segments;
	__u16 linear; /* octets from the IP header on that lie in the linear part */
	__u8 header[header_octets];
};

/* What every drop touches comes first, in one line of the cache. */
struct work {
	__u64 counted;   /* events that were taken into account */
	__u64 tick, now; /* the clock, read once a tick */
	__u64 window, keys, finds, sampled; /* of this window */
	__u64 woken;     /* the tick in which the reader was woken last */
	__u64 noise;     /* innocent ones */
	__u64 lost;      /* that no table had room for */
	__u64 unsampled; /* samples that the ring had no room for */
	__u64 made;      /* keys */
	__u64 nameless;  /* counted without addresses */
	struct value fresh; /* the stack has no room for it */
	struct sample sample;
};

struct {
	__uint(type, map_hash);
	__uint(max_entries, 16384);
	__type(key, __u64); /* the hash: to find it costs half of what the key itself does */
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
#define recent_bits 11
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

/*
 * What tells without a look at the tables whether they have a key. It is small, to stay in the
 * cache: of each slot of recent, 32 bits of the hash of its key, and how often others may pass
 * before that loses the slot; of drops, one bit of the hash of each key. In a flood from sources
 * without end nearly none is there, and to look each of them up would cost more than all else.
 */
#define known_bits 16
struct index {
	__u32 tags[recent_slots];
	__u8 credits[recent_slots];
	__u64 known[(1 << known_bits) / 64]; /* emptied with drops */
};

struct {
	__uint(type, map_percpu_array);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct index);
} indices SEC(".maps");

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

static inline_always __u16 be16(const void *b) { return swap16(*(const __u16 *)b); }

static inline_always __u32 word(const void *b) { return *(const __u32 *)b; }

/*
 * The arguments of the tracepoint, and what is found out: all on the stack, which is in the cache
 * of the CPU anyway.
 */
struct drop {
	void *ctx;
	struct sk_buff *skb;
	struct sock *rx;   /* the socket that refused it; or none */
	const __u8 *head;  /* where an IP header was looked for */
	struct sums sums;  /* of this one drop */
	__u16 segments;
	__u16 linear;      /* octets from the IP header on that lie in the linear part */
	struct key key;
};

static inline_always __u32 netns_of_device(const int way, struct net_device *dev)
{
	struct net *net = get(way, dev, nd_net.net);

	return net ? get(way, net, ns.inum) : 0;
}

static inline_always int socket_is_ours(const int way, struct sock *sk)
{
	struct net *net = get(way, sk, __sk_common.skc_net.net);

	return net && get(way, net, ns.inum) == only_netns;
}

/*
 * Is it of our namespace? TCP reuses skb->dev as a link of its queues and UDP for its own sums, so
 * a device is believed only if it is ours, or nobody knows better.
 */
static inline_always int is_ours(const int way, struct drop *d, __u32 *ifindex)
{
	struct net_device *dev = get(way, d->skb, dev);
	struct dst_entry *dst;
	struct sock *sk;
	__u32 inum = 0;

	if (dev)
		inum = netns_of_device(way, dev);
	if (inum == only_netns) {
		*ifindex = get(way, dev, ifindex);
		return 1;
	}
	if (d->rx)
		return socket_is_ours(way, d->rx);
	sk = get(way, d->skb, sk);
	if (sk)
		return socket_is_ours(way, sk);
	dst = (struct dst_entry *)(get(way, d->skb, _skb_refdst) & ~7UL);
	if (inum || !dst)
		return 0;
	dev = get(by_helper, dst, dev);
	if (!dev || netns_of_device(by_helper, dev) != only_netns)
		return 0;
	*ifindex = get(by_helper, dev, ifindex);
	return 1;
}

static inline_always void clear_addresses(struct key *k)
{
	__u64 *words = (__u64 *)k->src;

	words[0] = words[1] = words[2] = words[3] = 0;
	k->sport = k->dport = 0;
}

static inline_always void set_addresses4(struct key *k, __u32 src, __u32 dst)
{
	__u32 *s = (__u32 *)k->src, *d = (__u32 *)k->dst;

	s[2] = d[2] = 0xffff0000; /* ::ffff:0:0/96, RFC 4291 section 2.5.5.2; little-endian */
	s[3] = src;
	d[3] = dst;
}

/* No IP header was written yet (IP_OUTNOROUTES): the socket knows who speaks to whom. */
static inline_always int from_socket(const int way, struct key *k, struct sock *sk)
{
	__u16 family;

	if (!sk)
		return 0;
	family = get(way, sk, __sk_common.skc_family);
	if (family == family_inet) {
		set_addresses4(k, get(way, sk, __sk_common.skc_rcv_saddr), get(way, sk, __sk_common.skc_daddr));
		k->ether = ethertype_ip;
	} else if (family == family_inet6) {
		read_kernel(k->src, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		read_kernel(k->dst, 16, &sk->__sk_common.skc_v6_daddr);
		k->ether = ethertype_ip6;
	} else {
		return 0;
	}
	k->sport = get(way, sk, __sk_common.skc_num);
	k->dport = swap16(get(way, sk, __sk_common.skc_dport));
	k->proto = get(way, sk, sk_protocol);
	return 1;
}

static inline_always __s32 not_negative(__s32 n) { return n > 0 ? n : 0; }

/*
 * Where to read the header from that lies at p, offset octets into what describe copied: from the
 * packet itself where the verifier lets us, else from the copy.
 */
#define view(way, type, p, copy, offset)                                                             \
	((way) == by_cast ? (const __u8 *)rdonly_cast((p) + (offset), type_id(type)) : (copy) + (offset))

/* Ports or ICMP type and code; returns the octets of payload. */
static inline_always __s32 transport(struct key *k, const __u8 *head, __s32 octets)
{
	switch (k->proto) {
	case proto_tcp:
		k->sport = be16(head);
		k->dport = be16(head + 2);
		return not_negative(octets - (head[tcp_offset] >> 4) * 4);
	case proto_udp:
		k->sport = be16(head);
		k->dport = be16(head + 2);
		return not_negative(octets - 8);
	case proto_icmp:
	case proto_icmp6:
		k->sport = head[0];
		k->dport = head[1];
		return not_negative(octets - 8);
	}
	return not_negative(octets);
}

/* Fills in what the headers say; returns the octets of payload, or -1 where there are no headers. */
static inline_always __s32 from_headers(const int way, struct drop *d, const __u8 *copy)
{
	const __u8 *head = view(way, struct iphdr, d->head, copy, 0);
	struct key *k = &d->key;
	__u32 offset, total;

	if (k->ether == ethertype_ip && head[0] >> 4 == 4) {
		offset = (head[0] & 0xf) << 2;
		total = be16(head + 2);
		k->proto = head[9];
		set_addresses4(k, word(head + 12), word(head + 16));
		if (total) /* 0: longer than 64 KiB (BIG TCP) */
			d->sums.octets = total;
		if (be16(head + 6) & 0x1fff)
			return 1; /* a later fragment: no ports, and payload for certain */
		return transport(k, view(way, struct tcphdr, d->head, copy, offset), d->sums.octets - offset);
	}
	head = view(way, struct ipv6hdr, d->head, copy, 0);
	if (k->ether == ethertype_ip6 && head[0] >> 4 == 6) {
		k->proto = head[6];
		__builtin_memcpy(k->src, head + 8, 16);
		__builtin_memcpy(k->dst, head + 24, 16);
		if (be16(head + 4))
			d->sums.octets = be16(head + 4) + 40;
		return transport(k, view(way, struct tcphdr, d->head, copy, 40), d->sums.octets - 40);
	}
	if (k->ether == ethertype_arp && be16(head + 2) == ethertype_ip) {
		set_addresses4(k, word(head + 14), word(head + 24)); /* RFC 826: sender, target */
		return 1;
	}
	return -1;
}

/*
 * Fills in the key; returns the octets of payload, -1 if there were no headers to read, or -2 if
 * the packet is not of IP or ARP.
 */
static inline_always __s32 describe(const int way, struct drop *d, struct work *w)
{
	struct key *k = &d->key;
	__u16 network = get(way, d->skb, network_header);
	__u16 mac;
	__u32 tail = get(way, d->skb, tail);
	__s32 payload = -1;
	struct sock *sk;

	k->ether = swap16(get(way, d->skb, protocol));
	if (k->ether && k->ether != ethertype_ip && k->ether != ethertype_ip6 && k->ether != ethertype_arp)
		return -2;
	d->sums.octets = get(way, d->skb, len);
	if (!network) {
		mac = get(way, d->skb, mac_header);
		if (mac != 0xffff)
			network = mac + 14; /* before ip_rcv */
	}
	d->head = (const __u8 *)get(way, d->skb, head) + network;
	if (k->ether && (way == by_cast || !read_kernel(w->sample.header, header_octets, d->head)))
		payload = from_headers(way, d, w->sample.header);
	if (payload >= 0) {
		if (tail > network)
			d->linear = tail - network < header_octets ? tail - network : header_octets;
		return payload;
	}
	sk = get(way, d->skb, sk);
	return from_socket(way, k, sk) || k->ether ? -1 : -2;
}

/*
 * A product of each word's halves with a secret added (NH of RFC 4418 section 5.2.2), so that no
 * choice of addresses makes hashes equal.
 */
static inline_always __u64 hash_of(const struct key *k)
{
	const __u32 *v = (const __u32 *)k;
	__u64 h = v[14]; /* ether and proto */

	for (int i = 0; i < 14; i += 2)
		h += (__u64)(v[i] + seed[i]) * (v[i + 1] + seed[i + 1]);
	h = (h ^ h >> 32) * 0xe7037ed1a0b428db;
	return h ^ h >> 29;
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
	__sync_fetch_and_add(&to->octets, more->octets);
	if (more->extra)
		__sync_fetch_and_add(&to->extra, more->extra);
	if (more->empty)
		__sync_fetch_and_add(&to->empty, more->empty);
	to->last = more->last;
}

static inline_always struct value *find(const struct key *k, __u64 hash)
{
	struct value *v = map_lookup(&drops, &hash);

	return v && same(&v->key, k) ? v : 0;
}

static inline_always struct value *start(struct work *w, const struct key *k)
{
	struct value *fresh = &w->fresh;

	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->key = *k;
	fresh->stack = -1;
	return fresh;
}

/* Adds sums to a key of drops, or of rest where that is full. */
static inline_never int spill(struct work *w, const struct key *k, const struct sums *sums)
{
	__u64 hash = hash_of(k);
	struct value *v = find(k, hash), *fresh = start(w, k);

	fresh->sums = *sums;
	if (!v && !map_update(&drops, &hash, fresh, update_noexist))
		return 1;
	if (!v)
		v = find(k, hash); /* another CPU was faster */
	if (!v && !map_update(&rest, k, fresh, update_noexist))
		return 1;
	if (!v)
		v = map_lookup(&rest, k);
	if (!v)
		return 0;
	add(&v->sums, sums);
	return 1;
}

/* A new key: who sends, and by which way through the kernel. Neither is worth it for every drop. */
static inline_never struct value *first_seen(struct drop *d, struct work *w, __u64 hash)
{
	const struct key *k = &d->key;
	struct value *fresh;

	if (++w->keys > keys_per_window)
		return 0;
	fresh = start(w, k);
	fresh->sums.first = fresh->sums.last = d->sums.last;
	if (!k->iif) {
		fresh->pid = current_pid_tgid() >> 32;
		current_comm(fresh->comm, sizeof(fresh->comm));
	}
	if (!k->iif || k->reason == reason_netfilter || k->reason == reason_unspecified)
		fresh->stack = get_stackid(d->ctx, &stacks, 0);
	if (!map_update(&drops, &hash, fresh, update_noexist))
		w->made++;
	return find(k, hash);
}

/* Gives the slot to the key of d, of which there were so many events before. */
static inline_always void take(struct drop *d, struct work *w, struct slot *slot, __u64 before)
{
	if (slot->sums.events && !spill(w, &slot->key, &slot->sums))
		w->lost += slot->sums.events;
	__builtin_memset(&slot->sums, 0, sizeof(slot->sums));
	slot->key = d->key;
	slot->before = before;
}

/*
 * Hands the headers out. Nobody is woken for less than half a ring, nor twice in a tick: the reader
 * comes by often.
 */
static inline_always void hand_out(const int way, struct drop *d, struct work *w)
{
	struct sample *s = &w->sample;
	__u64 flags = ring_no_wakeup;

	if (samples_per_window && ++w->sampled > samples_per_window) {
		w->unsampled++;
		return;
	}
	if (ringbuf_query(&samples, ring_avail_data) > ring_octets / 2 && w->woken != w->tick) {
		w->woken = w->tick;
		flags = ring_force_wakeup;
	}
	if (way == by_cast && read_kernel(s->header, header_octets, d->head))
		d->linear = 0;
	s->key = d->key;
	s->octets = d->sums.octets;
	s->segments = d->segments;
	s->linear = d->linear;
	s->time = d->sums.last = ktime_ns();
	if (ringbuf_output(&samples, s, sizeof(*s), flags))
		w->unsampled++;
}

/* To read the clock costs as much as all the sums: of what comes in one tick, only the first does. */
static inline_always __u64 clock(struct work *w)
{
	__u64 tick = jiffies64();

	if (w->tick != tick) {
		w->tick = tick;
		w->now = ktime_ns();
		if (w->now >> window_shift != w->window) {
			w->window = w->now >> window_shift;
			w->keys = w->finds = w->sampled = 0;
		}
	}
	return w->now;
}

static inline_always int count(struct sums *sums, const struct sums *one)
{
	if (!sums->events++)
		sums->first = one->first;
	sums->extra += one->extra;
	sums->octets += one->octets;
	sums->empty += one->empty;
	if (one->last > sums->last) /* a sample has its own time, later than that of the tick */
		sums->last = one->last;
	return 0;
}

static inline_always __u32 slot_of(__u64 hash) { return hash >> (64 - recent_bits); }

static inline_always struct slot *slot_at(__u32 i) { return map_lookup(&recent, &i); }

/* The word of known with the bit of a hash, and that bit. */
static inline_always __u64 *known_at(struct index *x, __u64 hash)
{
	return &x->known[hash >> 32 & ((1 << known_bits) / 64 - 1)];
}

static inline_always __u64 known_bit(__u64 hash) { return 1ULL << (hash >> 26 & 63); }

/* Of a key that is new or rare, where too many are: its addresses are forgotten, it is not. */
static inline_never int nameless(struct drop *d, struct work *w, struct index *x)
{
	struct slot *slot;
	__u64 hash;
	__u32 i;

	clear_addresses(&d->key);
	hash = hash_of(&d->key);
	i = slot_of(hash);
	slot = slot_at(i);
	if (!slot)
		return 0;
	w->nameless++;
	if (!same(&slot->key, &d->key)) {
		take(d, w, slot, ~0u);
		x->tags[i & (recent_slots - 1)] = hash;
		x->credits[i & (recent_slots - 1)] = most_credit;
	}
	return count(&slot->sums, &d->sums);
}

/* Counts a drop whose key does not have its slot. */
static inline_always int account_other(const int way, struct drop *d, struct work *w, struct index *x, __u64 hash)
{
	__u32 i = slot_of(hash) & (recent_slots - 1);
	__u64 *known = known_at(x, hash), before;
	struct value *v = 0;
	struct slot *slot;

	if (w->finds > finds_per_window)
		return nameless(d, w, x);
	if (w->keys <= keys_per_window || *known & known_bit(hash)) {
		w->finds++;
		v = find(&d->key, hash);
	}
	if (!v)
		v = first_seen(d, w, hash);
	if (!v) /* too many new ones, or no room */
		return nameless(d, w, x);
	*known |= known_bit(hash);
	before = v->sums.events;
	if (before < samples_per_key)
		hand_out(way, d, w);
	/* To change hands costs more than to go without: who comes back keeps the slot. */
	if (!x->credits[i]) {
		slot = slot_at(i);
		if (!slot)
			return 0;
		take(d, w, slot, before);
		x->tags[i] = hash;
		x->credits[i] = first_credit;
		return count(&slot->sums, &d->sums);
	}
	x->credits[i]--;
	add(&v->sums, &d->sums);
	return 0;
}

static inline_always int account(const int way, struct drop *d, struct work *w, __s32 payload)
{
	__u64 hash = hash_of(&d->key);
	__u32 i = slot_of(hash) & (recent_slots - 1), zero = 0;
	struct index *x = map_lookup(&indices, &zero);
	struct slot *slot;

	if (!x)
		return 0;
	w->counted++;
	d->sums.events = 1;
	d->sums.extra = d->segments - 1;
	d->sums.empty = !payload;
	d->sums.first = d->sums.last = clock(w);
	if (x->tags[i] != (__u32)hash)
		return account_other(way, d, w, x, hash);
	slot = slot_at(i);
	if (!slot)
		return 0;
	if (!same(&slot->key, &d->key))
		return account_other(way, d, w, x, hash);
	if (slot->before + slot->sums.events < samples_per_key)
		hand_out(way, d, w);
	if (x->credits[i] < most_credit)
		x->credits[i]++;
	return count(&slot->sums, &d->sums);
}

static inline_always __u16 wire_packets(const int way, struct sk_buff *skb)
{
	struct skb_shared_info *shared = (void *)(get(way, skb, head) + get(way, skb, end));
	__u16 segments;

	if (way == by_cast) {
		shared = rdonly_cast(shared, type_id(struct skb_shared_info));
		segments = shared->gso_segs;
	} else {
		segments = get(by_helper, shared, gso_segs);
	}
	return segments ? segments : 1;
}

static inline_always int is_noise(__u32 reason)
{
	__u32 word = reason >> 6;

	hide(word); /* or clang shifts and masks in an order in which the verifier sees no bound */
	return word < 4 && noise[word] >> (reason & 63) & 1;
}

static inline_always int drop(const int way, struct drop *d)
{
	__u32 zero = 0, reason = d->key.reason;
	struct work *w;
	__s32 payload;

	if (is_noise(reason))
		return 0;
	if (!is_ours(way, d, &d->key.ifindex))
		return 0;
	w = map_lookup(&works, &zero);
	if (!w)
		return 0;
	d->key.iif = get(way, d->skb, skb_iif);
	payload = describe(way, d, w);
	if (payload == -2)
		return 0;
	/* The FIN of every connection is purged with its queue; so is what raw sockets left unread. */
	if (reason == reason_purge && (payload <= 0 || !get(way, d->skb, len))) {
		w->noise++;
		return 0;
	}
	/* Keep-alives and probes of a closed window have one octet or none. */
	if (reason == reason_old && (payload == 0 || payload == 1)) {
		w->noise++;
		return 0;
	}
	d->segments = wire_packets(way, d->skb);
	return account(way, d, w, payload);
}

/* Since 5.17 the third argument is the reason, since 6.11 the fourth is the receiving socket. */
static inline_always void arguments(struct drop *d, __u64 *ctx)
{
	struct trace_event_raw_kfree_skb *event = 0;

	d->ctx = ctx;
	d->skb = (struct sk_buff *)ctx[0];
	d->key.function = ctx[1];
	d->key.reason = exists(event->reason) ? ctx[2] : reason_unspecified;
	d->rx = exists(event->rx_sk) ? (struct sock *)ctx[3] : 0;
}

/* Since 6.2 a header is read in place. */
SEC("tp_btf/kfree_skb")
int drop_cast(__u64 *ctx)
{
	struct drop d = {};

	arguments(&d, ctx);
	return drop(by_cast, &d);
}

SEC("tp_btf/kfree_skb")
int drop_typed(__u64 *ctx)
{
	struct drop d = {};

	arguments(&d, ctx);
	return drop(by_type, &d);
}

SEC("raw_tp/kfree_skb")
int drop_raw(__u64 *ctx)
{
	struct drop d = {};

	arguments(&d, ctx);
	return drop(by_helper, &d);
}

/* Names the type of what passes the ring, for the Go side. */
const struct sample *sample_type __attribute__((unused));

char _license[] SEC("license") = "Dual MIT/GPL";
