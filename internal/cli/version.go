package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "say which build this is",
		Description: "The version is that of the Go module; a build from a work tree says which commit.\n\n" +
			"Examples:\n" +
			"  nightshift version\n" +
			"  nightshift version --json",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			built := buildOf(debug.ReadBuildInfo())
			if c.Bool("json") {
				return printJSON(c, built)
			}
			fmt.Fprintln(c.App.Writer, built)
			return nil
		},
	}
}

// build is what a binary knows about itself.
type build struct {
	Version  string `json:"version"`            // of the module; (devel) in a work tree
	Commit   string `json:"commit,omitempty"`   // absent when built without version control
	Time     string `json:"time,omitempty"`     // of the commit
	Modified bool   `json:"modified,omitempty"` // the work tree was not as committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildOf(info *debug.BuildInfo, known bool) build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if !known {
		return b
	}
	b.Version, b.Go = info.Main.Version, info.GoVersion
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value
		case "vcs.time":
			b.Time = setting.Value
		case "vcs.modified":
			b.Modified = setting.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	text := "nightshift " + b.Version
	if b.Commit != "" {
		text += ", commit " + b.Commit[:min(len(b.Commit), 12)] + " of " + b.Time
	}
	if b.Modified {
		text += " with changes"
	}
	return text + ", " + b.Go + ", " + b.Platform
}
