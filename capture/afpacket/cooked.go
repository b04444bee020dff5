//go:build linux && cgo

package afpacket

/*
#cgo LDFLAGS: -lpcap
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <pcap.h>

struct cooked {
	pcap_t *handle;
	struct pcap_pkthdr *header; // of a packet that waits for room; libpcap keeps it until the next
	const u_char *data;
};

struct record {
	int64_t ns;
	uint32_t octets, wire;
};

// open_cooked opens an interface; it returns NULL and the reason.
static struct cooked *open_cooked(_GoString_ name, int snap, int promiscuous, int buffer, int timeout, int link,
		int direction, _GoString_ text, char *why, size_t size) {
	struct bpf_program program;
	char *device = strndup(_GoStringPtr(name), _GoStringLen(name));
	char *copy = strndup(_GoStringPtr(text), _GoStringLen(text));
	struct cooked *c = calloc(1, sizeof *c);
	int status = PCAP_ERROR;
	if (device != NULL && copy != NULL && c != NULL && (c->handle = pcap_create(device, why)) != NULL) {
		pcap_set_snaplen(c->handle, snap);
		pcap_set_promisc(c->handle, promiscuous);
		pcap_set_buffer_size(c->handle, buffer);
		pcap_set_timeout(c->handle, timeout);
		pcap_set_tstamp_precision(c->handle, PCAP_TSTAMP_PRECISION_NANO);
		status = pcap_activate(c->handle);
		if (status >= 0 && pcap_datalink(c->handle) != link && (status = pcap_set_datalink(c->handle, link)) == 0)
			status = 0;
		if (status >= 0 && direction >= 0)
			status = pcap_setdirection(c->handle, direction);
		if (status >= 0 && (status = pcap_compile(c->handle, &program, copy, 1, PCAP_NETMASK_UNKNOWN)) >= 0) {
			status = pcap_setfilter(c->handle, &program);
			pcap_freecode(&program);
		}
		if (status >= 0)
			status = pcap_setnonblock(c->handle, 1, why);
		if (status < 0) {
			const char *reason = pcap_geterr(c->handle);
			strncpy(why, *reason != 0 ? reason : pcap_statustostr(status), size - 1);
			pcap_close(c->handle);
		}
	}
	free(device);
	free(copy);
	if (status < 0) {
		free(c);
		c = NULL;
	}
	return c;
}

// gather reads up to most packets into room, and returns how many; -1 is an error. It
// waits for the first at most as long as the timeout.
static int gather(struct cooked *c, unsigned char *room, size_t size, struct record *out, int most, int timeout) {
	int n = 0;
	while (n < most) {
		if (c->header == NULL) {
			int got = pcap_next_ex(c->handle, &c->header, &c->data);
			if (got == 0 && n == 0) { // libpcap itself would wait for ever
				struct pollfd quiet = { .fd = pcap_get_selectable_fd(c->handle), .events = POLLIN };
				poll(&quiet, 1, timeout);
				got = pcap_next_ex(c->handle, &c->header, &c->data);
			}
			if (got != 1) {
				c->header = NULL;
				return got < 0 && n == 0 ? -1 : n;
			}
		}
		if (c->header->caplen > size)
			return n;
		memcpy(room, c->data, c->header->caplen);
		room += c->header->caplen;
		size -= c->header->caplen;
		out[n].ns = (int64_t)c->header->ts.tv_sec * 1000000000 + c->header->ts.tv_usec;
		out[n].octets = c->header->caplen;
		out[n++].wire = c->header->len;
		c->header = NULL;
	}
	return n;
}

static int count_cooked(struct cooked *c, unsigned *received, unsigned *dropped) {
	struct pcap_stat s;
	if (pcap_stats(c->handle, &s) < 0)
		return -1;
	*received = s.ps_recv;
	*dropped = s.ps_drop;
	return 0;
}

static const char *trouble_of(struct cooked *c) { return pcap_geterr(c->handle); }

static void close_cooked(struct cooked *c) {
	pcap_close(c->handle);
	free(c);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"whydrop/capture"
)

// A cooked is a capture by libpcap: of all interfaces together, in Linux cooked mode
// v2, or of one that is not Ethernet.
type cooked struct {
	handle  *C.struct_cooked
	link    capture.LinkType
	records [batchFrames]C.struct_record

	mu    sync.Mutex // libpcap keeps its counters in the handle
	count Counters
	was   [2]uint32
}

func openCooked(o *Options) (*cooked, error) {
	link := o.Link
	if o.Interface == AnyInterface {
		link = capture.LinkLinuxSLL2
	}
	promiscuous, direction := 0, -1
	if o.Promiscuous && o.Interface != AnyInterface {
		promiscuous = 1
	}
	switch o.Direction {
	case capture.Inbound:
		direction = C.PCAP_D_IN
	case capture.Outbound:
		direction = C.PCAP_D_OUT
	}
	dlt := int(link)
	if link == capture.LinkRaw {
		dlt = C.DLT_RAW
	}
	var why [C.PCAP_ERRBUF_SIZE]C.char
	h := C.open_cooked(o.Interface, C.int(o.SnapLength), C.int(promiscuous), C.int(o.Buffer), C.int(pollTimeout/time.Millisecond),
		C.int(dlt), C.int(direction), o.Expression, &why[0], C.PCAP_ERRBUF_SIZE)
	if h == nil {
		return nil, fmt.Errorf("%s: %s", o.Interface, C.GoString(&why[0]))
	}
	return &cooked{handle: h, link: link}, nil
}

func (c *cooked) fill(b *slab) error {
	room := b.octets[:cap(b.octets)]
	n := int(C.gather(c.handle, (*C.uchar)(&room[0]), C.size_t(len(room)), &c.records[0], batchFrames, C.int(pollTimeout/time.Millisecond)))
	if n < 0 {
		text := C.GoString(C.trouble_of(c.handle))
		if strings.Contains(text, "down") {
			return errTrouble
		}
		return errors.New(text)
	}
	start := 0
	for i := range n {
		r := &c.records[i]
		end := start + int(r.octets)
		b.frames = append(b.frames, capture.Frame{
			Data: room[start:end:end], Time: int64(r.ns), HasTime: true, WireLength: uint32(r.wire), Link: c.link,
		})
		start = end
	}
	b.octets = room[:start]
	if n == 0 {
		return errQuiet
	}
	return nil
}

// counted adds up what libpcap counts in 32 bits.
func (c *cooked) counted() (Counters, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var received, dropped C.uint
	if C.count_cooked(c.handle, &received, &dropped) < 0 {
		return c.count, errors.New("libpcap has no counters")
	}
	c.count.Matched += uint64(uint32(received) - c.was[0])
	c.count.Dropped += uint64(uint32(dropped) - c.was[1])
	c.was = [2]uint32{uint32(received), uint32(dropped)}
	return c.count, nil
}

func (c *cooked) calm() {}

func (c *cooked) close() { C.close_cooked(c.handle) }
