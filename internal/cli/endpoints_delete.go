package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sweep"
)

func deleteEndpointsCommand() *cli.Command {
	return &cli.Command{
		Name:      "delete",
		Usage:     "delete endpoints, whoever made them, and wait until the provider confirms it",
		ArgsUsage: "ID...",
		Description: "Asks before it deletes; where nobody can be asked it needs --yes. Exit code 1 if one is not\n" +
			"confirmed gone: run it again. A job that is still open rents another endpoint in place of one\n" +
			"that is deleted; to end the job, and its endpoint with it: nightshift cancel JOB.\n\n" +
			"Examples:\n" +
			"  nightshift endpoints delete --provider nebius endpoint-xame9mbbjzuV\n" +
			"  nightshift endpoints delete --provider nebius --yes endpoint-xame9mbbjzuV endpoint-zd7FqLk2",
		Flags: accountFlags(jsonFlag(),
			&cli.BoolFlag{Name: "yes", Usage: "do not ask"},
			&cli.DurationFlag{Name: "wait", Usage: "how long to wait for the provider's confirmation", Value: sweep.DefaultWait}),
		Action: deleteEndpoints,
	}
}

func deleteEndpoints(c *cli.Context) error {
	ids := slices.Compact(slices.Sorted(slices.Values(c.Args().Slice())))
	if len(ids) == 0 || slices.Contains(ids, "") {
		return badInput(errors.New("delete takes the ids of endpoints; see: nightshift endpoints list"))
	}
	account, err := openAccount(c)
	if err != nil {
		return err
	}
	if account.Provider.Capabilities().Exists {
		return badInput(fmt.Errorf("endpoints of %s are not rented by nightshift, and not deleted by it", account.Name))
	}
	there, outcomes := describeAll(c, account, ids)
	if len(there) > 0 && !c.Bool("yes") {
		if err := askToDelete(c, account.Name, len(there)); err != nil {
			return err
		}
	}
	unconfirmed := sweep.Delete(c.Context, account.Provider, there, c.Duration("wait"))
	for _, id := range there {
		outcome := deletion{Provider: account.Name, ID: id, Outcome: sweep.Deleted}
		if why, open := unconfirmed[id]; open {
			outcome.Outcome, outcome.Error = sweep.Unconfirmed, why.Error()
		}
		outcomes = append(outcomes, outcome)
	}
	if err := printDeletions(c, outcomes); err != nil {
		return err
	}
	switch {
	case len(unconfirmed) == 0:
		return nil
	case c.Context.Err() != nil:
		return ErrInterrupted
	}
	return fmt.Errorf("not confirmed gone: %d of %d; run the command again, or look at the provider's console", len(unconfirmed), len(there))
}

// deletion is what became of an endpoint, in JSON.
type deletion struct {
	Provider string        `json:"provider"`
	ID       string        `json:"id"`
	Outcome  sweep.Verdict `json:"outcome"` // deleted, unconfirmed, or absent
	Error    string        `json:"error,omitempty"`
}

// absent is the outcome for an endpoint that the provider did not have.
const absent sweep.Verdict = "absent"

func printDeletions(c *cli.Context, outcomes []deletion) error {
	if c.Bool("json") {
		return printJSON(c, outcomes)
	}
	for _, one := range outcomes {
		switch one.Outcome {
		case absent:
			fmt.Fprintf(c.App.Writer, "%s  %s does not have it: nothing to delete\n", shown(one.ID), one.Provider)
		case sweep.Unconfirmed:
			fmt.Fprintf(c.App.Writer, "%s  NOT CONFIRMED GONE: %s\n", shown(one.ID), one.Error)
		default:
			fmt.Fprintf(c.App.Writer, "%s  deleted; the provider's listing confirms it\n", shown(one.ID))
		}
	}
	return nil
}

// describeAll says what the ids are, and returns those that are still there, or
// that may be, and what is to be said of the others.
func describeAll(c *cli.Context, account sweep.Account, ids []string) (there []string, gone []deletion) {
	for _, id := range ids {
		state, err := account.Provider.Describe(c.Context, id)
		switch {
		case err != nil:
			fmt.Fprintf(c.App.ErrWriter, "%s  cannot be looked at: %v\n", shown(id), err)
		case state.Phase == provider.Gone:
			gone = append(gone, deletion{Provider: account.Name, ID: id, Outcome: absent})
			continue
		default:
			fmt.Fprintf(c.App.ErrWriter, "%s  %s  %s  %s\n", shown(id), shown(state.Name), state.Phase, hardware(state.Shape))
		}
		there = append(there, id)
	}
	return there, gone
}

// askToDelete returns nil if a person at a terminal says yes.
func askToDelete(c *cli.Context, providerName string, count int) error {
	if !isTerminal(c.App.Reader) {
		return badInput(errors.New("nobody can be asked here; to delete without asking: --yes"))
	}
	fmt.Fprintf(c.App.ErrWriter, "delete %d of %s? [y/N] ", count, providerName)
	if !saysYes(c.App.Reader) {
		return badInput(errors.New("nothing was deleted"))
	}
	return nil
}

// saysYes reads one line. No answer is a no.
func saysYes(in io.Reader) bool {
	answer, _ := bufio.NewReader(io.LimitReader(in, 100)).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
