package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"whydrop/analyze"
)

// flowColumns are the columns of FlowsCSV; those of the two directions follow them.
var (
	flowColumns = []string{
		"id", "protocol", "originator", "responder", "first_time", "last_time", "file", "first_frame", "packets", "octets", "lost",
		"loss_rate", "capture_only", "cannot_tell", "causes", "handshake", "stall_ms",
	}
	directionColumns = []string{
		"packets", "wire_packets", "octets", "missing_sender_host", "missing_upstream", "missing_downstream", "missing_receiver_host",
		"missing_capture", "missing_unknown", "missing_unexplained", "retransmissions", "unneeded", "undecided", "reordered",
		"duplicates", "checksum_bad", "zero_window_episodes", "zero_window_ms", "rtt_ms_min", "rtt_ms_median", "rtt_ms_max", "tap",
	}
	missingOrder = []string{"sender-host", "upstream", "downstream", "receiver-host", "capture", "unknown", "unexplained"}
)

// FlowsCSV writes every flow as a line, RFC 4180, with a head; what is not known is empty.
func FlowsCSV(w io.Writer, res *analyze.Result) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	head := append([]string{}, flowColumns...)
	for _, d := range []string{"forward_", "back_"} {
		for _, c := range directionColumns {
			head = append(head, d+c)
		}
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for f := range EachFlow(res) {
		row := []string{
			strconv.Itoa(f.ID), f.Protocol, harmlessCell(f.Originator), harmlessCell(f.Responder), f.First, f.Last,
			harmlessCell(f.FirstFrame.File), number10(f.FirstFrame.Frame), number10(f.Packets), number10(f.Octets), number10(f.Lost),
			plainDecimal(f.LossRate), number10(f.OnlyHere), strconv.FormatBool(f.CannotTell), strings.Join(f.Causes, " "),
			strconv.FormatBool(f.Handshake), number10(f.StallMS),
		}
		for i := range f.Directions {
			row = f.Directions[i].cells(row)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cells appends those of one direction.
func (d *Direction) cells(row []string) []string {
	row = append(row, number10(d.Packets), number10(d.WirePackets), number10(d.Octets))
	for _, locus := range missingOrder {
		row = append(row, number10(d.Missing[locus]))
	}
	var again uint64
	for _, n := range d.Retransmissions {
		again += n
	}
	row = append(row, number10(again), number10(d.Unneeded), number10(d.Undecided), number10(d.Reordered), number10(d.Duplicates),
		number10(d.ChecksumBad), number10(d.ZeroWindow.Episodes), plainDecimal(d.ZeroWindow.MS))
	if d.RTT == nil {
		return append(row, "", "", "", d.Tap)
	}
	return append(row, plainDecimal(d.RTT.Min), plainDecimal(d.RTT.Median), plainDecimal(d.RTT.Max), d.Tap)
}

var chargeColumns = []string{
	"id", "what", "packets", "octets", "flow", "protocol", "src", "dst", "locus", "cause", "confidence", "rule", "first_time", "last_time",
	"file", "frames", "evidence_frames", "repaired_by_frame", "rivals", "why",
}

// ChargesCSV writes every charge as a line, RFC 4180, with a head.
func ChargesCSV(w io.Writer, r *Report) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(chargeColumns); err != nil {
		return err
	}
	for i := range r.Ledger.Charges {
		c := &r.Ledger.Charges[i]
		evidence, rivals, repair := []string{}, []string{}, ""
		for k := range c.Evidence {
			evidence = append(evidence, number10(c.Evidence[k].Frame))
		}
		for k := range c.Rivals {
			rivals = append(rivals, c.Rivals[k].Cause)
		}
		if c.RepairedBy != nil {
			repair = number10(*c.RepairedBy)
		}
		frames := make([]string, len(c.Frames))
		for k, n := range c.Frames {
			frames[k] = number10(n)
		}
		err := out.Write([]string{
			strconv.Itoa(c.ID), c.What, number10(c.Packets), number10(c.Octets), strconv.Itoa(c.Flow), c.Protocol, harmlessCell(c.Src),
			harmlessCell(c.Dst), c.Locus, c.Cause, c.Confidence, c.Rule, c.First, c.Last, harmlessCell(c.File), strings.Join(frames, " "),
			strings.Join(evidence, " "), repair, strings.Join(rivals, " "), harmlessCell(c.Why),
		})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func number10(n uint64) string { return strconv.FormatUint(n, 10) }

func plainDecimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// harmlessCell is text from outside as a cell: a spreadsheet takes what begins with one of these
// characters for a formula, and would run it (CWE-1236).
func harmlessCell(s string) string {
	s = clean(s)
	if s != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}
