package report

import (
	"strings"
	"testing"
)

// Punctuation stays with the command that it follows or precedes.
func TestPunctuationTouchesCommands(t *testing.T) {
	tests := []struct {
		name, text, want string
		width            int
	}{
		{"behind", "Run `ss -ti`, then wait.", "Run ss -ti, then wait.", 60},
		{"before", "Its rule (`nft list`) counts.", "Its rule (nft list) counts.", 60},
		{"spaces stay", "Run `ss` and `ip`.", "Run ss and ip.", 60},
		{"not alone on a line", "Look at the counters of `nstat`, then wait.", "Look at the counters of\nnstat, then wait.", 29},
	}
	for _, test := range tests {
		p := newPrinter(TextOptions{Width: 60})
		p.wrapTo(test.text, plain, 0, 10, test.width)
		var b strings.Builder
		if err := p.flush(&b); err != nil {
			t.Fatal(err)
		}
		if b.String() != test.want {
			t.Errorf("%s: %q\nprinted %q\nwant    %q", test.name, test.text, b.String(), test.want)
		}
	}
}
