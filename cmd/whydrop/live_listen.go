package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"whydrop/analyze"
	"whydrop/capture/afpacket"
	"whydrop/report"
)

// A board is what --listen serves: metrics, whether we live, and the last report.
// Labels are few and bounded: causes, places and the interface, never a flow.
type board struct {
	server   *http.Server
	listener net.Listener
	losses   *prometheus.CounterVec
	reports  prometheus.Counter

	mu   sync.Mutex
	last *report.Report
	page *report.Page
}

// Names of metrics: what the capture lost is kept apart from what was lost.
const (
	metricFrames  = "whydrop_capture_frames_total"
	metricOctets  = "whydrop_capture_octets_total"
	metricDropped = "whydrop_capture_dropped_total"
	metricFreezes = "whydrop_capture_ring_full_total"
	metricLost    = "whydrop_loss_packets_total"
	metricReports = "whydrop_reports_total"
)

// headerTime bounds how long a client may take for its request.
const headerTime = 5 * time.Second

// openBoard begins to listen on addr. Without a host it is the loopback interface:
// what it serves is for whoever may see the traffic.
func openBoard(addr, iface string, ring *afpacket.Source) (*board, error) {
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	} else if !strings.Contains(addr, ":") {
		addr = "127.0.0.1:" + addr
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &usageError{"--listen " + addr, reason(err), ""}
	}
	b := &board{listener: l}
	registry := prometheus.NewRegistry()
	label := prometheus.Labels{"interface": iface}
	b.losses = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricLost, Help: "Packets that were lost, or that only the capture lacks, by cause and place.", ConstLabels: label,
	}, []string{"cause", "locus"})
	b.reports = prometheus.NewCounter(prometheus.CounterOpts{Name: metricReports, Help: "Intervals that were reported.", ConstLabels: label})
	registry.MustRegister(b.losses, b.reports)
	for _, m := range []struct {
		name, help string
		value      func(c afpacket.Counters) uint64
	}{
		{metricFrames, "Frames that were captured.", func(c afpacket.Counters) uint64 { return c.Frames }},
		{metricOctets, "Octets of them.", func(c afpacket.Counters) uint64 { return c.Octets }},
		{metricDropped, "Frames that only the capture lost: its ring was full.", func(c afpacket.Counters) uint64 { return c.Dropped }},
		{metricFreezes, "Times that the ring was full.", func(c afpacket.Counters) uint64 { return c.Freezes }},
	} {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help, ConstLabels: label},
			func() float64 { return float64(m.value(ring.Counters())) }))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /report", b.serveReport)
	mux.HandleFunc("GET /{$}", b.servePage)
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: headerTime, WriteTimeout: 2 * headerTime}
	return b, nil
}

// serve answers until the board is closed.
func (b *board) serve(p *program) {
	if err := b.server.Serve(b.listener); !errors.Is(err, http.ErrServerClosed) {
		p.note("--listen: %v", err)
	}
}

// close ends it, and gives answers that are under way a moment.
func (b *board) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = b.server.Shutdown(ctx)
}

// show puts the report of an interval there.
func (b *board) show(res *analyze.Result, r *report.Report) {
	for i := range res.Ledger.Charges {
		c := &res.Ledger.Charges[i]
		b.losses.WithLabelValues(string(c.Cause), c.Locus.String()).Add(float64(c.Packets))
	}
	if n := res.Ledger.Unexplained(); n > 0 {
		b.losses.WithLabelValues("", "unknown").Add(float64(n))
	}
	b.reports.Inc()
	page := report.NewPage(res, r, report.HTMLOptions{Without: goneByNow})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.page = r, page
}

// goneByNow is why the page of an interval has no graphs of flows.
const goneByNow = "The graphs need a second look, and these packets are gone by now. " +
	"`whydrop live -w FILE` keeps them, and `whydrop analyze --format html FILE` draws them."

// tooEarly answers before the first interval is over.
func tooEarly(w http.ResponseWriter) {
	http.Error(w, "the first interval is not over yet", http.StatusServiceUnavailable)
}

func (b *board) servePage(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	page := b.page
	b.mu.Unlock()
	if page == nil {
		tooEarly(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Write(w) // the client is gone
}

func (b *board) serveReport(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	r := b.last
	b.mu.Unlock()
	if r == nil {
		tooEarly(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = report.JSON(w, r) // the client is gone
}
