package report

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"whydrop/analyze"
	"whydrop/analyze/flow"
)

// ndjsonBuffer holds a few hundred records between writes.
const ndjsonBuffer = 1 << 16

// NDJSON streams every symptom in frame order, every charge, every flow and, at
// the end, a summary: one JSON object a line, complete and exact, never
// sampled. r was built from res.
//
// There can be millions of symptoms and flows, so their octets are appended by hand; the
// tests hold them against encoding/json.
func NDJSON(w io.Writer, res *analyze.Result, r *Report) error {
	out := bufio.NewWriterSize(w, ndjsonBuffer)
	e := newSymptomEncoder(res)
	for i := range res.Symptoms {
		if _, err := out.Write(e.line(&res.Symptoms[i])); err != nil {
			return err
		}
	}
	j := json.NewEncoder(out)
	j.SetEscapeHTML(false)
	for i := range r.Ledger.Charges {
		if err := j.Encode(chargeRecord{"charge", &r.Ledger.Charges[i]}); err != nil {
			return err
		}
	}
	flows := newFlowEncoder(newBuilder(res))
	for i := range res.Flows {
		if _, err := out.Write(flows.line(i)); err != nil {
			return err
		}
	}
	if err := j.Encode(summaryOf(r)); err != nil {
		return err
	}
	return out.Flush()
}

type chargeRecord struct {
	Type string `json:"type"`
	*Charge
}

// A summaryRecord is the Report without the lists that were streamed before it.
type summaryRecord struct {
	Type string `json:"type"`
	*Report
	Flows  flowsSummary  `json:"flows"`
	Ledger ledgerSummary `json:"ledger"`
}

type flowsSummary struct {
	*Flows
	Top *struct{} `json:"top,omitempty"` // hides Flows.Top
}

type ledgerSummary struct {
	*Ledger
	Charges *struct{} `json:"charges,omitempty"` // hides Ledger.Charges
}

func summaryOf(r *Report) summaryRecord {
	return summaryRecord{
		Type: "summary", Report: r,
		Flows: flowsSummary{Flows: &r.Flows}, Ledger: ledgerSummary{Ledger: &r.Ledger},
	}
}

// A symptomEncoder writes symptom records into one buffer that it reuses.
type symptomEncoder struct {
	res    *analyze.Result
	buf    []byte
	files  [][]byte // quoted paths, by file
	second int64    // what stamp holds
	stamp  []byte   // "2006-01-02T15:04:05."
}

func newSymptomEncoder(res *analyze.Result) *symptomEncoder {
	e := &symptomEncoder{res: res, second: -1}
	for i := range res.Inputs {
		e.files = append(e.files, quoted(res.Inputs[i].Path))
	}
	return e
}

// quoted is s as encoding/json writes it.
func quoted(s string) []byte {
	if !utf8.ValidString(s) {
		// encoding/json puts U+FFFD for what is not UTF-8; so does this conversion.
		s = string([]rune(s))
	}
	q, err := json.Marshal(s)
	if err != nil {
		panic("whydrop: bug: a string that cannot be JSON: " + err.Error())
	}
	return q
}

// line is the record of s with its newline, valid until the next call.
func (e *symptomEncoder) line(s *flow.Symptom) []byte {
	b := append(e.buf[:0], `{"type":"symptom","file":`...)
	b = e.appendFile(b, s.Frame.File)
	b = append(b, `,"frame":`...)
	b = strconv.AppendUint(b, s.Frame.Number, 10)
	b = append(b, `,"time":"`...)
	b = e.appendTime(b, s.Time)
	b = append(b, `","kind":"`...)
	b = append(b, s.Kind.String()...)
	b = append(b, `","detail":"`...)
	b = append(b, s.Detail.String()...)
	if s.Kind == flow.Retransmission {
		b = append(b, `","needed":`...)
		b = append(b, neededJSON(s.Need)...)
	} else {
		b = append(b, '"')
	}
	b = e.appendFlow(b, s)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, s.Seq, 10)
	b = append(b, `,"octets":`...)
	b = strconv.AppendUint(b, uint64(s.Octets), 10)
	b = append(b, `,"packets":`...)
	b = strconv.AppendUint(b, uint64(s.Packets), 10)
	e.buf = append(b, "}\n"...)
	return e.buf
}

// appendFile appends the quoted path of a file.
func (e *symptomEncoder) appendFile(b []byte, file uint16) []byte {
	if int(file) >= len(e.files) {
		return append(b, `""`...)
	}
	return append(b, e.files[file]...)
}

// appendFlow says whose packets are in question. Octets of a bad frame may fit
// no flow: then nobody's.
func (e *symptomEncoder) appendFlow(b []byte, s *flow.Symptom) []byte {
	if int64(s.Flow) >= int64(len(e.res.Flows)) {
		b = append(b, `,"flow":0,"src":"","dst":"","protocol":"`...)
		b = append(b, protocolName(s.Protocol)...)
		return append(b, '"')
	}
	f := e.res.Flows[s.Flow]
	src, dst := f.Originator, f.Responder
	if s.Dir == 1 {
		src, dst = dst, src
	}
	b = append(b, `,"flow":`...)
	b = strconv.AppendUint(b, uint64(s.Flow)+1, 10)
	b = append(b, `,"src":"`...)
	b = appendEndpoint(b, src, f.Protocol)
	b = append(b, `","dst":"`...)
	b = appendEndpoint(b, dst, f.Protocol)
	b = append(b, `","protocol":"`...)
	b = append(b, protocolName(f.Protocol)...)
	return append(b, '"')
}

func neededJSON(n flow.Need) string {
	switch n {
	case flow.Needed:
		return "true"
	case flow.Unneeded:
		return "false"
	}
	return "null"
}

// appendTime is timestamp without formatting the same second again and again.
func (e *symptomEncoder) appendTime(b []byte, ns int64) []byte {
	const perSecond = int64(time.Second)
	second := ns / perSecond
	if ns%perSecond < 0 { // before 1970: floor, not truncation
		second--
	}
	if second != e.second || e.stamp == nil {
		e.second = second
		e.stamp = time.Unix(second, 0).UTC().AppendFormat(e.stamp[:0], "2006-01-02T15:04:05.")
	}
	b = append(b, e.stamp...)
	at := len(b)
	b = append(b, "000000000Z"...)
	for i, rest := at+8, ns-second*perSecond; rest > 0; i, rest = i-1, rest/10 {
		b[i] = byte('0' + rest%10)
	}
	return b
}
