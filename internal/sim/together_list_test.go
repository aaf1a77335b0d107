package sim

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTogether_Lists(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	for _, name := range []string{"aa", "ab", "b"} {
		ok[togetherEndpointBody](t, c, "POST", shellsPath, `{"name": "`+name+`"}`)
	}
	for _, tt := range []struct{ query, want string }{
		{"", "aa ab b"},
		{"filter=" + url.QueryEscape(`name="ab"`), "ab"},
		{"filter=" + url.QueryEscape(`name="sim/ab"`), "ab"},
		{"filter=" + url.QueryEscape(`name="a"`), ""},
		{"filter=" + url.QueryEscape(`name:"a"`), "aa ab"},
		{"limit=2", "aa ab | b"},
		{"limit=1&filter=" + url.QueryEscape(`name:"a"`), "aa | ab"},
	} {
		var got, after string
		for {
			page := ok[struct {
				Data []togetherEndpointBody
				Next string `json:"next_cursor"`
			}](t, c, "GET", shellsPath+"?"+tt.query+after, "")
			for _, e := range page.Data {
				got += strings.TrimPrefix(e.Name, "sim/") + " "
			}
			if page.Next == "" {
				break
			}
			got, after = got+"| ", "&after="+page.Next
		}
		equal(t, tt.query, strings.TrimSpace(got), tt.want)
	}
	equal(t, "limit", said(t, ask(t, c, "GET", shellsPath+"?limit=501", "")), "400 limit must be 1 to 500")
	equal(t, "filter", said(t, ask(t, c, "GET", shellsPath+"?filter=name", "")), "400 invalid filter")
}

// TestTogether_LateDeployment: one whose endpoint is deleted before it appears
// never does.
func TestTogether_LateDeployment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		shell := shellsPath + "/" + ok[togetherEndpointBody](t, c, "POST", shellsPath, `{"name": "e"}`).ID
		c.Inject(Fault{Op: OpCreate, Kind: LateCreate, Delay: time.Hour, Count: 1})
		equal(t, "create", ask(t, c, "POST", shell+"/deployments", minimalDeployment).Code, 500)
		equal(t, "delete", ask(t, c, "DELETE", shell, "").Code, 200)
		pass(2 * time.Hour)
		equal(t, "running", len(c.Ledger().Running()), 0)
		equal(t, "cost", c.Ledger().Total.GPUSeconds, 0)
	})
}
