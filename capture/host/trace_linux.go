package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

const (
	// traceTable begins the name of the table that marks packets to be traced. The
	// rest names its maker: the namespace of processes, the process, and its start.
	traceTable = "whydrop_trace_"

	// tracePriority is before all that may drop: raw is -300, conntrack -200.
	tracePriority = -350

	// traceRate and traceBurst bound the packets that are traced, per interface and
	// direction: each makes a message per rule that it passes.
	traceRate  = 1000 // per second
	traceBurst = 1000

	traceGroup  = 9             // NFNLGRP_NFTRACE
	traceBuffer = 4 << 20       // octets
	traceType   = 10<<8 | 17    // NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE
	dropCode    = 0             // NF_DROP
	genericSize = 4             // struct nfgenmsg
	policyType  = traceKind(1)  // NFT_TRACETYPE_POLICY
	ruleType    = traceKind(3)  // NFT_TRACETYPE_RULE
	mostTraced  = 4 * mostRules // rules
	handleOf0   = uint64(0)     // of a policy
)

type traceKind uint32

// A tracer has the kernel tell which rule drops.
type tracer struct {
	table *nftables.Table
	conn  *nftables.Conn
	trace *netlink.Conn

	mu     sync.Mutex
	traced map[ruleName]uint64
	lost   bool // messages did not fit
	done   chan struct{}
}

// startTracer removes what dead tracers left, and installs the own table.
func startTracer(q tracing) (*tracer, error) {
	maker, err := makerName(os.Getpid(), "_")
	if err != nil {
		return nil, err
	}
	conn, err := nftables.New()
	if err != nil {
		return nil, err
	}
	if err := removeStale(conn); err != nil {
		return nil, err
	}
	trace, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, err
	}
	_ = trace.SetReadBuffer(traceBuffer) // as much as is allowed
	if err := trace.JoinGroup(traceGroup); err != nil {
		_ = trace.Close()
		return nil, err
	}
	t := &tracer{conn: conn, trace: trace, traced: make(map[ruleName]uint64), done: make(chan struct{})}
	t.table = conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: traceTable + maker})
	t.mark("pre", nftables.ChainHookPrerouting, expr.MetaKeyIIFNAME, q.Interfaces)
	t.mark("forward", nftables.ChainHookForward, expr.MetaKeyOIFNAME, q.Interfaces)
	t.mark("output", nftables.ChainHookOutput, expr.MetaKeyOIFNAME, q.Interfaces)
	if err := conn.Flush(); err != nil {
		_ = trace.Close()
		return nil, fmt.Errorf("cannot add table %s: %w", t.table.Name, err)
	}
	go t.listen()
	return t, nil
}

// mark adds a chain that marks the packets of some interfaces, or of all.
func (t *tracer) mark(name string, hook *nftables.ChainHook, key expr.MetaKey, interfaces []string) {
	priority := nftables.ChainPriority(tracePriority)
	chain := t.conn.AddChain(&nftables.Chain{Name: name, Table: t.table, Hooknum: hook,
		Type: nftables.ChainTypeFilter, Priority: &priority})
	action := []expr.Any{
		&expr.Limit{Type: expr.LimitTypePkts, Rate: traceRate, Unit: expr.LimitTimeSecond, Burst: traceBurst},
		&expr.Immediate{Register: 1, Data: []byte{1}},
		&expr.Meta{Key: expr.MetaKeyNFTRACE, SourceRegister: true, Register: 1},
	}
	if len(interfaces) == 0 {
		t.conn.AddRule(&nftables.Rule{Table: t.table, Chain: chain, Exprs: action})
		return
	}
	for _, name := range interfaces {
		padded := make([]byte, unix.IFNAMSIZ)
		copy(padded[:unix.IFNAMSIZ-1], name)
		t.conn.AddRule(&nftables.Rule{Table: t.table, Chain: chain, Exprs: append([]expr.Any{
			&expr.Meta{Key: key, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: padded},
		}, action...)})
	}
}

// listen takes the messages of the kernel until the socket is closed.
func (t *tracer) listen() {
	defer close(t.done)
	for {
		messages, err := t.trace.Receive()
		if errors.Is(err, unix.ENOBUFS) {
			t.mu.Lock()
			t.lost = true
			t.mu.Unlock()
			continue
		}
		if err != nil {
			return
		}
		for _, m := range messages {
			if m.Header.Type != traceType || len(m.Data) < genericSize {
				continue
			}
			if name, dropped := traceMessage(m.Data); dropped {
				t.mu.Lock()
				if _, known := t.traced[name]; known || len(t.traced) < mostTraced {
					t.traced[name]++
				}
				t.mu.Unlock()
			}
		}
	}
}

// traceMessage reads a message: which rule, or whose policy, dropped. Attributes
// of enum nft_trace_attributes.
func traceMessage(b []byte) (name ruleName, dropped bool) {
	const (
		attrTable   = 1
		attrChain   = 2
		attrHandle  = 3
		attrType    = 4
		attrVerdict = 5
		attrPolicy  = 16
		verdictCode = 1
	)
	name.family = familyName(nftables.TableFamily(b[0]))
	ad, err := netlink.NewAttributeDecoder(b[genericSize:])
	if err != nil {
		return name, false
	}
	ad.ByteOrder = binary.BigEndian
	var kind traceKind
	const unknown = ^uint32(0)
	verdict, policy := unknown, unknown
	for ad.Next() {
		switch ad.Type() {
		case attrTable:
			name.table = ad.String()
		case attrChain:
			name.chain = ad.String()
		case attrHandle:
			name.handle = ad.Uint64()
		case attrType:
			kind = traceKind(ad.Uint32())
		case attrPolicy:
			policy = ad.Uint32()
		case attrVerdict:
			ad.Nested(func(nested *netlink.AttributeDecoder) error {
				nested.ByteOrder = binary.BigEndian
				for nested.Next() {
					if nested.Type() == verdictCode {
						verdict = nested.Uint32()
					}
				}
				return nil
			})
		}
	}
	if ad.Err() != nil {
		return name, false
	}
	if kind == policyType {
		name.handle = handleOf0
		return name, policy == dropCode
	}
	return name, kind == ruleType && verdict == dropCode
}

// book adds what was traced to the rules.
func (t *tracer) book(rules []capture.Rule) (absent []capture.Absent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range rules {
		r := &rules[i]
		if !r.Legacy {
			r.Traced = t.traced[ruleName{r.Family, r.Table, r.Chain, r.Handle}]
		}
		if r.Traced > 0 && !drops(r.Verdict) {
			r.Verdict = "drop" // by the element of a map, which its text shows
		}
	}
	if t.lost {
		absent = append(absent, capture.Absent{What: "some messages of the rule trace", Why: "they came too fast",
			Costs: "the trace counts fewer packets than a rule dropped"})
	}
	return absent
}

// close removes the table.
func (t *tracer) close() {
	t.conn.DelTable(t.table)
	_ = t.conn.Flush()
	_ = t.trace.Close()
	<-t.done
}

// removeStale removes the tables of tracers that are dead.
func removeStale(conn *nftables.Conn) error {
	tables, err := conn.ListTables()
	if err != nil {
		return err
	}
	for _, t := range tables {
		if rest, ours := strings.CutPrefix(t.Name, traceTable); ours && makerIsDead(rest, "_") {
			conn.DelTable(t)
		}
	}
	return conn.Flush()
}
