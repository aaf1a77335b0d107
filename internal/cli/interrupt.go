package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/urfave/cli/v2"
)

// secondInterrupt is for how long a detached command waits for the Ctrl-C that
// cancels the job.
const secondInterrupt = 3 * time.Second

// interrupts are the Ctrl-Cs since it was made. What else ends a command, such
// as SIGTERM, is not among them.
type interrupts struct{ seen chan os.Signal }

func catchInterrupts() interrupts {
	i := interrupts{seen: make(chan os.Signal, 4)}
	signal.Notify(i.seen, os.Interrupt)
	return i
}

func (i interrupts) stop() { signal.Stop(i.seen) }

// detach leaves the job running and says how to come back to it. A second Ctrl-C
// soon after the first cancels the job.
func detach(c *cli.Context, connected *session, id string, interrupts interrupts) error {
	fmt.Fprintf(c.App.ErrWriter, "\nThe job goes on. Come back with: nightshift watch %s\nEnd it with: nightshift cancel %s\n", id, id)
	select {
	case <-interrupts.seen:
	default: // not by Ctrl-C: nobody is there to press it again
		return ErrInterrupted
	}
	fmt.Fprintf(c.App.ErrWriter, "Ctrl-C again within %s cancels the job\n", secondInterrupt)
	select {
	case <-interrupts.seen:
	case <-time.After(secondInterrupt):
		return ErrInterrupted
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(c.Context), 10*time.Second)
	defer stop()
	if err := connected.CancelWorkflow(ctx, id, ""); err != nil {
		return fmt.Errorf("cancel job %s: %w", id, err)
	}
	fmt.Fprintf(c.App.ErrWriter, "Cancelled: the job keeps what is answered and gives its endpoint back. See that it does: nightshift watch %s\n", id)
	return ErrInterrupted
}
