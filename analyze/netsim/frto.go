package netsim

// noteOriginal notes that e, which arrived, had been sent but once, and before
// the timeout: Linux FLAG_ORIG_SACK_ACKED.
func (h *host) noteOriginal(e *sent) {
	h.original = h.original || e.tries == 1 && e.hi <= h.highSeq
}

// judgeTimeout is F-RTO, RFC 5682 §3.1 as in Linux tcp_process_loss: whether
// the timeout was needless, of which new data is the test. It reports whether
// nothing else is to be done.
func (h *host) judgeTimeout(advanced, duplicate bool) bool {
	switch {
	case h.original:
		h.undo()
		return true
	case h.nxt > h.highSeq:
		if duplicate {
			h.frto = false
		}
	case advanced && h.una < h.highSeq:
		h.highSeq, h.forward = h.nxt, true
		return true
	}
	return false
}

// sendForward sends two new segments after a timeout, instead of old ones. If
// there are none, the timeout is taken for real.
func (h *host) sendForward() bool {
	h.forward = false
	sent := false
	for range 2 {
		sent = h.sendNew(false) || sent
	}
	h.frto = h.frto && sent
	return sent
}
