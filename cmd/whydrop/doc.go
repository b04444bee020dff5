// Command whydrop says where and why packets were lost.
//
// It reads captures and accounts for every missing packet exactly once: where it
// was lost, why, which frames prove it, how sure that is, and what to do. Where
// the evidence cannot decide, it says so, and names the capture that would.
//
// This page is the manual, and it is tested: each command below that begins with
// "$ whydrop" is run, in the root of the repository, and must print what stands
// below it. A line "…" stands for any lines.
//
// # Analyze
//
//	whydrop analyze [flags] FILE... [-- EXPRESSION]
//
// The first line is the answer. What follows tells the place, the proof and the
// next step:
//
//	$ whydrop analyze testdata/pcap/loss-sender.pcapng.gz
//	20 of 901 packets were lost.
//	   20  likely downstream of this capture: perhaps single random losses  possible
//	0 unexplained.
//
//	  path   tap ●──────────────────── 20 ✗ ────────────────────▶ receiver host
//	         on the sender host      downstream                   not visible here
//	  when   0 s          ▅  ▅          ▅  ▇▇▇    ▅█▅▅▇▇▅         472 ms  peak 3
//	  seen   20 data packets in 1 flow, in 5 bursts, from 0.09 to 0.42 s. They are
//	         at any delay, and no token bucket explains them. It fits queue-overflow
//	         as well: too few losses to exclude a limit somewhere.
//	  rule   1: seen here, reported missing by SACK, sent again, no DSACK.
//	  do     Look for errors of the links, not for load:
//	           ethtool -S eth0
//	  trust  the capture is sound: 504 frames cut behind the headers, both
//	         directions, checksums good
//
//	More:  whydrop explain random-loss      --flows      -v      --json
//
// A FILE is pcap or pcapng, also within gzip, zstd or lz4; it is recognised by its
// first octets, never by its name. The FILE "-" is standard input. Several files
// are one capture and are read in order of time, as tcpdump -C and dumpcap -b
// write them; if one of them cannot be read there is no report, since what is
// missing with it would look like a loss. With --separate each file is a capture
// of its own: the reports follow one another in the order of the files, and the
// others stand without one that cannot be read.
//
// The question "was anything lost at all" has an answer, too:
//
//	$ whydrop analyze -q testdata/pcap/clean-receiver.pcap.gz
//	Nothing was lost.
//
// And so has "can it be told":
//
//	$ whydrop analyze -q testdata/pcap/one-way-data.pcap.gz
//	Cannot tell how many packets were lost: one direction was not captured.
//	exit 3
//
// EXPRESSION is a filter as in tcpdump; see pcap-filter(7). It comes after "--", or
// at the end if the files are named with -r, as in tcpdump. -f EXPRESSION and
// -F FILE give it, too. It acts as if the capture had been taken with it: what it
// hides is not there for whydrop either, so never filter away one direction. It
// needs libpcap; a build without cgo has none and says so.
//
// # Live
//
//	whydrop live -i IFACE [flags] [EXPRESSION]
//
// captures on an interface of this Linux host, asks the kernel at the same time what
// it knows about lost packets, and prints the report at Ctrl-C, after -c N packets or
// after --duration. "whydrop interfaces", or live -D, lists the interfaces; "any" is
// all of them. The letters are tcpdump's: -i -w -f -F -s -p -c -B -C -G -W -Q -Z -q -v.
//
// -w FILE keeps the packets as pcapng, with what the ring lost and when, and with what
// the host said: "whydrop analyze FILE" gives the verdict of the live run. FILE appears
// when it is whole; until then it grows beside its place as .FILE.PID.part, which is
// what a kill or a second Ctrl-C leaves behind, readable and at most a second old. -C N begins a new file
// after N million octets and -G N after N seconds: FILE, FILE1, FILE2; the name may
// hold a time as for strftime, as %Y%m%d-%H%M%S. What the host said is in the last one,
// and each says which frames of the capture it holds. As of tcpdump, -G with -W ends the
// capture after so many files.
//
// --interval TIME prints a report of each stretch of time, too, and the whole one at
// the end. --listen ADDR serves the last interval's report: at / as a page, at /report
// as JSON; and /metrics for Prometheus, and /healthz. A port alone is on the loopback
// interface. --rings N spreads the flows over several rings, both directions of one into
// the same.
//
// Capturing takes CAP_NET_RAW. Once all is open every capability is given up, but for
// the one to put FILE into a directory of somebody else's; -Z USER gives up the user,
// too. --no-host does not ask the host. --trace-rules is the one thing that changes the
// host: an nftables table of our own that finds the rule that drops, and is removed.
// --every-drop finds the frame of each drop event of the kernel, of 65536 at most, and
// not only of the first 64 of a kind: it costs a microsecond or more each.
//
// # Check
//
//	whydrop check [flags] FILE... --policy P.toml | --baseline B.json | --require RULE
//
// makes captures regression tests: each FILE is held to rules, or to what it was. Rules
// are given with --require and --fail-if, or in a policy; each is shown with what it is:
//
//	$ whydrop check testdata/pcap/loss-middle.pcap.gz testdata/pcap/one-way-data.pcap.gz --require 'ledger.lost_rate < 1%'
//	testdata/pcap/loss-middle.pcap.gz
//	  ✗ ledger.lost_rate < 1%  2.22 %     12 downstream, random-loss, possible
//
//	testdata/pcap/one-way-data.pcap.gz
//	  ? the capture            one direction was not captured
//	  ? ledger.lost_rate < 1%  cannot tell  one direction was not captured
//	    note: 1 of 1 TCP flow was captured in one direction only
//
//	1 rule is violated.  1 cannot be told.  1 capture is not fit to judge.   2 captures, exit 1
//	exit 1
//
// A rule is an expression over the figures of the report, named by their paths in --json:
// ledger.lost, symptoms.retransmission.rto, checksums.udp.bad, ledger.by_cause.policer.
// They are compared (<, <=, >, >=, ==, !=), reckoned with (+, -, *, /; a minus stands
// between blanks) and joined (and, or, not, brackets). Units are % of shares, us, ms, s
// and min of times, and k, M and G of counts. What cannot be compared, and every name that
// is not known, is an error and exit 2.
//
// Of lists, conditions in brackets select: charges[cause=policer].packets,
// flows[port=443].stall_ms.p99, flows[address=10.0.0.0/8, lost>0].count; charges is short for
// ledger.charges, and flows[…] are all flows, not only the first of them. Conditions take = !=
// < <= > >=, words with *, and for either end of a flow or charge port and address. Of counts
// what is selected is added up; otherwise .count .sum .min .max .mean .median or a percentile,
// .p99, says what is meant.
//
// A figure is what the capture can prove. Where it cannot tell, more may have been lost: then
// a figure of losses is "at least 20", a rule that this violates is violated, and one that it
// leaves open cannot be told. Of a capture that is too lossy or empty nothing is known of the
// network, and neither a rule holds nor is it violated. None of these passes, unless --accept
// names the state: cannot-tell, truncated, too-lossy, empty. One flow of which nothing can
// be told leaves open the rules about that flow, and not those about the whole ledger.
//
// --policy FILE is TOML. What it does not know is an error:
//
//	require = ["ledger.lost_rate < 0.1%"]
//	fail_if = ["charges[cause=policer].packets > 0"]
//
//	[[files]]
//	match = "udp-*.pcapng"       # of the last elements of the path
//	require = ["checksums.udp.bad == 0"]
//	accept = ["cannot-tell"]     # nothing acknowledges UDP
//	at = "receiver"              # where the tap is
//	instead = true               # of the rules for all files, not beside them
//
//	[run]                        # the whole run: files, packets, lost, lost_rate,
//	require = ["files >= 10"]    # by_cause, by_locus, unread, unsure, violated
//
//	[tolerance]                  # of a comparison with a baseline; all = "0" is strict
//	lost = "10% + 2"             # also cause, new_cause, retransmissions,
//	stall_ms = "20% + 200ms"     # stall_ms, checksum_bad
//
// --write-baseline FILE keeps what captures are like: their losses by cause and place, and
// their flows, without times, frame numbers and ports that a kernel chose (all from 32768 on,
// and those of originators). --baseline FILE compares: a cause that is new, or took more; a
// flow that lost more, repeated more, stood still longer. A flow that is gone cannot be told.
// --update-baseline does the same and keeps what there is now, for after a review.
//
// --format junit, github and markdown are for CI; --junit FILE and --summary FILE write these
// beside the text, -o DIR/ writes all. Captures are read several at a time, as many as there are
// CPUs or as --jobs says, and told in the order in which they were named.
//
// # Formats
//
// --format text is for people; it takes the width of the terminal, or that of
// COLUMNS, or 80 columns. --flows adds a line for each conversation, -v the frames
// that decide, -q leaves the sentence alone.
//
// --format json, or --json, is one document, whose schema "whydrop schema" prints ("whydrop schema
// ndjson" and "whydrop schema check" those of the records and of check).
// With --separate the documents follow one another, as jq and other readers of
// streams like them; there is no array around them. --format ndjson is complete:
// every symptom, every charge and every flow is a line of its own, and the last
// line of a report is its summary.
//
// --format html is one page to look at and to send to others: the verdict, the path,
// the course of time, the causes with evidence and remedy, the flows, and the frames of
// each charge. It is one file that loads nothing and sends nothing, it says the same
// without scripts and in print, and "#flow-3" or "#charge-7" behind its name leads to
// that flow or charge.
//
// --format markdown is for tickets: verdict, proof, remedy, the first frames; with --flows
// the flows that lost most. --format csv is a table of all flows and csv-charges one of all
// charges, with a head, as RFC 4180 has it; text that a spreadsheet would run as a formula
// has an apostrophe before it.
//
// --excerpt FILE writes the frames that decide the charges, and only these, as pcapng. Each
// has a comment that says of which charge it is the proof, and which frame it was; Wireshark
// shows it above the packet. The captures are read twice for it.
//
// -o FILE writes there, -o DIR/ every format into a folder (and the text to stdout), with
// --separate into DIR/NAME/ for each capture. FILE is complete or it is not there: the report
// is written beside it and moved when it is done. Pipes, devices and what is open already, as
// /dev/stdout, are written to directly.
//
// # Events
//
// What many losses have in common is told as one event: that they hit many flows at
// one moment, that they keep the beat of a clock, or that they always hit one class
// of packets: a VLAN, a port, a host, a size, or the same few of many flows between
// the same hosts, as one member of a bundle (LAG, ECMP) would. Each is tested against
// losses that know nothing of each other, at the rate of the rest of the capture and
// with its traffic; the report says how improbable it is by chance. An event charges
// nothing: the charges that it joins do. What only the capture lacks, of many flows at
// one moment, is a finding about the capture, not about the network.
//
// # Colour and characters
//
// Colour is on if stdout is a terminal. --color always or never decides over
// NO_COLOR (off, if not empty), which decides over CLICOLOR_FORCE (on), which
// decides over TERM=dumb (off). --ascii writes no character beyond ASCII; without
// it the locale decides.
//
// # Explain
//
// Each cause that whydrop can conclude has a card. A report names causes; the card
// tells what else looks the same, how to confirm it, and what to do:
//
//	$ whydrop explain receiver-not-reading
//	receiver-not-reading
//	The receiving program does not read its socket fast enough.
//
//	Where
//	  At the receiver, above TCP. Nothing was lost on the network.
//
//	…
//	Confirm
//	  - On the receiver, a Recv-Q that stays full names the program (cost: none):
//	    ss -tmpi
//	  - On the receiver, closed windows are counted, on the sender the probes:
//	    nstat -az TcpExtTCPToZeroWindowAdv TcpExtTCPWinProbe
//	  - On the sender, rwnd_limited is near 100 %: ss -ti dst HOST
//
//	Remedy
//	  - Read faster. Find what blocks the program (cost: it runs slower while
//	    watched): sudo strace -f -p PID
//	  - A larger buffer only delays it, and helps against bursts alone (cost: memory
//	    a connection): sudo sysctl -w net.ipv4.tcp_rmem="4096 131072 16777216"
//
//	…
//
// A slip of the finger is no obstacle:
//
//	$ whydrop explain receiver-not-readign
//	whydrop: no cause is called "receiver-not-readign"
//	  hint: did you mean receiver-not-reading?  All causes: whydrop causes
//	exit 2
//
// With --charge, explain shows the frames that decide one charge, for somebody who
// must convince another team: what the tap saw, which part of the rule each frame
// feeds, why the rivals fell, what was not seen, and where to capture to decide.
//
//	$ whydrop explain --charge 1 testdata/pcap/demo.pcapng.gz
//	…
//	frame  time, s   sender   tap    receiver
//	    6  0.067478  │◀────────●─────────│ SYN-ACK     all below arrived
//	   18  0.097632  │─────────●╌╌╌╌✗    │ data 1      passes, never arrives
//	   19  0.098711  │─────────●────────▶│ data 1 449  passes behind it
//	   37  0.128086  │◀────────●─────────│ ACK 1       SACK 1 449: a gap
//	   38  0.128087  │◀────────●─────────│ ACK 1       SACK 1 449: the gap stays
//	   44  0.128089  │◀────────●─────────│ ACK 1       SACK 1 449: the gap stays
//	   48  0.145829  │─────────●────────▶│ data 1      sent again, 48.2 ms later
//	   64  0.169961  │◀────────●─────────│ ACK 14 481  repaired; no DSACK; echoes
//	                                                   the second copy
//
//	● is what the tap saw. The lines beside it are inferred.
//
//	  rule   1: seen here (frame 18), reported missing by SACK (frame 44), sent
//	         again (frame 48), no DSACK (frame 64).
//	…
//
// --flow tells the story of one flow, also of one that lost nothing: handshake,
// round trip, what was sent again, the longest pause. IDs are those of analyze -v
// and --json. The files are read twice, so standard input will not do.
//
// "whydrop causes" lists all of them, "whydrop causes --json" gives the cards as
// data.
//
// # Settings
//
// A flag that was not typed is taken from the environment, as WHYDROP_AT=sender, then from
// ./.whydrop.toml, from $XDG_CONFIG_HOME/whydrop/config.toml (~/.config) and from
// /etc/whydrop/config.toml: color = "never" for all commands that have it, and below [analyze]
// for that command. A key that no command has is an error. What writes somewhere, and what may
// be done (-o, -w, --excerpt, -Z, --listen and their like), can only be typed. --config FILE
// takes one file instead, --config none takes none. The page whydrop-toml(5) has every key;
// "make deb" makes a package with it and the pages of all commands.
//
// # Sandbox
//
// analyze, check and explain give up, on Linux, before the first octet of a capture is read,
// what they do not need: new privileges, every file but the captures and the folders of the
// output (Landlock), and the system calls that start programs, list folders, open sockets and
// reach other processes (seccomp). It is a best effort: -v says what the system had for it,
// and "tool" of --json. With an EXPRESSION names of hosts and services may have to be looked
// up, so sockets and /etc stay. A file put in the place of a capture meanwhile cannot be opened.
// live has no sandbox: it gives up its capabilities.
//
// Hashes of addresses and ports are seeded in every process, so no capture can be made to
// collide. The report does not depend on the seed, unless a limit is reached.
//
// # Faults
//
// A full disk, or an output that fails, is exit 2; a file of -o is as it was before. A
// capture that cannot be read among several is exit 2 and no report; with --separate, and in
// check, the others are told. What ends too early, or is cut while it is read, is told up to
// there, with exit 3; what is appended meanwhile is read as far as it is there. Standard input
// that stalls is waited for. Files are read in order of time, however they are named; frames
// that are out of order in one are put in order within 1024 frames and 128 ms, and a clock that
// goes backwards by more is told in the audit, as time-disorder.
//
// # Exit codes
//
//	0  done; packets were lost, or not; all rules of check hold
//	1  a rule of check is violated
//	2  usage, or a file that cannot be read
//	3  incomplete: a file ends too early, you interrupted, or it cannot be told
//	4  cannot capture: no permission, or no such interface
//	5  the capture itself is too lossy to judge
//
// A first Ctrl-C (or SIGTERM, or SIGHUP) ends reading and prints the report so far, with exit
// code 3 of analyze, and 0 of live, whose usual end it is; a second one ends at once, with 130.
// A live capture that ends by itself, after -c, --duration or -W, has the code of its
// report, so that a script sees 3 and 5. Where -w cannot be written the capture ends,
// the report comes, and the code is 3; what was written stays in the .part. A closed pipe on stdout, as with
// head, is no error. Where stdout was closed from the start (>&-), a note on stderr says
// that nobody reads the report, and the exit code is that of the report.
//
// # Completion
//
//	source <(whydrop completion bash)
package main
