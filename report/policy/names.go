package policy

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// aggregates make one value of many; there are also p1 to p99, and p99.9.
var aggregates = []string{"count", "sum", "min", "max", "mean", "median", "p50", "p90", "p95", "p99"}

var percentile = regexp.MustCompile(`^p[0-9]{1,2}$`)

func isAggregate(name string) bool {
	return slices.Contains(aggregates, name) || percentile.MatchString(name)
}

// aggregate ends the path, if name is one.
func (r *resolver) aggregate(name string) bool {
	if !isAggregate(name) {
		return false
	}
	f, k := r.f, r.typ.Kind()
	dim, single := count, true
	if len(r.names) > 0 {
		dim, single = leaf(r.typ, r.names[len(r.names)-1])
	}
	switch {
	case name == "count":
		dim = count
		if k == reflect.Slice || k == reflect.Array {
			f.steps = append(f.steps, step{kind: each})
		}
	case !single:
		r.fail("%s of what? Name a figure of %s first", name, f.text)
	case !dim.numeric():
		r.fail("%s is %s: of these there is only a count", f.text, dim)
	}
	if percentile.MatchString(name) && strings.HasPrefix(r.text[r.at:], ".9") {
		name, r.at = name+".9", r.at+2
	}
	f.agg, f.dim, r.done = name, dim, true
	f.text += "." + name
	r.names = append(r.names, name)
	return true
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

func fieldNamed(typ reflect.Type, name string) int {
	for i := range typ.NumField() {
		if jsonName(typ.Field(i)) == name && name != "" {
			return i
		}
	}
	return -1
}

func hasField(typ reflect.Type, name string) bool {
	typ = plainType(typ)
	return typ.Kind() == reflect.Struct && fieldNamed(typ, name) >= 0
}

func fieldNames(typ reflect.Type) []string {
	var names []string
	for i := range typ.NumField() {
		if name := jsonName(typ.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	if typ == reportType {
		names = append(names, "charges")
	}
	return names
}

var enumTag = regexp.MustCompile(`enum=([^,]+)`)

// wordsOfField are the words that a field can hold, or nil.
func wordsOfField(within, name string, f reflect.StructField) []string {
	if tag := enumTag.FindAllStringSubmatch(f.Tag.Get("jsonschema"), -1); tag != nil {
		var words []string
		for _, m := range tag {
			words = append(words, m[1])
		}
		return words
	}
	switch {
	case name == "cause", name == "causes", name == "id" && strings.HasSuffix(within, "causes"):
		return causes()
	case name == "protocol":
		return protocols
	}
	return nil
}

func causes() []string {
	var names []string
	for _, id := range cause.IDs() {
		names = append(names, string(id))
	}
	return names
}

// protocols that have a name; the others are ip-N.
var protocols = []string{"tcp", "udp", "icmp", "icmpv6", "sctp", "igmp", "gre", "esp", "udplite", "ipip", "ipv6"}

var numberedName = regexp.MustCompile(`^(ip|linktype)-[0-9]{1,5}$`)

// numbered reports whether name is that of something known by its number alone.
func numbered(name string) bool { return numberedName.MatchString(name) }

// keysOf are the keys of the map at the path of names; nil = any.
func keysOf(names []string) []string {
	last := names[len(names)-1]
	if len(names) == 2 && names[0] == "symptoms" {
		return details(last)
	}
	switch last {
	case "symptoms":
		return namesOf(flow.NumKinds, 0)
	case "checksums":
		return namesOf(decode.NumLayers, 0)
	case "by_cause":
		return causes()
	case "by_locus":
		return namesOf(cause.NumLoci, 0)
	case "missing":
		return append(namesOf(cause.NumLoci, 0), "unexplained")
	case "retransmissions":
		return namesOf(flow.Other+1, flow.Fast)
	case "stalls", "by_reason":
		return namesOf(flow.NumStallReasons, 0)
	case "by_protocol", "protocols":
		return protocols
	case "directions":
		return []string{"sender", "receiver", "middle", "unknown"}
	}
	return nil
}

// details are the keys of the symptoms of one kind.
func details(kind string) []string {
	switch kind {
	case flow.Retransmission.String():
		return append([]string{"total", "needed", "unneeded", "undecided"}, namesOf(flow.Other+1, flow.Fast)...)
	case flow.Duplicate.String():
		return []string{"total", flow.NetworkCopy.String(), flow.CaptureCopy.String()}
	case flow.ChecksumBad.String():
		return append([]string{"total"}, namesOf(decode.NumLayers, 0)...)
	}
	return append([]string{"total"}, namesOf(flow.NumDetails, flow.Fast)...)
}

// namesOf are the names from first to before end.
func namesOf[T interface {
	~uint8
	String() string
}](end, first T) []string {
	var names []string
	for v := first; v < end; v++ {
		names = append(names, v.String())
	}
	return names
}
